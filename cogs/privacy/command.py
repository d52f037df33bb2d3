"""/privacy: what is kept about somebody, as a file, or gone; and who may build on it."""

from __future__ import annotations

import io
import json
from typing import Protocol, runtime_checkable

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from cogs.shared.buttons import Buttons, Keep, OwnButton, own
from cogs.shared.mentions import mention
from cogs.shared.text import count


@runtime_checkable
class Keeper(Protocol):
    """A cog that keeps something about people in the store. `keeps` completes the sentence "I keep ..."."""

    keeps: str


def what_is_kept(bot: Tokenwise) -> str:
    return "; ".join(cog.keeps for cog in bot.cogs.values() if isinstance(cog, Keeper))


class Delete(OwnButton, template=own("privacy-delete")):
    name = "privacy-delete"
    label = "Delete everything"
    style = discord.ButtonStyle.danger

    async def act(self, interaction: Interaction) -> None:
        await interaction.response.defer()
        deleted = await interaction.client.store.forget(self.user_id)
        done = f"Deleted: {count(deleted, 'record')}. I keep nothing about you now."
        await interaction.edit_original_response(content=done, view=None)


class Privacy(
    commands.GroupCog, name="privacy", description="What this bot keeps about you, and how to delete it."
):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot
        super().__init__()

    @app_commands.command(extras={"example": "/privacy show"})
    async def show(self, interaction: Interaction) -> None:
        """Read what is kept about you, and whether others may build on it."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        user = interaction.user.id
        likes, dislikes = (
            await self.bot.store.likes.count(user),
            len(await self.bot.store.likes.dislikes(user)),
        )
        sharing = _sharing(self.bot, allowed=await self.bot.store.consents.shares(user))
        await interaction.edit_original_response(
            content=f"Under your Discord id I keep {what_is_kept(self.bot)}. At the moment that is"
            f" {count(likes, 'song')} you like and {count(dislikes, 'song')} you do not. {sharing}\n"
            "What you ask and what I answer is never written to a disk, nor to my log. The latest of it stays in"
            " memory, without your name, for the buttons under an answer, until I restart. Nothing leaves the machine I run on, except the answers, which go to Discord.\n"
            f"{mention(self.bot, 'privacy export')} gives you all of it as a file,"
            f" {mention(self.bot, 'privacy delete')} deletes all of it."
        )

    @app_commands.command(extras={"example": "/privacy export"})
    async def export(self, interaction: Interaction) -> None:
        """Get everything that is kept about you as a file."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        user = interaction.user.id
        data = {"user_id": str(user)} | await self.bot.store.export(user)
        text = json.dumps(data, ensure_ascii=False, indent=2)
        file = discord.File(io.BytesIO(text.encode()), "tokenwise-data.json")
        await interaction.edit_original_response(
            content="This is everything I keep about you.", attachments=[file]
        )

    @app_commands.command(extras={"example": "/privacy share allowed:True"})
    @app_commands.describe(allowed="True lets others get songs from your likes and theirs together")
    async def share(self, interaction: Interaction, allowed: bool) -> None:
        """Let others get recommendations from your likes and theirs together, or no longer."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self.bot.store.consents.share(interaction.user.id, allowed=allowed)
        await interaction.edit_original_response(content=_sharing(self.bot, allowed=allowed))

    @app_commands.command(extras={"example": "/privacy delete"})
    async def delete(self, interaction: Interaction) -> None:
        """Delete everything that is kept about you; asks first."""
        user = interaction.user.id
        await interaction.response.send_message(
            f"Delete everything I keep about you? This cannot be undone."
            f" {mention(self.bot, 'privacy export')} gives you a copy first.",
            view=Buttons(Delete(user), Keep(user)),
            ephemeral=True,
        )


def _sharing(bot: Tokenwise, *, allowed: bool) -> str:
    name, change = mention(bot, "recommend"), mention(bot, "privacy share")
    if allowed:
        return (
            f"Others may name you in {name}, and get songs from your likes and theirs together; an answer names"
            f" the songs of yours that led to it. {change} ends that at once."
        )
    return f"Nobody can name you in {name}: your likes count for you alone. {change} lets them."
