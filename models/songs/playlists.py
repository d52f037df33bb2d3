"""The files of a catalogue: a table of songs, playlists, tags. Whatever is left out is counted."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

import pandas as pd

from models.failures import NoSharedIds, NotASongTable, NotPlaylists
from models.results import Song
from models.songs import seen

HEADER_LINES = 2
"""Lines that may come before the playlists: all song ids, and how often each was played."""


class CatalogueCount(StrEnum):
    """What is counted while the files of a catalogue are read; the values are what people read."""

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
    UNDECODABLE_IN_PLAYLISTS = "playlists file: undecodable bytes"
    UNLISTED_SONGS = "songs played but not in the table"
    TAGGED_SONGS = "songs with tags"
    SONGS_WITHOUT_TAG_LINE = "songs that the tags file has no line for"
    SURPLUS_TAG_LINES = "lines of the tags file beyond the songs, left out"

    @property
    def suspicious(self) -> bool:
        """Whether people should look into it if it is not 0."""
        return self in _SUSPICIOUS


_SUSPICIOUS = {
    CatalogueCount.SONGS_WITHOUT_ID,
    CatalogueCount.REPEATED_SONGS,
    CatalogueCount.UNDECODABLE_IN_SONGS,
    CatalogueCount.SINGLE_SONG_PLAYLISTS,
    CatalogueCount.UNDECODABLE_IN_PLAYLISTS,
    CatalogueCount.UNLISTED_SONGS,
    CatalogueCount.SURPLUS_TAG_LINES,
}
Report: TypeAlias = dict[CatalogueCount, int]
"""What was read and what was left out."""

_COLUMNS = (
    ("id", "songid", "trackid", "trackuri", "itemid", "movieid", "uri", "spotifyid"),
    ("title", "name", "trackname", "songname", "song", "track"),
    ("artist", "artistname", "artistnames", "artists"),
)
"""What the columns id, title and artist are called, without case and punctuation."""
_ESCAPED = re.compile(r"\\([/\\])")


@dataclass(frozen=True, slots=True)
class Table:
    """The songs of a table and the line of each, counted from 0 after the header."""

    songs: list[Song]
    lines: list[int]
    report: Report


def read_songs(data: bytes, label: str = "") -> Table:
    r"""Songs of a table `id<TAB>title<TAB>artist`, or of one whose first line names these columns.

    Ids are text. Between tabs nothing is quoted; with commas or semicolons, fields may be. `\/` stands for `/`. Fields
    after the third belong to the artist, unless the columns have names. A missing title is replaced by the id; of a
    repeated id the first line counts. Raises NotASongTable for what is none.
    """
    text, undecodable = _decoded(seen.unpacked(data, label))
    if kind := seen.kind_of(text):
        raise NotASongTable(label, kind)
    rows = _rows(_lines(text))
    columns = _named_columns(rows[0]) if rows else None
    songs: dict[str, Song] = {}
    lines: list[int] = []
    report: Report = dict.fromkeys(
        (
            CatalogueCount.SONGS,
            CatalogueCount.SONG_HEADERS,
            CatalogueCount.SONGS_WITHOUT_ID,
            CatalogueCount.REPEATED_SONGS,
            CatalogueCount.SONGS_WITHOUT_TITLE,
            CatalogueCount.SONGS_WITHOUT_ARTIST,
        ),
        0,
    )
    for number, row in enumerate(rows):
        id_, title, artist, *more = (_ESCAPED.sub(r"\1", value).strip() for value in row)
        if columns is not None:
            fields = [_ESCAPED.sub(r"\1", value).strip() for value in row]
            id_, title, artist = (fields[column] if column >= 0 else "" for column in columns)
            more = [field for field, name in zip(fields, rows[0], strict=True) if not name.strip()]
        artist = " ".join(filter(None, [artist, *more]))
        if number == 0 and (columns is not None or _is_header(rows)):
            report[CatalogueCount.SONG_HEADERS] += 1
        elif not id_:
            report[CatalogueCount.SONGS_WITHOUT_ID] += bool(title or artist)
        elif id_ in songs:
            report[CatalogueCount.REPEATED_SONGS] += 1
        else:
            report[CatalogueCount.SONGS_WITHOUT_TITLE] += not title
            report[CatalogueCount.SONGS_WITHOUT_ARTIST] += not artist
            lines.append(number - report[CatalogueCount.SONG_HEADERS])
            songs[id_] = Song(id_, title or f"Song {id_}", artist)
    report[CatalogueCount.SONGS] = len(songs)
    report[CatalogueCount.UNDECODABLE_IN_SONGS] = undecodable
    return Table(list(songs.values()), lines, report)


def _rows(lines: Sequence[str]) -> list[list[str]]:
    """The fields of each line, at least three, as text; blank lines too."""
    separator = seen.separator_of(list(lines))
    width = max((line.count(separator) for line in lines), default=0) + 1
    table = pd.read_csv(
        io.StringIO("\n".join(lines)),
        sep=separator,
        header=None,
        names=range(max(3, width)),
        dtype=str,
        quoting=csv.QUOTE_NONE if separator == "\t" else csv.QUOTE_MINIMAL,
        keep_default_na=False,
        skip_blank_lines=False,
    ).fillna("")
    return [[str(value) for value in row] for row in table.itertuples(index=False)]


def _named_columns(header: Sequence[str]) -> tuple[int, int, int] | None:
    """Where id, title and artist stand, if a first line names the first two; -1 for a column that is not there."""
    names = [re.sub(r"[\W_]+", "", name.casefold()) for name in header]
    found = [next((names.index(name) for name in known if name in names), -1) for known in _COLUMNS]
    id_, title, artist = found
    return (id_, title, artist) if id_ >= 0 and title >= 0 else None


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether only the first of several ids is a word."""
    ids = [row[0].strip() for row in rows[1:] if row[0].strip()]
    first = rows[0][0].strip()
    return len(ids) > 1 and first.isidentifier() and all(map(_is_number, ids))


def matched(playlists: Playlists, table: Table) -> Playlists:
    """The playlists with their ids as the table writes them: `12.0`, which programs make of 12, is 12.

    Raises NoSharedIds if the two have no id in common.
    """
    known = {song.id for song in table.songs}
    played = {id_ for playlist in playlists.lists for id_ in playlist}
    if known & played:
        return playlists
    whole = {id_: id_.removesuffix(".0") for id_ in played}
    if not known & set(whole.values()):
        raise NoSharedIds(min(known, default=""), min(played, default=""))
    lists = [[whole[id_] for id_ in playlist] for playlist in playlists.lists]
    plays = {id_.removesuffix(".0"): count for id_, count in playlists.plays.items()}
    return replace(playlists, lists=lists, plays=plays)


@dataclass(frozen=True, slots=True)
class Playlists:
    """Playlists of at least two songs, as lists of song ids with repetitions, in the order of the file."""

    lists: list[list[str]]
    plays: dict[str, int]
    """How often each song was played according to the header; empty without a header."""
    report: Report


def read_playlists(data: bytes, label: str = "") -> Playlists:
    """A playlist of song ids on each line. Two header lines, all song ids and their plays, may come first.

    Raises NotPlaylists for what is none.
    """
    text, undecodable = _decoded(seen.unpacked(data, label))
    if kind := seen.kind_of(text) or ("table" if seen.is_comma_separated(_lines(text)) else ""):
        raise NotPlaylists(label, kind)
    interned: dict[str, str] = {}
    # One object for each id rather than for each play: a million of those take a hundred megabytes.
    lines = [[interned.setdefault(id_, id_) for id_ in line.split()] for line in _lines(text)]
    plays = _header(lines)
    lines = lines[HEADER_LINES:] if plays is not None else lines
    lists = [line for line in lines if len(line) > 1]
    return Playlists(
        lists,
        plays or {},
        {
            CatalogueCount.PLAYLISTS: len(lists),
            CatalogueCount.PLAYLIST_HEADERS: 0 if plays is None else HEADER_LINES,
            CatalogueCount.SINGLE_SONG_PLAYLISTS: sum(len(line) == 1 for line in lines),
            CatalogueCount.BLANK_PLAYLISTS: sum(not line for line in lines),
            CatalogueCount.UNDECODABLE_IN_PLAYLISTS: undecodable,
        },
    )


def _header(lines: Sequence[Sequence[str]]) -> dict[str, int] | None:
    """The plays of each song, if the first two lines are a header rather than playlists.

    A header has as many whole numbers on its second line as different ids on its first. Two playlists may look
    like that too, but a header names most of what is played, and its numbers repeat.
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


def read_tags(tags: bytes, names: bytes | None, songs: int) -> tuple[list[tuple[str, ...]], Report]:
    """The tags of each of the first `songs` rows of the table, and what was counted.

    Line N holds the tag ids of row N, `#` for none. `names` is a table `id, tag`; a tag that it lacks is called by
    its id.
    """
    tag_names: dict[str, str] = {}
    for line in _lines(_decoded(names)[0]) if names is not None else []:
        id_, _, name = line.partition(",")
        tag_names[id_.strip()] = name.strip() or id_.strip()
    lines = _lines(_decoded(tags)[0])
    rows = [tuple(tag_names.get(id_, id_) for id_ in line.split() if id_ != "#") for line in lines[:songs]]
    missing = max(0, songs - len(lines))
    return rows + [()] * missing, {
        CatalogueCount.TAGGED_SONGS: sum(map(bool, rows)),
        CatalogueCount.SONGS_WITHOUT_TAG_LINE: missing,
        CatalogueCount.SURPLUS_TAG_LINES: max(0, len(lines) - songs),
    }


def _lines(text: str) -> list[str]:
    """The lines of a file from any system. Unlike `splitlines`, form feeds and the like do not end a line."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text.removesuffix("\n").split("\n") if text else []


def _decoded(data: bytes) -> tuple[str, int]:
    """The text, and the number of bytes that are not valid UTF-8 and were read as Latin-1."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", "replace")
        return text, text.count("\N{REPLACEMENT CHARACTER}")
    data = data.removeprefix(codecs.BOM_UTF8)
    text = data.decode("utf-8", "surrogateescape")
    # Each invalid byte is now a lone surrogate with that byte as its lower half.
    invalid = re.compile("[\udc80-\udcff]")
    return invalid.sub(lambda match: chr(ord(match[0]) - 0xDC00), text), len(invalid.findall(text))
