"""The contents of one catalogue file: songs with their titles, lists of ids, or both."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from models.results import Song
from models.songs.counts import CatalogueCount, Report

LONGEST_ID = 60
"""Maximum characters of a title that is used as an id; an id must fit into a button."""


@dataclass(slots=True)
class Part:
    """`lists` contain song ids with repetitions, in file order; lists with fewer than two are only counted."""

    songs: dict[str, Song] = field(default_factory=dict)
    lists: list[list[str]] = field(default_factory=list)
    tags: dict[str, tuple[str, ...]] = field(default_factory=dict)
    plays: dict[str, int] = field(default_factory=dict)
    """How often each song was played, from a header of the lists; empty without one."""
    lines: list[int] = field(default_factory=list)
    """The line of each song, counted from 0 after the header, if the file is a table of songs."""
    report: Report = field(default_factory=dict)
    bare: bool = False
    """Whether only the position says that this is a list: lines of ids, which any text could be."""
    columns: tuple[str, ...] = ()
    """The header, if there is one."""

    def add(self, other: Part) -> None:
        """Merge another part; if both name a song, this one's title is kept."""
        self.songs = other.songs | self.songs
        self.lists += other.lists
        self.lines = []
        self.bare = self.bare and other.bare
        self.plays = other.plays | self.plays
        self.tags = other.tags | self.tags
        for what, count in other.report.items():
            self.report[what] = self.report.get(what, 0) + count
        self.columns += tuple(name for name in other.columns if name not in self.columns)

    def add_lists(self, lists: Sequence[list[str]]) -> None:
        whole = [one for one in lists if len(one) > 1]
        self.lists += whole
        for what, count in (
            (CatalogueCount.PLAYLISTS, len(whole)),
            (CatalogueCount.SINGLE_SONG_PLAYLISTS, sum(len(one) == 1 for one in lists)),
        ):
            self.report[what] = self.report.get(what, 0) + count

    def name(self, title: str, artist: str = "", id_: str = "") -> str:
        """Record the title of a song and return its id."""
        title, artist = " ".join(title.split()), " ".join(artist.split())
        id_ = " ".join(id_.split()) or id_of(title, artist)
        if id_ and id_ not in self.songs and (title or artist):
            self.songs[id_] = Song(id_, title or artist, artist if title else "")
        return id_


def id_of(title: str, artist: str = "") -> str:
    """An id for a song without one: the title if there is no artist, otherwise a number computed from both."""
    if not artist and len(title) <= LONGEST_ID:
        return title
    both = f"{title.casefold()}\0{artist.casefold()}".encode(errors="surrogatepass")
    return hashlib.sha256(both).hexdigest()[:16] if title or artist else ""
