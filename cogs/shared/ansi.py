"""Tokens as coloured pieces in an `ansi` code block.

Nothing relies on colour alone, because not every Discord client shows it: a bar ends every piece, and each kind of
piece has its own marks. User text is escaped before it is coloured, so that no escape code or fence in it reaches the
block.
"""

# ruff: noqa: RUF001 - the ambiguous characters are intentional: they are quotation marks

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

from rich.cells import cell_len

from bot import visible
from bot.visible import spelt_piece
from cogs.shared.text import COLUMNS, clip, fit, size, unfenced
from models.results import Piece
from texts import say

spelt = visible.spelt
BAR = "│"
RESET = "\x1b[0m"
_COLOURS = ("32", "33", "34", "35", "36")
_SPECIAL = "4;31"
_PARTIAL = "31"
_LABEL = 11
"""Maximum characters of a token in a cell of a table or picture."""
_NO_BREAK = "\u00a0"
_FENCES = size(f"```ansi\n{RESET}\n```")

LEGEND = {
    "·": "mark-space",
    "→": "mark-tab",
    "↵": "mark-new-line",
    "␍": "mark-carriage-return",
    "▁": "mark-word-start",
    "##": "mark-continues",
    "‹E2›": "mark-byte",
    "‹U+…›": "mark-shapeless",
    "«»": "mark-special",
}
"""Marks in tokens, with the names of the messages that explain them."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece prepared for display; `marks` are the `LEGEND` keys it uses."""

    id: int
    text: str
    style: str
    marks: frozenset[str]

    @property
    def width(self) -> int:
        return cell_len(self.text)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A code block, and the number of pieces it contains."""

    text: str
    shown: int
    marks: frozenset[str]


def cells(pieces: Iterable[Piece]) -> Iterator[Cell]:
    """The pieces prepared for display; neighbours have different colours."""
    return (_cell(piece, colour) for piece, colour in zip(pieces, cycle(_COLOURS), strict=False))


def _cell(piece: Piece, colour: str) -> Cell:
    text, marks = spelt_piece(piece)
    style = _SPECIAL if piece.special or piece.unknown else _PARTIAL if piece.partial else colour
    # A bar follows the piece. The file contains pieces longer than a line in full.
    return Cell(piece.id, unfenced(fit(text, COLUMNS - 1)), style, frozenset(marks))


def grid(pieces: Sequence[Piece], limit: int) -> Drawing:
    """Pieces with their ids below them, in a block of at most `limit` characters."""
    drawn: list[str] = []
    marks: set[str] = set()
    used, total = _FENCES, 0
    for row in _rows(cells(pieces)):
        part = _row(row)
        if used + size(part) > limit:
            break
        drawn.append(part)
        used += size(part)
        total += len(row)
        marks |= {mark for cell in row for mark in cell.marks}
    return Drawing(_fence("".join(drawn).rstrip("\n")), total, frozenset(marks))


def _rows(shown: Iterable[Cell]) -> Iterator[list[Cell]]:
    row: list[Cell] = []
    column = 0
    for cell in shown:
        width = max(cell.width, len(str(cell.id))) + 1
        if row and column + width > COLUMNS:
            yield row
            row, column = [], 0
        row.append(cell)
        column += width
    if row:
        yield row


def _row(row: Sequence[Cell]) -> str:
    widths = [max(cell.width, len(str(cell.id))) for cell in row]
    pairs = list(zip(row, widths, strict=True))
    above = "".join(_paint(cell, cell.text + " " * (width - cell.width) + BAR) for cell, width in pairs)
    below = "".join(str(cell.id).ljust(width) + BAR for cell, width in pairs)
    return f"{above}\n{RESET}{below}\n\n"


def _paint(cell: Cell, text: str) -> str:
    return f"\x1b[0;{cell.style}m{text}"


def _fence(body: str) -> str:
    return f"```ansi\n{body}{RESET}\n```"


def legend(marks: frozenset[str]) -> str:
    """The legend of the marks in use; lines break only between its entries."""
    entries = (f"{mark} {say(meaning)}" for mark, meaning in LEGEND.items() if mark in marks)
    return ", ".join(entry.replace(" ", _NO_BREAK) for entry in entries)


def label(text: str) -> str:
    """A token with visible white space and control characters, short enough for a cell."""
    return clip(spelt(text)[0], _LABEL) or "∅"
