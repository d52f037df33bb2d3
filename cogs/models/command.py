"""/models: show the loaded models and reload them."""

from __future__ import annotations

import time
from contextlib import aclosing

from discord import app_commands
from discord.ext import commands

from bot import errors
from bot.admins import is_admin
from bot.client import Interaction, Tokenwise
from bot.failures import NoSection
from bot.reload import reload
from cogs.models import messages
from cogs.shared.asking import caller
from cogs.shared.checks import require_admin
from cogs.shared.guide import Topic, guide
from cogs.shared.streaming import Editor
from models.failures import Failure
from models.results import Reload, State
from models.slots import SLOTS


class ModelCommands(commands.GroupCog, name="models", description="The models behind the answers."):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot
        super().__init__()

    @app_commands.command(extras=guide(Topic.ABOUT, "/models status"))
    async def status(self, interaction: Interaction) -> None:
        """See which models are loaded, where they run and how busy they are."""
        status = await self.bot.service.status()
        await interaction.response.send_message(
            embed=messages.statuses(status, self.bot.drawing.status, self.bot.uptime)
        )
        # Everyone sees the status; only admins see how to fix a failure.
        if is_admin(interaction) and (hints := messages.hints(status)):
            await interaction.followup.send(hints, ephemeral=True)

    # Discord can hide a whole command group from members, but not a single subcommand, and /models status is
    # for everyone: so the right to reload is checked here.
    @app_commands.command(extras=guide(Topic.ADMIN, "/models reload slot:words"))
    @app_commands.describe(
        slot="Which model to reload; running requests finish on the old one",
        revision="A branch, tag or commit on the hub, downloaded first; by default the one in the settings",
    )
    @app_commands.choices(slot=[app_commands.Choice(name=name, value=name) for name in SLOTS])
    async def reload(
        self, interaction: Interaction, slot: str, revision: app_commands.Range[str, 1, 100] | None = None
    ) -> None:
        """Reload a model with the current settings (only for the people who run the bot)."""
        require_admin(interaction)
        if slot not in self.bot.service.slots:
            raise NoSection(slot)
        await interaction.response.defer(ephemeral=True, thinking=True)
        editor = Editor(interaction.edit_original_response)
        editor.start()
        try:
            text = await self._reload(interaction, slot, revision, editor)
        except Failure as error:
            # This is the command's outcome, not an unexpected error: it replaces the progress message.
            status = (await self.bot.service.status()).slot(slot)
            serving = status is not None and status.state is State.READY
            text = messages.not_loaded(slot, errors.told(error, admin=True), serving=serving)
        await editor.finish(lambda: {"content": text})

    async def _reload(self, interaction: Interaction, slot: str, revision: str | None, editor: Editor) -> str:
        """Show the progress in the editor; returns the final message."""
        began = time.monotonic()
        text = ""
        async with aclosing(reload(self.bot, caller(interaction), slot, revision)) as items:
            async for item in items:
                if isinstance(item, Reload):
                    text = messages.loaded(item)
                else:
                    editor.show(content=messages.loading(slot, item, time.monotonic() - began))
        return text
