"""Reads a catalogue file in any layout: each is tried in turn, and other files are rejected with a description."""

from __future__ import annotations

import json

from models.failures import NotASongTable, NotPlaylists
from models.songs.counts import CatalogueCount
from models.songs.layouts import bare, delimited, exports, lines, seen, tables
from models.songs.layouts.part import Part
from models.songs.layouts.text import decoded, plain
from models.specs import Layout

KEYS_NAMED = 8
"""Maximum number of keys or columns in an error message."""


def read_songs_part(data: bytes, label: str, layout: Layout) -> Part:
    """The contents of a file that should contain songs. Raises NotASongTable."""
    text, undecodable = _text(data, layout)
    part = _common(text, label, layout, NotASongTable)
    if part is None:
        part = tables.read(text, layout.columns)
    if part is None or (not part.songs and part.lists):
        raise NotASongTable(
            label, "table" if seen.is_comma_separated(text) else "text", _header(text, layout)
        )
    part.report[CatalogueCount.UNDECODABLE_IN_SONGS] = undecodable
    return part


def read_lists_part(data: bytes, label: str, layout: Layout) -> Part:
    """The contents of a file that should contain lists. Raises NotPlaylists."""
    text, undecodable = _text(data, layout)
    part = _common(text, label, layout, NotPlaylists)
    if part is None:
        header = delimited.header_of(text, layout.columns)[1]
        if seen.is_comma_separated(text) or delimited.names_columns(header, layout.columns):
            raise NotPlaylists(label, "table", _header(text, layout))
        part = lines.read(text)
    part.report[CatalogueCount.UNDECODABLE_IN_PLAYLISTS] = undecodable
    return part


def _common(
    text: str, label: str, layout: Layout, refusal: type[NotASongTable | NotPlaylists]
) -> Part | None:
    """The contents of a file in a self-describing layout; None for lines of ids and plain tables."""
    if kind := seen.kind_of(text):
        part = exports.read(_json(text)) if kind == "json" else None
        if part is None:
            keys = _keys(text) if kind == "json" else ""
            raise refusal(label, "object" if keys else kind, keys)
        return part
    part = bare.read(text, layout.min_rating)
    return part or delimited.read(text, label, layout.columns, layout.min_rating)


def _text(data: bytes, layout: Layout) -> tuple[str, int]:
    text, undecodable = decoded(data, layout.encoding)
    return plain(text), undecodable


def _json(text: str) -> exports.Json:
    try:
        content: exports.Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content


def _keys(text: str) -> str:
    """The keys of a JSON object, or of the first object of a list."""
    content = _json(text)
    if isinstance(content, list):
        content = next(iter(content), None)
    keys = [*content] if isinstance(content, dict) else []
    return ", ".join(map(str, keys[:KEYS_NAMED]))


def _header(text: str, layout: Layout) -> str:
    """The fields of the first line."""
    _, header = delimited.header_of(text, layout.columns)
    return ", ".join(field.strip()[:40] for field in header[:KEYS_NAMED])
