"""/next: what could come next in a text, and a group that writes it on, token by token."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.next.board import BUTTONS, MENUS
from cogs.next.command import NextView
from cogs.shared.looking import register


async def setup(bot: Tokenwise) -> None:
    register(bot, *BUTTONS, *MENUS)
    await bot.add_cog(NextView(bot))
