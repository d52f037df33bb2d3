"""/lens: the next token that each layer of the language model would predict."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.lens.command import LensView, TurnLens
from cogs.shared.looking import register


async def setup(bot: Tokenwise) -> None:
    register(bot, TurnLens)
    await bot.add_cog(LensView(bot))
