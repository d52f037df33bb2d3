"""The map of a neighbourhood of words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cogs.shared.canvas import MUTED, drawable, paper, png
from cogs.shared.maps import Labelled, blank_map, label
from cogs.shared.text import clip
from texts import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.results import MapPoint

_LONGEST_CAPTION = 24
"""Characters; longer words would leave the picture."""


def word_map(points: Sequence[MapPoint], ranked: Sequence[str], explained: float, odd: str = "") -> bytes:
    """Words as a PNG: asked ones in orange diamonds, others in blue, those of `ranked` numbered from 1.

    The numbers are those of the list beside the picture, so that a word no font can draw is found too. With
    `odd` all words were asked about, and that one alone stands out. Takes some tenths of a second: call it from a
    worker thread.
    """
    figure = paper(7.2, 5.2)
    axes = blank_map(figure)
    marks = say("similar-map-marks-odd" if odd else "similar-map-marks")
    directions = say("similar-map-axes-share", share=explained) if explained else say("similar-map-axes")
    axes.set_xlabel(f"{marks}\n{directions}", color=MUTED, fontsize=9)
    axes.margins(0.14)
    if odd:
        points = [replace(point, asked=point.word == odd) for point in points]
    ranks = {word: rank for rank, word in enumerate(ranked, 1)}
    points = sorted(points, key=lambda point: (not point.asked, ranks.get(point.word, 0)))
    labelled = [
        Labelled(point.x, point.y, _caption(point, ranks.get(point.word)), point.asked) for point in points
    ]
    label(figure, axes, labelled)
    return png(figure)


def _caption(point: MapPoint, rank: int | None) -> str:
    word = clip(point.word, _LONGEST_CAPTION)
    shown = word if drawable(word) else ""
    return f"{rank} {shown}".strip() if rank else shown or "?"
