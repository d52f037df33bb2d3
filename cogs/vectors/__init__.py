"""/embed: the vectors that a model makes of a text, and what a context does to a word's vector."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.vectors.command import ExportVectors, VectorCommands


async def setup(bot: Tokenwise) -> None:
    bot.add_dynamic_items(ExportVectors)
    await bot.add_cog(VectorCommands(bot))
