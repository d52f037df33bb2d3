"""/recommend: songs that go with a song, or with what one or several people like."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot import errors
from bot.client import Interaction, Tokenwise
from bot.failures import Refused
from cogs.shared.asking import answered
from cogs.shared.buttons import Button, Buttons, OpenButton, Reporting, everybodys
from cogs.shared.mentions import mention
from cogs.shared.text import CHOICE, CUSTOM_ID, clip, harmless, inline, listed, size
from cogs.songs import messages
from cogs.songs.picking import pick, suggest_songs
from cogs.songs.thumbs import PATIENCE, Dislike, Like
from models.results import Recommendations, Song

if TYPE_CHECKING:
    from models.lanes import Job
    from models.songs.catalogue import SongCatalogue

PER_ARTIST = 2
"""Songs by one artist in a list, unless any number is asked for."""
SHOWN = 5
"""Songs in a list, unless another number is asked for."""
OPEN = 15 * 60
"""Seconds that a form waits for what is written into it; nobody tells the bot that it was closed."""
GONE = "{which} no longer in my catalogue. Ask for recommendations again."
NOT_ALLOWED = "{name} has not allowed others to build on their likes. Only they can, with {share}."


@dataclass(frozen=True, slots=True)
class Query:
    """What a list of songs is an answer to, and which page of it: all that a button needs to turn pages."""

    asker: int
    n: int = SHOWN
    page: int = 0
    same_artist: bool = False
    people: tuple[int, ...] = ()
    """Others whose likes count as much as the asker's."""
    song: str = ""
    """The id of the song that all of them go with; empty for a list from likes."""

    def __str__(self) -> str:
        people = ".".join(map(str, self.people))
        return f"{self.asker}:{self.page}:{self.n}:{self.same_artist:d}:{people}:{self.song}"

    @classmethod
    def of(cls, match: re.Match[str]) -> Self:
        return cls(
            asker=int(match["asker"]),
            n=int(match["n"]),
            page=int(match["page"]),
            same_artist=match["same"] == "1",
            people=tuple(map(int, filter(None, match["people"].split(".")))),
            song=match["song"],
        )


QUERY = r"(?P<asker>\d+):(?P<page>\d+):(?P<n>\d+):(?P<same>[01]):(?P<people>[\d.]*):(?P<song>.*)"


@dataclass(frozen=True, slots=True)
class Taste:
    """What is known of the people that a list is for; of each their likes, oldest first."""

    likes: tuple[tuple[str, ...], ...]
    dislikes: tuple[str, ...]

    @property
    def known(self) -> list[str]:
        """What need not be recommended."""
        return [*(song for likes in self.likes for song in likes), *self.dislikes]


@dataclass(frozen=True, slots=True)
class Found:
    title: str
    songs: Recommendations
    hint: str = ""
    because: str = ""
    few: int = 0
    cold: bool = False
    """Whether nothing that the asker likes led to it."""


class Turn(Reporting, template=rf"(?s)songs:{QUERY}"):
    """Turns a list to another page; for whoever asked for it."""

    def __init__(self, query: Query, label: str = "Next ▶") -> None:
        style = discord.ButtonStyle.secondary
        super().__init__(Button(label=label, style=style, custom_id=f"songs:{query}"))
        self.query = query

    @staticmethod
    def fits(query: Query) -> bool:
        return size(f"songs:{query}") <= CUSTOM_ID

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(Query.of(match))

    async def pressed(self, interaction: Interaction) -> None:
        if interaction.user.id != self.query.asker:
            raise Refused(
                "Only the person who asked turns these pages. Ask the command yourself for your own."
            )
        await interaction.response.defer()
        # A list that everybody sees came from people who all allowed it; the others are asked in `shown`.
        private = interaction.message is not None and interaction.message.flags.ephemeral
        if self.query.people and not private and not await interaction.client.likes.shares(self.query.asker):
            raise Refused(
                "You no longer let others build on your likes, so here, where everybody reads it, I show no more"
                " songs. Ask the command again for a list that only you see."
            )
        await interaction.edit_original_response(**await shown(interaction, self.query))


class More(OpenButton, template=everybodys("more-like-this")):
    """Lets whoever presses choose one of the songs above, and shows what goes with it."""

    name = "more-like-this"
    label = "More like …"

    def __init__(self, argument: int = 0, page: int = 0) -> None:
        super().__init__(argument, page)

    async def pressed(self, interaction: Interaction) -> None:
        ids = _songs_above(interaction.message)
        ticket = interaction.client.ask(
            interaction, "songs", lambda _job, model: [song for id_ in ids if (song := model.get(id_))]
        )
        songs: list[Song] = await answered(interaction, ticket, private=True)
        if not songs:
            raise Refused(GONE.format(which="Those songs are"))
        await interaction.edit_original_response(content="More like which song?", view=Buttons(Which(songs)))


class Which(discord.ui.DynamicItem[discord.ui.Select[discord.ui.View]], template="which-song"):
    def __init__(self, songs: Sequence[Song] = ()) -> None:
        options = [
            discord.SelectOption(label=clip(harmless(song.title).strip(), CHOICE) or "?", value=song.id,
                                 description=clip(harmless(song.artist).strip(), CHOICE) or None)
            for song in songs
        ]  # fmt: skip
        super().__init__(
            discord.ui.Select(custom_id="which-song", placeholder="Choose a song", options=options)
        )

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], item: discord.ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        which = cls()
        which.item = item  # type: ignore[assignment]  # it holds what was chosen
        return which

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        try:
            await interaction.response.defer()
            query = Query(interaction.user.id, song=self.item.values[0])
            await interaction.edit_original_response(**await shown(interaction, query) | {"content": None})
        except Exception as error:  # noqa: BLE001 - the mapper knows what to do with any
            await errors.report(interaction, error)


class Favourites(OpenButton, template=everybodys("three-favourites")):
    """Asks for three songs to begin with."""

    name = "three-favourites"
    label = "Name three favourites"
    style = discord.ButtonStyle.primary

    def __init__(self, argument: int = 0, page: int = 0) -> None:
        super().__init__(argument, page)

    async def pressed(self, interaction: Interaction) -> None:
        await interaction.response.send_modal(ThreeFavourites())


class ThreeFavourites(discord.ui.Modal, title="Three songs that you like"):
    first: discord.ui.TextInput[Self] = discord.ui.TextInput(
        label="A song", placeholder="Title, artist, or both", max_length=100
    )
    second: discord.ui.TextInput[Self] = discord.ui.TextInput(
        label="Another song", required=False, max_length=100
    )
    third: discord.ui.TextInput[Self] = discord.ui.TextInput(
        label="And one more", required=False, max_length=100
    )

    def __init__(self) -> None:
        super().__init__(timeout=OPEN)

    async def on_submit(self, interaction: Interaction) -> None:  # type: ignore[override]
        await interaction.response.defer(ephemeral=True, thinking=True)
        named = [text for item in (self.first, self.second, self.third) if (text := item.value.strip())]
        if not named:
            raise Refused("Name at least one song, by its title, its artist, or both.")
        songs: list[list[Song]] = await interaction.client.ask(
            interaction, "songs", lambda _job, model: [model.search(text, 1) for text in named]
        )
        lines = []
        for text, found in zip(named, songs, strict=True):
            if found:
                await interaction.client.likes.add(interaction.user.id, found[0])
                lines.append(f"“{inline(text, 100)}”: 👍 {messages.song(found[0])}")
            else:
                lines.append(
                    f"“{inline(text, 100)}”: I know no song like it. Try its artist, or another spelling."
                )
        if not any(songs):
            raise Refused("\n".join(lines))
        undo = mention(interaction.client, "likes remove")
        account = f"You like these now; {undo} takes back what you did not mean.\n" + "\n".join(lines)
        # What was kept is said first: there may be nothing to show.
        await interaction.edit_original_response(content=account)
        page = await shown(interaction, Query(interaction.user.id))
        await interaction.edit_original_response(**page | {"content": account})

    async def on_error(self, interaction: Interaction, error: Exception) -> None:  # type: ignore[override]
        await errors.report(interaction, error)


async def shown(interaction: Interaction, query: Query, named: str = "") -> dict[str, Any]:
    """One page of songs with its buttons, as an edit. `named` is what a person typed for `query.song`."""
    bot = interaction.client
    people = (query.asker, *query.people)
    for person in query.people:
        # Asked each time: they may have taken it back since the last page.
        if not await bot.likes.shares(person):
            share = mention(bot, "privacy share")
            raise Refused(NOT_ALLOWED.format(name=f"<@{person}>", share=share))
    likes = [tuple(like.song.id for like in await bot.likes.list(person)) for person in people]
    dislikes = [song.id for person in people for song in await bot.likes.dislikes(person)]
    taste = Taste(tuple(likes), tuple(dislikes))

    def work(_job: Job, catalogue: SongCatalogue) -> tuple[Query, Found]:
        if named or query.song:
            return _beside(catalogue, query, named, taste)
        return query, _from_likes(bot, catalogue, query, taste)

    answered_query, found = await bot.ask(interaction, "songs", work)
    answer = messages.recommendations(
        found.songs, found.title, found.hint,
        because=found.because, first=query.page * query.n, few=found.few,
    )  # fmt: skip
    buttons = _buttons(answered_query, found)
    return {**answer.message(), "view": Buttons(*buttons) if buttons else None}


def _buttons(query: Query, found: Found) -> list[discord.ui.DynamicItem[Any]]:
    """Thumbs up in one or two rows, thumbs down below them, and what leads on in the last row."""
    items: list[discord.ui.DynamicItem[Any]] = []
    row = 0
    for kind in (Like, Dislike):
        thumbs = [
            kind(it.song.id, number)
            for number, it in enumerate(found.songs.songs, query.page * query.n + 1)
            if kind.fits(it.song)
        ]
        for place, thumb in enumerate(thumbs):
            thumb.item.row = row + place // 5
        items += thumbs
        row += -(-len(thumbs) // 5)
    last: list[discord.ui.DynamicItem[Any]] = []
    back, on = replace(query, page=query.page - 1), replace(query, page=query.page + 1)
    if query.page and Turn.fits(back):
        last.append(Turn(back, "◀ Back"))
    if found.songs.more and Turn.fits(on):
        last.append(Turn(on))
    if items:
        last.append(More())
    if found.cold:
        last.append(Favourites())
    for button in last:
        button.item.row = row
    return items + last


def _beside(catalogue: SongCatalogue, query: Query, named: str, taste: Taste) -> tuple[Query, Found]:
    hint = ""
    if named:
        picked = pick(catalogue, named)
        song = picked.song
        if picked.guessed:
            hint = f"I took “{inline(named, 100)}” to mean {messages.song(song)}."
    elif (chosen := catalogue.get(query.song)) is not None:
        song = chosen
    else:
        raise Refused(GONE.format(which="That song is"))
    query = replace(query, song=song.id)
    skip = query.page * query.n
    known = frozenset[str]().union(*map(catalogue.same, taste.known))
    songs = catalogue.similar(song.id, query.n, known, skip=skip)
    if songs.songs or query.page:
        return query, Found(f"Goes with {inline(song.label, 150)}", songs, hint)
    hint = f"{hint} No playlist that I learnt from tells me what goes with {messages.song(song)}."
    songs = catalogue.popular(query.n, [song.id, *known])
    # Of these there is one page: the next would be one of songs that go with the song.
    return query, Found("Popular songs", replace(songs, more=False), hint.strip())


def _from_likes(bot: Tokenwise, catalogue: SongCatalogue, query: Query, taste: Taste) -> Found:
    options: dict[str, Any] = {
        "skip": query.page * query.n,
        "per_artist": None if query.same_artist else PER_ARTIST,
    }
    if any(taste.likes):
        songs = catalogue.blend(taste.likes, query.n, dislikes=taste.dislikes, **options)
        if songs.songs:
            if not query.people:
                return Found("From the songs you like", songs, "", "because you liked", catalogue.few)
            everybody = (query.asker, *query.people)
            silent = [f"<@{it}>" for it, theirs in zip(everybody, taste.likes, strict=True) if not theirs]
            hint = f"For {listed([f'<@{person}>' for person in everybody])} together."
            if silent:
                hint += f" Nothing comes from {listed(silent)}, who {'like' if len(silent) > 1 else 'likes'} no songs yet."
            return Found("From the songs you like together", songs, hint, "because of", catalogue.few)
        if query.page and songs.seeds:
            return Found(
                "No more songs", songs, "What you said about songs since then made the list shorter."
            )
    how = f"Press Like under a song or use {mention(bot, 'likes add')}, then ask again."
    if not any(taste.likes):
        why = "Nobody of you likes a song yet" if query.people else "You like no songs yet"
        why += ", so these are popular ones of every kind."
    else:
        why = "I do not know the songs you like well enough yet."
    songs = catalogue.popular(query.n, taste.known, **options)
    if not songs.songs:
        return Found("No more songs", songs, "You have an opinion on every song that I know.")
    return Found("Popular songs", songs, f"{why} {how}", cold=not query.people)


def _songs_above(message: discord.Message | None) -> list[str]:
    """The ids of the songs of a message, from its own thumbs."""
    if message is None:
        return []
    buttons = (item for row in message.components for item in getattr(row, "children", ()))
    ids = [button.custom_id or "" for button in buttons if isinstance(button, discord.Button)]
    return [id_.removeprefix(Like.prefix) for id_ in ids if id_.startswith(Like.prefix)]


class Recommend(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot

    @app_commands.command(extras={"example": "/recommend song:Bohemian Rhapsody"})
    @app_commands.rename(first="with", second="and")
    @app_commands.describe(
        song="Part of a title or an artist; leave it out to start from the songs you like",
        n="How many songs (5 unless you say otherwise)",
        same_artist="True allows any number of songs by one artist; else at most two stand in a list",
        first="Somebody else whose likes count as much as yours, if they allowed it",
        second="A third person, in the same way",
    )
    async def recommend(
        self,
        interaction: Interaction,
        song: Range[str, 1, 100] | None = None,
        n: Range[int, 1, 10] = SHOWN,
        same_artist: bool = False,
        first: discord.User | None = None,
        second: discord.User | None = None,
    ) -> None:
        """Get songs that playlists put beside a song, or beside the songs you like."""
        people = self._others(interaction, song, first, second)
        query = Query(interaction.user.id, n, same_artist=same_artist, people=people)
        # What somebody likes is theirs: an answer is for everybody if it comes from a song that was named, or
        # from the likes of people who all let others build on them.
        # Discord wants to know which before the answer is there.
        async with asyncio.timeout(PATIENCE):
            public = song is not None or (bool(people) and await self._all_share((query.asker, *people)))
        await interaction.response.defer(ephemeral=not public, thinking=True)
        await interaction.edit_original_response(**await shown(interaction, query, song or ""))

    def _others(
        self, interaction: Interaction, song: str | None, *named: discord.User | discord.Member | None
    ) -> tuple[int, ...]:
        """Who shall count besides the asker; Refused where that makes no sense."""
        people = {user.id: user for user in named if user is not None and user.id != interaction.user.id}
        if not any(named):
            return ()
        if interaction.guild_id is None:
            raise Refused("Only in a server can the likes of several people be put together.")
        if song is not None:
            raise Refused("Give either a song or people: with a song, what you like plays no part.")
        if any(user.bot for user in people.values()):
            raise Refused("Bots like nothing. Choose a person.")
        if not people:
            raise Refused("Choose somebody else: your own likes count anyway.")
        return tuple(people)

    async def _all_share(self, people: Sequence[int]) -> bool:
        return all([await self.bot.likes.shares(person) for person in people])

    @recommend.autocomplete("song")
    async def songs(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await suggest_songs(interaction, current)
