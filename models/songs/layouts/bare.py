"""Datasets without a header, recognised by the shape of their lines: MovieLens and Last.fm."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pandas as pd

from models.songs.layouts import rows
from models.songs.layouts.part import Part
from models.songs.layouts.text import head_of

LOOKED_AT = 200
"""Number of lines to check. All of them must have the shape."""
GENRES = [
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
]
"""The last columns in u.item of MovieLens-100k, each 0 or 1."""
_MBID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_RATED = r"[^\s,;|:]+{0}[^\s,;|:]+{0}-?\d{{1,3}}(?:\.\d+)?{0}\d{{9,13}}"


class Shape(NamedTuple):
    """The lines of one dataset: the columns in order (those named "" are ignored), and their separator."""

    line: re.Pattern[str]
    columns: tuple[str, ...]
    separator: str
    tells: Callable[[Sequence[str]], bool] = bool
    """A property that the first lines must have in common."""


SHAPES = (
    *(
        Shape(re.compile(_RATED.format(re.escape(separator))), ("list", "item", "rating", "time"), separator)
        for separator in ("\t", "::", ",", ";", "|")
    ),
    # movies.dat; users.dat has more columns
    Shape(re.compile(r"\d+::(?:(?!::).)+::(?:(?!::).)*"), ("item", "title", "tags"), "::"),
    # u.item
    Shape(
        re.compile(r"\d+\|[^|]*\|[^|]*\|[^|]*\|[^|]*(?:\|[01]){19}"),
        ("item", "title", "", "", "", *(f"genre {name}" for name in GENRES)),
        "|",
    ),
    # Last.fm 1K: user, time, artist's id and name, track's id and name
    Shape(
        re.compile(rf"[^\t]+\t\d{{4}}-\d\d-\d\dT[\d:.+Z-]+\t(?:{_MBID})?\t[^\t]*\t(?:{_MBID})?\t[^\t]*"),
        ("list", "time", "", "by", "item", "title"),
        "\t",
    ),
    # Last.fm 360K: user, artist's id and name, plays
    Shape(
        re.compile(rf"[^\t]+\t(?:{_MBID})?\t[^\t]+\t\s*\d+"),
        ("list", "item", "title", ""),
        "\t",
        lambda lines: any(re.search(_MBID, line) for line in lines),
    ),
)


def read(text: str, min_rating: float | None) -> Part | None:
    """The contents of a dataset; None if the lines have none of the SHAPES."""
    lines = head_of(text, LOOKED_AT)
    for shape in SHAPES:
        if lines and all(map(shape.line.fullmatch, lines)) and shape.tells(lines):
            return rows.part_of(_table(text, shape), min_rating)
    return None


def _table(text: str, shape: Shape) -> pd.DataFrame:
    separator = shape.separator
    if len(separator) > 1:
        separator = "\t"
        text = text.replace("\t", " ").replace(shape.separator, separator)
    table = pd.read_csv(
        io.StringIO(text),
        sep=separator,
        header=None,
        names=[name or f"unread {place}" for place, name in enumerate(shape.columns)],
        usecols=[name for name in shape.columns if name],
        index_col=False,
        dtype=str,
        keep_default_na=False,
        quoting=csv.QUOTE_NONE,
        on_bad_lines="skip",
    ).fillna("")
    flags = [name for name in shape.columns if name.startswith("genre ")]
    if flags:
        marked = [
            (table[name] == "1").map({True: f"{name.removeprefix('genre ')}|", False: ""}) for name in flags
        ]
        table["tags"] = pd.concat(marked, axis=1).sum(axis=1)
        table = table.drop(columns=flags)
    return table
