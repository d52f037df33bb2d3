"""The map of a list of songs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cogs.shared.maps import Labelled, draw_map
from cogs.shared.sheet import MARGIN, TEXT, WIDTH, Sheet, spelt_out
from texts import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.results import SongPoint

HEIGHT = 410
_FOOT = 2 * TEXT + 14


def song_map(points: Sequence[SongPoint], numbers: Mapping[str, int]) -> bytes:
    """Songs as a PNG: numbered ones in blue, the songs they are based on as orange diamonds.

    Takes tenths of a second: call it from a worker thread.
    """
    sheet = Sheet(HEIGHT)
    marks = [
        Labelled(point.x, point.y, str(number or ""), _title(point.song.title), number is None)
        for point in points
        for number in [numbers.get(point.song.id)]
    ]
    draw_map(sheet, (MARGIN, MARGIN, WIDTH - MARGIN, HEIGHT - _FOOT), marks)
    sheet.text(MARGIN, HEIGHT - _FOOT + 6 + TEXT / 2, say("map-marks"), colour=sheet.colours.muted)
    sheet.text(MARGIN, HEIGHT - _FOOT + 10 + 1.5 * TEXT, say("map-axes"), colour=sheet.colours.muted)
    return sheet.png()


def _title(title: str) -> str:
    return spelt_out(title).replace("·", " ")
