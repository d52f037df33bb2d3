"""/similar: the nearest words with a map, the similarity of two words, or the odd one out of several."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.similar.command import SimilarCommands


async def setup(bot: Tokenwise) -> None:
    await bot.add_cog(SimilarCommands(bot))
