"""Counts from reading a catalogue's files, so that nothing is skipped silently."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias


class CatalogueCount(StrEnum):
    """The values are display texts."""

    SONGS = "songs"
    SONG_HEADERS = "lines with a header"
    SONGS_WITHOUT_ID = "songs without an id, left out"
    REPEATED_SONGS = "songs with an id that was there before, left out"
    SONGS_WITHOUT_TITLE = "songs without a title"
    SONGS_WITHOUT_ARTIST = "songs without an artist"
    UNDECODABLE_IN_SONGS = "songs file: undecodable bytes"
    PLAYLISTS = "playlists"
    PLAYLIST_HEADERS = "playlists file: lines of a header"
    SINGLE_SONG_PLAYLISTS = "playlists of one song, left out"
    BLANK_PLAYLISTS = "blank lines among the playlists"
    INCOMPLETE_ROWS = "playlists file: rows without a list or an id, left out"
    LOW_RATINGS = "ratings below min_rating, left out"
    SHORT_PLAYS = "plays of less than 30 seconds, left out"
    UNDECODABLE_IN_PLAYLISTS = "playlists file: undecodable bytes"
    UNLISTED_SONGS = "songs played but not in the table"
    TAGGED_SONGS = "songs with tags"
    SONGS_WITHOUT_TAG_LINE = "songs that the tags file has no line for"
    SURPLUS_TAG_LINES = "lines of the tags file beyond the songs, left out"

    @property
    def suspicious(self) -> bool:
        """Whether a nonzero value deserves attention."""
        return self in _SUSPICIOUS


_SUSPICIOUS = {
    CatalogueCount.SONGS_WITHOUT_ID,
    CatalogueCount.REPEATED_SONGS,
    CatalogueCount.UNDECODABLE_IN_SONGS,
    CatalogueCount.SINGLE_SONG_PLAYLISTS,
    CatalogueCount.INCOMPLETE_ROWS,
    CatalogueCount.UNDECODABLE_IN_PLAYLISTS,
    CatalogueCount.UNLISTED_SONGS,
    CatalogueCount.SURPLUS_TAG_LINES,
}
Report: TypeAlias = dict[CatalogueCount, int]
"""Numbers of entries read and skipped."""
