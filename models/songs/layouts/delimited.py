"""Tables with a header line: CSV and similar formats. Rows contain items, items in lists, or both."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pandas as pd

from models.failures import UnreadableFile
from models.songs.layouts import columns, rows
from models.songs.layouts.part import Part
from models.songs.layouts.text import head_of
from models.specs import Columns

SEPARATORS = "\t;,|"
FEWEST_COLUMNS = 2
UNNAMED = Columns()


def header_of(text: str, named: Columns = UNNAMED) -> tuple[str, list[str]]:
    """The separator of a text and the fields of its first line, chosen so that most of the fields are known columns."""
    line = next(iter(head_of(text, 1)), "")
    found = [(separator, _fields(line, separator)) for separator in SEPARATORS]
    return max(found, key=lambda one: (len(columns.roles_of(one[1], named)), len(one[1])))


def names_columns(header: Sequence[str], named: Columns) -> bool:
    """Whether the fields of a first line are the header of some kind of table."""
    return len(header) > 1 and len(columns.roles_of(header, named)) > 1


def read(text: str, label: str, named: Columns, min_rating: float | None) -> Part | None:
    """The contents of a table; None if its first line does not name enough columns."""
    separator, header = header_of(text, named)
    roles = columns.roles_of(header, named)
    if len(header) < FEWEST_COLUMNS or not (columns.is_list_of_songs(roles) or columns.is_table(roles)):
        return None
    table = _table(text, label, separator, header, roles)
    if "list" not in roles:
        if not _is_one_list(table):
            return None
        table["list"] = label
    part = rows.part_of(table, min_rating, label)
    part.columns = tuple(header)
    return part


def _is_one_list(table: pd.DataFrame) -> bool:
    """Whether a table is a single Spotify playlist, as exported by Exportify."""
    return "item" in table and bool(table["item"].str.startswith("spotify:track:").any())


def _table(
    text: str, label: str, separator: str, header: Sequence[str], roles: dict[str, int]
) -> pd.DataFrame:
    quoted = separator != "\t" or '"' in text[: text.find("\n")]
    try:
        table = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            header=0,
            names=range(len(header)),
            index_col=False,
            usecols=sorted(roles.values()),
            dtype=str,
            keep_default_na=False,
            na_values=[],
            quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
            skipinitialspace=True,
            on_bad_lines="error",
        )
    except (pd.errors.ParserError, ValueError) as error:
        raise UnreadableFile(label, str(error).strip().splitlines()[-1]) from error
    return table.rename(columns={place: role for role, place in roles.items()}).fillna("")


def _fields(line: str, separator: str) -> list[str]:
    return next(iter(csv.reader([line], delimiter=separator, skipinitialspace=True)), [])
