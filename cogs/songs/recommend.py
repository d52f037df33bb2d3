"""The command /recommend: songs similar to a song, or to the likes of one or several people."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

import discord
from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from cogs.shared.guide import Topic, guide
from cogs.songs.finding import popular, suggest_songs
from cogs.songs.lists import Typed, show_songs
from cogs.songs.query import SHOWN, SongQuery
from cogs.songs.refusals import (
    BotsLikeNothing,
    OnlyYourself,
    PeopleOutsideServer,
    SongAndPeople,
    VectorsOfNothing,
)
from cogs.songs.thumbs import PATIENCE
from models.service import By
from texts import say


class RecommendCommands(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot

    @app_commands.command(
        description=say("recommend-description"),
        extras=guide(Topic.SONGS, "/recommend song:Bohemian Rhapsody", "songs", popular("/recommend song:")),
    )
    @app_commands.rename(first="with", second="and")
    @app_commands.describe(
        song=say("recommend-option-song"),
        like=say("recommend-option-like"),
        unlike=say("recommend-option-unlike"),
        by=say("recommend-option-by"),
        n=say("recommend-option-n"),
        same_artist=say("recommend-option-same-artist"),
        first="Another person whose likes count as much as yours, if they have allowed it",
        second="A third person, likewise",
    )
    async def recommend(
        self,
        interaction: Interaction,
        song: Range[str, 1, 100] | None = None,
        like: Range[str, 1, 100] | None = None,
        unlike: Range[str, 1, 100] | None = None,
        by: Literal["playlists", "vectors"] = "playlists",
        n: Range[int, 1, 10] = SHOWN,
        same_artist: bool = False,
        first: discord.User | None = None,
        second: discord.User | None = None,
    ) -> None:
        """Songs that go with some songs, or with what people like."""
        liked = [text for text in (song, like) if text is not None]
        people = _others(interaction, liked, first, second)
        if By(by) is By.VECTORS and not liked:
            raise VectorsOfNothing
        query = SongQuery(interaction.user.id, n, same_artist=same_artist, people=people, by=By(by))
        typed = Typed(tuple(liked), () if unlike is None else (unlike,))
        # Likes are private: an answer is public only if it is based on a named song, or on the likes of people
        # who all share them. Discord requires this choice before the answer exists.
        async with asyncio.timeout(PATIENCE):
            public = bool(liked) or (bool(people) and await self._all_share(query.asker, *people))
        await interaction.response.defer(ephemeral=not public, thinking=True)
        await show_songs(interaction, query, typed=typed)

    async def _all_share(self, *people: int) -> bool:
        return all([await self.bot.store.consents.shares(person) for person in people])

    @recommend.autocomplete("song")
    @recommend.autocomplete("like")
    @recommend.autocomplete("unlike")
    async def songs(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await suggest_songs(interaction, current)


def _others(
    interaction: Interaction, songs: Sequence[str], *named: discord.User | discord.Member | None
) -> tuple[int, ...]:
    """The ids of the other people to include; raises Refused for invalid combinations."""
    people = {user.id: user for user in named if user is not None and user.id != interaction.user.id}
    if not any(named):
        return ()
    if interaction.guild_id is None:
        raise PeopleOutsideServer
    if songs:
        raise SongAndPeople
    if any(user.bot for user in people.values()):
        raise BotsLikeNothing
    if not people:
        raise OnlyYourself
    return tuple(people)
