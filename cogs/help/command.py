"""/help: what there is, with an example of each."""

from __future__ import annotations

from collections.abc import Iterator

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from cogs.shared.mentions import mention
from cogs.shared.reply import BLUE
from cogs.shared.text import DESCRIPTION, clip
from texts import say


def every_command(bot: Tokenwise) -> Iterator[app_commands.Command[commands.Cog, ..., None]]:
    """Every slash command, those inside groups too, in the order of their names."""
    every = [command for command in bot.tree.walk_commands() if isinstance(command, app_commands.Command)]
    yield from sorted(every, key=lambda command: command.qualified_name)


class HelpCommands(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot

    @app_commands.command(extras={"example": "/help"})
    async def help(self, interaction: Interaction) -> None:
        """See what you can ask, with examples."""
        lines = [
            f"{mention(self.bot, command.qualified_name)} {command.description}{_example(command)}"
            for command in every_command(self.bot)
        ]
        embed = discord.Embed(
            title=say("help-title"),
            description=clip("\n".join([say("help-click"), "", *lines]), DESCRIPTION),
            colour=BLUE,
        )
        await interaction.response.send_message(embed=embed, ephemeral=True)


def _example(command: app_commands.Command[commands.Cog, ..., None]) -> str:
    """A line with an example, where it says more than the command's name."""
    example = command.extras.get("example", "")
    return f"\n-# `{example}`" if example not in {"", f"/{command.qualified_name}"} else ""
