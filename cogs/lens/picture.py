"""The logit lens as a picture: layers by positions, with the most likely token in each cell."""

from __future__ import annotations

from cogs.shared.sheet import MARGIN, WIDTH, Sheet, fitting, shown, text_width
from models.results import Lens
from texts import say

COLUMNS = 4
"""Places of a text that a picture shows; more of them nobody can read on a phone."""
ROWS = 12
"""Layers that a picture shows."""
_LABEL = 26
_CELL = 23
_INSIDE = 4
"""Pixels of a cell that its text leaves free."""
_HEAD = 52


def draw(view: Lens) -> bytes:
    """A PNG. Darker cells are more likely; from the framed cell of a column on, all layers agree with the last one.

    Takes tenths of a second: call it from a worker thread.
    """
    columns = len(view.layers[-1])
    over = [view.takes_over(column) for column in range(columns)]
    rows = layers(len(view.layers), over[-1])
    sheet = Sheet(_HEAD + _CELL * len(rows) + 36)
    shade, ink_on = sheet.colours.shade, sheet.colours.ink_on
    width = (WIDTH - 2 * MARGIN - _LABEL) / max(columns, 3)
    sheet.text(MARGIN, 15, say("lens-layer"), colour=sheet.colours.muted)
    sheet.text(MARGIN + _LABEL + 22, 15, say("lens-read"), colour=sheet.colours.muted)
    for column in range(columns):
        token = fitting(shown(view.reading.pieces[view.start + column]), width - _INSIDE)
        sheet.text(MARGIN + _LABEL + (column + 0.5) * width, 37, token, side="center")
    for row, layer in enumerate(rows):
        y = _HEAD + row * _CELL
        sheet.text(MARGIN + _LABEL - 8, y + _CELL / 2, str(layer), colour=sheet.colours.muted, side="right")
        for column, guess in enumerate(view.layers[layer]):
            x = MARGIN + _LABEL + column * width
            framed = layer == min((number for number in rows if number >= over[column]), default=layer)
            sheet.box(x + 1, y + 1, width - 2, _CELL - 2, shade(guess.probability), framed=framed)
            token = fitting(shown(guess.piece), width - _INSIDE)
            sheet.text(x + width / 2, y + _CELL / 2, token, colour=ink_on(guess.probability), side="center")
    y = _HEAD + _CELL * len(rows) + 20
    sheet.box(MARGIN, y - 8, 22, 16, shade(0), framed=True)
    sheet.text(MARGIN + 28, y, say("lens-framed"), colour=sheet.colours.orange)
    likely = say("lens-likely")
    sheet.text(WIDTH - MARGIN, y, likely, side="right")
    x = WIDTH - MARGIN - text_width(likely) - 4 * 15 - 4
    for number in range(4):
        sheet.box(x + 15 * number, y - 8, 14, 16, shade(number / 3))
    return sheet.png()


def layers(count: int, over: int) -> list[int]:
    """The layers to show out of `count`: the first, the last, the one where the answer emerges, some evenly between."""
    if count <= ROWS:
        return list(range(count))
    even = {round(place * (count - 1) / (ROWS - 1)) for place in range(ROWS)}
    if over not in even:
        nearest = min(even - {0, count - 1}, key=lambda row: abs(row - over))
        even = even - {nearest} | {over}
    return sorted(even)
