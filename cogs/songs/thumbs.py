"""Thumbs up and down for a song. They work for anybody, in any message, after any restart."""

from __future__ import annotations

import asyncio
import re
from typing import Any, ClassVar, Self

import discord

from bot.client import Interaction, Tokenwise
from bot.failures import Refused
from cogs.shared.buttons import NOBODY, Button, Reporting
from cogs.shared.mentions import mention
from cogs.shared.text import CUSTOM_ID, size
from cogs.songs.messages import song as titled
from models.results import Song

PATIENCE = 1.5
"""Seconds after which a press is acknowledged although it is not stored yet; Discord waits for 3."""


class Thumb(Reporting, template=NOBODY):
    """A word about one song: its custom_id is `prefix` and the song's id."""

    prefix: ClassVar[str]
    label: ClassVar[str]
    emoji: ClassVar[str | None] = None

    def __init__(self, song_id: str, number: int | None = None) -> None:
        label = self.label if number is None else f"{self.label} {number}"
        super().__init__(Button(label=label, emoji=self.emoji, custom_id=f"{self.prefix}{song_id}"))
        self.song_id = song_id

    @classmethod
    def fits(cls, song: Song) -> bool:
        """Whether Discord takes the song's id in a button; ids may be as long as they like."""
        return 0 < size(cls.prefix + song.id) <= CUSTOM_ID

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(match["song"])

    async def pressed(self, interaction: Interaction) -> None:
        """Answers once it is on disk, so that whoever was answered has it. Only if that takes long,
        because the songs are still being loaded for example, is the answer put off.
        """
        doing = asyncio.ensure_future(self._say(interaction))
        try:
            done, _ = await asyncio.wait([doing], timeout=PATIENCE)
            if done:
                await interaction.response.send_message(**doing.result(), ephemeral=True)
            else:
                await interaction.response.defer(ephemeral=True, thinking=True)
                await interaction.edit_original_response(**await doing)
        finally:
            doing.cancel()

    async def _say(self, interaction: Interaction) -> dict[str, Any]:
        song: Song | None = await interaction.client.ask(
            interaction, "songs", lambda _job, model: model.get(self.song_id)
        )
        if song is None:
            raise Refused("That song is no longer in my catalogue, so I cannot keep it for you.")
        return await self.said(interaction, song)

    async def said(self, interaction: Interaction, song: Song) -> dict[str, Any]:
        """Keep it, and the message that says so."""
        raise NotImplementedError


class Like(Thumb, template=r"(?s)like:(?P<song>.+)"):
    prefix = "like:"
    label = "Like"
    emoji = "👍"

    async def said(self, interaction: Interaction, song: Song) -> dict[str, Any]:
        bot = interaction.client
        if await bot.likes.add(interaction.user.id, song):
            shows = mention(bot, "likes list")
            return {"content": f"👍 You like {titled(song)} now. {shows} shows all your songs."}
        return {"content": f"You like {titled(song)} already. {mention(bot, 'likes remove')} takes it back."}


class Dislike(Thumb, template=r"(?s)dislike:(?P<song>.+)"):
    prefix = "dislike:"
    label = "Dislike"
    emoji = "👎"

    async def said(self, interaction: Interaction, song: Song) -> dict[str, Any]:
        return {"content": await disliked(interaction.client, interaction.user.id, song)}


async def disliked(bot: Tokenwise, user_id: int, song: Song) -> str:
    """Keep that somebody does not want a song, and the sentence that says so."""
    if await bot.likes.dislike(user_id, song):
        said = f"👎 I will not recommend {titled(song)} to you again, nor other versions of it."
    else:
        said = f"You said so before: I do not recommend {titled(song)} to you."
    return f"{said} {mention(bot, 'likes undislike')} takes this back."
