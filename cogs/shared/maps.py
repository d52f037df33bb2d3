"""Maps: points with captions that do not cover each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cogs.shared.canvas import BLUE, INK, LINE, ORANGE, PAPER, font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

_OFFSETS = (
    (7, 5),
    (7, -13),
    (-7, 5),
    (-7, -13),
    (0, 11),
    (0, -19),
    (12, 16),
    (12, -24),
    (-12, 16),
    (-12, -24),
)
"""Where a caption may stand, in points from its mark, for captions of USUAL points."""
USUAL = 10


@dataclass(frozen=True, slots=True)
class Labelled:
    """A mark and its caption: an orange diamond if it is what was asked about, else a blue disc."""

    x: float
    y: float
    caption: str
    asked: bool


def blank_map(figure: Figure) -> Axes:
    """Axes without numbers, since those of a map mean nothing."""
    axes = figure.add_subplot(facecolor=PAPER)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_color(LINE)
    return axes


def label(figure: Figure, axes: Axes, points: Sequence[Labelled], size: float = USUAL) -> None:
    """Draw the points, and in their order each caption where it covers no other; `size` is that of the letters."""
    scale = size / USUAL
    for asked, colour, marker, area in ((True, ORANGE, "D", 64), (False, BLUE, "o", 42)):
        chosen = [point for point in points if point.asked is asked]
        axes.scatter(
            [point.x for point in chosen],
            [point.y for point in chosen],
            s=area * scale**2,
            c=colour,
            marker=marker,
            edgecolors=PAPER,
            linewidths=0.8,
            zorder=3,
        )
    offsets = [(round(across * scale), round(up * scale)) for across, up in _OFFSETS]
    figure.draw_without_rendering()
    frame = axes.get_window_extent()
    places = axes.transData.transform([(point.x, point.y) for point in points]) if points else ()
    taken: list[Bbox] = []
    for number, point in enumerate(points):
        note = axes.annotate(
            point.caption,
            (point.x, point.y),
            xytext=offsets[0],
            textcoords="offset points",
            fontproperties=font("bold" if point.asked else "normal", size),
            color=ORANGE if point.asked else INK,
            parse_math=False,
            zorder=4,
        )
        best: tuple[int, tuple[int, int]] | None = None
        for offset in offsets:
            _place(note, offset)
            box = note.get_window_extent()
            covered = sum(box.padded(4).overlaps(other) for other in taken) * 3
            near = box.padded(5)
            covered += sum(near.contains(x, y) for other, (x, y) in enumerate(places) if other != number)
            covered += 5 * (not (frame.x0 <= box.x0 and box.x1 <= frame.x1))
            covered += 5 * (not (frame.y0 <= box.y0 and box.y1 <= frame.y1))
            if best is None or covered < best[0]:
                best = (covered, offset)
            if not covered:
                break
        if best is not None:
            _place(note, best[1])
        taken.append(note.get_window_extent())


def _place(note: Annotation, offset: tuple[int, int]) -> None:
    across, _ = offset
    note.set_position(offset)
    note.set_horizontalalignment("left" if across > 0 else "right" if across < 0 else "center")
