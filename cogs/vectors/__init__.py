"""/embed: a model's vectors for a text, and the effect of context on a word's vector."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.vectors.command import ExportVectors, VectorCommands


async def setup(bot: Tokenwise) -> None:
    bot.add_dynamic_items(ExportVectors)
    await bot.add_cog(VectorCommands(bot))
