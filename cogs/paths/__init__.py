"""/paths: the most likely continuations of a text as a tree."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.paths.command import DrawAgain, PathsView
from cogs.shared.looking import register


async def setup(bot: Tokenwise) -> None:
    register(bot, DrawAgain)
    await bot.add_cog(PathsView(bot))
