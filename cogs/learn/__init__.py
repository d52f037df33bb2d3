"""/learn: short lessons, from text continuation to songs from playlists."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.learn.command import LearnCommands, LessonButton


async def setup(bot: Tokenwise) -> None:
    bot.add_dynamic_items(LessonButton)
    await bot.add_cog(LearnCommands(bot))
