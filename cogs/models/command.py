"""/models: what is loaded, and loading it anew."""

from __future__ import annotations

import asyncio
import time
from typing import Literal

from discord import app_commands
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.failures import Refused
from bot.reload import reload
from cogs.models import messages
from cogs.shared.checks import require_admin
from cogs.shared.streaming import Editor
from models.failures import Failure
from models.lanes import Job
from models.results import Reload, State

Slot = Literal["language", "tokenizers", "encoder", "words", "songs"]
EDITABLE = 14 * 60
"""Seconds in which Discord lets the progress be shown."""


class Models(commands.GroupCog, name="models", description="The models behind the messages."):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot
        super().__init__()

    @app_commands.command(extras={"example": "/models status"})
    async def status(self, interaction: Interaction) -> None:
        """See which models are loaded, where they run and how busy they are."""
        lanes = self.bot.executor.status
        queues = {name: (lane.running, lane.waiting) for name, lane in lanes.items()}
        await interaction.response.send_message(embed=messages.statuses(self.bot.hub.status(), queues))

    # Discord can hide a whole group from members, not one command of it, and /models status is for
    # everybody: so who may reload is decided here.
    @app_commands.command(extras={"example": "/models reload slot:words"})
    @app_commands.describe(
        slot="What to load anew; questions under way finish on the old one",
        revision="A branch, tag or commit on the hub, downloaded first; else what the settings say now",
    )
    async def reload(
        self, interaction: Interaction, slot: Slot, revision: app_commands.Range[str, 1, 100] | None = None
    ) -> None:
        """Load a model anew, as the settings name it now (for people who manage the server)."""
        require_admin(interaction)
        loop = asyncio.get_running_loop()
        editor = Editor(interaction.edit_original_response)
        began = time.monotonic()

        def show(what: str, share: float | None) -> None:
            serving = any(it.state is State.READY for it in self.bot.hub.status(slot))
            seconds = time.monotonic() - began
            editor.show(content=messages.loading(slot, what, share, seconds, serving=serving))

        def work(job: Job) -> Reload:
            def progress(what: str, share: float | None) -> None:
                loop.call_soon_threadsafe(show, what, share)

            return reload(self.bot, slot, revision, job, progress)

        if slot not in self.bot.hub.slots:
            raise Refused(f"The settings have no section [{slot}], so there is nothing to load.")
        ticket = self.bot.executor.admit(
            "loading", work, user=interaction.user.id, timeout=EDITABLE, privileged=True
        )
        show("waiting for another load" if ticket.position else "beginning", None)
        try:
            await interaction.response.defer(ephemeral=True, thinking=True)
            editor.start()
            try:
                text = messages.loaded(await ticket)
            except Failure as error:
                # Not a mishap of this command but its outcome: it takes the place of the progress.
                text = messages.not_loaded(slot, str(error), self.bot.hub.status(slot))
            await editor.finish(lambda: {"content": text})
        finally:
            ticket.cancel()
