"""/recommend: songs that go with a song, or with what somebody likes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from cogs.songs import pick, suggest_songs
from cogs.ui import answers
from cogs.ui.buttons import Buttons
from cogs.ui.like_button import Like
from cogs.ui.mentions import mention
from cogs.ui.text import inline
from models.answers import Recommendations

if TYPE_CHECKING:
    from bot.executor import Job
    from models.songs import SongCatalogue


@dataclass(frozen=True, slots=True)
class Found:
    title: str
    songs: Recommendations
    hint: str = ""


class Recommend(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot

    @app_commands.command(extras={"example": "/recommend song:Bohemian Rhapsody"})
    @app_commands.describe(
        song="Part of a title or an artist; leave it out to start from the songs you like",
        n="How many songs (5 unless you say otherwise)",
    )
    async def recommend(
        self, interaction: Interaction, song: Range[str, 1, 100] | None = None, n: Range[int, 1, 10] = 5
    ) -> None:
        """Get songs that playlists put beside a song, or beside the songs you like."""
        # What somebody likes is theirs: only an answer about a song they named is for everybody.
        await interaction.response.defer(ephemeral=song is None, thinking=True)
        liked = [like.song.id for like in await self.bot.likes.list(interaction.user.id)]

        def work(_job: Job, catalogue: SongCatalogue) -> Found:
            if song is not None:
                return self._beside(catalogue, song, n, liked)
            return self._from_likes(catalogue, n, liked)

        found = await self.bot.ask(interaction, "songs", work)
        answer = answers.recommendations(found.songs, found.title, found.hint, sources=song is None)
        likes = [
            Like(recommendation.song.id, number)
            for number, recommendation in enumerate(found.songs.songs, 1)
            if Like.fits(recommendation.song)
        ]
        await interaction.edit_original_response(**answer.message(), view=Buttons(*likes) if likes else None)

    def _beside(self, catalogue: SongCatalogue, named: str, n: int, liked: Sequence[str]) -> Found:
        picked = pick(catalogue, named)
        label = inline(picked.song.label, 150)
        hint = f"I took “{inline(named, 100)}” to mean {answers.song(picked.song)}." if picked.guessed else ""
        songs = catalogue.similar(picked.song.id, n, exclude=liked)
        if songs.songs:
            return Found(f"Goes with {label}", songs, hint)
        hint = f"{hint} No playlist that I learnt from tells me what goes with {answers.song(picked.song)}."
        return Found("Popular songs", catalogue.popular(n, exclude=[picked.song.id, *liked]), hint.strip())

    def _from_likes(self, catalogue: SongCatalogue, n: int, liked: Sequence[str]) -> Found:
        if liked and (songs := catalogue.recommend(liked, n)).songs:
            return Found("From the songs you like", songs)
        how = f"Press Like under a song or use {mention(self.bot, 'likes add')}, then ask again."
        why = (
            "I do not know the songs you like well enough yet."
            if liked
            else "You like no songs yet, so these are popular."
        )
        return Found("Popular songs", catalogue.popular(n, exclude=liked), f"{why} {how}")

    @recommend.autocomplete("song")
    async def songs(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await suggest_songs(interaction, current)


async def setup(bot: Tokenwise) -> None:
    bot.add_dynamic_items(Like)
    await bot.add_cog(Recommend(bot))
