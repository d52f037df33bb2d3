"""Pictures made for a phone: a sheet as wide as a phone shows it, and sizes in the pixels of that phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len

from bot.visible import spelt_piece
from cogs.shared.canvas import INK, LINE, ORANGE, PAPER, drawable, font, paper, png
from cogs.shared.text import clip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from models.results import Piece

WIDTH = 400
"""Pixels, as a phone or a channel shows a picture."""
DENSITY = 2.5
"""Pixels of the file for each of them."""
TEXT = 13
"""Pixels of the smallest text."""
MARGIN = 10
_INCH = 100
_POINTS = 72 / _INCH
_CELL = 0.64
"""Width of a character, as a share of the size of its text; a wide one counts twice."""
_LIGHT, _DARK = (0.91, 0.95, 1.0), (0.05, 0.25, 0.53)
_BLACK, _WHITE = "#000000", "#ffffff"
_EVEN = 0.179
"""Luminance of a ground on which black and white have the same contrast (WCAG 2.2)."""
Side = Literal["left", "center", "right"]


class Sheet:
    """A picture of WIDTH x `height` pixels, drawn from its upper left corner. Not for two threads at a time."""

    def __init__(self, height: float) -> None:
        self.figure = paper(WIDTH / _INCH, height / _INCH, dpi=_INCH * DENSITY, layout=None)
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_xlim(0, WIDTH)
        self.axes.set_ylim(height, 0)
        self.axes.axis("off")
        self.height = height

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = TEXT,
        colour: str = INK,
        bold: bool = False,
        side: Side = "left",
    ) -> None:
        """A line of text whose middle is at `y`; `side` is the side of it that is at `x`."""
        self.axes.text(
            x, y, text, ha=side, va="center_baseline", color=colour, parse_math=False,
            fontproperties=font("bold" if bold else "normal", size * _POINTS),
        )  # fmt: skip

    def box(
        self, x: float, y: float, width: float, height: float, colour: object, *, framed: bool = False
    ) -> None:
        """A rounded box from its upper left corner; `framed` makes it stand out without colour, too."""
        from matplotlib.patches import FancyBboxPatch  # noqa: PLC0415 - see `paper`

        radius = min(4.0, width / 2, height / 2)
        self.axes.add_patch(
            FancyBboxPatch(
                (x, y), width, height, boxstyle=f"round,pad=0,rounding_size={radius}", facecolor=colour,
                edgecolor=ORANGE if framed else "none", linewidth=1.6 if framed else 0,
            )
        )  # fmt: skip

    def bar(self, x: float, y: float, width: float, height: float, colour: object, hatch: str = "") -> None:
        """A plain box; a negative width goes to the left."""
        from matplotlib.patches import Rectangle  # noqa: PLC0415 - see `paper`

        self.axes.add_patch(
            Rectangle(
                (x, y), width, height, facecolor=colour, hatch=hatch or None,
                edgecolor=PAPER if hatch else "none", linewidth=0,
            )
        )  # fmt: skip

    def line(
        self, xs: Sequence[float], ys: Sequence[float], colour: str = LINE, width: float = 1, style: str = "-"
    ) -> None:
        self.axes.plot(
            xs, ys, color=colour, linewidth=width * _POINTS, linestyle=style, solid_capstyle="butt"
        )

    def png(self) -> bytes:
        return png(self.figure)


def fitting(text: str, width: float, size: float = TEXT) -> str:
    """As much of a text as `width` pixels have room for."""
    while text and text_width(text, size) > width:
        shorter = clip(text, len(text) - 1)
        text = shorter if len(shorter) < len(text) else text[:-2] + "…"
    return text


def text_width(text: str, size: float = TEXT) -> float:
    """About how many pixels a text takes."""
    return cell_len(text) * size * _CELL


def shown(piece: Piece) -> str:
    """A token with its white space as marks; its id where no font has its characters."""
    text = spelt_piece(piece)[0] or "∅"
    return text if drawable(text) else f"#{piece.id}"


def shade(share: float) -> tuple[float, float, float]:
    """From nearly white to dark blue for a share in [0, 1]; the lightness alone tells them apart."""
    share = min(1.0, max(0.0, share))
    red, green, blue = (light + (dark - light) * share for light, dark in zip(_LIGHT, _DARK, strict=True))
    return red, green, blue


def ink_on(share: float) -> str:
    """Black or white, whichever has more contrast to the ground that `shade` gives: 4.5 to 1 at least."""
    linear = [((one + 0.055) / 1.055) ** 2.4 for one in shade(share)]
    luminance = sum(part * one for part, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return _BLACK if luminance > _EVEN else _WHITE
