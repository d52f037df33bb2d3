"""The files of a catalogue: a table of songs, playlists, tags. What is left out is counted, never hidden."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from models.results import Song

HEADER_LINES = 2
"""Lines that may come before the playlists: all song ids, and how often each was played."""

_ESCAPED = re.compile(r"\\([/\\])")


@dataclass(frozen=True, slots=True)
class Table:
    """The songs of a table and, for each, the line it stands in, counted from 0 without a header."""

    songs: list[Song]
    lines: list[int]
    report: dict[str, int]
    """What was read and what was left out: counts."""


def read_songs(data: bytes) -> Table:
    r"""Songs of a table `id<TAB>title<TAB>artist`.

    Ids are text. Nothing is quoted; `\/` stands for `/`. Fields after the third belong to the artist.
    A missing title is replaced by the id, of a repeated id the first line counts.
    """
    text, undecodable = _decoded(data)
    columns = max((line.count("\t") for line in text.split("\n")), default=0) + 1
    table = pd.read_csv(
        io.StringIO("\n".join(_lines(text))),
        sep="\t",
        header=None,
        names=range(max(3, columns)),
        dtype=str,
        quoting=csv.QUOTE_NONE,
        keep_default_na=False,
        skip_blank_lines=False,
    ).fillna("")
    songs: dict[str, Song] = {}
    lines: list[int] = []
    report = dict.fromkeys(
        (
            "lines with a header",
            "songs without an id, left out",
            "songs with an id that was there before, left out",
            "songs without a title",
            "songs without an artist",
        ),
        0,
    )
    for number, row in enumerate(table.itertuples(index=False)):
        id_, title, artist, *more = (_ESCAPED.sub(r"\1", str(value)).strip() for value in row)
        artist = " ".join(filter(None, [artist, *more]))
        if number == 0 and (id_.casefold(), title.casefold()) in {("id", "title"), ("song_id", "title")}:
            report["lines with a header"] += 1
        elif not id_:
            report["songs without an id, left out"] += bool(title or artist)
        elif id_ in songs:
            report["songs with an id that was there before, left out"] += 1
        else:
            report["songs without a title"] += not title
            report["songs without an artist"] += not artist
            lines.append(number - report["lines with a header"])
            songs[id_] = Song(id_, title or f"Song {id_}", artist)
    report = {"songs": len(songs), **report, "songs file: undecodable bytes": undecodable}
    return Table(list(songs.values()), lines, report)


@dataclass(frozen=True, slots=True)
class Playlists:
    """Playlists of at least two songs, as lists of song ids with their repetitions, in the order of the file."""

    lists: list[list[str]]
    plays: dict[str, int]
    """How often each song was played, as the header says; empty without a header."""
    report: dict[str, int]
    """What was read and what was left out: counts."""


def read_playlists(data: bytes) -> Playlists:
    """One playlist of song ids a line. Two header lines, all song ids and their plays, may come first."""
    text, undecodable = _decoded(data)
    known: dict[str, str] = {}
    # One object for each id rather than for each play: a million plays would take a hundred megabytes.
    lines = [[known.setdefault(id_, id_) for id_ in line.split()] for line in _lines(text)]
    plays = _header(lines)
    lines = lines[2:] if plays is not None else lines
    lists = [line for line in lines if len(line) > 1]
    return Playlists(
        lists,
        plays or {},
        {
            "playlists": len(lists),
            "playlists file: lines of a header": 0 if plays is None else 2,
            "playlists of one song, left out": sum(len(line) == 1 for line in lines),
            "blank lines among the playlists": sum(not line for line in lines),
            "playlists file: undecodable bytes": undecodable,
        },
    )


def _header(lines: Sequence[Sequence[str]]) -> dict[str, int] | None:
    """The plays of each song, if the first two lines are a header rather than playlists.

    A header has as many whole numbers in its second line as different ids in its first. Two playlists may
    look so too; but a header names most of what is played, and its numbers repeat.
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


def read_tags(tags: bytes, names: bytes | None, songs: int) -> tuple[list[tuple[str, ...]], dict[str, int]]:
    """The tags of each of `songs` rows of the table, and what was met on the way.

    Line N holds the tag ids of row N, `#` for none. `names` is a table `id, tag`; a tag that it lacks, and
    every tag without it, goes by its id.
    """
    called: dict[str, str] = {}
    for line in _lines(_decoded(names)[0]) if names is not None else []:
        id_, _, name = line.partition(",")
        called[id_.strip()] = name.strip() or id_.strip()
    lines = _lines(_decoded(tags)[0])
    found = [tuple(called.get(id_, id_) for id_ in line.split() if id_ != "#") for line in lines[:songs]]
    missing = max(0, songs - len(lines))
    return found + [()] * missing, {
        "songs with tags": sum(map(bool, found)),
        "songs that the tags file has no line for": missing,
        "lines of the tags file beyond the songs, left out": max(0, len(lines) - songs),
    }


def _lines(text: str) -> list[str]:
    """The lines of a file from any system; form feeds and the like, which `splitlines` breaks at, end none."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text.removesuffix("\n").split("\n") if text else []


def _decoded(data: bytes) -> tuple[str, int]:
    """The text, and the number of bytes that are in no order of UTF-8 and were read as Latin-1."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", "replace")
        return text, text.count("\N{REPLACEMENT CHARACTER}")
    data = data.removeprefix(codecs.BOM_UTF8)
    text = data.decode("utf-8", "surrogateescape")
    # Each byte that did not fit is now a lone surrogate that holds it in its lower half.
    broken = re.compile("[\udc80-\udcff]")
    return broken.sub(lambda it: chr(ord(it[0]) - 0xDC00), text), len(broken.findall(text))
