"""Detects versions of the same song: their titles differ only in case and in version marks."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.results import Song
from models.songs.search import searchable

_GUEST = r"(?:w\s*/|feat\b|ft\b|featuring\b)"
_MARK = (
    r"(?:live|unplugged|acoustic|remaster(?:ed)?|mono|stereo|explicit|clean|bonus track|"
    r"(?:radio|single|album|original|extended|\w+) (?:version|edit))"
)
_YEAR = r"(?:(?:digital(?:ly)?|\d{4}) )*"
_BRACKETED = re.compile(
    rf"[(\[]\s*(?:{_GUEST}[^)\]]*|{_YEAR}{_MARK}\b[^)\]]*|[^)\]]*\b{_MARK})\s*[)\]]", re.IGNORECASE
)
_AFTER_A_DASH = re.compile(rf"\s[-\u2013\u2014]\s+{_YEAR}{_MARK}\b(?:[\s;,:/(\[].*)?$", re.IGNORECASE)
_GUEST_AT_THE_END = re.compile(rf"\s[(\[]?{_GUEST}.*$", re.IGNORECASE)


def plain_title(title: str) -> str:
    """A searchable title without featured artists, "(Live)", "- 2009 Remaster" and the like; remixes stay distinct."""
    bare = _GUEST_AT_THE_END.sub("", _AFTER_A_DASH.sub("", _BRACKETED.sub(" ", title)))
    return searchable(bare) or searchable(title)


def plain_artist(artist: str) -> str:
    """A searchable artist without featured artists and without the article that some tables omit."""
    return searchable(_GUEST_AT_THE_END.sub("", artist)).removeprefix("the ") or searchable(artist)


def numbered(names: Sequence[object]) -> NDArray[np.int32]:
    """A number for each name, equal for equal names, counted from 0 in order of appearance: (names,)."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int32)


def group(songs: Sequence[Song]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The number of each song's work and of its artist, both (songs,).

    Songs with the same work are versions of one song. A song without an artist has its own work and artist.
    """
    artists = [plain_artist(song.artist) if song.artist else (song.id,) for song in songs]
    works = [(plain_title(song.title), artist) for song, artist in zip(songs, artists, strict=True)]
    return numbered(works), numbered(artists)
