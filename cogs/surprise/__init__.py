"""/surprise: how unexpected each token of a text was to the language model."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.shared.looking import register
from cogs.surprise.command import SurpriseView


async def setup(bot: Tokenwise) -> None:
    register(bot)
    await bot.add_cog(SurpriseView(bot))
