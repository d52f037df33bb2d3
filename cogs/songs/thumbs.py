"""Like and dislike buttons. They work for everyone, in any message, after any restart, regardless of the models."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Collection, Coroutine
from typing import Any, Self, TypeVar
from weakref import WeakValueDictionary

import discord
from discord.components import SectionComponent, TextDisplay

from bot.client import Interaction
from cogs.shared.asking import caller
from cogs.shared.buttons import Button, ReportingItem
from cogs.shared.components import walk
from cogs.shared.text import CUSTOM_ID, size
from cogs.songs import opinions
from cogs.songs.messages import SongName, names_in
from cogs.songs.refusals import LikedSongGone
from models.failures import Failure
from models.results import Song
from models.service import GetSongs
from texts import say

T = TypeVar("T")

PATIENCE = 1.5
"""Seconds after which a press is acknowledged although it is not stored yet; Discord waits for 3."""
LIKE = "like:"
"""How the custom_id of a like button begins; the song's id follows."""

_locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
"""One for each message whose buttons are being changed, so that the newest state is the last to be shown."""


class ThumbUp(ReportingItem[Button], template=rf"(?s){LIKE}(?P<song>.+)"):
    """Likes a song, or removes the like."""

    def __init__(self, song_id: str, *, liked: bool = False) -> None:
        super().__init__(Button(emoji="👍", custom_id=f"{LIKE}{song_id}"))
        _look(self.item, liked=liked)
        self.song_id = song_id

    @classmethod
    def fits(cls, song: Song) -> bool:
        """Whether the song's id fits into a custom_id; ids may be of any length."""
        return 0 < size(song.id) <= CUSTOM_ID - size(LIKE)

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        return cls(match["song"])

    async def pressed(self, interaction: Interaction) -> None:
        message = interaction.message
        if message is not None and message.flags.ephemeral and message.flags.components_v2:
            async with _locks.setdefault(message.id, asyncio.Lock()):
                await self._turn_here(interaction, message)
        else:
            # A public message must not reveal a person's likes.
            await answer_in_time(interaction, self._turn(interaction))

    async def _turn(self, interaction: Interaction) -> str:
        song = await song_of(interaction, self.song_id)
        return await opinions.turn(interaction.client, interaction.user.id, song)

    async def _turn_here(self, interaction: Interaction, message: discord.Message) -> None:
        """Show the change in the message itself, which only this person sees."""

        async def turned() -> discord.ui.LayoutView:
            await self._turn(interaction)
            likes = await interaction.client.store.likes.list(interaction.user.id)
            return relabelled(message, {like.song.id for like in likes})

        async with patiently(turned()) as keeping:
            if keeping.done():
                await interaction.response.edit_message(view=keeping.result())
            else:
                await interaction.response.defer()
                await interaction.edit_original_response(view=await keeping)


class ThumbDown(ReportingItem[Button], template=r"(?s)dislike:(?P<song>.+)"):
    """Under lists of earlier versions: never recommends a song again."""

    def __init__(self, song_id: str) -> None:
        super().__init__(Button(emoji="👎", custom_id=f"dislike:{song_id}"))
        self.song_id = song_id

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        return cls(match["song"])

    async def pressed(self, interaction: Interaction) -> None:
        await answer_in_time(interaction, dislike(interaction, self.song_id))


def _look(button: discord.ui.Button[Any], *, liked: bool) -> None:
    button.label = say("button-liked" if liked else "button-like")
    button.style = discord.ButtonStyle.success if liked else discord.ButtonStyle.secondary


def relabelled(message: discord.Message, liked: Collection[str]) -> discord.ui.LayoutView:
    """The components of a message, with the like buttons updated for this person's likes."""
    view = discord.ui.LayoutView.from_message(message, timeout=1)
    for item in view.walk_children():
        if isinstance(item, discord.ui.Button) and (item.custom_id or "").startswith(LIKE):
            _look(item, liked=(item.custom_id or "").removeprefix(LIKE) in liked)
    view.stop()
    return view


async def dislike(interaction: Interaction, song_id: str) -> str:
    """Store the dislike of a song in a message; returns the confirmation."""
    song = await song_of(interaction, song_id)
    return await opinions.dislike(interaction.client, interaction.user.id, song)


async def answer_in_time(interaction: Interaction, saying: Coroutine[Any, Any, str]) -> None:
    """Answer privately after the change is on disk, so that a confirmed change is durable. If that takes long, the
    answer is deferred.
    """
    async with patiently(saying) as keeping:
        if keeping.done():
            await interaction.response.send_message(keeping.result(), ephemeral=True)
        else:
            await interaction.response.defer(ephemeral=True, thinking=True)
            await interaction.edit_original_response(content=await keeping)


@contextlib.asynccontextmanager
async def patiently(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """The work as a task, after it is done or PATIENCE has elapsed."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait([task], timeout=PATIENCE)
        yield task
    finally:
        task.cancel()


async def song_of(interaction: Interaction, song_id: str) -> Song:
    """A song by its position in the message of an interaction.

    The catalogue is used only if the message does not name the song, or clips a long title.
    """
    name = _name(interaction.message, song_id)
    if name is not None and not name.cut:
        return Song(song_id, name.title, name.artist)
    try:
        request = GetSongs(caller(interaction, typing=True), (song_id,))
        songs = await interaction.client.service.songs.get(request)
    except Failure:
        if name is None:
            raise
        songs = ()
    if songs:
        return songs[0]
    if name is None:
        raise LikedSongGone
    return Song(song_id, name.title, name.artist)


def _name(message: discord.Message | None, song_id: str) -> SongName | None:
    """The song as named in a list: in the section of its button or, in a list of an earlier version, in the line with
    the button's number.
    """
    for part in walk(message):
        if isinstance(part, SectionComponent) and _is_for(part.accessory, song_id):
            said = "\n".join(text.content for text in part.children if isinstance(text, TextDisplay))
            return next(iter(names_in(said).values()), None)
    for button in (part for part in walk(message) if _is_for(part, song_id)):
        number = (getattr(button, "label", None) or "").rpartition(" ")[2]
        for embed in message.embeds if message is not None and number.isdecimal() else ():
            if name := names_in(embed.description or "").get(int(number)):
                return name
    return None


def _is_for(part: object, song_id: str) -> bool:
    return getattr(part, "custom_id", None) in {f"{LIKE}{song_id}", f"dislike:{song_id}"}
