"""What one file says of a catalogue: songs with their titles, lists of ids, or both."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from models.results import Song
from models.songs.counts import CatalogueCount, Report

LONGEST_ID = 60
"""Characters of a title that serves as an id; an id has to fit into a button."""


@dataclass(slots=True)
class Part:
    """`lists` are of song ids with repetitions, in the order of the file; lists of fewer than two are counted only."""

    songs: dict[str, Song] = field(default_factory=dict)
    lists: list[list[str]] = field(default_factory=list)
    tags: dict[str, tuple[str, ...]] = field(default_factory=dict)
    plays: dict[str, int] = field(default_factory=dict)
    """How often each song was played according to a header of the lists; empty without one."""
    lines: list[int] = field(default_factory=list)
    """The line of each song, counted from 0 after the header, if the file is a table of songs."""
    report: Report = field(default_factory=dict)
    bare: bool = False
    """Whether nothing but the place says that this is a list: lines of ids, of which any text may consist."""
    columns: tuple[str, ...] = ()
    """The header, if there is one."""

    def add(self, other: Part) -> None:
        """Take over what another part says; of a song that both name, this one's title stays."""
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
        """The id of a song, which is now known by its title."""
        title, artist = " ".join(title.split()), " ".join(artist.split())
        id_ = " ".join(id_.split()) or id_of(title, artist)
        if id_ and id_ not in self.songs and (title or artist):
            self.songs[id_] = Song(id_, title or artist, artist if title else "")
        return id_


def id_of(title: str, artist: str = "") -> str:
    """The id of a song that has none of its own: a title that stands alone, else a number made from both."""
    if not artist and len(title) <= LONGEST_ID:
        return title
    both = f"{title.casefold()}\0{artist.casefold()}".encode(errors="surrogatepass")
    return hashlib.sha256(both).hexdigest()[:16] if title or artist else ""
