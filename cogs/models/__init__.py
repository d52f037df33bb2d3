"""/models: show the loaded models and reload them."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.models.command import ModelCommands


async def setup(bot: Tokenwise) -> None:
    await bot.add_cog(ModelCommands(bot))
