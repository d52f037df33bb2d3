"""/next: the possible next tokens of a text, and a board on which a group continues it token by token."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.next.board import BUTTONS, MENUS
from cogs.next.command import NextView
from cogs.shared.looking import register


async def setup(bot: Tokenwise) -> None:
    register(bot, *BUTTONS, *MENUS)
    await bot.add_cog(NextView(bot))
