"""/attention: the tokens of a text that a model attends to from a given token."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.attention.command import AttentionView
from cogs.attention.menus import GoToHead, HeadMenu, LayerMenu, TokenMenu
from cogs.shared.looking import register


async def setup(bot: Tokenwise) -> None:
    register(bot, LayerMenu, HeadMenu, TokenMenu, GoToHead)
    await bot.add_cog(AttentionView(bot))
