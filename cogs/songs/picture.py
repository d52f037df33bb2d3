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
ROOM = (0.3, 0.085)
"""What a point with its caption needs, across and upwards, of the width of the map."""
ROUNDS = 100


def song_map(points: Sequence[SongPoint], numbers: Mapping[str, int]) -> bytes:
    """Songs as a PNG of 781 x 880 pixels: those with a number in blue, what they go with in orange diamonds.

    Takes some tenths of a second: call it from a worker thread.
    """
    figure = paper(7.1, 8.0)
    axes = blank_map(figure)
    axes.margins(0.16, 0.08)
    marks = [
        Labelled(x, y, _caption(point, number), number is None)
        for point, (x, y) in zip(points, _spread(points), strict=True)
        for number in [numbers.get(point.song.id)]
    ]
    label(figure, axes, sorted(marks, key=lambda mark: not mark.asked), LETTERS)
    return png(figure)


def _spread(points: Sequence[SongPoint]) -> list[tuple[float, float]]:
    """The places of the points in a unit square, those too close for their captions pushed apart."""
    import numpy as np  # noqa: PLC0415 - only the thread that draws needs it

    places = np.array([(point.x, point.y) for point in points], np.float64).reshape(-1, 2)
    places -= places.min(axis=0, initial=np.inf)
    places /= max(float(places.max(initial=0.0)), 1e-9)
    # Points in the same place part in different directions, the same ones each time.
    places += np.random.default_rng(0).uniform(-1e-3, 1e-3, places.shape)
    room = np.array(ROOM)
    for _ in range(ROUNDS):
        apart = (places[:, None] - places[None]) / room
        distances = np.maximum(np.hypot(apart[..., 0], apart[..., 1]), 1e-9)
        short = np.maximum(1.0 - distances, 0.0)
        np.fill_diagonal(short, 0.0)
        places += 0.3 * ((apart / distances[..., None]) * short[..., None]).sum(axis=1) * room
    return [(float(x), float(y)) for x, y in places]


def _caption(point: SongPoint, number: int | None) -> str:
    title = clip(point.song.title, LONGEST_CAPTION)
    shown = title if drawable(title) else ""
    return f"{number} {shown}".strip() if number else shown or "?"
