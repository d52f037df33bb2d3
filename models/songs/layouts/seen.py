"""Describes a file that is neither a table of songs nor a list of playlists."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence

HEAD = 4096
"""Number of characters to inspect."""
ENOUGH = 60
"""Characters of valid JSON that no list of ids would contain by chance."""
FEW = 20
"""Number of lines to inspect to distinguish a table from a list."""
FEWEST = 2
"""Minimum number of lines for that."""
SHORT = 16
"""Length of a text in which a few unusual characters do not imply a binary file."""
_NAME = re.compile(r"[^\W\d_][^,;|]*")
_VALUE = re.compile(r"-?[\d.:/ T-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_STARTS = (
    ("pointer", re.compile(r"version https://git-lfs")),
    ("html", re.compile(r"(<!doctype html|<html|<head|<body)", re.IGNORECASE)),
    ("xml", re.compile(r"<\?xml|<[a-z]+[ >]", re.IGNORECASE)),
)


def kind_of(text: str) -> str:
    """The kind of a text that is neither lines of ids nor a table: pointer, html, xml, json or binary; otherwise ""."""
    head = text[:HEAD].lstrip("\ufeff \t\n")
    if len(head) > SHORT and len(_CONTROL.findall(head)) > len(head) / 50:
        return "binary"
    if head[:1] in {"{", "["} and _is_json(text):
        return "json"
    return next((kind for kind, start in _STARTS if start.match(head)), "")


def _is_json(text: str) -> bool:
    """Whether a text is JSON, possibly truncated."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos > ENOUGH
    except RecursionError:
        pass
    return True


def separator_of(lines: Sequence[str]) -> str:
    """The separator of a table's columns: a tab, comma or semicolon; a tab if there is none."""
    some = [line for line in lines[:FEW] if line.strip()]
    for separator in "\t;,":
        if some and sum(separator in line for line in some) > len(some) / 2:
            return separator
    return "\t"


def is_comma_separated(text: str) -> bool:
    """Whether lines are rows of a table rather than ids separated by white space."""
    some = [line for line in text[:HEAD].split("\n")[:FEW] if line.strip()]
    if len(some) < FEWEST:
        return False
    for separator in ",;|":
        if all(separator in line for line in some) and not any(line.strip().count(" ") for line in some):
            return True
        rows = [*csv.reader(some, delimiter=separator)]
        width = len(rows[0])
        if width > 1 and all(len(row) == width for row in rows) and all(map(_NAME.fullmatch, rows[0])):
            columns = zip(*rows[1:], strict=True)
            if any(all(map(_VALUE.fullmatch, column)) for column in columns):
                return True
    return False
