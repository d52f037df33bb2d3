"""/generate: a prompt is continued while everybody watches."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.generate.command import Again, Continue, Generate, Stop, Tokens, Why


async def setup(bot: Tokenwise) -> None:
    bot.add_dynamic_items(Stop, Tokens, Why, Continue, Again)
    await bot.add_cog(Generate(bot))
