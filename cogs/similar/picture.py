"""The map of a neighbourhood of words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cogs.shared.maps import Labelled, draw_map
from cogs.shared.sheet import MARGIN, TEXT, WIDTH, Sheet, fitting, spelt_out
from texts import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.results import MapPoint

HEIGHT = 400
_LINE = TEXT + 5
_ROOM = WIDTH - 2 * MARGIN


def word_map(points: Sequence[MapPoint], ranked: Sequence[str], explained: float, odd: str = "") -> bytes:
    """Words as a PNG: queried words as orange diamonds, others in blue; those of `ranked` are numbered from 1 as in the
    list beside the picture.

    With `odd` all words were queried, and only that one stands out. Takes tenths of a second: call it from a worker
    thread.
    """
    sheet = Sheet(HEIGHT)
    ranks = {word: rank for rank, word in enumerate(ranked, 1)}
    marks = [
        Labelled(
            point.x,
            point.y,
            str(ranks.get(point.word, "")),
            spelt_out(point.word),
            point.word == odd if odd else point.asked,
        )
        for point in sorted(points, key=lambda point: ranks.get(point.word, 0))
    ]
    lines = [say("similar-map-marks-odd" if odd else "similar-map-marks")]
    if explained:
        lines.append(say("similar-map-share", share=explained))
    top, bottom, muted = _LINE + 6, HEIGHT - 8 - _LINE * (1 + len(lines)), sheet.colours.muted
    draw_map(sheet, (MARGIN, top, WIDTH - MARGIN, bottom), marks)
    sheet.text(MARGIN, top / 2 + 1, say("similar-map-up"), colour=muted)
    sheet.text(WIDTH - MARGIN, bottom + 4 + _LINE / 2, say("similar-map-across"), colour=muted, side="right")
    for number, line in enumerate(lines, 1):
        sheet.text(MARGIN, bottom + 4 + _LINE * (number + 0.5), fitting(line, _ROOM), colour=muted)
    return sheet.png()
