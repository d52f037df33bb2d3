"""Why a text went on as it did: each token beside those that it was chosen over, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cogs.shared import ansi
from cogs.shared.canvas import INK, MUTED, ORANGE, PAPER, drawable, font, paper, png
from cogs.shared.text import percent
from models.results import Candidate, Step
from texts import say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DARK = 0.55
"""Probability from which on the box is so dark that its text must be light."""


def draw(steps: Sequence[Step], first: int) -> bytes:
    """A PNG with a row for each step, the first of which is number `first`.

    The darker a box, the likelier its token; the written one stands first, in an orange frame. Takes some
    tenths of a second: call it from a worker thread.
    """
    columns = 1 + max((len(step.others) for step in steps), default=0)
    figure = paper(1.25 * columns + 0.5, 0.42 * len(steps) + 0.7)
    axes = figure.add_subplot(facecolor=PAPER)
    axes.set_xlim(-0.35, columns)
    axes.set_ylim(len(steps), -0.75)
    axes.axis("off")
    axes.text(
        0.48, -0.3, say("why-written"), ha="center", va="center", color=ORANGE, fontproperties=font("bold", 9)
    )
    if columns > 1:
        axes.text(
            1.04, -0.3, say("why-candidates"), va="center", color=MUTED, fontproperties=font(points=9),
        )  # fmt: skip
    for row, step in enumerate(steps):
        axes.text(
            -0.06, row + 0.46, str(first + row), ha="right", va="center", color=MUTED,
            fontproperties=font(points=8),
        )  # fmt: skip
        _box(axes, 0, row, step.chosen, written=True)
        for column, candidate in enumerate(step.others, 1):
            _box(axes, column, row, candidate, written=False)
    return png(figure)


def _box(axes: Axes, column: int, row: int, candidate: Candidate, *, written: bool) -> None:
    from matplotlib.patches import FancyBboxPatch  # noqa: PLC0415 - see `paper`

    share = candidate.probability
    axes.add_patch(
        FancyBboxPatch(
            (column + 0.05, row + 0.09),
            0.86,
            0.76,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor=_shade(share),
            edgecolor=ORANGE if written else "none",
            linewidth=1.8 if written else 0,
        )
    )
    label = ansi.label(candidate.text)
    if not drawable(label):
        label = say("why-id", id=candidate.id)
    colour = PAPER if share > _DARK else INK
    for height, text, weight, points in (
        (0.34, label, "bold" if written else "normal", 9.5),
        (0.67, percent(share), "normal", 7.5),
    ):
        axes.text(
            column + 0.48, row + height, text, ha="center", va="center", color=colour, parse_math=False,
            fontproperties=font(weight, points),
        )  # fmt: skip


def _shade(share: float) -> tuple[float, float, float]:
    """From nearly white to the blue of all pictures; the root, so that small shares differ too."""
    depth = share**0.5
    light, dark = (0.93, 0.95, 0.99), (0.11, 0.36, 0.72)
    red, green, blue = (one + (other - one) * depth for one, other in zip(light, dark, strict=True))
    return red, green, blue
