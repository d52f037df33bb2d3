# ruff: noqa: PLC0415 - loading matplotlib takes a second, and its list of fonts far longer on a first start: only the thread that draws should wait for it
"""What every picture shares: paper, ink, fonts. matplotlib's object-oriented interface, for any thread."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

INK, MUTED, PAPER, LINE = "#1f2330", "#5b6172", "#fbfbfd", "#d8dbe4"
ORANGE, BLUE = "#c2410c", "#1c6dd0"
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


def paper(
    width: float, height: float, *, dpi: float = DPI, layout: Literal["constrained"] | None = "constrained"
) -> Figure:
    """An empty picture, sizes in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=dpi, facecolor=PAPER, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def drawable(text: str) -> bool:
    """Whether one of the fonts has a shape for every character."""
    return all(ord(character) in _drawable_points() or character == " " for character in text)


def font(weight: str = "normal", points: float = 10) -> FontProperties:
    from matplotlib.font_manager import FontProperties

    return FontProperties(family=list(_families()), weight=weight, size=points)


def font_path(family: str, *, bold: bool = False) -> str:
    """The file of a family, or of the one that comes with matplotlib."""
    from matplotlib.font_manager import FontProperties, findfont

    return str(findfont(FontProperties(family=[family], weight="bold" if bold else "normal")))


def upright_fonts() -> list[str]:
    """The files of the fonts on this machine that are neither bold nor slanted."""
    from matplotlib.font_manager import fontManager

    return [
        entry.fname
        for entry in fontManager.ttflist
        if entry.style == "normal" and str(entry.weight) in {"400", "normal"}
    ]


def system_fonts() -> list[str]:
    """The files of all fonts on this machine, those too that matplotlib does not use."""
    from matplotlib.font_manager import findSystemFonts

    return findSystemFonts()


def code_points(path: str) -> frozenset[int]:
    """The characters that a font file has shapes for. OSError or RuntimeError if it cannot be read."""
    from matplotlib.font_manager import get_font

    return frozenset(get_font(path).get_charmap())


@cache
def _families() -> tuple[str, ...]:
    from matplotlib.font_manager import fontManager

    there = set(fontManager.get_font_names())
    return tuple(family for family in _FAMILIES if family in there) or ("sans-serif",)


@cache
def _drawable_points() -> frozenset[int]:
    return frozenset[int]().union(*(code_points(font_path(family)) for family in _families()))
