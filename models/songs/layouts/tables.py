"""Tables of songs: the notebook's `id<TAB>title<TAB>artist`, and those with a header line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence

import pandas as pd

from models.results import Song
from models.songs.counts import CatalogueCount
from models.songs.layouts import columns, seen
from models.songs.layouts.delimited import header_of
from models.songs.layouts.part import Part, id_of
from models.songs.layouts.rows import tags_of
from models.songs.layouts.text import lines_of
from models.specs import Columns

FEWEST = 3
"""Minimum number of rows for rejecting a table whose titles are mostly missing or numbers."""
_ESCAPED = re.compile(r"\\([/\\])")
_LETTER = re.compile(r"[^\W\d_]")


def read(text: str, named: Columns) -> Part | None:
    r"""The songs of a table; None if it has no titles and so is not a table of songs.

    Ids are text. Tab-separated fields are not quoted unless the header is; fields separated by commas or semicolons may
    be. `\/` stands for `/`. Without column names, fields after the third belong to the artist. A missing title is
    replaced by the id; of a repeated id the first line is used.
    """
    lines = lines_of(text)
    separator, header = header_of("\n".join(lines[:1]), named)
    roles = columns.roles_of(header, named)
    if not columns.is_table(roles):
        roles, separator = {"item": 0, "title": 1, "by": 2}, seen.separator_of(lines)
        is_named = False
    else:
        is_named = True
    rows = _rows(lines, separator)
    first = int(is_named or (bool(rows) and _is_header(rows)))
    part = Part(columns=tuple(header) if is_named else ())
    part.report = dict.fromkeys(
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
    part.report[CatalogueCount.SONG_HEADERS] = first
    for number, row in enumerate(rows[first:]):
        _add(part, number, row, roles, named=is_named)
    part.report[CatalogueCount.SONGS] = len(part.songs)
    return part if is_named or _has_titles(rows[first:]) else None


def _add(part: Part, line: int, row: Sequence[str], roles: Mapping[str, int], *, named: bool) -> None:
    fields = [_ESCAPED.sub(r"\1", value).strip() for value in row]
    title, artist, tags = (fields[roles[role]] if role in roles else "" for role in ("title", "by", "tags"))
    width = max(roles.values()) + 1 if not named else len(part.columns)
    artist = " ".join(filter(None, [artist, *fields[width:]]))
    id_ = " ".join(fields[roles["item"]].split()) if "item" in roles else id_of(title, artist)
    if not id_:
        part.report[CatalogueCount.SONGS_WITHOUT_ID] += bool(title or artist)
    elif id_ in part.songs:
        part.report[CatalogueCount.REPEATED_SONGS] += 1
    else:
        part.report[CatalogueCount.SONGS_WITHOUT_TITLE] += not title
        part.report[CatalogueCount.SONGS_WITHOUT_ARTIST] += "by" in roles and not artist
        part.lines.append(line)
        part.songs[id_] = Song(id_, title, artist)
        if tags:
            part.tags[id_] = tags_of(tags)


def _rows(lines: Sequence[str], separator: str) -> list[list[str]]:
    """The fields of each line as text, at least three, including blank lines."""
    quoted = separator != "\t" or '"' in "".join(lines[:1])
    width = max((line.count(separator) for line in lines), default=0) + 1
    table = pd.read_csv(
        io.StringIO("\n".join(lines)),
        sep=separator,
        header=None,
        names=range(max(3, width)),
        index_col=False,
        dtype=str,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        skipinitialspace=quoted,
        keep_default_na=False,
        skip_blank_lines=False,
    ).fillna("")
    return [[str(value) for value in row] for row in table.itertuples(index=False)]


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether only the first of several ids is a word."""
    ids = [row[0].strip() for row in rows[1:] if row[0].strip()]
    first = rows[0][0].strip()
    return len(ids) > 1 and first.isidentifier() and all(id_.isascii() and id_.isdigit() for id_ in ids)


def _has_titles(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the fields where titles are expected may be titles; very few rows are given the benefit of the doubt."""
    whole = [row for row in rows if any(field.strip() for field in row)]
    titled = sum(bool(_LETTER.search(row[1])) for row in whole)
    return len(whole) < FEWEST or 2 * titled >= len(whole)
