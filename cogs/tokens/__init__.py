"""/tokens: how tokenizers split a text, and what is behind that; /decode: back from ids to text."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.tokens.command import ShowBytes, ShowCost, ShowIds, ShowMethod, ShowSpecialTokens, TokenCommands


async def setup(bot: Tokenwise) -> None:
    bot.add_dynamic_items(ShowIds, ShowBytes, ShowSpecialTokens, ShowMethod, ShowCost)
    await bot.add_cog(TokenCommands(bot))
