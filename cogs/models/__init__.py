"""/models: what is loaded, and loading it anew."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.models.command import Models


async def setup(bot: Tokenwise) -> None:
    await bot.add_cog(Models(bot))
