"""Lists as lines of ids, the notebook's layout."""

from __future__ import annotations

from collections.abc import Sequence

from models.songs.counts import CatalogueCount
from models.songs.layouts.part import Part
from models.songs.layouts.text import lines_of

HEADER_LINES = 2
"""Number of header lines before the playlists, if any: all song ids, and how often each was played."""


def read(text: str) -> Part:
    """A playlist of song ids on each line, after up to two header lines: all song ids, and their plays."""
    interned: dict[str, str] = {}
    # Share one object per id, not one per play: a million of those take a hundred megabytes.
    lines = [[interned.setdefault(id_, id_) for id_ in line.split()] for line in lines_of(text)]
    plays = _header(lines)
    lines = lines[HEADER_LINES:] if plays is not None else lines
    part = Part(plays=plays or {}, bare=True)
    part.add_lists(lines)
    part.report |= {
        CatalogueCount.PLAYLIST_HEADERS: 0 if plays is None else HEADER_LINES,
        CatalogueCount.BLANK_PLAYLISTS: sum(not line for line in lines),
    }
    return part


def _header(lines: Sequence[Sequence[str]]) -> dict[str, int] | None:
    """The plays of each song, if the first two lines are a header rather than playlists.

    A header has as many integers on its second line as different ids on its first. Two playlists may look like that
    too, but a header contains most of the songs played, and its numbers repeat.
    """
    if len(lines) < HEADER_LINES:
        return None
    ids, numbers = lines[:HEADER_LINES]
    if not ids or len(ids) != len(numbers) or len(set(ids)) < len(ids) or not all(map(_is_number, numbers)):
        return None
    played = {id_ for line in lines[HEADER_LINES:] for id_ in line}
    names_most = 2 * len(played.intersection(ids)) > len(played)
    if not names_most and len(set(numbers)) > 1:
        return None
    return {id_: int(number) for id_, number in zip(ids, numbers, strict=True)}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
