"""Tokens as coloured chips with their ids.

A character shared by several tokens, such as most emoji, is drawn below them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, cycle, groupby

import regex

from cogs.shared.colours import colours
from cogs.shared.sheet import MARGIN, TEXT, WIDTH, Sheet, fitting, shown, spelt_out, text_width
from models.results import Piece, Tokenization
from texts import say

LINES = 4
"""Lines of chips for each of several tokenizers at most; of one alone, twice as many."""
_HIGH = 24
_PAD, _GAP = 5, 4
_LINE = _HIGH + TEXT + 2 * _GAP + 3
_BELOW = 28
"""Room for characters below their tokens, in lines that have such."""
_ROOM = WIDTH - 2 * MARGIN


@dataclass(frozen=True, slots=True)
class _Chip:
    text: str
    number: str
    fill: str
    special: bool
    partial: bool
    width: float
    link: _Link | None


@dataclass(frozen=True, slots=True)
class _Link:
    """A grapheme cluster spread over several tokens: the positions of the first and the last of them."""

    first: int
    last: int
    text: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A PNG, and the number of omitted tokens."""

    png: bytes
    left: int


def draw(tokenization: Tokenization, most: int = 2 * LINES) -> Drawn:
    """The tokens in order on at most `most` lines, each with its id below.

    Neighbours differ in colour. Special tokens have a thick border, and bytes that are not a complete character a
    dashed one, with the character below. Takes tenths of a second: call it from a worker thread.
    """
    lines, left = _lines(tokenization, most)
    sheet = Sheet(MARGIN + sum(map(_height, lines)) + (TEXT + 8 if left else 0))
    top = float(MARGIN)
    for chips in lines:
        across = float(MARGIN)
        for link, together in groupby(chips, key=lambda chip: chip.link):
            begin = across
            for chip in together:
                _draw(sheet, across, top, chip)
                across += chip.width + _GAP
            if link is not None:
                _draw_below(sheet, (begin, across - _GAP), top + _LINE - 3, link)
        top += _height(chips)
    if left:
        sheet.text(
            MARGIN, top + TEXT / 2, say("tokens-not-in-picture", left=left), colour=sheet.colours.muted
        )
    return Drawn(sheet.png(), left)


def _height(chips: Sequence[_Chip]) -> float:
    return _LINE + _BELOW * any(chip.link for chip in chips)


def _lines(tokenization: Tokenization, most: int) -> tuple[list[list[_Chip]], int]:
    """Lines of chips, and the number of remaining pieces."""
    lines: list[list[_Chip]] = [[]]
    used = 0.0
    for done, chip in enumerate(_chips(tokenization)):
        if lines[-1] and used + chip.width > _ROOM:
            if len(lines) == most:
                return lines, tokenization.count - done
            lines.append([])
            used = 0
        lines[-1].append(chip)
        used += chip.width + _GAP
    return lines, 0


def _chips(tokenization: Tokenization) -> Iterator[_Chip]:
    links = {place: link for link in _links(tokenization) for place in range(link.first, link.last + 1)}
    chosen = colours()
    for place, (piece, colour) in enumerate(zip(tokenization.pieces, cycle(chosen.tokens), strict=False)):
        text, number = fitting(shown(piece), _ROOM - 2 * _PAD), str(piece.id)
        special = piece.special or piece.unknown
        yield _Chip(
            text,
            number,
            chosen.special if special else chosen.partial if piece.partial else colour,
            special,
            piece.partial and not special,
            max(text_width(text) + 2 * _PAD, text_width(number)),
            links.get(place),
        )


def _links(tokenization: Tokenization) -> list[_Link]:
    """The grapheme clusters spread over several tokens; accents and joined emoji belong to one cluster."""
    found: list[_Link] = []
    start = 0
    pieces = tokenization.pieces
    for place in range(1, len(pieces) + 1):
        if place == len(pieces) or _apart(pieces[place - 1], pieces[place], tokenization.algorithm):
            found += _shared(pieces[start:place], start)
            start = place
    return found


def _apart(before: Piece, piece: Piece, algorithm: str) -> bool:
    """Whether a token boundary cannot split a character, as with special tokens and whole words."""
    special = before.special or before.unknown or piece.special or piece.unknown
    return special or (algorithm in {"WordPiece", "whole words"} and not piece.continues)


def _shared(pieces: Sequence[Piece], start: int) -> Iterator[_Link]:
    parts = [_own_bytes(piece) for piece in pieces]
    try:
        text = b"".join(parts).decode()
    except UnicodeDecodeError:
        return  # no text: a special token, or decoded ids
    ends = list(accumulate(map(len, parts)))
    waiting: _Link | None = None
    at = 0
    for character in regex.findall(r"\X", text):
        first = start + bisect_right(ends, at)
        at += len(character.encode())
        last = start + bisect_right(ends, at - 1)
        if first == last or not character.strip():
            continue
        if waiting is not None and first <= waiting.last:
            waiting = _Link(waiting.first, last, waiting.text + character)
            continue
        if waiting is not None:
            yield waiting
        waiting = _Link(first, last, character)
    if waiting is not None:
        yield waiting


def _own_bytes(piece: Piece) -> bytes:
    """The UTF-8 bytes that a token represents, without its mark; an invalid byte for a special token."""
    if piece.special or piece.unknown:
        return b"\xff"
    if piece.raw is not None:
        return piece.raw
    return (piece.token.removeprefix("##") if piece.continues else piece.token.replace("\u2581", " ")).encode(
        errors="replace"
    )


def _draw(sheet: Sheet, left: float, top: float, chip: _Chip) -> None:
    edge = sheet.colours.muted if chip.partial else None
    sheet.box(left, top, chip.width, _HIGH, chip.fill, framed=chip.special, edge=edge)
    if chip.partial:
        for start in range(4, int(chip.width) - 4, 6):
            for level in (top, top + _HIGH):
                sheet.line((left + start, left + start + 3), (level, level), chip.fill, 2)
    middle = left + chip.width / 2
    sheet.text(middle, top + _HIGH / 2, chip.text, side="center")
    sheet.text(middle, top + _HIGH + _GAP + TEXT / 2, chip.number, colour=sheet.colours.muted, side="center")


def _draw_below(sheet: Sheet, across: tuple[float, float], top: float, link: _Link) -> None:
    """A bracket below the tokens, and the character they form together."""
    left, right = across[0] + 1, across[1] - 1
    sheet.line((left, left, right, right), (top, top + 4, top + 4, top), sheet.colours.muted)
    text = spelt_out(link.text.strip())
    text = text if text_width(text) <= right - left else "…"
    sheet.text((left + right) / 2, top + 6 + (TEXT + 4) / 2, text, side="center")
