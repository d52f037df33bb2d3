"""The surprisal of a text as a picture: tokens on backgrounds of varying darkness, with a bar for each."""

from __future__ import annotations

from collections.abc import Sequence

from cogs.shared.sheet import MARGIN, TEXT, WIDTH, Sheet, fitting, shown, text_width
from models.results import Surprise
from texts import say

MOST = 160
"""Tokens of one text that a picture shows."""
FULL = 16.0
"""Bits from which on a token is as dark as can be: one in 65,536."""
_LINE = 24
_BARS = 64
_GAP = 12
_AXIS = TEXT + 6


def draw(views: Sequence[Surprise]) -> bytes:
    """A PNG: the higher a token's surprisal in bits, the darker its background and the longer its bar. Peaks are
    numbered.

    Takes tenths of a second: call it from a worker thread.
    """
    flows = [_flow(view) for view in views]
    height = sum(_LINE * (1 + flow[-1][1]) + _AXIS + _BARS + 3 * _GAP for flow in flows) + 26
    sheet = Sheet(height)
    shade, ink_on = sheet.colours.shade, sheet.colours.ink_on
    y = float(_GAP)
    most = max((bits or 0 for view in views for bits in view.bits), default=0) or 1
    for view, flow in zip(views, flows, strict=True):
        peaks = {peak.place: number for number, peak in enumerate(view.peaks, 1)}
        for place, (x, line, width, text) in enumerate(flow):
            bits = view.bits[place]
            share = 0 if bits is None else bits / FULL
            top = y + line * _LINE
            sheet.box(x, top, width, _LINE - 3, shade(share), framed=place in peaks)
            sheet.text(x + width / 2, top + (_LINE - 3) / 2, text, colour=ink_on(share), side="center")
        y += _LINE * (1 + flow[-1][1]) + _GAP
        sheet.text(MARGIN, y + TEXT / 2, say("surprise-axis"), colour=sheet.colours.muted)
        y += _AXIS
        _bars(sheet, view, y, most, peaks)
        y += _BARS + 2 * _GAP
    sheet.text(
        MARGIN,
        height - 16,
        fitting(say("surprise-scale"), WIDTH - 2 * MARGIN - 5 * 34 - 6),
        colour=sheet.colours.muted,
    )
    for number in range(5):
        x = WIDTH - MARGIN - 5 * 34 + number * 34
        sheet.box(x, height - 25, 32, 18, shade(number / 4))
        label = f"{number * FULL / 4:.0f}"
        sheet.text(x + 16, height - 16, label, colour=ink_on(number / 4), side="center")
    return sheet.png()


def _bars(sheet: Sheet, view: Surprise, top: float, most: float, peaks: dict[int, int]) -> None:
    """A bar for each token from left to right; the peaks are numbered."""
    shown_bits = view.bits[:MOST]
    left, room = MARGIN + 22.0, WIDTH - 2 * MARGIN - 22
    width = room / max(len(shown_bits), 12)
    bottom = top + _BARS
    sheet.line((left, WIDTH - MARGIN), (bottom, bottom))
    sheet.text(left - 4, top + 8, f"{most:.0f}", colour=sheet.colours.muted, side="right")
    sheet.text(left - 4, bottom - 4, "0", colour=sheet.colours.muted, side="right")
    sheet.line((left, WIDTH - MARGIN), (top + 14, top + 14), width=0.7, dotted=True)
    for place, bits in enumerate(shown_bits):
        tall = (_BARS - 14) * (bits or 0) / most
        x = left + place * width
        sheet.bar(
            x,
            bottom - tall,
            max(width * 0.8, 1),
            tall,
            sheet.colours.orange if place in peaks else sheet.colours.blue,
        )
        if place in peaks:
            sheet.text(x + width * 0.4, bottom - tall - 8, str(peaks[place]), bold=True, side="center")


def _flow(view: Surprise) -> list[tuple[float, int, float, str]]:
    """The layout of the tokens: x, line, width, and text."""
    places, x, line = [], float(MARGIN), 0
    for piece in view.reading.pieces[:MOST]:
        text = fitting(shown(piece), WIDTH - 2 * MARGIN - 8)
        width = max(text_width(text) + 9, 14)
        if x + width > WIDTH - MARGIN:
            x, line = float(MARGIN), line + 1
        places.append((x, line, width, text))
        x += width + 2
    return places
