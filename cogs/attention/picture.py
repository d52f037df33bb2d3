"""Attention as a picture: arcs from one token across the text, or small maps of a layer's heads."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cogs.attention.focus import Focus, kinds_of, row, scores_of
from cogs.shared.sheet import DENSITY, MARGIN, TEXT, WIDTH, Sheet, fitting, shown
from cogs.shared.text import percent
from models.results import Attention
from texts import say

TOKENS = 14
"""Tokens that a picture of arcs shows: those that are looked at most, and their neighbours in a short text."""
HEADS = 36
"""Small maps in one picture."""
_ROW = 24
_GAP = 13
_NAMES = 110
_THICKEST = 9.0
_LEAST = 0.004
"""Shares below this have no arc."""
_COLUMNS = {9: 3, 16: 4, HEADS: 6}
"""Maps beside each other, by the number of heads up to which there is room for so many."""


def arcs(view: Attention, focus: Focus) -> bytes:
    """A PNG: the text from top to bottom, with an arc from the token in focus to each attended token, wider for more
    weight.

    Takes tenths of a second: call it from a worker thread.
    """
    weights, token = row(view, focus), focus.of(view)
    places = seen(weights, token)
    rows: list[int | None] = []
    for number in places:
        if rows and rows[-1] is not None and number - rows[-1] > 1:
            rows.append(None)
        rows.append(number)
    heights = [_GAP if place is None else _ROW for place in rows]
    middles = [34 + sum(heights[:number]) + height / 2 for number, height in enumerate(heights)]
    middle = {place: y for place, y in zip(rows, middles, strict=True) if place is not None}
    sheet = Sheet(sum(heights) + 50)
    sheet.text(MARGIN, 16, say("attention-arcs"), colour=sheet.colours.muted)
    strongest = float(weights.max()) or 1.0
    for place, y in zip(rows, middles, strict=True):
        if place is None:
            sheet.text(MARGIN + _NAMES / 2, y, "⋯", colour=sheet.colours.muted, side="center")
            continue
        share = float(weights[place])
        sheet.box(
            MARGIN, y - _ROW / 2 + 1, _NAMES, _ROW - 3, sheet.colours.shade(share), framed=place == token
        )
        name = fitting(shown(view.reading.pieces[place]), _NAMES - 10, bold=place == token)
        sheet.text(
            MARGIN + _NAMES / 2,
            y,
            name,
            colour=sheet.colours.ink_on(share),
            side="center",
            bold=place == token,
        )
        label = percent(share) if share > 0 else "-"
        sheet.text(
            WIDTH - MARGIN,
            y,
            label,
            side="right",
            colour=None if share >= strongest / 2 else sheet.colours.muted,
        )
        if share >= _LEAST:
            _arc(sheet, middle[token], y, max(0.8, _THICKEST * share))
    return sheet.png()


def _arc(sheet: Sheet, start: float, end: float, width: float) -> None:
    left = MARGIN + _NAMES + 6.0
    if start == end:
        angles = [step * 2 * math.pi / 20 for step in range(21)]
        xs = [left + 8 - 8 * math.cos(angle) for angle in angles]
        sheet.line(xs, [start - 7 * math.sin(angle) for angle in angles], sheet.colours.orange, min(width, 4))
        return
    reach = min(28 + abs(end - start) * 0.5, WIDTH - left - MARGIN - 62)
    angles = [step * math.pi / 40 for step in range(41)]
    xs = [left + reach * math.sin(angle) for angle in angles]
    ys = [(start + end) / 2 + (start - end) / 2 * math.cos(angle) for angle in angles]
    sheet.line(xs, ys, sheet.colours.blue, width)


def seen(weights: NDArray[np.float32], token: int) -> list[int]:
    """The positions to show, in text order: the token itself and the tokens with the largest weights."""
    order = sorted(
        range(len(weights)), key=lambda place: (place != token, -weights[place], abs(place - token))
    )
    return sorted(order[:TOKENS])


def heads(view: Attention) -> bytes:
    """A PNG: a small map for each head of the layer, with queries as rows and keys as columns.

    Takes tenths of a second: call it from a worker thread.
    """
    weights = view.weights.array()[:HEADS]
    columns = next(columns for most, columns in _COLUMNS.items() if len(weights) <= most)
    gap, title = 10.0, TEXT + 5.0
    side = (WIDTH - 2 * MARGIN - (columns - 1) * gap) / columns
    rows = -(-len(weights) // columns)
    scores = {one.head: one for one in scores_of(view, view.layer)}
    sheet = Sheet(28 + rows * (side + title + 8) + 4)
    sheet.text(MARGIN, 15, say("attention-maps"), colour=sheet.colours.muted)
    for number, matrix in enumerate(weights):
        x = MARGIN + (number % columns) * (side + gap)
        y = 28 + (number // columns) * (side + title + 8)
        kinds = list(kinds_of(scores[number])) if number in scores else []
        label = f"{number}"
        if kinds and columns == min(_COLUMNS.values()):
            label += f" {say(f'attention-map-{kinds[0]}')}"
        elif kinds:
            label += " ●"
        sheet.text(
            x,
            y + 8,
            fitting(label, side + gap - 2, bold=bool(kinds)),
            bold=bool(kinds),
            colour=sheet.colours.orange if kinds else None,
        )
        sheet.grid((x, y + title, x + side, y + title + side), _reduced(matrix, side) ** 0.5)
        sheet.line(
            (x, x + side, x + side, x, x),
            (y + title, y + title, y + title + side, y + title + side, y + title),
        )
    return sheet.png()


def _reduced(matrix: NDArray[np.float32], side: float) -> NDArray[np.float32]:
    """The matrix reduced to the number of available pixels by taking the maximum of each block."""
    step = -(-len(matrix) // int(side * DENSITY))
    if step <= 1:
        return matrix
    rest = -len(matrix) % step
    padded = np.pad(matrix, ((0, rest), (0, rest)))
    count = len(padded) // step
    return np.asarray(padded.reshape(count, step, count, step).max((1, 3)))
