"""The distribution over the next token as a picture: a bar for each token, before and after the settings."""

from __future__ import annotations

from cogs.shared.sheet import MARGIN, WIDTH, Sheet, fitting, shown
from cogs.shared.text import percent
from models.results import NextToken
from texts import say

_ROW = 19.0
_HEAD = 26
_SETTINGS = 18
_NAMES = 76
_IDS = 50
_SHARE = 50


def draw(seen: NextToken, settings: str) -> bytes:
    """A PNG: tokens with their ids, the probability of each, and its probability after the settings. Tokens that are
    cut are grey and hatched.

    Takes tenths of a second: call it from a worker thread.
    """
    columns = 2 if settings else 1
    left = MARGIN + _NAMES + _IDS
    width = (WIDTH - MARGIN - left) / columns
    top = _HEAD + (_SETTINGS if settings else 0)
    sheet = Sheet(top + _ROW * len(seen.options) + 8)
    orange, blue, muted = sheet.colours.orange, sheet.colours.blue, sheet.colours.muted
    sheet.text(MARGIN, top - 13, say("next-token"), colour=muted)
    sheet.text(left - 8, top - 13, say("next-id"), colour=muted, side="right")
    sheet.text(left, top - 13, say("next-before" if settings else "next-probability"), colour=blue, bold=True)
    if settings:
        sheet.text(WIDTH - MARGIN, 12, fitting(settings, WIDTH - 2 * MARGIN), colour=muted, side="right")
        sheet.text(left + width, top - 13, say("next-after"), colour=orange, bold=True)
    most = max(max(option.probability, option.kept) for option in seen.options) or 1.0
    for row, option in enumerate(seen.options):
        y = top + _ROW * (row + 0.5)
        cut = not option.kept
        ink = muted if cut else sheet.colours.ink
        sheet.text(
            MARGIN, y, fitting(shown(option.piece), _NAMES - 4, bold=not cut), bold=not cut, colour=ink
        )
        sheet.text(left - 8, y, str(option.piece.id), colour=muted, side="right")
        label = percent(option.probability)
        _bar(sheet, left, y, width, option.probability / most, label, "" if cut else blue)
        if settings and cut:
            sheet.text(left + width, y, say("next-cut"), colour=muted)
        elif settings:
            _bar(sheet, left + width, y, width, option.kept / most, percent(option.kept), orange)
    return sheet.png()


def _bar(sheet: Sheet, x: float, y: float, width: float, share: float, label: str, colour: str) -> None:
    """A labelled bar; grey and hatched if it has no colour."""
    room = width - _SHARE
    sheet.bar(
        x,
        y - _ROW / 2 + 2,
        max(1.0, room * share),
        _ROW - 4,
        colour or sheet.colours.grey,
        hatched=not colour,
    )
    sheet.text(x + max(1.0, room * share) + 4, y, label)
