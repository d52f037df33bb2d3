"""The distribution over the next token as a picture: a bar for each token, before and after the settings."""

from __future__ import annotations

from cogs.shared.canvas import BLUE, INK, MUTED, ORANGE
from cogs.shared.sheet import MARGIN, WIDTH, Sheet, fitting, shown
from cogs.shared.text import percent
from models.results import NextToken
from texts import say

_ROW = 19.0
_TOP = 44
_NAMES = 92
_IDS = 48
_SHARE = 54
_GREY = "#c3c7d2"


def draw(seen: NextToken, settings: str) -> bytes:
    """A PNG: tokens with their ids; the probability of each, and beside it what the settings leave. What is cut is grey and hatched.

    Takes some tenths of a second: call it from a worker thread.
    """
    columns = 2 if settings else 1
    left = MARGIN + _NAMES + _IDS
    width = (WIDTH - MARGIN - left) / columns
    sheet = Sheet(_TOP + _ROW * len(seen.options) + 8)
    sheet.text(MARGIN, 31, say("next-token"), colour=MUTED)
    sheet.text(left - 8, 31, say("next-id"), colour=MUTED, side="right")
    sheet.text(left, 31, say("next-before" if settings else "next-probability"), colour=BLUE, bold=True)
    if settings:
        sheet.text(
            left + width, 12, fitting(settings, WIDTH - MARGIN - left + 60), colour=MUTED, side="center"
        )
        sheet.text(left + width, 31, say("next-after"), colour=ORANGE, bold=True)
    most = max(max(option.probability, option.kept) for option in seen.options) or 1.0
    for row, option in enumerate(seen.options):
        y = _TOP + _ROW * (row + 0.5)
        cut = not option.kept
        ink = MUTED if cut else INK
        sheet.text(MARGIN, y, fitting(shown(option.piece), _NAMES - 4), bold=not cut, colour=ink)
        sheet.text(left - 8, y, str(option.piece.id), colour=MUTED, side="right")
        _bar(
            sheet,
            left,
            y,
            width,
            option.probability / most,
            percent(option.probability),
            BLUE if not cut else _GREY,
        )
        if settings and cut:
            sheet.text(left + width, y, say("next-cut"), colour=MUTED)
        elif settings:
            _bar(sheet, left + width, y, width, option.kept / most, percent(option.kept), ORANGE)
    return sheet.png()


def _bar(sheet: Sheet, x: float, y: float, width: float, share: float, label: str, colour: str) -> None:
    room = width - _SHARE
    sheet.bar(
        x, y - _ROW / 2 + 2, max(1.0, room * share), _ROW - 4, colour, hatch="////" if colour == _GREY else ""
    )
    sheet.text(x + max(1.0, room * share) + 4, y, label)
