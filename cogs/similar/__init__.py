"""/similar: the nearest words and a map of them; how alike two words are; which of several fits least."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.similar.command import SimilarCommands


async def setup(bot: Tokenwise) -> None:
    await bot.add_cog(SimilarCommands(bot))
