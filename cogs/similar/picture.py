"""The map of a neighbourhood of words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cogs.shared.canvas import BLUE, INK, LINE, MUTED, ORANGE, PAPER, drawable, font, paper, png
from cogs.shared.text import clip
from texts import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

    from models.results import MapPoint

_LONGEST_CAPTION = 24
"""Characters; longer words would leave the picture."""
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


def word_map(points: Sequence[MapPoint], ranked: Sequence[str], explained: float, odd: str = "") -> bytes:
    """Words as a PNG: asked ones in orange diamonds, others in blue, those of `ranked` numbered from 1.

    The numbers are those of the list beside the picture, so that a word no font can draw is found too. With
    `odd` all words were asked about, and that one alone stands out. Takes some tenths of a second: call it from a
    worker thread.
    """
    figure = paper(7.2, 5.2)
    axes = figure.add_subplot(facecolor=PAPER)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_color(LINE)
    marks = say("similar-map-marks-odd" if odd else "similar-map-marks")
    directions = say("similar-map-axes-share", share=explained) if explained else say("similar-map-axes")
    axes.set_xlabel(f"{marks}\n{directions}", color=MUTED, fontsize=9)
    axes.margins(0.14)
    if odd:
        points = [replace(point, asked=point.word == odd) for point in points]
    ranks = {word: rank for rank, word in enumerate(ranked, 1)}
    points = sorted(points, key=lambda point: (not point.asked, ranks.get(point.word, 0)))
    for asked, colour, marker, area in ((True, ORANGE, "D", 64), (False, BLUE, "o", 42)):
        chosen = [point for point in points if point.asked is asked]
        axes.scatter(
            [point.x for point in chosen],
            [point.y for point in chosen],
            s=area,
            c=colour,
            marker=marker,
            edgecolors=PAPER,
            linewidths=0.8,
            zorder=3,
        )
    _label(figure, axes, points, [_caption(point, ranks.get(point.word)) for point in points])
    return png(figure)


def _caption(point: MapPoint, rank: int | None) -> str:
    word = clip(point.word, _LONGEST_CAPTION)
    shown = word if drawable(word) else ""
    return f"{rank} {shown}".strip() if rank else shown or "?"


def _label(figure: Figure, axes: Axes, points: Sequence[MapPoint], captions: Sequence[str]) -> None:
    """Each caption where it covers no other; the asked words first, then by rank."""
    figure.draw_without_rendering()
    frame = axes.get_window_extent()
    places = axes.transData.transform([(point.x, point.y) for point in points]) if points else ()
    taken: list[Bbox] = []
    for number, (point, caption) in enumerate(zip(points, captions, strict=True)):
        note = axes.annotate(
            caption,
            (point.x, point.y),
            xytext=_OFFSETS[0],
            textcoords="offset points",
            fontproperties=font("bold" if point.asked else "normal"),
            color=ORANGE if point.asked else INK,
            parse_math=False,
            zorder=4,
        )
        best: tuple[int, tuple[int, int]] | None = None
        for offset in _OFFSETS:
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
