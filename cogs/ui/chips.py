"""Tokens as coloured chips with their ids: one row, or several, for each tokenizer.

Drawn with Pillow, whose text layout joins letters of scripts that need it and turns right-to-left text. A character that no
font here can draw is shown by its code point, never as an empty box.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from typing import TYPE_CHECKING

import regex
from PIL import Image, ImageDraw, ImageFont, features

from bot.spelling import named, spelt_piece
from cogs.ui.canvas import INK, LINE, MUTED, ORANGE, PAPER
from cogs.ui.text import clip, count, harmless
from models.answers import Piece, Tokenization

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

WIDTH = 1100
"""Pixels of a picture; it is as high as it must be."""
LINES = 5
"""Lines of chips for each tokenizer at most; of one alone, three times as many."""
MOST_ROWS = 12
"""Tokenizers in one picture at most."""
_TEXT, _SMALL, _EMOJI = 24, 15, 26
_BITMAP = 109
"""The one size that bitmap emoji fonts come in."""
_MARGIN, _PAD, _GAP, _HIGH = 24, 9, 6, 40
_RAQM = features.check("raqm")
_DIRECTION = "ltr" if _RAQM else None
"""Marks such as ## stand on the left also before letters that are read from the right."""
_JOINER = "\u200d"
_FILLS = ("#d6e6fb", "#d9f2dd", "#fdf0c9", "#eadcf8", "#d3f1f3")
_SPECIAL, _PARTIAL = "#fbdcd3", "#ececf1"


@dataclass(frozen=True, slots=True)
class _Run:
    """A part of a chip's text that one font draws."""

    text: str
    font: FreeTypeFont
    width: int
    emoji: bool = False


@dataclass(frozen=True, slots=True)
class _Chip:
    runs: tuple[_Run, ...]
    number: str
    fill: str
    edge: str
    dashed: bool
    width: int


def picture(tokenizations: Sequence[Tokenization]) -> bytes:
    """A PNG: under the name of each tokenizer its tokens in order, each with its id below.

    Neighbours differ in colour; special tokens have an orange edge, and bytes that are no whole character a broken
    one. Takes some tenths of a second: call it from a worker thread.
    """
    shown = tokenizations[:MOST_ROWS]
    most = LINES if len(shown) > 1 else 3 * LINES
    rows = [(it, _lines(it.pieces, most)) for it in shown]
    line = _HIGH + _SMALL + 2 * _GAP + 4
    height = _MARGIN + sum(_TEXT + 14 + len(lines) * line + 22 for _, (lines, _) in rows)
    image = Image.new("RGB", (WIDTH, height), PAPER)
    draw = ImageDraw.Draw(image)
    top = _MARGIN
    for tokenization, (lines, left) in rows:
        title = clip(_line(tokenization.name), 60)
        draw.text((_MARGIN, top), title, INK, _font("DejaVu Sans", _SMALL + 4, bold=True))
        facts = f"{count(tokenization.count, 'token')} · {_line(tokenization.algorithm)}"
        if left:
            facts += f" · {left:,} more are not shown"
        beside = _MARGIN + 14 + _font("DejaVu Sans", _SMALL + 4, bold=True).getlength(title)
        draw.text((beside, top + 4), facts, MUTED, _font("DejaVu Sans", _SMALL))
        top += _TEXT + 14
        for chips in lines:
            across = _MARGIN
            for chip in chips:
                _draw(image, draw, across, top, chip)
                across += chip.width + _GAP
            top += line
        top += 22
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _line(text: str) -> str:
    """What ends a line would end the layout."""
    return " ".join(harmless(text).split())


def _lines(pieces: Sequence[Piece], most: int) -> tuple[list[list[_Chip]], int]:
    """Lines of chips, and how many pieces are left over."""
    lines: list[list[_Chip]] = [[]]
    used = 0
    for done, chip in enumerate(_chips(pieces)):
        if lines[-1] and used + chip.width > WIDTH - 2 * _MARGIN:
            if len(lines) == most:
                return lines, len(pieces) - done
            lines.append([])
            used = 0
        lines[-1].append(chip)
        used += chip.width + _GAP
    return lines, 0


def _chips(pieces: Sequence[Piece]) -> Iterator[_Chip]:
    for piece, colour in zip(pieces, cycle(_FILLS), strict=False):
        # Joiners are spelt out unless they join: a family is one emoji.
        text = clip(spelt_piece(piece)[0].replace(named(_JOINER), _JOINER), 60)
        runs = tuple(_runs(text))
        special = piece.special or piece.unknown
        number = str(piece.id)
        wide = max(sum(run.width for run in runs), int(_font("DejaVu Sans", _SMALL).getlength(number)))
        yield _Chip(
            runs,
            number,
            _SPECIAL if special else _PARTIAL if piece.partial else colour,
            ORANGE if special else MUTED if piece.partial else LINE,
            piece.partial,
            min(wide + 2 * _PAD, WIDTH - 2 * _MARGIN),
        )


def _draw(image: Image.Image, draw: ImageDraw.ImageDraw, left: int, top: int, chip: _Chip) -> None:
    box = (left, top, left + chip.width, top + _HIGH)
    draw.rounded_rectangle(box, 8, chip.fill, chip.edge, 2 if chip.edge == ORANGE else 1)
    if chip.dashed:
        for start in range(left + 8, left + chip.width - 8, 10):
            draw.line((start, top, start + 4, top), chip.fill, 2)
            draw.line((start, top + _HIGH, start + 4, top + _HIGH), chip.fill, 2)
    across = left + (chip.width - sum(run.width for run in chip.runs)) // 2
    for run in chip.runs:
        if run.emoji:
            drawn = _emoji(run.text, run.font)
            image.paste(drawn, (across, top + (_HIGH - drawn.height) // 2), drawn)
        else:
            draw.text((across, top + _HIGH // 2), run.text, INK, run.font, anchor="lm", direction=_DIRECTION)
        across += run.width
    middle = left + chip.width // 2
    draw.text((middle, top + _HIGH + _GAP), chip.number, MUTED, _font("DejaVu Sans", _SMALL), anchor="mt")


# Fonts -------------------------------------------------------------------------------------------------------


def _runs(text: str) -> Iterator[_Run]:
    """The text in parts for one font each, whole characters (grapheme clusters) together."""
    waiting, path = "", ""
    for cluster in regex.findall(r"\X", text):
        found = _path_for(cluster)
        if found is None:
            if waiting:
                yield _run(waiting, path)
            codes = "".join(named(character) for character in cluster)
            yield _run(clip(codes, 40), _path_for("U") or "")
            waiting, path = "", ""
        elif found == path and not _is_emoji_font(found):
            waiting += cluster
        else:
            if waiting:
                yield _run(waiting, path)
            waiting, path = cluster, found
    if waiting:
        yield _run(waiting, path)


def _run(text: str, path: str) -> _Run:
    if _is_emoji_font(path):
        font = _opened(path, _BITMAP)
        return _Run(text, font, _emoji(text, font).width, emoji=True)
    font = _opened(path, _TEXT)
    return _Run(text, font, int(font.getlength(text, direction=_DIRECTION)) + 1)


def _emoji(text: str, font: FreeTypeFont) -> Image.Image:
    """One emoji in its own colours, brought to the size of the text."""
    left, top, right, bottom = font.getbbox(text)
    drawn = Image.new("RGBA", (max(1, int(right - left)), max(1, int(bottom - top))))
    ImageDraw.Draw(drawn).text((-left, -top), text, font=font, embedded_color=True)
    wide = max(1, round(drawn.width * _EMOJI / drawn.height))
    return drawn.resize((wide, _EMOJI), Image.Resampling.LANCZOS)


def _is_emoji_font(path: str) -> bool:
    return "emoji" in path.lower()


@cache
def _path_for(cluster: str) -> str | None:
    """A font file that can draw every character of it; DejaVu first, emoji where they are pictures."""
    needed = {ord(character) for character in cluster if character not in "\u200c\u200d\ufe0e\ufe0f"}
    if not needed:
        return None
    pictures = bool(regex.search(r"\p{Emoji_Presentation}|\p{Emoji}\ufe0f", cluster))
    paths = sorted(
        _points(), key=lambda path: (_is_emoji_font(path) != pictures, "DejaVuSans." not in path, path)
    )
    return next((path for path in paths if needed <= _points()[path]), None)


@cache
def _points() -> dict[str, frozenset[int]]:
    """The characters of each upright font on this machine."""
    from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font  # noqa: PLC0415 - see `canvas`

    found: dict[str, frozenset[int]] = {}
    upright = [
        it for it in fontManager.ttflist if it.style == "normal" and str(it.weight) in {"400", "normal"}
    ]
    paths = [findfont(FontProperties(family=["DejaVu Sans"])), *(it.fname for it in upright)]
    for path in dict.fromkeys([*map(str, paths), *_emoji_fonts()]):
        if "lastresort" in path.lower():
            continue  # it has a shape for everything, but one that says only which script it is
        try:
            found[path] = frozenset(get_font(path).get_charmap())
        except (OSError, RuntimeError):
            continue
    return found


@cache
def _emoji_fonts() -> tuple[str, ...]:
    """Fonts with colours are passed over by matplotlib's own list."""
    from matplotlib.font_manager import findSystemFonts  # noqa: PLC0415 - see `canvas`

    return tuple(sorted(path for path in findSystemFonts() if "coloremoji" in path.lower()))


@cache
def _font(family: str, size: int, *, bold: bool = False) -> FreeTypeFont:
    from matplotlib.font_manager import FontProperties, findfont  # noqa: PLC0415 - see `canvas`

    return _opened(findfont(FontProperties(family=[family], weight="bold" if bold else "normal")), size)


@cache
def _opened(path: str, size: int) -> FreeTypeFont:
    return ImageFont.truetype(
        path, size, layout_engine=ImageFont.Layout.RAQM if _RAQM else ImageFont.Layout.BASIC
    )
