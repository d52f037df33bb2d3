# ruff: noqa: PLC0415 - matplotlib loads slowly, and its first font scan far slower: only the drawing thread should wait
"""Text in pictures: any text, measured and drawn with the fonts of this machine.

Pillow's text layout shapes complex scripts and reorders right-to-left text. Emoji are drawn as pictures. A character
missing from all fonts is shown as its code point, never as an empty box.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import regex
from PIL import Image, ImageDraw, ImageFont, features

from bot.visible import named

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_BITMAPS = (109, 160, 136, 128, 96, 64)
"""Emoji fonts made of bitmaps come in one size or a few."""
_PROBE = 24
_RAQM = features.check("raqm")
_DIRECTION = "ltr" if _RAQM else None
"""Marks such as ## stand on the left also before letters that are read from the right."""
_JOINER, _LOOK = "\u200d", "\ufe0f"


@dataclass(frozen=True, slots=True)
class Run:
    """A part of a text: its font, or its picture. `width` is in pixels."""

    text: str
    drawn: FreeTypeFont | Image.Image
    width: float


def joined(text: str) -> str:
    """An escaped text with its joiners restored where they form one emoji, such as a family; an emoji variation
    selector remains escaped only if it stands alone.
    """
    if text in {named(_JOINER), f"◌{_LOOK}"}:
        return named(text[-1]) if text.endswith(_LOOK) else text
    return text.replace(named(_JOINER), _JOINER)


@lru_cache(maxsize=4096)
def runs(text: str, size: float, *, bold: bool = False) -> tuple[Run, ...]:
    """A line of text split into runs of one font each, without splitting grapheme clusters; `size` is in pixels."""
    found: list[Run] = []
    waiting, path = "", ""
    for part, other in _with_fonts(" ".join(text.splitlines())):
        if other == path and not _is_emoji_font(other):
            waiting += part
            continue
        if waiting:
            found.append(_run(waiting, path, size, bold=bold))
        waiting, path = part, other
    if waiting:
        found.append(_run(waiting, path, size, bold=bold))
    return tuple(found)


def width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of a line of text in pixels."""
    return sum(run.width for run in runs(text, size, bold=bold))


def fitting(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """As many complete grapheme clusters as fit into `room` pixels; a cut is shown as an ellipsis."""
    # No picture has room for more, and measuring a text of 6,000 characters takes long.
    text = text[: 10 + int(room)]
    if width(text, size, bold=bold) <= room:
        return text
    characters = regex.findall(r"\X", text)
    low, high = 0, len(characters)
    while low < high:
        middle = (low + high + 1) // 2
        if width("".join(characters[:middle]) + "…", size, bold=bold) <= room:
            low = middle
        else:
            high = middle - 1
    return "".join(characters[:low]) + "…" if low or width("…", size, bold=bold) <= room else ""


def write(image: Image.Image, left: float, middle: float, parts: Sequence[Run], colour: str) -> None:
    """Draw a line of text, left-aligned at `left` and vertically centred on `middle`, in pixels."""
    draw = ImageDraw.Draw(image)
    for run in parts:
        if isinstance(run.drawn, Image.Image):
            image.paste(run.drawn, (round(left), round(middle - run.drawn.height / 2)), run.drawn)
        else:
            draw.text((left, middle), run.text, colour, run.drawn, anchor="lm", direction=_DIRECTION)
        left += run.width


def _with_fonts(text: str) -> Iterator[tuple[str, str]]:
    """Each character with its font, or a drawable part of it, with the code points of the rest."""
    for cluster in regex.findall(r"\X", text):
        if whole := _path_for(cluster):
            yield cluster, whole
            continue
        for character in cluster:
            found = None if unicodedata.combining(character) else _path_for(character)
            yield (character, found) if found else (named(character), _path_for("U") or "")


def _run(text: str, path: str, size: float, *, bold: bool) -> Run:
    if _is_emoji_font(path) and (drawn := _emoji(text, path, round(size) + 2)):
        return Run(text, drawn, drawn.width)
    if bold and Path(path).name == Path(font_path()).name:
        path = font_path(bold=True)
    font = _opened(path, size)
    text = text if _RAQM else _turned(text)
    return Run(text, font, font.getlength(text, direction=_DIRECTION))


def _turned(text: str) -> str:
    """Right-to-left letters in visual order, for machines without FriBidi: legible, but without joined letters."""
    backwards = regex.compile(r"[\p{bc=R}\p{bc=AL}][\p{bc=R}\p{bc=AL}\p{bc=NSM}]*")
    return str(backwards.sub(lambda run: "".join(reversed(regex.findall(r"\X", run[0]))), text))


def _emoji(text: str, path: str, height: int) -> Image.Image | None:
    """One emoji in its own colours, scaled to the text size; None if this font cannot be drawn here."""
    font = _coloured(path)
    if font is None:
        return None
    left, top, right, bottom = font.getbbox(text)
    drawn = Image.new("RGBA", (max(1, int(right - left)), max(1, int(bottom - top))))
    ImageDraw.Draw(drawn).text((-left, -top), text, font=font, embedded_color=True)
    if drawn.getbbox() is None:
        return None
    wide = max(1, round(drawn.width * height / drawn.height))
    return drawn.resize((wide, height), Image.Resampling.LANCZOS)


@cache
def _coloured(path: str) -> FreeTypeFont | None:
    """A colour emoji font in one of its available sizes."""
    for height in _BITMAPS:
        try:
            return _opened(path, height)
        except OSError:
            continue
    return None


def _is_emoji_font(path: str) -> bool:
    return "emoji" in Path(path).name.lower()


@lru_cache(maxsize=10_000)
def _path_for(cluster: str) -> str | None:
    """A font file that covers every character; DejaVu first, except for emoji drawn as pictures."""
    needed = {ord(character) for character in cluster if character not in "\u200c\u200d\ufe0e\ufe0f"}
    if not needed:
        return None
    pictures = bool(regex.search(r"\p{Emoji_Presentation}|\p{Emoji}\ufe0f", cluster))
    paths = sorted(
        _points(), key=lambda path: (_is_emoji_font(path) != pictures, "DejaVuSans." not in path, path)
    )
    return next((path for path in paths if needed <= _points()[path] and _draws(path, cluster)), None)


def _draws(path: str, cluster: str) -> bool:
    """Whether Pillow can draw with a colour font; it does not support every format."""
    return not _is_emoji_font(path) or _emoji(cluster, path, _PROBE) is not None


@cache
def _points() -> dict[str, frozenset[int]]:
    """The characters covered by each upright font on this machine."""
    from matplotlib.font_manager import findSystemFonts, fontManager, get_font

    upright = [
        entry.fname
        for entry in fontManager.ttflist
        if entry.style == "normal" and str(entry.weight) in {"400", "normal"}
    ]
    # matplotlib's own list omits colour fonts.
    emoji_fonts = sorted(path for path in findSystemFonts() if _is_emoji_font(path))
    points: dict[str, frozenset[int]] = {}
    for path in dict.fromkeys([font_path(), *upright, *emoji_fonts]):
        if "lastresort" in path.lower():
            continue  # a last-resort font covers everything, but its glyphs only identify the script
        try:
            points[path] = frozenset(get_font(path).get_charmap())
        except (OSError, RuntimeError):
            continue
    return points


@cache
def font_path(*, bold: bool = False) -> str:
    """The file of DejaVu Sans, which is included with matplotlib."""
    from matplotlib.font_manager import FontProperties, findfont

    return str(findfont(FontProperties(family=["DejaVu Sans"], weight="bold" if bold else "normal")))


@cache
def _opened(path: str, size: float) -> FreeTypeFont:
    return ImageFont.truetype(
        path, size, layout_engine=ImageFont.Layout.RAQM if _RAQM else ImageFont.Layout.BASIC
    )
