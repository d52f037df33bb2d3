"""Turns rows that assign items to lists, and name them, into lists and songs."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.failures import NotRatings
from models.songs.counts import CatalogueCount
from models.songs.layouts.part import Part, id_of

LIKED = 0.8
"""Default share of the highest rating from which an item counts as liked: 4 of 5, 8 of 10."""
UNREADABLE = 0.5
"""Share of unreadable times above which a column is not taken for times."""
_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_NO_TAG = {"", "(no genres listed)"}

Codes = NDArray[np.int64]


def part_of(rows: pd.DataFrame, min_rating: float | None = None, label: str = "") -> Part:
    """The songs and lists of a table.

    `rows` has text in some of the columns list, item, title, by, rating, time, tags (see `models.specs.Columns`); an
    item without an id gets one from its title. Lists are sorted by time if there is one, otherwise in row order. If
    there are ratings, only those of at least `min_rating` count; None means LIKED of the highest one.
    """
    part = Part()
    items, ids = _items(rows)
    known = items >= 0
    _add_songs(part, rows, items, ids)
    if "list" not in rows:
        return part
    lists, _ = _coded(rows["list"])
    complete = known & (lists >= 0)
    part.report[CatalogueCount.INCOMPLETE_ROWS] = int((~complete).sum())
    if "rating" in rows:
        liked = complete & _liked(rows["rating"], min_rating, label)
        part.report[CatalogueCount.LOW_RATINGS] = int((complete & ~liked).sum())
        complete = liked
    chosen = np.flatnonzero(complete)
    keys: list[NDArray[np.int64 | np.float64]] = [lists[chosen]]
    if "time" in rows:
        keys.insert(0, _moments(rows["time"])[chosen])
    chosen = chosen[np.lexsort(keys)]  # stable: rows with equal times keep their order
    borders = np.flatnonzero(np.diff(lists[chosen])) + 1
    names = np.array(ids, dtype=object)
    part.add_lists([names[items[some]].tolist() for some in np.split(chosen, borders) if len(some)])
    return part


def _items(rows: pd.DataFrame) -> tuple[Codes, list[str]]:
    """The number of each row's item, or -1 for none; and the id of each item."""
    codes, ids = _coded(rows["item"]) if "item" in rows else (np.full(len(rows), -1, np.int64), [])
    named = [rows[name] for name in ("title", "by") if name in rows]
    missing = np.flatnonzero(codes < 0)
    if not named or not len(missing):
        return codes, ids
    numbers = {id_: number for number, id_ in enumerate(ids)}
    titles = [_coded(column.iloc[missing]) for column in named]
    pairs = np.stack([code for code, _ in titles], axis=1)
    unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
    made = [
        id_of(*(texts[code] if code >= 0 else "" for code, (_, texts) in zip(pair, titles, strict=True)))
        for pair in unique
    ]
    new = np.array([numbers.setdefault(id_, len(numbers)) if id_ else -1 for id_ in made], np.int64)
    codes[missing] = new[inverse.reshape(-1)]
    return codes, list(numbers)


def _add_songs(part: Part, rows: pd.DataFrame, items: Codes, ids: Sequence[str]) -> None:
    titled = [name for name in ("title", "by", "tags") if name in rows]
    if not titled:
        return
    # Titles and tags are taken from the first row of each item.
    columns = {name: rows[name].to_numpy(object) for name in titled}
    named = np.flatnonzero(items >= 0)
    _, first = np.unique(items[named], return_index=True)
    for row in np.sort(named[first]):
        text = {name: str(column[row]).strip() for name, column in columns.items()}
        id_ = ids[items[row]]
        part.name(text.get("title", ""), text.get("by", ""), id_)
        if tags := tags_of(text.get("tags", "")):
            part.tags[id_] = tags
    if "list" not in rows:
        part.report |= {
            CatalogueCount.SONGS_WITHOUT_ID: len(rows) - len(named),
            CatalogueCount.REPEATED_SONGS: len(named) - len(first),
        }


def tags_of(text: str) -> tuple[str, ...]:
    """Tags separated by bars, commas or semicolons."""
    parts = [part.strip() for part in re.split(r"[|;,]", text.strip("[]"))]
    return tuple(dict.fromkeys(part.strip("'\"") for part in parts if part not in _NO_TAG))


def _coded(texts: pd.Series[str]) -> tuple[Codes, list[str]]:
    """The number of each text's tidy form, or -1 for an empty one; and these forms."""
    codes, found = pd.factorize(texts)
    numbers: dict[str, int] = {}
    tidy = [" ".join(str(text).split()) for text in found]
    new = np.array([numbers.setdefault(text, len(numbers)) if text else -1 for text in tidy] + [-1], np.int64)
    return new[codes], list(numbers)


def _liked(ratings: pd.Series[str], least: float | None, label: str) -> NDArray[np.bool_]:
    """Which ratings are high enough. Raises NotRatings if none of them is a number."""
    numbers = pd.to_numeric(ratings, errors="coerce").to_numpy(np.float64)
    if np.isnan(numbers).all():
        numbers = pd.to_numeric(ratings.astype(str).str.replace(",", "."), errors="coerce").to_numpy(
            np.float64
        )
    if len(numbers) and np.isnan(numbers).all():
        raise NotRatings(label, str(ratings.iloc[0]))
    if least is None:
        highest = float(np.nanmax(numbers, initial=-np.inf))
        least = highest * LIKED if highest > 0 else highest
    return np.asarray(numbers >= least, np.bool_)


def _moments(times: pd.Series[str]) -> NDArray[np.float64]:
    """Numbers that sort by time. An unreadable time gets that of the row before; if most are unreadable, all are 0."""
    numbers = pd.to_numeric(times, errors="coerce")
    if numbers.isna().mean() > UNREADABLE:
        texts = times.astype(str)
        if texts.str.match(_ISO).all():
            _, order = np.unique(texts.to_numpy(), return_inverse=True)
            return np.asarray(order, np.float64)
        read = pd.to_datetime(texts, errors="coerce", format="mixed", utc=True)
        numbers = read.astype("int64").where(read.notna()).astype(float)
    if numbers.isna().mean() > UNREADABLE:
        return np.zeros(len(times))
    return numbers.ffill().fillna(0.0).to_numpy(np.float64)
