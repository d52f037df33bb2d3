"""Songs, recommended and liked, as messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import discord

from bot.store import LikedSong
from cogs.shared.reply import BLUE, Reply, foot
from cogs.shared.text import (
    DESCRIPTION,
    FIELD_VALUE,
    TITLE,
    clip,
    harmless,
    inline,
    listed,
    size,
    whole_lines,
)
from models.results import Recommendation, Recommendations, Song
from models.service import Basis, SongList
from texts import say

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
    """Title and artist amid markdown."""
    title = inline(one.title, 100)
    if not one.artist:
        return say("song-title", title=title)
    return say("song-title-artist", title=title, artist=inline(one.artist, 80))


@dataclass(frozen=True, slots=True)
class SongName:
    """Title and artist as a message shows them. Very long ones are cut there."""

    title: str
    artist: str

    @property
    def cut(self) -> bool:
        return self.title.endswith("…") or self.artist.endswith("…")


def names_in(description: str) -> dict[int, SongName]:
    """The songs of a numbered list that `recommendations` wrote, by their numbers."""
    return {
        int(found["number"]): SongName(_plain(found["title"]), _plain(found["artist"] or ""))
        for found in _NUMBERED.finditer(description)
    }


def _plain(text: str) -> str:
    """What `inline` made safe for markdown, as it was before."""
    return re.sub(r"\\(.)", r"\1", text).replace("@\u200b", "@")


def song_list(
    found: SongList,
    *,
    first: int = 0,
    typed: str = "",
    people: Sequence[int] = (),
    without_likes: Sequence[int] = (),
    add: str = "",
) -> Reply:
    """A page of songs, numbered from `first` + 1, with what it is made from.

    `typed` is what a person wrote for the song that all of them go with; `people` are the ids of several for whom the
    list is, `without_likes` those of them who like nothing yet; `add` is the command that adds a like.
    """
    match, because = found.match, ""
    if found.basis is Basis.SONG and match is not None:
        title = say("songs-like-title", song=inline(match.song.label, 150))
    elif found.basis is Basis.LIKES:
        title = say("songs-from-likes-together" if people else "songs-from-likes")
        because = "because-of" if people else "because-you-liked"
    else:
        title = say(_TITLES[found.basis])
    hints = (
        [say("songs-guessed", typed=inline(typed, 100), song=song(match.song))]
        if (match is not None and match.guessed)
        else []
    )
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
        case Basis.POPULAR_UNKNOWN if found.match is not None:
            return [say("songs-song-unknown", song=song(found.match.song))]
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
) -> Reply:
    """A list, numbered from `first` + 1. With `because`, the name of the text that gives a reason, each song says which
    of the seed songs it came from, and whether it is in fewer than `few` playlists.
    """
    lines = [
        f"{number}. {song(recommendation.song)}{_why(recommendation, because, few) if because else ''}"
        for number, recommendation in enumerate(result.songs, first + 1)
    ]
    note = f"\n\n{hint}" if hint else ""
    songs = clip("\n".join(lines), DESCRIPTION - size(note))
    embed = discord.Embed(title=clip(title, TITLE), description=songs + note, colour=BLUE)
    foot(embed, harmless(result.model))
    return Reply(embed=embed)


def _why(recommendation: Recommendation, because: str, few: int) -> str:
    seeds = [inline(seed.title, 60) for seed in recommendation.because[:3]]
    parts = [say(because, songs=listed(seeds))] if seeds else []
    if recommendation.playlists < few:
        parts.append(say("song-little-known", playlists=recommendation.playlists))
    return f"\n-# {' · '.join(parts)}" if parts else ""


def liked_songs(
    songs: Sequence[LikedSong], first: int, total: int, unwanted: Sequence[Song] = ()
) -> discord.Embed:
    """One page of somebody's likes, numbered from `first` + 1, and what they do not want to be recommended."""
    lines = [
        f"{number}. {song(like.song)} · {discord.utils.format_dt(like.liked_at, 'd')}"
        for number, like in enumerate(songs, first + 1)
    ]
    embed = discord.Embed(
        title=say("likes-title", songs=total), description=clip("\n".join(lines), DESCRIPTION), colour=BLUE
    )
    if unwanted:
        titles = [f"👎 {song(one)}" for one in unwanted]
        embed.add_field(
            name=say("likes-not-recommended", songs=len(unwanted)), value=whole_lines(titles, FIELD_VALUE)
        )
    return embed
