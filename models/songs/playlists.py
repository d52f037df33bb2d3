"""The files of a catalogue: a table of songs, playlists, tags. Skipped entries are counted.

File layouts are handled by `models.songs.layouts`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import texts
from models.failures import (
    ModelError,
    NoFiles,
    NoSharedIds,
    NoSuchColumn,
    NotASongTable,
    NoTitles,
    NotPlaylists,
)
from models.results import Song
from models.songs.counts import CatalogueCount, Report
from models.songs.layouts import archives
from models.songs.layouts.archives import File
from models.songs.layouts.part import Part
from models.songs.layouts.reading import read_lists_part, read_songs_part
from models.songs.layouts.text import decoded, lines_of
from models.specs import Layout

_FRACTION = re.compile(r"(\d+)\.0+")
_SPOTIFY = re.compile(r"(?:spotify:track:|https://open\.spotify\.com/(?:intl-\w+/)?track/)(\w+)(?:\?.*)?")
_WORDS = re.compile(r"[^\d:/_]*[^\W\d_][^\d:/_]*")
"""A human-readable id."""
PLAIN = Layout()
Reader: TypeAlias = Callable[[bytes, str, Layout], Part]


@dataclass(frozen=True, slots=True)
class Table:
    """The songs of a table and the line of each, counted from 0 after the header. `tags` are by id; `lines` are empty
    if songs do not correspond to lines.
    """

    songs: list[Song]
    lines: list[int]
    report: Report
    tags: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Playlists:
    """Playlists of at least two songs, as lists of song ids with repetitions, in file order."""

    lists: list[list[str]]
    plays: dict[str, int]
    """How often each song was played, from the header; empty without one."""
    report: Report


def read_songs(data: bytes, label: str = "", layout: Layout = PLAIN) -> Table:
    """The songs in a file of any layout that names them, plain or compressed. Raises NotASongTable for other files."""
    return songs_of(archives.opened(data, label), layout)


def read_playlists(data: bytes, label: str = "", layout: Layout = PLAIN) -> Playlists:
    """The lists in a file of any layout that has them, plain or compressed. Raises NotPlaylists for other files."""
    return lists_of(archives.opened(data, label), layout)


def songs_of(files: Sequence[File], layout: Layout = PLAIN) -> Table:
    """The songs in some files."""
    part = _together(files, layout, read_songs_part)
    _check_columns(part, layout, "title", "by", "tags")
    return _table(part)


def lists_of(files: Sequence[File], layout: Layout = PLAIN) -> Playlists:
    """The lists in some files."""
    part = _together(files, layout, read_lists_part)
    _check_columns(part, layout, "list", "item", "rating", "time")
    return Playlists(part.lists, part.plays, part.report)


def both_of(files: Sequence[File], layout: Layout = PLAIN) -> tuple[Table, Playlists]:
    """The lists in some files, and the songs that the same files name. Raises NoTitles for lines of bare ids."""
    part = _together(files, layout, read_lists_part, read_songs_part)
    if part.bare and not part.songs:
        raise NoTitles(files[0].name)
    if not part.lists:
        return _table(part), lists_of(files, layout)
    _check_columns(part, layout, *layout.columns.__dataclass_fields__)
    return _table(part), Playlists(part.lists, part.plays, part.report)


def _together(files: Sequence[File], layout: Layout, *readers: Reader) -> Part:
    """The merged contents of the readable files. If no reader can read any of them, raises the first error."""
    parts: list[Part] = []
    refusal: ModelError | None = None
    for file in files:
        data = file.read()
        for read in readers:
            try:
                parts.append(read(data, file.name, layout))
            except (NotPlaylists, NotASongTable) as error:
                refusal = refusal or error
            else:
                break
    if len(parts) > 1:  # next to recognised files, lines without structure are probably notes
        parts = [part for part in parts if not part.bare] or parts
    if not parts:
        raise refusal or NoFiles
    whole = parts[0]
    for part in parts[1:]:
        whole.add(part)
    return whole


def _check_columns(part: Part, layout: Layout, *roles: str) -> None:
    """Raises NoSuchColumn if the settings name a column that the header lacks."""
    for role in roles:
        wanted = getattr(layout.columns, role)
        if wanted and part.columns and wanted not in part.columns:
            raise NoSuchColumn(wanted, part.columns)


def _table(part: Part) -> Table:
    songs = [song if song.title else replace(song, title=named(song.id)) for song in part.songs.values()]
    report = {CatalogueCount.TAGGED_SONGS: len(part.tags)} if part.tags else {}
    return Table(songs, part.lines, part.report | report, part.tags)


def named(id_: str) -> str:
    """The display name of a song without a title."""
    return id_ if _WORDS.fullmatch(id_) else texts.say("song-without-title", id=id_)


def matched(playlists: Playlists, table: Table) -> Playlists:
    """The playlists with ids spelt as in the table: `12.0`, a common conversion of 12, is 12, and the URI, address and
    bare id of a Spotify track are the same.

    Raises NoSharedIds if the two have no id in common.
    """
    known = {song.id for song in table.songs}
    played = {id_ for playlist in playlists.lists for id_ in playlist}
    strange = played - known
    if not strange:
        return playlists
    plain = {_plain_id(id_): id_ for id_ in known}
    meant = {id_: plain.get(_plain_id(id_), id_) for id_ in strange}
    if not known & {*played, *meant.values()}:
        raise NoSharedIds(min(known, default=""), min(played, default=""))
    if all(id_ == other for id_, other in meant.items()):
        return playlists
    lists = [[meant.get(id_, id_) for id_ in playlist] for playlist in playlists.lists]
    plays = {meant.get(id_, id_): count for id_, count in playlists.plays.items()}
    return replace(playlists, lists=lists, plays=plays)


def _plain_id(id_: str) -> str:
    found = _FRACTION.fullmatch(id_) or _SPOTIFY.fullmatch(id_)
    return found[1] if found else id_


def read_tags(tags: bytes, names: bytes | None, songs: int) -> tuple[list[tuple[str, ...]], Report]:
    """The tags for each of the first `songs` rows of the table, and counts.

    Line N holds the tag ids of row N, or `#` for none. `names` is a table `id, tag`; a tag missing there is named by
    its id.
    """
    tag_names: dict[str, str] = {}
    for line in lines_of(decoded(names)[0]) if names is not None else []:
        id_, _, name = line.partition(",")
        tag_names[id_.strip()] = name.strip() or id_.strip()
    lines = lines_of(decoded(tags)[0])
    rows = [tuple(tag_names.get(id_, id_) for id_ in line.split() if id_ != "#") for line in lines[:songs]]
    missing = max(0, songs - len(lines))
    return rows + [()] * missing, {
        CatalogueCount.TAGGED_SONGS: sum(map(bool, rows)),
        CatalogueCount.SONGS_WITHOUT_TAG_LINE: missing,
        CatalogueCount.SURPLUS_TAG_LINES: max(0, len(lines) - songs),
    }
