"""The map of a list of songs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cogs.shared.canvas import drawable, paper, png
from cogs.shared.maps import Labelled, blank_map, label
from cogs.shared.text import clip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.results import SongPoint

LETTERS = 15
"""Points. A phone shows the picture at half its size, and letters of 11 pixels can be read there."""
LONGEST_CAPTION = 18
"""Characters."""


def song_map(points: Sequence[SongPoint], numbers: Mapping[str, int]) -> bytes:
    """Songs as a PNG of 781 x 880 pixels: those with a number in blue, what they go with in orange diamonds.

    Takes some tenths of a second: call it from a worker thread.
    """
    figure = paper(7.1, 8.0)
    axes = blank_map(figure)
    axes.margins(0.12)
    marks = [
        Labelled(point.x, point.y, _caption(point, number), number is None)
        for point in points
        for number in [numbers.get(point.song.id)]
    ]
    label(figure, axes, sorted(marks, key=lambda mark: not mark.asked), LETTERS)
    return png(figure)


def _caption(point: SongPoint, number: int | None) -> str:
    title = clip(point.song.title, LONGEST_CAPTION)
    shown = title if drawable(title) else ""
    return f"{number} {shown}".strip() if number else shown or "?"
