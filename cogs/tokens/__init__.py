"""/tokens: how tokenizers split a text, and details of the process; /decode: from ids back to text."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.tokens.command import BUTTONS, TokenCommands, TokensMenu


async def setup(bot: Tokenwise) -> None:
    bot.add_dynamic_items(*BUTTONS)
    await bot.add_cog(TokenCommands(bot))
    await bot.add_cog(TokensMenu(bot))
