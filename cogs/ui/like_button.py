"""The Like button under a song. It works for anybody, in any message, after any restart."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Self

import discord

from bot.client import Interaction
from bot.errors import Refused
from cogs.ui.answers import song as titled
from cogs.ui.buttons import Button, Reporting
from cogs.ui.mentions import mention
from cogs.ui.text import CUSTOM_ID, size
from models.answers import Song

PREFIX = "like:"
PATIENCE = 1.5
"""Seconds after which a press is acknowledged although the like is not stored yet; Discord waits for 3."""


class Like(Reporting, template=r"(?s)like:(?P<song>.+)"):
    def __init__(self, song_id: str, number: int | None = None) -> None:
        label = "Like" if number is None else f"Like {number}"
        super().__init__(Button(label=label, emoji="❤️", custom_id=f"{PREFIX}{song_id}"))
        self.song_id = song_id

    @staticmethod
    def fits(song: Song) -> bool:
        """Whether Discord takes the song's id in a button; ids may be as long as they like."""
        return 0 < size(PREFIX + song.id) <= CUSTOM_ID

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(match["song"])

    async def pressed(self, interaction: Interaction) -> None:
        """Answers once the like is on disk, so that whoever was answered has it. Only if that takes long,
        because the songs are still being loaded for example, is the answer put off.
        """
        liking = asyncio.ensure_future(self._like(interaction))
        try:
            done, _ = await asyncio.wait([liking], timeout=PATIENCE)
            if done:
                await interaction.response.send_message(liking.result(), ephemeral=True)
            else:
                await interaction.response.defer(ephemeral=True, thinking=True)
                await interaction.edit_original_response(content=await liking)
        finally:
            liking.cancel()

    async def _like(self, interaction: Interaction) -> str:
        bot = interaction.client
        song: Song | None = await bot.ask(interaction, "songs", lambda _job, model: model.get(self.song_id))
        if song is None:
            raise Refused("That song is no longer in my catalogue, so I cannot keep it for you.")
        added = await bot.likes.add(interaction.user.id, song)
        if added:
            return f"❤️ You like {titled(song)} now. {mention(bot, 'likes list')} shows all your songs."
        return f"You like {titled(song)} already. {mention(bot, 'likes remove')} takes it back."
