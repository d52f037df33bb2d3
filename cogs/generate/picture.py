"""Why a text continued as it did: each token beside its alternatives, as a picture."""

from __future__ import annotations

from collections.abc import Sequence

from cogs.shared.sheet import MARGIN, WIDTH, Sheet, fitting, spelt_out, text_width
from cogs.shared.text import percent
from models.results import Candidate, Step
from texts import say

_TOP = 30
_HIGH = 19
_GAP = 3
_STEP = 2 * _HIGH + 3 * _GAP
_NUMBER = 30
_WRITTEN = 84
_PAD = 5
_LONGEST = 96
"""Pixels of one of the others at most."""


def draw(steps: Sequence[Step], first: int) -> bytes:
    """A PNG with two lines for each step, starting with step number `first`.

    The shade of a box shows the token's probability. The chosen token comes first, in a frame, followed by as many
    alternatives as fit. Takes tenths of a second: call it from a worker thread.
    """
    sheet = Sheet(_TOP + _STEP * len(steps) + 6)
    left = MARGIN + _NUMBER
    sheet.text(left, 15, say("why-written"), colour=sheet.colours.orange, bold=True)
    others = left + _WRITTEN + 2 * _GAP
    if any(step.others for step in steps):
        sheet.text(others, 15, say("why-candidates"), colour=sheet.colours.muted)
    for row, step in enumerate(steps):
        top = _TOP + row * _STEP
        sheet.text(
            left - 6, top + _HIGH + _GAP / 2, str(first + row), colour=sheet.colours.muted, side="right"
        )
        _written(sheet, left, top, step.chosen)
        _others(sheet, others, top, step.others)
    return sheet.png()


def _written(sheet: Sheet, left: float, top: float, chosen: Candidate) -> None:
    share = chosen.probability
    ink, middle = sheet.colours.ink_on(share), left + _WRITTEN / 2
    sheet.box(left, top, _WRITTEN, 2 * _HIGH + _GAP, sheet.colours.shade(share), framed=True)
    name = fitting(name_of(chosen), _WRITTEN - 2 * _PAD, bold=True)
    sheet.text(middle, top + _HIGH / 2 + 2, name, bold=True, colour=ink, side="center")
    sheet.text(middle, top + 1.5 * _HIGH, percent(share), colour=ink, side="center")


def _others(sheet: Sheet, left: float, top: float, others: Sequence[Candidate]) -> None:
    """Boxes on two lines, the most likely first, as many as fit."""
    x, line = left, 0
    for other in others:
        share = other.probability
        label = f" {percent(share)}"
        name = fitting(name_of(other), _LONGEST - 2 * _PAD - text_width(label)) + label
        wide = text_width(name) + 2 * _PAD
        if x + wide > WIDTH - MARGIN:
            x, line = left, line + 1
        if line > 1:
            return
        y = top + line * (_HIGH + _GAP)
        sheet.box(x, y, wide, _HIGH, sheet.colours.shade(share))
        sheet.text(x + _PAD, y + _HIGH / 2, name, colour=sheet.colours.ink_on(share))
        x += wide + _GAP


def name_of(candidate: Candidate) -> str:
    """A token with visible white space; its id if it is not a complete character."""
    if "\ufffd" in candidate.text:
        return say("why-id", id=candidate.id)
    return spelt_out(candidate.text) or "∅"
