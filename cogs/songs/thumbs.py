"""Thumbs up and down for a song. They work for anybody, in any message, after any restart, whatever the models do."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import ClassVar, Self

import discord

from bot.client import Interaction
from cogs.shared.asking import caller
from cogs.shared.buttons import NOBODY, Button, ReportingItem
from cogs.shared.text import CUSTOM_ID, size
from cogs.songs import opinions
from cogs.songs.messages import SongName, names_in
from cogs.songs.refusals import LikedSongGone
from models.failures import Failure
from models.results import Song
from models.service import GetSongs
from texts import say

PATIENCE = 1.5
"""Seconds after which a press is acknowledged although it is not stored yet; Discord waits for 3."""


class Thumb(ReportingItem[Button], template=NOBODY):
    """An opinion of one song: its custom_id is `prefix` and the song's id."""

    prefix: ClassVar[str]
    label: ClassVar[str]
    emoji: ClassVar[str]

    def __init__(self, song_id: str, number: int | None = None) -> None:
        label = self.label if number is None else f"{self.label} {number}"
        super().__init__(Button(label=label, emoji=self.emoji, custom_id=f"{self.prefix}{song_id}"))
        self.song_id = song_id

    @classmethod
    def fits(cls, song: Song) -> bool:
        """Whether Discord takes the song's id in a button; ids may be as long as they like."""
        return 0 < size(cls.prefix + song.id) <= CUSTOM_ID

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        return cls(match["song"])

    async def pressed(self, interaction: Interaction) -> None:
        """Answers once it is on disk, so that whoever was answered has it. Only if that takes long
        is the answer put off.
        """
        keeping = asyncio.ensure_future(self._keep(interaction))
        try:
            done, _ = await asyncio.wait([keeping], timeout=PATIENCE)
            if done:
                await interaction.response.send_message(keeping.result(), ephemeral=True)
            else:
                await interaction.response.defer(ephemeral=True, thinking=True)
                await interaction.edit_original_response(content=await keeping)
        finally:
            keeping.cancel()

    async def _keep(self, interaction: Interaction) -> str:
        return await self.keep(interaction, await _song(interaction, self.song_id, self.custom_id))

    async def keep(self, interaction: Interaction, song: Song) -> str:
        """Store the opinion; the sentence that says so."""
        raise NotImplementedError


class ThumbUp(Thumb, template=r"(?s)like:(?P<song>.+)"):
    prefix = "like:"
    label = say("button-like")
    emoji = "👍"

    async def keep(self, interaction: Interaction, song: Song) -> str:
        return await opinions.like(interaction.client, interaction.user.id, song, by_thumb=True)


class ThumbDown(Thumb, template=r"(?s)dislike:(?P<song>.+)"):
    prefix = "dislike:"
    label = say("button-dislike")
    emoji = "👎"

    async def keep(self, interaction: Interaction, song: Song) -> str:
        return await opinions.dislike(interaction.client, interaction.user.id, song)


async def _song(interaction: Interaction, song_id: str, custom_id: str) -> Song:
    """A song by the line of the message that its button belongs to.

    Only where the message does not say, or cuts a long title short, is the catalogue asked.
    """
    name = _name(interaction.message, custom_id)
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


def _name(message: discord.Message | None, custom_id: str) -> SongName | None:
    """What the list above a button calls its song: the button bears the number of the line."""
    button = next((button for button in buttons_of(message) if button.custom_id == custom_id), None)
    if message is None or button is None:
        return None
    with contextlib.suppress(ValueError):
        number = int((button.label or "").rpartition(" ")[2])
        for embed in message.embeds:
            if name := names_in(embed.description or "").get(number):
                return name
    return None


def songs_of_list(message: discord.Message | None) -> tuple[str, ...]:
    """The ids of the songs of a list, from its thumbs up."""
    ids = [button.custom_id or "" for button in buttons_of(message)]
    return tuple(id_.removeprefix(ThumbUp.prefix) for id_ in ids if id_.startswith(ThumbUp.prefix))


def buttons_of(message: discord.Message | None) -> list[discord.Button]:
    """The buttons under a message."""
    rows = () if message is None else message.components
    return [
        button
        for row in rows
        if isinstance(row, discord.ActionRow)
        for button in row.children
        if isinstance(button, discord.Button)
    ]
