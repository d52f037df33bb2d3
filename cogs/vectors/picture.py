"""Vectors as pictures: their components as cells, their similarity, and their shift between contexts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cogs.shared.sheet import MARGIN, TEXT, WIDTH, Sheet, fitting, spelt_out, text_width
from models.results import Contexts, Embedding
from texts import say

TOKENS = 20
"""Tokens that a picture shows; more of them nobody can read."""
WORDS = 15
NUMBERS = 9
"""Tokens up to which each cosine is written into its field."""
_NAMES = 78
_TOP = 26
_ROW = 17
_LINE = TEXT + 5
_LEFT = MARGIN + _NAMES
_RIGHT = WIDTH - MARGIN


def cosines(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cosine of each pair of vectors: (T, D) gives (T, T)."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = vectors / np.where(lengths == 0, 1, lengths)
    return np.asarray(directions @ directions.T)


def most_alike(embedding: Embedding) -> tuple[int, int, float]:
    """The most similar pair of different tokens in the picture, by position, and their cosine."""
    found = cosines(np.array(embedding.vectors[:TOKENS]))
    np.fill_diagonal(found, -2)
    first, second = divmod(int(found.argmax()), len(found))
    return first, second, float(found[first, second])


def numbers(embedding: Embedding) -> bytes:
    """A PNG: all components of each token's vector as cells, shaded by value.

    Takes tenths of a second: call it from a worker thread.
    """
    vectors = np.array(embedding.vectors[:TOKENS])
    count, size = vectors.shape
    sheet = Sheet(_TOP + _ROW * count + 3 * _LINE + 8)
    sheet.text(MARGIN, 14, say("vectors-picture-numbers", n=size), bold=True)
    _names(sheet, embedding.tokens[:count], _ROW)
    # A few components are far larger than the rest; without a limit the others would look the same.
    limit = float(np.quantile(np.abs(vectors), 0.98)) or 1.0
    bottom = _TOP + _ROW * count
    sheet.grid((_LEFT, _TOP, _RIGHT, bottom), (vectors / limit + 1) / 2)
    _ticks(sheet, bottom, _marks(size))
    sheet.text(
        (_LEFT + _RIGHT) / 2, bottom + 1.5 * _LINE, say("vectors-picture-axis"), colour=sheet.colours.muted, side="center"
    )  # fmt: skip
    _scale(sheet, bottom + 2 * _LINE + 4, f"-{limit:.1f}", f"+{limit:.1f}")
    return sheet.png()


def alike(embedding: Embedding) -> bytes:
    """A PNG: the cosine of every pair of tokens, written into its cell if there are few.

    Takes tenths of a second: call it from a worker thread.
    """
    found = cosines(np.array(embedding.vectors[:TOKENS]))
    count = len(found)
    few = count <= NUMBERS
    row = 24 if few else _ROW
    sheet = Sheet(_TOP + row * count + 3 * _LINE + 8)
    sheet.text(MARGIN, 14, say("vectors-picture-cosines"), bold=True)
    _names(sheet, embedding.tokens[:count], row)
    least = min(0.0, float(found.min()))
    shares = (found - least) / ((1 - least) or 1)
    bottom, column = _TOP + row * count, (_RIGHT - _LEFT) / count
    sheet.grid((_LEFT, _TOP, _RIGHT, bottom), shares)
    if few:
        for y, x in np.ndindex(count, count):
            sheet.text(
                _LEFT + (x + 0.5) * column, _TOP + (y + 0.5) * row, f"{found[y, x]:.2f}".replace("0.", ".").replace("1.00", "1"),
                colour=sheet.colours.ink_on(float(shares[y, x])), side="center",
            )  # fmt: skip
    step = 1 if column >= text_width("00") + 2 else 2
    _ticks(sheet, bottom, {(place + 0.5) / count: str(place) for place in range(0, count, step)})
    sheet.text(
        (_LEFT + _RIGHT) / 2, bottom + 1.5 * _LINE, say("vectors-picture-position"), colour=sheet.colours.muted, side="center",
    )  # fmt: skip
    _scale(sheet, bottom + 2 * _LINE + 4, f"{least:.1f}", "1.0")
    return sheet.png()


def contexts(compared: Contexts) -> bytes:
    """A PNG: a bar for each shared word, whose length is the cosine of its two vectors."""
    words = compared.words[:WORDS]
    unrelated = compared.unrelated
    row, value_room = 20, 40
    low = min(0.0, *(word.cosine for word in words), unrelated or 0.0)
    scale = (_RIGHT - value_room - _LEFT) / (1 - low)
    zero = _LEFT - low * scale
    bottom = _TOP + row * len(words)
    sheet = Sheet(bottom + (3 if unrelated is None else 4) * _LINE + 4)
    sheet.text(MARGIN, 14, say("contexts-picture-title"), bold=True)
    for number, word in enumerate(words):
        y = _TOP + (number + 0.5) * row
        end = zero + word.cosine * scale
        sheet.text(_LEFT - 6, y, fitting(spelt_out(word.text), _NAMES - 6), side="right")
        sheet.bar(min(zero, end), y - row / 2 + 3, abs(end - zero), row - 6, sheet.colours.blue)
    ticks = {0.0: "0", 0.5: "0.5", 1.0: "1"} if low > -0.3 else {-0.5: "-0.5", 0.0: "0", 0.5: "0.5", 1.0: "1"}  # noqa: PLR2004 - there is room for another tick from there on
    sheet.line((_LEFT, _RIGHT - value_room), (bottom, bottom))
    for value, name in ticks.items():
        if value >= low:
            at = zero + value * scale
            sheet.line((at, at), (bottom, bottom + 3))
            sheet.text(at, bottom + 4 + TEXT / 2, name, colour=sheet.colours.muted, side="center")
    sheet.text(
        WIDTH / 2, bottom + 1.5 * _LINE + 2, say("contexts-picture-axis"), colour=sheet.colours.muted, side="center"
    )  # fmt: skip
    sheet.text(
        WIDTH / 2, bottom + 2.5 * _LINE + 2, say("contexts-picture-one"), colour=sheet.colours.muted, side="center"
    )  # fmt: skip
    if unrelated is not None:
        at = zero + unrelated * scale
        sheet.line((at, at), (_TOP, bottom), sheet.colours.orange, 1.6, dotted=True)
        note = fitting(say("contexts-picture-unrelated", cosine=unrelated), WIDTH - 2 * MARGIN - 26)
        y = bottom + 3.5 * _LINE + 2
        sheet.line((MARGIN, MARGIN + 20), (y, y), sheet.colours.orange, 1.6, dotted=True)
        sheet.text(MARGIN + 26, y, note, colour=sheet.colours.orange)
    for number, word in enumerate(words):
        end = max(zero, zero + word.cosine * scale)
        sheet.text(end + 5, _TOP + (number + 0.5) * row, f"{word.cosine:.2f}", cleared=True)
    return sheet.png()


def _names(sheet: Sheet, tokens: Sequence[str], row: float) -> None:
    """Tokens with their positions, to the left of the cells."""
    for number, token in enumerate(tokens):
        y = _TOP + (number + 0.5) * row
        sheet.text(_LEFT - 6, y, str(number), colour=sheet.colours.muted, side="right")
        room = _NAMES - 6 - text_width("00") - 6
        sheet.text(_LEFT - 12 - text_width("00"), y, fitting(spelt_out(token), room), side="right")


def _ticks(sheet: Sheet, top: float, names: dict[float, str]) -> None:
    """Numbers below an axis, at positions from 0 to 1."""
    last = 0.0
    for share, name in names.items():
        wide = text_width(name)
        at = min(max(_LEFT + share * (_RIGHT - _LEFT), _LEFT + wide / 2), _RIGHT - wide / 2)
        if at - wide / 2 > last:
            sheet.text(at, top + 4 + TEXT / 2, name, colour=sheet.colours.muted, side="center")
            last = at + wide / 2 + 3


def _marks(size: int) -> dict[float, str]:
    """Round component indices, at positions from 0 to 1."""
    step = next((one for one in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if size / one <= 5), size)  # noqa: PLR2004 - as many as fit
    return {(number - 0.5) / size: str(number) for number in (1, *range(step, size + 1, step))}


def _scale(sheet: Sheet, top: float, low: str, high: str) -> None:
    """The legend of the shades."""
    y = top + TEXT / 2
    _, _, left, _ = sheet.text(_LEFT, y, low, colour=sheet.colours.muted)
    right = _RIGHT - text_width(high)
    sheet.text(right, y, high, colour=sheet.colours.muted)
    sheet.grid((left + 6, top, right - 6, top + TEXT), np.linspace(0, 1, 64)[None])
