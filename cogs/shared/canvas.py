"""What every picture shares: paper, ink, fonts. matplotlib's object-oriented interface, for any thread."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

INK, MUTED, PAPER, LINE = "#1f2330", "#8a90a0", "#fbfbfd", "#d8dbe4"
ORANGE, BLUE = "#d9480f", "#1c6dd0"
DPI = 110
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


def paper(width: float, height: float) -> Figure:
    """An empty picture, sizes in inches."""
    # Loading matplotlib takes a second, and its font list far longer on a first start: only the
    # thread that draws should wait for it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def drawable(text: str) -> bool:
    """Whether one of the fonts has a shape for every character."""
    return all(ord(character) in _code_points() or character == " " for character in text)


def font(weight: str = "normal", points: float = 10) -> FontProperties:
    from matplotlib.font_manager import FontProperties  # noqa: PLC0415 - see `paper`

    return FontProperties(family=list(_families()), weight=weight, size=points)


@cache
def _families() -> tuple[str, ...]:
    from matplotlib.font_manager import fontManager  # noqa: PLC0415 - see `paper`

    there = set(fontManager.get_font_names())
    return tuple(family for family in _FAMILIES if family in there) or ("sans-serif",)


@cache
def _code_points() -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont, get_font  # noqa: PLC0415 - see `paper`

    points: set[int] = set()
    for family in _families():
        points |= get_font(findfont(FontProperties(family=[family]))).get_charmap().keys()
    return frozenset(points)
