"""/privacy: show, export, share or delete a person's data."""

from __future__ import annotations

import io
import json

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from cogs.shared.buttons import Buttons, KeepButton, OwnButton, own_template
from cogs.shared.guide import Topic, guide
from cogs.shared.mentions import mention
from texts import say


class DeleteEverythingButton(OwnButton, template=own_template("privacy-delete")):
    name = "privacy-delete"
    label = "button-privacy-delete"
    style = discord.ButtonStyle.danger

    async def act(self, interaction: Interaction) -> None:
        await interaction.response.defer()
        records = await interaction.client.store.forget(self.user_id)
        await interaction.edit_original_response(content=say("privacy-deleted", records=records), view=None)


class PrivacyCommands(
    commands.GroupCog, name="privacy", description="What this bot keeps about you, and how to delete it."
):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot
        super().__init__()

    @app_commands.command(extras=guide(Topic.DATA, "/privacy show"))
    async def show(self, interaction: Interaction) -> None:
        """Read what is kept about you, and whether others may use it."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        user, store = interaction.user.id, self.bot.store
        delete = mention(self.bot, "privacy delete")
        content = say(
            "privacy-show",
            likes=await store.likes.count(user),
            dislikes=len(await store.likes.dislikes(user)),
            boards=await store.boards.count(user),
            sharing=_sharing(self.bot, allowed=await store.consents.shares(user)),
            export=mention(self.bot, "privacy export"),
            delete=delete,
        )
        if self.bot.settings.audit.enabled:
            content += f"\n{say('privacy-audit', delete=delete)}"
        await interaction.edit_original_response(content=content)

    @app_commands.command(extras=guide(Topic.DATA, "/privacy export"))
    async def export(self, interaction: Interaction) -> None:
        """Get everything that is kept about you as a file."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        user = interaction.user.id
        data = {"user_id": str(user), **await self.bot.store.export(user)}
        text = json.dumps(data, ensure_ascii=False, indent=2)
        file = discord.File(io.BytesIO(text.encode()), "tokenwise-data.json")
        await interaction.edit_original_response(content=say("privacy-exported"), attachments=[file])

    @app_commands.command(extras=guide(Topic.DATA, "/privacy share allowed:True"))
    @app_commands.describe(allowed="True lets others get songs from your likes and theirs together")
    async def share(self, interaction: Interaction, allowed: bool) -> None:
        """Let others get recommendations from your likes and theirs together, or no longer."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self.bot.store.consents.share(interaction.user.id, allowed=allowed)
        await interaction.edit_original_response(content=_sharing(self.bot, allowed=allowed))

    @app_commands.command(extras=guide(Topic.DATA, "/privacy delete"))
    async def delete(self, interaction: Interaction) -> None:
        """Delete everything that is kept about you, after a confirmation."""
        user = interaction.user.id
        await interaction.response.send_message(
            say("privacy-delete-question", export=mention(self.bot, "privacy export")),
            view=Buttons(DeleteEverythingButton(user), KeepButton(user)),
            ephemeral=True,
        )


def _sharing(bot: Tokenwise, *, allowed: bool) -> str:
    return say(
        "privacy-sharing" if allowed else "privacy-not-sharing",
        recommend=mention(bot, "recommend"),
        share=mention(bot, "privacy share"),
    )
