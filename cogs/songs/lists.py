"""A list of songs and its controls: likes, pages, similar songs, initial favourites."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import ClassVar, Self

import discord

from bot.client import Interaction
from bot.failures import StoreUnavailable
from cogs.shared.asking import caller, drawn
from cogs.shared.buttons import (
    NOBODY,
    Button,
    DynamicItem,
    OpenButton,
    ReportingForm,
    ReportingItem,
    ReportingMenu,
    open_template,
)
from cogs.shared.layout import Row, row, show_layout
from cogs.shared.mentions import mention
from cogs.shared.reply import show
from cogs.shared.text import CHOICE, CUSTOM_ID, clip, harmless, inline, size
from cogs.songs import messages
from cogs.songs.finding import find_songs
from cogs.songs.layout import songs_layout
from cogs.songs.query import PATTERN, SongQuery
from cogs.songs.refusals import (
    NoFavourites,
    NoLongerSharing,
    NotSharing,
    NotYourPages,
)
from cogs.songs.thumbs import answer_in_time, dislike
from models.failures import NoSuchSongLike
from models.results import Song
from models.service import Basis, By, MapSongs, SongList, SongMatch, SongsFor, SongsLike
from texts import say

PER_ARTIST = 2
"""Songs by one artist in a list, unless any number is asked for."""
COMPARED = 10
"""Songs of each of two lists that are laid side by side."""


@dataclass(frozen=True, slots=True)
class Typed:
    """The text typed for the songs to be similar and dissimilar to."""

    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()


async def show_songs(
    interaction: Interaction, query: SongQuery, *, typed: Typed | None = None, content: str = ""
) -> None:
    """Answer an interaction with one page of songs and its buttons; `content` stands above the list."""
    guesses: list[tuple[str, Song]] = []
    if typed is not None and (wanted := [*typed.like, *typed.unlike]):
        meant = await _meant(interaction, wanted)
        guesses = [(text, match.song) for text, match in zip(wanted, meant, strict=True) if match.guessed]
        ids = [match.song.id for match in meant]
        like = tuple(dict.fromkeys(ids[: len(typed.like)]))
        query = replace(query, like=like, unlike=tuple(ids[len(typed.like) :]))
    found, silent, known = await find_list(interaction, query)
    if not known:
        content = "\n".join(filter(None, (content, say("songs-without-opinions"))))
    listing = messages.song_list(
        found,
        first=query.skip,
        guesses=guesses,
        people=(query.asker, *query.people) if query.people else (),
        without_likes=silent,
        add=mention(interaction.client, "likes add"),
    )
    songs = [one.song for one in found.songs.songs]
    await show_layout(interaction, songs_layout(listing.above(content), songs, *_below(query, found)))


async def _meant(interaction: Interaction, texts: Sequence[str]) -> list[SongMatch]:
    """The songs that the text refers to. Raises NoSuchSongLike if one has no match."""
    found = await find_songs(interaction, texts)
    for text, match in zip(texts, found, strict=True):
        if match is None:
            raise NoSuchSongLike(text)
    return [match for match in found if match is not None]


async def find_list(interaction: Interaction, query: SongQuery) -> tuple[SongList, list[int], bool]:
    """The result of a query, the people in it without likes, and whether opinions could be read."""
    opinions = await _opinions(interaction, query)
    found = await _found(interaction, query, opinions)
    likes = opinions.likes if opinions else [()]
    people = (query.asker, *query.people)
    silent = [person for person, theirs in zip(people, likes, strict=True) if not theirs]
    return found, silent, opinions is not None


async def _found(interaction: Interaction, query: SongQuery, opinions: Opinions | None) -> SongList:
    songs = interaction.client.service.songs
    likes, dislikes = (opinions.likes, opinions.dislikes) if opinions else ([()], [])
    per_artist = None if query.same_artist else PER_ARTIST
    if query.like:
        return await songs.like(
            SongsLike(
                caller(interaction),
                query.like,
                query.unlike,
                query.by,
                n=query.n,
                skip=query.skip,
                known=(*chain.from_iterable(likes), *dislikes),
                per_artist=per_artist,
            )
        )
    return await songs.recommend(
        SongsFor(
            caller(interaction),
            tuple(likes),
            tuple(dislikes),
            query.unlike,
            n=query.n,
            skip=query.skip,
            per_artist=per_artist,
        )
    )


@dataclass(frozen=True, slots=True)
class Opinions:
    """The song ids that each of several people likes, and those that any of them dislikes."""

    likes: list[tuple[str, ...]]
    dislikes: list[str]


async def _opinions(interaction: Interaction, query: SongQuery) -> Opinions | None:
    """The opinions of the people in a query; None if they cannot be read at the moment. Songs similar to a given one
    can be found without them.

    Raises NotSharing if one of them does not share their likes.
    """
    bot, store = interaction.client, interaction.client.store
    for person in query.people:
        # Checked for each page: they may have stopped sharing since the last one.
        if not await store.consents.shares(person):
            raise NotSharing(person, bot.command_ids.get("privacy", 0))
    people = (query.asker, *query.people)
    try:
        likes = [tuple(like.song.id for like in await store.likes.list(person)) for person in people]
        dislikes = [song.id for person in people for song in await store.likes.dislikes(person)]
    except StoreUnavailable:
        if query.people or not query.like:
            raise
        return None
    return Opinions(likes, dislikes)


def _below(query: SongQuery, found: SongList) -> list[Row]:
    """The controls of a list: a menu of its songs, and a row of buttons."""
    songs = [(query.skip + place, one.song) for place, one in enumerate(found.songs.songs, 1)]
    options = SongActions.options(songs)
    buttons: list[DynamicItem] = []
    back, on = replace(query, page=query.page - 1), replace(query, page=query.page + 1)
    if query.page and TurnPageButton.fits(back):
        buttons.append(TurnPageButton(back, say("button-back")))
    if found.songs.more and TurnPageButton.fits(on):
        buttons.append(TurnPageButton(on, say("button-next")))
    buttons += [
        kind(query)
        for kind in (MapButton, CompareButton)
        if kind.suits(found) and size(f"{kind.prefix}:{query}") <= CUSTOM_ID
    ]
    if not found.like and not query.people and found.basis in {Basis.POPULAR_NO_LIKES, Basis.POPULAR_UNKNOWN}:
        buttons.append(FavouritesButton())
    rows = [row(SongActions(options))] if options else []
    return [*rows, row(*buttons)] if buttons else rows


class TurnPageButton(ReportingItem[Button], template=rf"(?s)songs:{PATTERN}"):
    """Turns a list to another page; only for the person who requested it."""

    def __init__(self, query: SongQuery, label: str = "") -> None:
        style = discord.ButtonStyle.secondary
        super().__init__(Button(label=label or say("button-next"), style=style, custom_id=f"songs:{query}"))
        self.query = query

    @staticmethod
    def fits(query: SongQuery) -> bool:
        return size(f"songs:{query}") <= CUSTOM_ID

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        return cls(SongQuery.parsed(match))

    async def pressed(self, interaction: Interaction) -> None:
        _check_asker(interaction, self.query)
        await interaction.response.defer()
        # The people behind a public list all consented; otherwise `show_songs` checks.
        private = interaction.message is not None and interaction.message.flags.ephemeral
        consents = interaction.client.store.consents
        if self.query.people and not private and not await consents.shares(self.query.asker):
            raise NoLongerSharing
        await show_songs(interaction, self.query)


def _check_asker(interaction: Interaction, query: SongQuery) -> None:
    """Raises NotYourPages for anyone but the person who requested the list, whose likes it uses."""
    if interaction.user.id != query.asker:
        raise NotYourPages


class QueryButton(ReportingItem[Button], template=NOBODY):
    """Shows details of a list privately to the person who presses it: its custom_id is `prefix:query`."""

    prefix: ClassVar[str]
    label: ClassVar[str]
    """The name of its text."""

    def __init__(self, query: SongQuery) -> None:
        style = discord.ButtonStyle.secondary
        super().__init__(Button(label=say(self.label), style=style, custom_id=f"{self.prefix}:{query}"))
        self.query = query

    @classmethod
    def suits(cls, found: SongList) -> bool:
        """Whether the list has something to show."""
        raise NotImplementedError

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        return cls(SongQuery.parsed(match))


class CompareButton(QueryButton, template=rf"(?s)compare:{PATTERN}"):
    """Compares the recommendations from playlists with the nearest vectors."""

    prefix = "compare"
    label = "button-compare"

    @classmethod
    def suits(cls, found: SongList) -> bool:
        return found.basis is Basis.SONG

    async def pressed(self, interaction: Interaction) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        # Both results before diversifying by artist.
        query = replace(self.query, asker=interaction.user.id, page=0, n=COMPARED, same_artist=True)
        opinions = await _opinions(interaction, query)
        lists = [await _found(interaction, replace(query, by=by), opinions) for by in By]
        await show(interaction, messages.side_by_side(*lists))


class MapButton(QueryButton, template=rf"(?s)map:{PATTERN}"):
    """Draws a map of a list's songs and the songs they are based on."""

    prefix = "map"
    label = "button-map"

    @classmethod
    def suits(cls, found: SongList) -> bool:
        return found.basis in {Basis.SONG, Basis.LIKES} and bool(found.songs.songs)

    async def pressed(self, interaction: Interaction) -> None:
        if not self.query.like:
            _check_asker(interaction, self.query)
        await interaction.response.defer(ephemeral=True, thinking=True)
        found, *_ = await find_list(interaction, self.query)
        shown = [one.song.id for one in found.songs.songs]
        liked = messages.most_telling(found)
        request = MapSongs(caller(interaction), (*(song.id for song in liked), *shown))
        points = await interaction.client.service.songs.map(request)
        reply = await drawn(interaction, lambda: messages.map_of(points, shown, self.query.skip))
        await show(interaction, reply)


class SongActions(ReportingMenu, template="song-actions"):
    """Actions for one of the songs of a list: find similar songs, or never recommend it again."""

    MORE, NEVER = "more:", "never:"

    def __init__(self, options: Sequence[discord.SelectOption] = ()) -> None:
        super().__init__(
            discord.ui.Select(
                custom_id="song-actions", placeholder=say("songs-actions"), options=list(options)
            )
        )

    @classmethod
    def options(cls, songs: Sequence[tuple[int, Song]]) -> list[discord.SelectOption]:
        """Options for numbered songs; ids may be too long for Discord."""
        return [
            discord.SelectOption(
                label=clip(say(name, number=number, title=harmless(song.title).strip() or "?"), CHOICE),
                value=f"{action}{song.id}",
                emoji=emoji,
            )
            for action, name, emoji in (
                (cls.MORE, "songs-more-like-this", "🔎"),
                (cls.NEVER, "songs-never-again", "👎"),
            )
            for number, song in songs
            if size(f"{action}{song.id}") <= CHOICE
        ]

    @classmethod
    def parsed(cls, _match: re.Match[str]) -> Self:
        return cls()

    async def pressed(self, interaction: Interaction) -> None:
        value = self.item.values[0]
        if value.startswith(self.NEVER):
            await answer_in_time(interaction, dislike(interaction, value.removeprefix(self.NEVER)))
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        wanted = value.removeprefix(self.MORE)
        await show_songs(interaction, SongQuery(interaction.user.id, like=(wanted,)))


class FavouritesButton(OpenButton, template=open_template("three-favourites")):
    """Asks for three favourite songs to start with."""

    name = "three-favourites"
    label = "button-three-favourites"
    style = discord.ButtonStyle.primary

    async def pressed(self, interaction: Interaction) -> None:
        await interaction.response.send_modal(FavouritesForm())


class FavouritesForm(ReportingForm):
    name = "favourites"

    def __init__(self) -> None:
        names = ("favourites-first", "favourites-second", "favourites-third")
        super().__init__(
            say("favourites-title"),
            *(
                discord.ui.TextInput[Self](
                    label=say(name),
                    custom_id=name,
                    placeholder=None if number else say("favourites-placeholder"),
                    required=not number,
                    max_length=100,
                )
                for number, name in enumerate(names)
            ),
        )

    @classmethod
    async def submitted(cls, interaction: Interaction, typed: Mapping[str, str]) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        wanted = [text.strip() for text in typed.values() if text.strip()]
        if not wanted:
            raise NoFavourites
        bot = interaction.client
        matches = await find_songs(interaction, wanted)
        await bot.store.likes.add_all(interaction.user.id, [match.song for match in matches if match])
        lines = []
        for text, match in zip(wanted, matches, strict=True):
            if match is None:
                lines.append(say("favourite-unknown", typed=inline(text, 100)))
            else:
                lines.append(say("favourite-liked", typed=inline(text, 100), song=messages.song(match.song)))
        if any(matches):
            lines.insert(0, say("favourites-liked", command=mention(bot, "likes remove")))
        # Report what was stored first: there may be nothing to recommend.
        account = "\n".join(lines)
        await interaction.edit_original_response(content=account)
        if any(matches):
            await show_songs(interaction, SongQuery(interaction.user.id), content=account)
