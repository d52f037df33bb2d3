"""Maps: points with captions that do not overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cogs.shared.sheet import TEXT, Box, Sheet, fitting, text_width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOM = (0.3, 0.075)
"""What a point with its caption needs, across and upwards, of the width of the map."""
ROUNDS = 60
_RADIUS = 4.5
_AWAY = 7


@dataclass(frozen=True, slots=True)
class Labelled:
    """A mark and its caption: an orange diamond for an item of the question, otherwise a blue disc.

    `number` is its number in the list beside the map, and replaces the caption if there is no room for it.
    """

    x: float
    y: float
    number: str
    name: str
    asked: bool


def draw_map(sheet: Sheet, frame: Box, points: Sequence[Labelled]) -> None:
    """Draw the points in a frame, the items of the question first, and each caption where it overlaps no other."""
    left, top, right, bottom = frame
    sheet.line((left, right, right, left, left), (top, top, bottom, bottom, top))
    places = list(_placed(points, frame))
    for point, (x, y) in zip(points, places, strict=True):
        mark, colour = (
            (sheet.diamond, sheet.colours.orange) if point.asked else (sheet.disc, sheet.colours.blue)
        )
        mark(x, y, _RADIUS + 1.5 * point.asked, colour)
    taken = [(x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS) for x, y in places]
    order = sorted(range(len(points)), key=lambda number: not points[number].asked)
    for number in order:
        point, own = points[number], taken[number]
        others = [box for box in taken if box is not own]
        caption, box = _free(point, places[number], frame, others)
        sheet.text(
            box[0], (box[1] + box[3]) / 2, caption, bold=point.asked,
            colour=sheet.colours.orange if point.asked else None,
        )  # fmt: skip
        taken.append(box)


def _free(point: Labelled, at: tuple[float, float], frame: Box, taken: Sequence[Box]) -> tuple[str, Box]:
    """The longest caption that fits beside its mark, and its place; otherwise the number, where it covers least."""
    name = fitting(f"{point.number} {point.name}".strip(), (frame[2] - frame[0]) * 0.6, bold=point.asked)
    tries = list(dict.fromkeys((name, fitting(name, 70, bold=point.asked), point.number or name)))
    least: tuple[float, str, Box] | None = None
    for caption in tries:
        for box in _boxes(at, text_width(caption, bold=point.asked)):
            covered = sum(_common(box, other) for other in taken) + _outside(box, frame)
            if not covered:
                return caption, box
            if least is None or covered <= least[0]:
                least = covered, caption, box
    assert least is not None  # noqa: S101 - there is at least one candidate, and it has places
    return least[1], _inside(least[2], frame)


def _boxes(at: tuple[float, float], wide: float) -> Iterator[Box]:
    """The candidate boxes of a caption: beside its mark, then above and below, then further away."""
    x, y = at
    for away in (_AWAY, 2 * _AWAY):
        for across, down in ((1, 0), (-1, 0), (1, -1), (1, 1), (-1, -1), (-1, 1), (0, -1), (0, 1)):
            left = x + (away if across > 0 else -away - wide if across < 0 else -wide / 2)
            middle = y + down * (away + (TEXT / 2 if not across else 0))
            yield left, middle - TEXT / 2 - 1, left + wide, middle + TEXT / 2 + 1


def _common(one: Box, other: Box) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return across * down if across > 0 and down > 0 else 0.0


def _outside(box: Box, frame: Box) -> float:
    area = (box[2] - box[0]) * (box[3] - box[1])
    return 3 * max(0.0, area - _common(box, frame))


def _inside(box: Box, frame: Box) -> Box:
    """The box, moved inside the frame."""
    across = max(frame[0] - box[0], 0.0) or min(frame[2] - box[2], 0.0)
    down = max(frame[1] - box[1], 0.0) or min(frame[3] - box[3], 0.0)
    return box[0] + across, box[1] + down, box[2] + across, box[3] + down


def _placed(points: Sequence[Labelled], frame: Box) -> Iterator[tuple[float, float]]:
    """The positions of the points on the sheet; points too close for their captions are pushed apart."""
    import numpy as np  # noqa: PLC0415 - only the drawing thread needs it

    if not points:
        return
    left, top, right, bottom = frame
    places = np.array([(point.x, point.y) for point in points], np.float64)
    places -= places.min(axis=0)
    places /= max(float(places.max(initial=0.0)), 1e-9)
    # Coincident points are separated in different directions, the same on each run.
    places += np.random.default_rng(0).uniform(-1e-3, 1e-3, places.shape)
    room = np.array(ROOM)
    for _ in range(ROUNDS):
        apart = (places[:, None] - places[None]) / room
        distances = np.maximum(np.hypot(apart[..., 0], apart[..., 1]), 1e-9)
        short = np.maximum(1.0 - distances, 0.0)
        np.fill_diagonal(short, 0.0)
        places += 0.3 * ((apart / distances[..., None]) * short[..., None]).sum(axis=1) * room
    low, high = places.min(axis=0), places.max(axis=0)
    edge = np.array([0.14 * (right - left), 18.0])
    size = np.array([right - left, bottom - top]) - 2 * edge
    # Both axes share one scale, unless the frame would remain mostly empty: distances are the purpose of a map.
    scale = size / np.maximum(high - low, 1e-9)
    middle = np.array([left + right, top + bottom]) / 2
    for x, y in (places - (low + high) / 2) * np.minimum(scale, 1.6 * scale.min()):
        yield float(middle[0] + x), float(middle[1] - y)
