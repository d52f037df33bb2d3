"""/likes: the songs a person likes and dislikes, shown only to them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, Self

import discord
from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.store import LikedSong
from cogs.shared.asking import answered, suggested
from cogs.shared.buttons import (
    Buttons,
    KeepButton,
    OwnButton,
    ReportingMenu,
    SomebodyElsesButton,
    own_template,
)
from cogs.shared.guide import Topic, guide
from cogs.shared.layout import row, show_layout
from cogs.shared.mentions import mention
from cogs.shared.text import CHOICE, CHOICES, clip, harmless, inline, size
from cogs.songs import messages, opinions
from cogs.songs.finding import find_song, popular, song_choices, suggest_songs
from cogs.songs.layout import songs_layout
from cogs.songs.refusals import NotOneOfYourSongs
from models.results import Song
from models.service import SongMatch
from texts import say

PAGE = 10
"""Songs on one page of the list."""


class LikesPageButton(OwnButton, template=own_template("likes-page")):
    """Shows the page that is its argument, counted from 0."""

    name = "likes-page"

    def __init__(self, user_id: int, argument: int = 0) -> None:
        super().__init__(user_id, argument, say("button-likes-page", page=argument + 1))

    async def act(self, interaction: Interaction) -> None:
        await interaction.response.defer()
        await show_likes(interaction, self.argument)


class ClearLikesButton(OwnButton, template=own_template("likes-clear")):
    name = "likes-clear"
    label = "button-likes-clear"
    style = discord.ButtonStyle.danger

    async def act(self, interaction: Interaction) -> None:
        await interaction.response.defer()
        likes = await interaction.client.store.likes.clear(self.user_id)
        await interaction.edit_original_response(content=say("likes-cleared", likes=likes), view=None)


class UndislikeMenu(ReportingMenu, template=r"undislike:(?P<user>\d+):(?P<page>\d+)"):
    """Allows one of the person's disliked songs to be recommended again; `page` is that of the likes above."""

    everywhere = True

    def __init__(self, user_id: int, page: int, songs: Sequence[Song] = ()) -> None:
        options = [
            discord.SelectOption(
                label=clip(harmless(song.title).strip(), CHOICE) or "?",
                value=song.id,
                description=clip(harmless(song.artist).strip(), CHOICE) or None,
            )
            for song in songs[:CHOICES]
        ]
        super().__init__(
            discord.ui.Select(
                custom_id=f"undislike:{user_id}:{page}", placeholder=say("likes-undislike"), options=options
            )
        )
        self.user_id, self.page = user_id, page

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        return cls(int(match["user"]), int(match["page"]))

    async def pressed(self, interaction: Interaction) -> None:
        if interaction.user.id != self.user_id:
            raise SomebodyElsesButton
        await interaction.response.defer()
        await interaction.client.store.likes.undislike(self.user_id, self.item.values[0])
        await show_likes(interaction, self.page)


async def show_likes(interaction: Interaction, number: int) -> None:
    """Show one page of the person's songs; the nearest page if the number does not exist."""
    bot, user_id = interaction.client, interaction.user.id
    likes = await bot.store.likes.list(user_id)
    dislikes = await bot.store.likes.dislikes(user_id)
    pages = max(1, -(-len(likes) // PAGE))
    number = min(number, pages - 1)
    on_page = likes[number * PAGE : (number + 1) * PAGE]
    foot = say("likes-page", page=number + 1, pages=pages) if pages > 1 else ""
    listing = messages.liked_songs(on_page, number * PAGE, foot)
    if not likes:
        none = say("likes-none", add=mention(bot, "likes add"), recommend=mention(bot, "recommend"))
        listing = replace(listing, head=f"{listing.head}\n{none}")
    turns = [LikesPageButton(user_id, other) for other in (number - 1, number + 1) if 0 <= other < pages]
    known = [song for song in dislikes if 0 < size(song.id) <= CHOICE]
    rows = [row(UndislikeMenu(user_id, number, known))] if known else []
    rows += [row(*turns)] if turns else []
    more = messages.unwanted_songs(dislikes) if dislikes else ""
    songs = [like.song for like in on_page]
    await show_layout(interaction, songs_layout(listing, songs, *rows, liked=True, more=more))


class LikesCommands(commands.GroupCog, name="likes", description=say("likes-description")):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot
        super().__init__()

    @app_commands.command(
        description=say("likes-list-description"),
        name="list",
        extras=guide(Topic.LIKES, "/likes list", "songs"),
    )
    async def show(self, interaction: Interaction) -> None:
        """See the songs you like and those you never want recommended."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await show_likes(interaction, 0)

    @app_commands.command(
        description=say("likes-add-description"),
        extras=guide(Topic.LIKES, "/likes add song:Bohemian Rhapsody", "songs", popular("/likes add song:")),
    )
    @app_commands.describe(song=say("likes-option-any"))
    async def add(self, interaction: Interaction, song: Range[str, 1, 100]) -> None:
        """Like a song, so that recommendations start from it."""
        match = await answered(interaction, find_song(interaction, song), private=True)
        said = await opinions.like(self.bot, interaction.user.id, match.song, _guess(match, song))
        await interaction.edit_original_response(content=said)

    @app_commands.command(
        description=say("likes-remove-description"),
        extras=guide(Topic.LIKES, "/likes remove song:Bohemian Rhapsody", "songs"),
    )
    @app_commands.describe(song=say("likes-option-liked"))
    async def remove(self, interaction: Interaction, song: Range[str, 1, 100]) -> None:
        """Remove a like."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        chosen = _chosen(await self._liked(interaction), song, "like")
        await self.bot.store.likes.remove(interaction.user.id, chosen.id)
        await interaction.edit_original_response(content=say("like-removed", song=messages.song(chosen)))

    @app_commands.command(
        description=say("likes-dislike-description"),
        extras=guide(
            Topic.LIKES, "/likes dislike song:Bohemian Rhapsody", "songs", popular("/likes dislike song:")
        ),
    )
    @app_commands.describe(song=say("likes-option-any"))
    async def dislike(self, interaction: Interaction, song: Range[str, 1, 100]) -> None:
        """Never have a song, or other versions of it, recommended to you."""
        match = await answered(interaction, find_song(interaction, song), private=True)
        said = await opinions.dislike(self.bot, interaction.user.id, match.song, _guess(match, song))
        await interaction.edit_original_response(content=said)

    @app_commands.command(
        description=say("likes-undislike-description"),
        extras=guide(Topic.LIKES, "/likes undislike song:Bohemian Rhapsody", "songs"),
    )
    @app_commands.describe(song=say("likes-option-disliked"))
    async def undislike(self, interaction: Interaction, song: Range[str, 1, 100]) -> None:
        """Let a song be recommended to you again."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        chosen = _chosen(await self.bot.store.likes.dislikes(interaction.user.id), song, "dislike")
        await self.bot.store.likes.undislike(interaction.user.id, chosen.id)
        await interaction.edit_original_response(content=say("dislike-removed", song=messages.song(chosen)))

    @app_commands.command(
        description=say("likes-clear-description"), extras=guide(Topic.LIKES, "/likes clear", "songs")
    )
    async def clear(self, interaction: Interaction) -> None:
        """Remove all your likes, after a confirmation."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        user = interaction.user.id
        likes = await self.bot.store.likes.count(user)
        await interaction.edit_original_response(
            content=say("likes-clear-question", likes=likes) if likes else say("likes-clear-nothing"),
            view=Buttons(ClearLikesButton(user), KeepButton(user)) if likes else None,
        )

    @app_commands.command(
        description=say("likes-export-description"),
        extras=guide(Topic.LIKES, "/likes export file_format:csv", "songs"),
    )
    @app_commands.describe(file_format="csv opens in a spreadsheet, json in a program")
    async def export(self, interaction: Interaction, file_format: Literal["json", "csv"] = "json") -> None:
        """Get the songs you like as a file."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        likes = await self.bot.store.likes.list(interaction.user.id)
        text = _csv(likes) if file_format == "csv" else _json(likes)
        file = discord.File(io.BytesIO(text.encode()), f"likes.{file_format}")
        await interaction.edit_original_response(
            content=say("likes-exported", songs=len(likes)), attachments=[file]
        )

    @add.autocomplete("song")
    @dislike.autocomplete("song")
    async def all_songs(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await suggest_songs(interaction, current)

    @remove.autocomplete("song")
    async def own_songs(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return song_choices(_matching(await suggested(self._liked(interaction)), current))

    @undislike.autocomplete("song")
    async def own_dislikes(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        dislikes = await suggested(self.bot.store.likes.dislikes(interaction.user.id))
        return song_choices(_matching(dislikes, current))

    async def _liked(self, interaction: Interaction) -> list[Song]:
        return [like.song for like in await self.bot.store.likes.list(interaction.user.id)]


def _guess(match: SongMatch, typed: str) -> str:
    """The note for a song that was matched approximately."""
    return say("song-guessed", typed=inline(typed, 100)) if match.guessed else ""


def _chosen(songs: Sequence[Song], typed: str, opinion: Literal["like", "dislike"]) -> Song:
    """The song with this id or matching this text; raises Refused unless exactly one matches."""
    if (chosen := next((song for song in songs if song.id == typed), None)) is not None:
        return chosen
    matching = _matching(songs, typed)
    if len(matching) != 1:
        raise NotOneOfYourSongs(typed, opinion, len(matching))
    return matching[0]


def _matching(songs: Sequence[Song], text: str) -> list[Song]:
    wanted = text.casefold().split()
    return [song for song in songs if all(word in song.label.casefold() for word in wanted)]


def _json(likes: Sequence[LikedSong]) -> str:
    return json.dumps([_record(like) for like in likes], ensure_ascii=False, indent=2)


def _csv(likes: Sequence[LikedSong]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, ["id", "title", "artist", "liked_at"])
    writer.writeheader()
    writer.writerows(_record(like) for like in likes)
    return file.getvalue()


def _record(like: LikedSong) -> dict[str, str]:
    song = like.song
    return {"id": song.id, "title": song.title, "artist": song.artist, "liked_at": like.liked_at.isoformat()}
