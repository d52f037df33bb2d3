"""Recommended and liked songs as messages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import discord

from bot.store import LikedSong
from cogs.shared.layout import TEXT
from cogs.shared.reply import BLUE, Reply, foot
from cogs.shared.text import (
    FIELD_VALUE,
    TITLE,
    clip,
    harmless,
    inline,
    listed,
    size,
    unescaped,
    whole_lines,
)
from cogs.songs.picture import song_map
from models.results import Reason, Recommendation, Recommendations, Song, SongPoint
from models.service import Basis, SongList
from texts import say

MAP_FILE = "map.png"
UNWANTED = 800
"""Characters of the songs that somebody does not want to be recommended."""
MODEL = 100
SEEDS = 3
"""Songs that a reason names, where there is room."""
ROOMY = 5
"""Songs in a list that leaves such room on a phone."""
_LONG, _SHORT = 50, 20
"""Characters of a song's title in a reason: where there is room, and where the reason must fit on one line."""
SEEDS_ON_MAP = 8

_TITLES = {
    Basis.POPULAR_NO_LIKES: "songs-popular",
    Basis.POPULAR_UNKNOWN: "songs-popular",
    Basis.SHORTER: "songs-no-more",
    Basis.NOTHING_LEFT: "songs-no-more",
}
_NUMBERED = re.compile(
    r"^(?P<number>\d+)\. \*\*(?P<title>(?:\\.|[^\\*\n])*)\*\*(?: \S+ (?P<artist>.*))?$", re.MULTILINE
)


def song(one: Song) -> str:
    """Title and artist, escaped for markdown."""
    title = inline(one.title, 100)
    if not one.artist:
        return say("song-title", title=title)
    return say("song-title-artist", title=title, artist=inline(one.artist, 80))


@dataclass(frozen=True, slots=True)
class SongName:
    """Title and artist as shown in a message; very long ones are clipped."""

    title: str
    artist: str

    @property
    def cut(self) -> bool:
        return self.title.endswith("…") or self.artist.endswith("…")


def names_in(description: str) -> dict[int, SongName]:
    """The songs of a numbered list written by `recommendations`, by their numbers."""
    return {
        int(found["number"]): SongName(unescaped(found["title"]), unescaped(found["artist"] or ""))
        for found in _NUMBERED.finditer(description)
    }


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as markdown: an introduction, a text for each song, and small print below."""

    head: str
    entries: tuple[str, ...]
    foot: str = ""

    def above(self, account: str) -> Listing:
        """The same list below a description of something else."""
        return replace(self, head=f"{account}\n{self.head}") if account else self

    def fitted(self) -> Listing:
        """The same list within Discord's limit for all texts of a message: the introduction is clipped."""
        left = TEXT - sum(size(entry) for entry in self.entries) - size(self.foot) - len("-# ")
        return replace(self, head=clip(self.head, left))


def song_list(
    found: SongList,
    *,
    first: int = 0,
    guesses: Sequence[tuple[str, Song]] = (),
    people: Sequence[int] = (),
    without_likes: Sequence[int] = (),
    add: str = "",
) -> Listing:
    """A page of songs, numbered from `first` + 1, with the input it is based on.

    `guesses` are typed texts with the songs they were matched to. `people` are the ids of the people the list is for,
    and `without_likes` those without likes; `add` is the command that adds a like.
    """
    because = ""
    if found.basis is Basis.SONG:
        title = title_of(found)
        because = "goes-with"
    elif found.basis is Basis.LIKES:
        seeds = found.songs.seeds
        alone = len(seeds) == 1 and not people
        if alone:
            title = say("songs-from-one-like", song=inline(seeds[0].title, 100))
        else:
            title = say("songs-from-likes-together" if people else "songs-from-likes")
        if found.unlike:
            title = say("songs-without-title", title=title, songs=_labels(found.unlike))
        because = "because-of" if people else "goes-with" if alone else "because-you-liked"
    else:
        title = say(_TITLES[found.basis])
    hints = [say("songs-guessed", typed=inline(text, 100), song=song(one)) for text, one in guesses]
    hints += _hints(found, people, without_likes, add)
    return recommendations(found.songs, title, " ".join(hints), because=because, first=first, few=found.few)


def _hints(found: SongList, people: Sequence[int], without_likes: Sequence[int], add: str) -> list[str]:
    match found.basis:
        case Basis.LIKES if people:
            hints = [say("songs-for-people", people=listed(_mentions(people)))]
            if without_likes:
                silent = listed(_mentions(without_likes))
                hints.append(say("songs-nothing-from", people=silent, count=len(without_likes)))
            return hints
        case Basis.POPULAR_UNKNOWN if found.like:
            return [say("songs-song-unknown", songs=listed([song(one) for one in found.like]))]
        case Basis.POPULAR_NO_LIKES:
            why = say("songs-nobody-likes" if people else "songs-no-likes")
        case Basis.POPULAR_UNKNOWN:
            why = say("songs-likes-unknown")
        case Basis.SHORTER:
            return [say("songs-shorter")]
        case Basis.NOTHING_LEFT:
            return [say("songs-nothing-left")]
        case _:
            return []
    return [why, say("songs-like-some", add=add)]


def title_of(found: SongList) -> str:
    """The songs that a list is based on, and those it avoids."""
    if found.unlike:
        return say("songs-like-unlike-title", songs=_labels(found.like), unlike=_labels(found.unlike))
    return say("songs-like-title", songs=_labels(found.like))


def _labels(songs: Sequence[Song]) -> str:
    return listed([_label(one) for one in songs])


def _label(one: Song) -> str:
    title = inline(one.title, 100)
    return say("song-heading", title=title, artist=inline(one.artist, 80)) if one.artist else title


def side_by_side(playlists: SongList, vectors: SongList) -> Reply:
    """Two lists based on the same songs, with the songs common to both marked."""
    both = {one.song.id for one in playlists.songs.songs} & {one.song.id for one in vectors.songs.songs}
    embed = discord.Embed(title=clip(title_of(playlists), TITLE), colour=BLUE)
    for name, found in (("compare-playlists", playlists), ("compare-vectors", vectors)):
        lines = [
            f"{number}. {song(one.song)}{' ●' if one.song.id in both else ''}"
            for number, one in enumerate(found.songs.songs if found.basis is Basis.SONG else (), 1)
        ]
        embed.add_field(name=say(name), value=whole_lines(lines, FIELD_VALUE) or say("compare-nothing"))
    shown = max(len(found.songs.songs) for found in (playlists, vectors))
    embed.description = say("compare-explained", both=len(both), shown=shown)
    foot(embed, harmless(playlists.songs.model))
    return Reply(embed=embed)


def most_telling(found: SongList) -> list[Song]:
    """The seed songs to show on a list's map: those named in its reasons, then the newest."""
    named = [reason.song for one in found.songs.songs for reason in one.reasons]
    return list(dict.fromkeys([*named, *reversed(found.songs.seeds)]))[:SEEDS_ON_MAP]


def map_of(points: Sequence[SongPoint], shown: Sequence[str], first: int) -> Reply:
    """A map of songs: those `shown`, numbered from `first` + 1 as in their list, and those they are based on."""
    numbers = {id_: number for number, id_ in enumerate(shown, first + 1)}
    embed = discord.Embed(title=say("map-title"), description=say("map-explained"), colour=BLUE)
    embed.set_image(url=f"attachment://{MAP_FILE}")
    liked = [inline(one.song.title, 60) for one in points if one.song.id not in numbers]
    alt = say(
        "map-alt",
        liked=listed(liked),
        songs="; ".join(_beside(one, points, numbers) for one in points if one.song.id in numbers),
    )
    return Reply(embed=embed, files={MAP_FILE: song_map(points, numbers)}, alt={MAP_FILE: alt})


def _beside(one: SongPoint, points: Sequence[SongPoint], numbers: Mapping[str, int]) -> str:
    """A song of a list and the liked song nearest to it."""
    liked = [other for other in points if other.song.id not in numbers]
    number, title = numbers[one.song.id], clip(one.song.title, 60)
    if not liked:
        return say("map-alt-alone", number=number, title=title)
    nearest = min(liked, key=lambda other: (other.x - one.x) ** 2 + (other.y - one.y) ** 2)
    return say("map-alt-near", number=number, title=title, near=clip(nearest.song.title, 60))


def _mentions(people: Sequence[int]) -> list[str]:
    return [f"<@{person}>" for person in people]


def recommendations(
    result: Recommendations,
    title: str,
    hint: str = "",
    *,
    because: str = "",
    first: int = 0,
    few: int = 0,
) -> Listing:
    """A list, numbered from `first` + 1. With `because`, the name of the text that gives a reason, each song shows
    which seed songs it came from, and whether it is in fewer than `few` playlists. A long list has no room for the name
    of the model.
    """
    roomy = len(result.songs) <= ROOMY
    entries = tuple(
        f"{number}. {song(one.song)}{_why(one, because, few, result.seeds, roomy=roomy) if because else ''}"
        for number, one in enumerate(result.songs, first + 1)
    )
    head = f"### {clip(title, TITLE)}" + (f"\n{hint}" if hint else "")
    return Listing(head, entries, clip(harmless(result.model), MODEL) if roomy else "")


def _why(
    recommendation: Recommendation, because: str, few: int, above: Sequence[Song], *, roomy: bool
) -> str:
    """The reason for a recommendation, in small print; if the list is not `roomy`, it fits on one line of a phone.
    `above` are the songs that the entire list is based on.
    """
    seeds = [] if because == "goes-with" else list(recommendation.because[: SEEDS if roomy else 1])
    known = seeds if seeds or roomy else list(above)
    long = _LONG if roomy else _SHORT
    parts = [say(because, songs=listed([inline(seed.title, long) for seed in seeds]))] if seeds else []
    if (roomy or not seeds) and recommendation.reasons and (reason := recommendation.reasons[0]).playlists:
        parts.append(_counted(reason, named=known == [reason.song]))
    if recommendation.playlists < few:
        parts.append(say("song-little-known", playlists=recommendation.playlists))
    return f"\n-# {' · '.join(parts)}" if parts else ""


def _counted(reason: Reason, *, named: bool) -> str:
    """A count that people can verify in the playlists; the song of the reason may have just been `named`."""
    title = inline(reason.song.title, _LONG)
    if not reason.shared:
        return say("reason-alike", song=title)
    if named:
        return say("reason-shared-named", shared=reason.shared, playlists=reason.playlists)
    return say("reason-shared", shared=reason.shared, playlists=reason.playlists, song=title)


def liked_songs(songs: Sequence[LikedSong], first: int, foot: str) -> Listing:
    """One page of a person's likes, numbered from `first` + 1."""
    entries = tuple(
        f"{number}. {song(like.song)}\n-# {discord.utils.format_dt(like.liked_at, 'd')}"
        for number, like in enumerate(songs, first + 1)
    )
    return Listing(f"### {say('likes-title')}", entries, foot)


def unwanted_songs(songs: Sequence[Song]) -> str:
    """The songs that a person does not want recommended."""
    titles = [f"👎 {song(one)}" for one in songs]
    head = say("likes-not-recommended", songs=len(songs))
    return f"**{head}**\n{whole_lines(titles, UNWANTED)}"
