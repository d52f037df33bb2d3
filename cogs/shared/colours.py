"""The colours of pictures: three palettes, one of which is configured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType

Rgb = tuple[float, float, float]
"""Red, green and blue in [0, 1]."""

_EVEN = 0.179
"""Luminance of a ground on which black and white have the same contrast (WCAG 2.2)."""


@dataclass(frozen=True, slots=True)
class Colours:
    """`ink`, `muted`, `orange` and `blue` are legible on `paper`, and `ink` also on token backgrounds.

    `least` and `most` are the ends of the scale for shares, which differ in lightness alone.
    """

    paper: str
    ink: str
    muted: str
    line: str
    grey: str
    orange: str
    blue: str
    tokens: tuple[str, ...]
    """Grounds of ordinary tokens, in turn."""
    special: str
    partial: str
    least: Rgb
    most: Rgb

    def shade(self, share: float) -> Rgb:
        """The background for a share in [0, 1], on the scale common to all pictures."""
        share = min(1.0, max(0.0, share))
        red, green, blue = (
            least + (most - least) * share for least, most in zip(self.least, self.most, strict=True)
        )
        return red, green, blue

    def ink_on(self, share: float) -> str:
        """Black or white, whichever has more contrast with `shade(share)`: at least 4.5 to 1."""
        return "#000000" if luminance(self.shade(share)) > _EVEN else "#ffffff"


def luminance(colour: Rgb) -> float:
    """Relative luminance of an sRGB colour, in [0, 1] (WCAG 2.2)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]  # noqa: PLR2004 - the end of the linear segment of sRGB
    red, green, blue = linear
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


LIGHT = Colours(
    paper="#fbfbfd",
    ink="#1f2330",
    muted="#555b6b",
    line="#c4c8d4",
    grey="#c3c7d2",
    orange="#b93d0b",
    blue="#1a66c4",
    tokens=("#d6e6fb", "#d9f2dd", "#fdf0c9", "#eadcf8", "#d3f1f3"),
    special="#fbdcd3",
    partial="#ececf1",
    least=(0.91, 0.95, 1.0),
    most=(0.05, 0.25, 0.53),
)
DARK = Colours(
    paper="#1e1f25",
    ink="#f2f3f7",
    muted="#b5bac8",
    line="#4b5060",
    grey="#5a5f6e",
    orange="#ff9c66",
    blue="#7fb6ff",
    tokens=("#1f426b", "#1f4d35", "#57460f", "#4b3466", "#17505a"),
    special="#6b2f1c",
    partial="#41454f",
    least=(0.15, 0.18, 0.25),
    most=(0.66, 0.84, 1.0),
)
BOTH = Colours(
    paper="#343a48",
    ink="#ffffff",
    muted="#ced3df",
    line="#636b7d",
    grey="#757d8f",
    orange="#ffb184",
    blue="#98c6ff",
    tokens=("#2c5687", "#2a6246", "#6a5616", "#5e437e", "#20636e"),
    special="#853f27",
    partial="#565d6c",
    least=(0.25, 0.29, 0.37),
    most=(0.74, 0.88, 1.0),
)
"""Slate: dark enough for light text, and with an edge on Discord's dark and light grounds."""

SETS = MappingProxyType({"both": BOTH, "dark": DARK, "light": LIGHT})
"""By the values of `discord.pictures`."""
_chosen: ContextVar[Colours] = ContextVar("colours", default=BOTH)


def colours() -> Colours:
    """The palette for drawing in this thread."""
    return _chosen.get()


@contextmanager
def drawing_in(name: str) -> Iterator[None]:
    """In the block, pictures drawn on this thread use the palette with that name, one of SETS."""
    token = _chosen.set(SETS[name])
    try:
        yield
    finally:
        _chosen.reset(token)
