"""Pictures. Drawn with matplotlib's object-oriented interface, which may be used from any thread."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.font_manager import FontProperties
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

    from models.answers import MapPoint, Neighbourhood

_INK, _MUTED, _PAPER, _ASKED, _FOUND = "#1f2330", "#8a90a0", "#fbfbfd", "#d9480f", "#1c6dd0"
# Fonts with other scripts, where the machine has them; DejaVu comes with matplotlib.
_FAMILIES = (
    "DejaVu Sans",
    "Noto Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
    "Unifont",
)
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


def word_map(neighbourhood: Neighbourhood) -> bytes:
    """The neighbourhood as a PNG: asked words in orange diamonds, neighbours in blue, by rank.

    The numbers are those of the list beside the picture, so that a word no font can draw is found too.
    Takes some tenths of a second: call it from a worker thread.
    """
    # Loading matplotlib takes a second, and its font list far longer on a first start: only the
    # thread that draws should wait for it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(7.2, 5.2), dpi=110, facecolor=_PAPER, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot(facecolor=_PAPER)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_color("#d8dbe4")
    axes.set_xlabel(
        "◆ asked   ● neighbours, numbered as in the list\n"
        "laid out along the two directions in which these words differ most"
        + (f" ({neighbourhood.explained:.0%} of all difference)" if neighbourhood.explained else ""),
        color=_MUTED,
        fontsize=9,
    )
    axes.margins(0.14)
    ranks = {neighbour.word: rank for rank, neighbour in enumerate(neighbourhood.neighbours, 1)}
    points = sorted(neighbourhood.points, key=lambda point: (not point.asked, ranks.get(point.word, 0)))
    for asked, colour, marker, area in ((True, _ASKED, "D", 64), (False, _FOUND, "o", 42)):
        chosen = [point for point in points if point.asked is asked]
        axes.scatter(
            [point.x for point in chosen],
            [point.y for point in chosen],
            s=area,
            c=colour,
            marker=marker,
            edgecolors=_PAPER,
            linewidths=0.8,
            zorder=3,
        )
    _label(axes, canvas, points, [_caption(point, ranks.get(point.word)) for point in points])
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _caption(point: MapPoint, rank: int | None) -> str:
    word = point.word if len(point.word) <= 24 else point.word[:23] + "…"  # noqa: PLR2004 - longer ones leave the picture
    drawable = word if all(ord(character) in _drawable() or character == " " for character in word) else ""
    return f"{rank} {drawable}".strip() if rank else drawable or "?"


def _label(axes: Axes, canvas: FigureCanvasAgg, points: Sequence[MapPoint], captions: Sequence[str]) -> None:
    """Each caption where it covers no other; the asked words first, then by rank."""
    canvas.draw()  # type: ignore[no-untyped-call]
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    frame = axes.get_window_extent(renderer)
    places = axes.transData.transform([(point.x, point.y) for point in points]) if points else ()
    taken: list[Bbox] = []
    for number, (point, caption) in enumerate(zip(points, captions, strict=True)):
        note = axes.annotate(
            caption,
            (point.x, point.y),
            xytext=_OFFSETS[0],
            textcoords="offset points",
            fontproperties=_font("bold" if point.asked else "normal"),
            color=_ASKED if point.asked else _INK,
            parse_math=False,
            zorder=4,
        )
        best: tuple[int, tuple[int, int]] | None = None
        for offset in _OFFSETS:
            _place(note, offset)
            box = note.get_window_extent(renderer)
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
        taken.append(note.get_window_extent(renderer))


def _place(note: Annotation, offset: tuple[int, int]) -> None:
    across, _ = offset
    note.set_position(offset)
    note.set_horizontalalignment("left" if across > 0 else "right" if across < 0 else "center")


@cache
def _families() -> tuple[str, ...]:
    from matplotlib.font_manager import fontManager  # noqa: PLC0415 - see word_map

    there = set(fontManager.get_font_names())
    return tuple(family for family in _FAMILIES if family in there) or ("sans-serif",)


def _font(weight: str) -> FontProperties:
    from matplotlib.font_manager import FontProperties  # noqa: PLC0415 - see word_map

    return FontProperties(family=list(_families()), weight=weight, size=10)


@cache
def _drawable() -> frozenset[int]:
    """The code points that one of the fonts has a shape for."""
    from matplotlib.font_manager import FontProperties, findfont, get_font  # noqa: PLC0415 - see word_map

    points: set[int] = set()
    for family in _families():
        points |= get_font(findfont(FontProperties(family=[family]))).get_charmap().keys()
    return frozenset(points)
