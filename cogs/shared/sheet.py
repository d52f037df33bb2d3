"""Pictures for phone screens: a sheet as wide as a phone displays it, with sizes in that phone's pixels."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from PIL import Image, ImageDraw

from bot.visible import spelt, spelt_piece
from cogs.shared import lettering
from cogs.shared.colours import Rgb, colours
from cogs.shared.lettering import joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from models.results import Piece

WIDTH = 320
"""Pixels, as the narrowest place shows a picture: an answer on a phone."""
HIGHEST = 440
"""Pixels; clients shrink what is higher, and its text with it."""
DENSITY = 3.125
"""Pixels of the file for each of them, so that it is twice as dense as a channel on a desktop shows it."""
TEXT = 13
"""Pixels of the smallest text."""
MARGIN = 8
_SMOOTH = 2
"""Shapes are drawn so much larger and then reduced, for smooth edges."""
_DOT = 4
_STRIPES = 6
Side = Literal["left", "center", "right"]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
Colour = str | Rgb


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text: its position in sheet pixels and its style. The box has the size of the letters."""

    text: str
    box: Box
    size: float
    colour: str
    bold: bool


class Sheet:
    """A picture of WIDTH x `height` pixels in the current colours, with the origin in the upper left corner.

    Text is drawn above all shapes. Not thread-safe.
    """

    def __init__(self, height: float) -> None:
        self.height = height
        self.colours = colours()
        self.lines: list[Line] = []
        self._scale = DENSITY * _SMOOTH
        self._image = Image.new(
            "RGB", (round(WIDTH * self._scale), round(height * self._scale)), self.colours.paper
        )
        self._draw = ImageDraw.Draw(self._image)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        colour: str | None = None,
        bold: bool = False,
        side: Side = "left",
        cleared: bool = False,
    ) -> Box:
        """A line of text vertically centred on `y`, with its edge `side` at `x`. `cleared` hides the shapes below it.

        Returns its box.
        """
        wide = text_width(text, bold=bold)
        left = x - {"left": 0.0, "center": wide / 2, "right": wide}[side]
        box = (left, y - TEXT / 2, left + wide, y + TEXT / 2)
        if cleared:
            self._draw.rectangle(
                self._pixels((left - 2, y - TEXT / 2 - 2, left + wide + 2, y + TEXT / 2 + 2)),
                self.colours.paper,
            )
        if text:
            self.lines.append(Line(text, box, TEXT, colour or self.colours.ink, bold))
        return box

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        colour: Colour,
        *,
        framed: bool = False,
        edge: str | None = None,
    ) -> None:
        """A rounded box, given by its upper left corner; `framed` makes it stand out without colour."""
        outline, thick = (self.colours.orange, 2.0) if framed else (edge, 1.0 if edge else 0.0)
        radius = min(4.0, width / 2, height / 2) * self._scale
        self._draw.rounded_rectangle(
            self._pixels((x, y, x + width, y + height)), radius, _rgb(colour),
            _rgb(outline) if outline else None, round(thick * self._scale),
        )  # fmt: skip

    def bar(
        self, x: float, y: float, width: float, height: float, colour: Colour, *, hatched: bool = False
    ) -> None:
        """A plain box; `hatched` distinguishes it without colour."""
        left, top, right, bottom = (round(edge) for edge in self._pixels((x, y, x + width, y + height)))
        if right <= left or bottom <= top:
            return
        filled = Image.new("RGB", (right - left, bottom - top), _rgb(colour))
        if hatched:
            draw, step = ImageDraw.Draw(filled), round(_STRIPES * self._scale)
            for start in range(-filled.height, filled.width, step):
                stripe = ((start, filled.height), (start + filled.height, 0))
                draw.line(stripe, self.colours.paper, round(1.5 * self._scale))
        self._image.paste(filled, (left, top))

    def line(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        colour: str | None = None,
        width: float = 1,
        *,
        dotted: bool = False,
    ) -> None:
        points = [(x * self._scale, y * self._scale) for x, y in zip(xs, ys, strict=True)]
        thick, colour = max(1, round(width * self._scale)), colour or self.colours.line
        for part in _dots(points, _DOT * self._scale) if dotted else [points]:
            self._draw.line(part, colour, thick, joint="curve")

    def disc(self, x: float, y: float, radius: float, colour: str) -> None:
        self._draw.ellipse(self._pixels((x - radius, y - radius, x + radius, y + radius)), colour)

    def diamond(self, x: float, y: float, radius: float, colour: str) -> None:
        corners = ((x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y))
        self._draw.polygon([(across * self._scale, down * self._scale) for across, down in corners], colour)

    def grid(self, box: Box, shares: NDArray[np.floating]) -> None:
        """A matrix of shares in [0, 1] as cells on the scale common to all pictures: shape (rows, columns)."""
        import numpy as np  # noqa: PLC0415 - only the drawing thread needs it

        least, most = np.array(self.colours.least), np.array(self.colours.most)
        fields = least + np.clip(shares, 0, 1)[..., None] * (most - least)
        left, top, right, bottom = (round(edge) for edge in self._pixels(box))
        drawn = Image.fromarray(np.rint(fields * 255).astype(np.uint8), "RGB")
        self._image.paste(drawn.resize((right - left, bottom - top), Image.Resampling.NEAREST), (left, top))

    def ground(self) -> Image.Image:
        """The picture without its text, at the resolution of the file."""
        return self._image.reduce(_SMOOTH)

    def image(self) -> Image.Image:
        image = self.ground()
        for line in self.lines:
            write(image, line)
        return image

    def png(self) -> bytes:
        file = io.BytesIO()
        self.image().save(file, "PNG")
        return file.getvalue()

    def _pixels(self, box: Box) -> Box:
        left, top, right, bottom = (edge * self._scale for edge in box)
        return left, top, right, bottom


def write(image: Image.Image, line: Line) -> None:
    """Draw a line of text on a picture at the resolution of the file."""
    left, top, _, bottom = line.box
    parts = lettering.runs(line.text, line.size * DENSITY, bold=line.bold)
    lettering.write(image, left * DENSITY, (top + bottom) / 2 * DENSITY, parts, line.colour)


def fitting(text: str, width: float, *, bold: bool = False) -> str:
    """As much of a text as fits into `width` pixels."""
    return lettering.fitting(text, width * DENSITY, TEXT * DENSITY, bold=bold)


def text_width(text: str, *, bold: bool = False) -> float:
    """The width of a text in pixels."""
    return lettering.width(text, TEXT * DENSITY, bold=bold) / DENSITY


def spelt_out(text: str) -> str:
    """A text with visible white space."""
    return joined(spelt(text)[0])


def shown(piece: Piece) -> str:
    """A token with visible white space."""
    return joined(spelt_piece(piece)[0]) or "∅"


def _rgb(colour: Colour) -> str | tuple[int, int, int]:
    if isinstance(colour, str):
        return colour
    red, green, blue = (round(255 * part) for part in colour)
    return red, green, blue


def _dots(points: Sequence[tuple[float, float]], step: float) -> list[list[tuple[float, float]]]:
    """A dashed line; dashes and gaps have the length `step`."""
    parts: list[list[tuple[float, float]]] = []
    on, left = True, step
    current = [points[0]]
    for (x, y), (to_x, to_y) in pairwise(points):
        length = ((to_x - x) ** 2 + (to_y - y) ** 2) ** 0.5
        done = 0.0
        while length - done > left:
            done += left
            at = (x + (to_x - x) * done / length, y + (to_y - y) * done / length)
            if on:
                parts.append([*current, at])
            on, left, current = not on, step, [at]
        left -= length - done
        current.append((to_x, to_y))
    return [*parts, current] if on else parts
