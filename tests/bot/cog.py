"""Commands that do on demand what commands do: answer, take long, and fail in every state."""

from __future__ import annotations

import sqlite3
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.errors import report
from bot.failures import Refused, StoreUnavailable
from cogs.shared.asking import caller
from models.failures import LaneFull
from models.local import LocalService

FAILURES: dict[str, Exception] = {
    "refused": Refused("The text is empty. Write something."),
    "busy": LaneFull(4, 3),
    "unforeseen": ZeroDivisionError("/secret/path/to/file.py"),
    "database": StoreUnavailable(),
}
FAILURES["database"].__cause__ = sqlite3.OperationalError("disk I/O error in /secret/path")


class Press(discord.ui.View):
    @discord.ui.button(label="Break", custom_id="break")
    async def press(self, interaction: Interaction, _: discord.ui.Button[Press]) -> None:
        await interaction.response.defer()
        raise FAILURES["refused"]

    async def on_error(self, interaction: Interaction, error: Exception, _: Any) -> None:  # type: ignore[override]
        await report(interaction, error)


class Trials(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot

    @app_commands.command()
    async def echo(self, interaction: Interaction, text: str) -> None:
        """Answer at once."""
        await interaction.response.send_message(text)

    @app_commands.command()
    async def slow(self, interaction: Interaction) -> None:
        """Answer when the model does."""
        service = self.bot.service
        assert isinstance(service, LocalService)
        ticket = service.admit("language", caller(interaction), lambda job, model: model.answer(job))
        await interaction.response.defer()
        await interaction.edit_original_response(content=await ticket)

    @app_commands.command()
    async def fail(self, interaction: Interaction, how: str, after: str = "nothing") -> None:
        """Fail after something."""
        if after == "deferring":
            await interaction.response.defer()
        elif after == "deferring privately":
            await interaction.response.defer(ephemeral=True)
        elif after == "showing":
            await interaction.response.defer()
            await interaction.edit_original_response(content="half of a text")
        elif after == "answering":
            await interaction.response.send_message("an answer")
        elif after == "deleting":
            await interaction.response.defer()
            await interaction.delete_original_response()
        raise FAILURES[how]

    @app_commands.command()
    @app_commands.checks.has_permissions(manage_guild=True)
    async def managed(self, interaction: Interaction) -> None:
        """For those who manage the server."""
        await interaction.response.send_message("managed")

    @app_commands.command()
    async def button(self, interaction: Interaction) -> None:
        """Show a button that breaks."""
        await interaction.response.send_message("press", view=Press())


async def setup(bot: Tokenwise) -> None:
    await bot.add_cog(Trials(bot))
