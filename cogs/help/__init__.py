"""/help: the commands, each with an example."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.help.command import HelpCommands


async def setup(bot: Tokenwise) -> None:
    await bot.add_cog(HelpCommands(bot))
