"""/likes: the songs somebody likes and does not like, for their eyes only."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, Literal

import discord
from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.failures import Refused
from bot.store.likes import Like as Liked
from cogs.shared.asking import answered
from cogs.shared.buttons import Buttons, Keep, OwnButton, own
from cogs.shared.mentions import mention
from cogs.shared.text import count, inline
from cogs.songs import messages
from cogs.songs.picking import Picked, pick, song_choices, suggest_songs
from cogs.songs.thumbs import disliked
from models.results import Song

PAGE = 15


class Page(OwnButton, template=own("likes-page")):
    """Turns to the page that is its argument, counted from 0."""

    name = "likes-page"
    label = "Page"

    def __init__(self, user_id: int, argument: int = 0) -> None:
        super().__init__(user_id, argument)
        self.item.label = f"Page {argument + 1}"

    async def act(self, interaction: Interaction) -> None:
        await interaction.response.defer()
        page = await listed(interaction.client, self.user_id, self.argument)
        await interaction.edit_original_response(**page)


class Clear(OwnButton, template=own("likes-clear")):
    name = "likes-clear"
    label = "Take all back"
    style = discord.ButtonStyle.danger

    async def act(self, interaction: Interaction) -> None:
        await interaction.response.defer()
        number = await interaction.client.likes.clear(self.user_id)
        done = f"You like no songs any more; {count(number, 'like')} taken back."
        await interaction.edit_original_response(content=done, view=None)


async def listed(bot: Tokenwise, user_id: int, number: int) -> dict[str, Any]:
    """One page of somebody's songs, as an edit; the nearest page if there is none of that number."""
    likes = await bot.likes.list(user_id)
    pages = max(1, -(-len(likes) // PAGE))
    number = min(number, pages - 1)
    turns = [Page(user_id, other) for other in (number - 1, number + 1) if 0 <= other < pages]
    on_it = likes[number * PAGE : (number + 1) * PAGE]
    embed = messages.liked_songs(on_it, number * PAGE, len(likes), await bot.likes.dislikes(user_id))
    if not likes:
        embed.description = (
            f"No songs yet. Add one with {mention(bot, 'likes add')}, or press Like under a song"
            f" that {mention(bot, 'recommend')} shows."
        )
    elif pages > 1:
        embed.set_footer(text=f"page {number + 1} of {pages}")
    return {"embed": embed, "view": Buttons(*turns) if turns else None}


class Likes(commands.GroupCog, name="likes", description="The songs you like: only you see them."):
    keeps = "the songs you like and do not like, with the time you said so, and whether others may build on your likes"

    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot
        super().__init__()

    @app_commands.command(name="list", extras={"example": "/likes list"})
    async def show(self, interaction: Interaction) -> None:
        """See the songs you like, and those you do not want to be recommended."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await interaction.edit_original_response(**await listed(self.bot, interaction.user.id, 0))

    @app_commands.command(extras={"example": "/likes add song:Bohemian Rhapsody"})
    @app_commands.describe(song="Part of a title or an artist; choose from the list that appears")
    async def add(self, interaction: Interaction, song: Range[str, 1, 100]) -> None:
        """Like a song, so that recommendations start from it."""
        ticket = self.bot.ask(interaction, "songs", lambda _job, model: pick(model, song))
        picked: Picked = await answered(interaction, ticket, private=True)
        title = messages.song(picked.song)
        added = await self.bot.likes.add(interaction.user.id, picked.song)
        how = f" I took “{inline(song, 100)}” to mean it." if picked.guessed else ""
        undo = f" {mention(self.bot, 'likes remove')} takes it back."
        said = f"👍 You like {title} now." if added else f"You like {title} already."
        await interaction.edit_original_response(content=said + how + undo)

    @app_commands.command(extras={"example": "/likes remove song:Bohemian Rhapsody"})
    @app_commands.describe(song="One of the songs you like; choose from the list that appears")
    async def remove(self, interaction: Interaction, song: Range[str, 1, 100]) -> None:
        """Take a like back."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        chosen = _chosen(await self._liked(interaction), song, "songs you like")
        await self.bot.likes.remove(interaction.user.id, chosen.id)
        await interaction.edit_original_response(content=f"You no longer like {messages.song(chosen)}.")

    @app_commands.command(extras={"example": "/likes dislike song:Bohemian Rhapsody"})
    @app_commands.describe(song="Part of a title or an artist; choose from the list that appears")
    async def dislike(self, interaction: Interaction, song: Range[str, 1, 100]) -> None:
        """Never have a song recommended to you, nor other versions of it."""
        ticket = self.bot.ask(interaction, "songs", lambda _job, model: pick(model, song))
        picked: Picked = await answered(interaction, ticket, private=True)
        how = f" I took “{inline(song, 100)}” to mean it." if picked.guessed else ""
        said = await disliked(self.bot, interaction.user.id, picked.song)
        await interaction.edit_original_response(content=said + how)

    @app_commands.command(extras={"example": "/likes undislike song:Bohemian Rhapsody"})
    @app_commands.describe(song="One of the songs you do not like; choose from the list that appears")
    async def undislike(self, interaction: Interaction, song: Range[str, 1, 100]) -> None:
        """Let a song be recommended to you again."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        own_songs = await self.bot.likes.dislikes(interaction.user.id)
        chosen = _chosen(own_songs, song, "songs you do not want to be recommended")
        await self.bot.likes.undislike(interaction.user.id, chosen.id)
        said = f"{messages.song(chosen)} may be recommended to you again."
        await interaction.edit_original_response(content=said)

    @app_commands.command(extras={"example": "/likes clear"})
    async def clear(self, interaction: Interaction) -> None:
        """Take all your likes back; asks first."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        number = await self.bot.likes.count(interaction.user.id)
        user = interaction.user.id
        await interaction.edit_original_response(
            content=f"Take back {count(number, 'like')}? This cannot be undone."
            if number
            else "You like no songs, so there is nothing to take back.",
            view=Buttons(Clear(user), Keep(user)) if number else None,
        )

    @app_commands.command(extras={"example": "/likes export file_format:csv"})
    @app_commands.describe(file_format="csv opens in a spreadsheet, json in a program")
    async def export(self, interaction: Interaction, file_format: Literal["json", "csv"] = "json") -> None:
        """Get the songs you like as a file."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        likes = await self.bot.likes.list(interaction.user.id)
        text = _csv(likes) if file_format == "csv" else _json(likes)
        file = discord.File(io.BytesIO(text.encode()), f"likes.{file_format}")
        await interaction.edit_original_response(
            content=f"In this file: {count(len(likes), 'song')}.", attachments=[file]
        )

    @add.autocomplete("song")
    @dislike.autocomplete("song")
    async def all_songs(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await suggest_songs(interaction, current)

    @remove.autocomplete("song")
    async def own_songs(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return song_choices(_like(await self._liked(interaction), current))

    @undislike.autocomplete("song")
    async def own_dislikes(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return song_choices(_like(await self.bot.likes.dislikes(interaction.user.id), current))

    async def _liked(self, interaction: Interaction) -> list[Song]:
        return [like.song for like in await self.bot.likes.list(interaction.user.id)]

    async def personal_data(self, user_id: int) -> dict[str, Any]:
        return await self.bot.likes.export(user_id)

    async def forget(self, user_id: int) -> int:
        return await self.bot.likes.forget(user_id)


def _chosen(songs: Sequence[Song], named: str, which: str) -> Song:
    """The one of these songs that has this id, or matches this text; Refused unless it is one."""
    if (chosen := next((one for one in songs if one.id == named), None)) is not None:
        return chosen
    matching = _like(songs, named)
    if len(matching) != 1:
        raise Refused(
            f"{'Several' if matching else 'None'} of the {which} match “{inline(named, 100)}”."
            " Choose one from the list that appears while you type."
        )
    return matching[0]


def _like(songs: Sequence[Song], text: str) -> list[Song]:
    wanted = text.casefold().split()
    return [song for song in songs if all(word in song.label.casefold() for word in wanted)]


def _json(likes: Sequence[Liked]) -> str:
    return json.dumps([_record(like) for like in likes], ensure_ascii=False, indent=2)


def _csv(likes: Sequence[Liked]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, ["id", "title", "artist", "liked_at"])
    writer.writeheader()
    writer.writerows(_record(like) for like in likes)
    return file.getvalue()


def _record(like: Liked) -> dict[str, str]:
    song = like.song
    return {"id": song.id, "title": song.title, "artist": song.artist, "liked_at": like.liked_at.isoformat()}
