"""Tokens as coloured chips with their ids: one row, or several, for each tokenizer.

A character that several tokens share, as most emoji are, is drawn below these. Drawn with Pillow, whose text layout joins
letters of scripts that need it and turns right-to-left text. A character that no font here can draw is shown by its code
point, never as an empty box.
"""

from __future__ import annotations

import io
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate, cycle, groupby
from pathlib import Path
from typing import TYPE_CHECKING

import regex
from PIL import Image, ImageDraw, ImageFont, features

from bot.visible import named, spelt, spelt_piece
from cogs.shared import canvas
from cogs.shared.canvas import INK, LINE, MUTED, ORANGE, PAPER
from cogs.shared.text import clip, harmless
from models.results import Piece, Tokenization
from texts import say

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

WIDTH = 1100
"""Pixels of a picture; it is as high as it must be."""
LINES = 5
"""Lines of chips for each tokenizer at most; of one alone, three times as many."""
MOST_ROWS = 12
"""Tokenizers in one picture at most."""
_TEXT, _SMALL = 24, 15
_SHARED = (24, 17, 12)
"""Sizes of a character below its tokens; the largest that fits is taken."""
_BITMAPS = (109, 160, 136, 128, 96, 64)
"""Emoji fonts made of bitmaps come in one size or a few."""
_MARGIN, _PAD, _GAP, _HIGH = 24, 9, 6, 40
_BELOW = 46
"""Room for characters below their tokens, in lines that have such."""
_RAQM = features.check("raqm")
_DIRECTION = "ltr" if _RAQM else None
"""Marks such as ## stand on the left also before letters that are read from the right."""
_JOINER, _LOOK = "\u200d", "\ufe0f"
_FILLS = ("#d6e6fb", "#d9f2dd", "#fdf0c9", "#eadcf8", "#d3f1f3")
_SPECIAL, _PARTIAL = "#fbdcd3", "#ececf1"


@dataclass(frozen=True, slots=True)
class _Run:
    """A part of a chip's text: the font that draws it, or the picture that it is."""

    text: str
    drawn: FreeTypeFont | Image.Image
    width: int


@dataclass(frozen=True, slots=True)
class _Chip:
    runs: tuple[_Run, ...]
    number: str
    fill: str
    edge: str
    dashed: bool
    width: int
    link: _Link | None


@dataclass(frozen=True, slots=True)
class _Link:
    """A character, as people count them, that is in several tokens: the places of the first and the last of these."""

    first: int
    last: int
    text: str


def draw(tokenizations: Sequence[Tokenization]) -> bytes:
    """A PNG: under the name of each tokenizer its tokens in order, each with its id below.

    Neighbours differ in colour; special tokens have an orange edge, and bytes that are no whole character a broken
    one, with the character below. Takes some tenths of a second: call it from a worker thread.
    """
    shown = tokenizations[:MOST_ROWS]
    most = LINES if len(shown) > 1 else 3 * LINES
    rows = [(tokenization, _lines(tokenization, most)) for tokenization in shown]
    height = _MARGIN + sum(_TEXT + 14 + sum(map(_height, lines)) + 22 for _, (lines, _) in rows)
    image = Image.new("RGB", (WIDTH, height), PAPER)
    draw = ImageDraw.Draw(image)
    top = _MARGIN
    for tokenization, (lines, left) in rows:
        title = clip(_line(tokenization.name), 60)
        draw.text((_MARGIN, top), title, INK, _font("DejaVu Sans", _SMALL + 4, bold=True))
        facts = say("tokens-in-picture", n=tokenization.count, algorithm=_line(tokenization.algorithm))
        if left:
            facts += " " + say("tokens-not-in-picture", left=left)
        beside = _MARGIN + 14 + _font("DejaVu Sans", _SMALL + 4, bold=True).getlength(title)
        draw.text((beside, top + 4), facts, MUTED, _font("DejaVu Sans", _SMALL))
        top += _TEXT + 14
        for chips in lines:
            across = _MARGIN
            for link, together in groupby(chips, key=lambda chip: chip.link):
                begin = across
                for chip in together:
                    _draw(image, draw, across, top, chip)
                    across += chip.width + _GAP
                if link is not None:
                    _draw_below(image, draw, (begin, across - _GAP), top + _HIGH + _SMALL + 2 * _GAP, link)
            top += _height(chips)
        top += 22
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _line(text: str) -> str:
    """What ends a line would end the layout."""
    return " ".join(harmless(text).split())


def _height(chips: Sequence[_Chip]) -> int:
    return _HIGH + _SMALL + 2 * _GAP + 4 + _BELOW * any(chip.link for chip in chips)


def _lines(tokenization: Tokenization, most: int) -> tuple[list[list[_Chip]], int]:
    """Lines of chips, and how many pieces are left over."""
    lines: list[list[_Chip]] = [[]]
    used = 0
    for done, chip in enumerate(_chips(tokenization)):
        if lines[-1] and used + chip.width > WIDTH - 2 * _MARGIN:
            if len(lines) == most:
                return lines, tokenization.count - done
            lines.append([])
            used = 0
        lines[-1].append(chip)
        used += chip.width + _GAP
    return lines, 0


def _chips(tokenization: Tokenization) -> Iterator[_Chip]:
    links = {place: link for link in _links(tokenization) for place in range(link.first, link.last + 1)}
    for place, (piece, colour) in enumerate(zip(tokenization.pieces, cycle(_FILLS), strict=False)):
        runs = tuple(_runs(_joined(spelt_piece(piece)[0]), _TEXT))
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
            links.get(place),
        )


def _joined(text: str) -> str:
    """Joiners are spelt out unless they join, for a family is one emoji; what chooses the look of an emoji if it is alone."""
    if text in {named(_JOINER), f"◌{_LOOK}"}:
        return named(text[-1]) if text.endswith(_LOOK) else text
    return clip(text.replace(named(_JOINER), _JOINER), 60)


def _links(tokenization: Tokenization) -> list[_Link]:
    """The characters that are in several tokens, an accent or a joined emoji being part of one character."""
    found: list[_Link] = []
    start = 0
    pieces = tokenization.pieces
    for place in range(1, len(pieces) + 1):
        if place == len(pieces) or _apart(pieces[place - 1], pieces[place], tokenization.algorithm):
            found += _shared(pieces[start:place], start)
            start = place
    return found


def _apart(before: Piece, piece: Piece, algorithm: str) -> bool:
    """Whether no character can go on from one token to the next: neither can in special ones, nor in whole words."""
    special = before.special or before.unknown or piece.special or piece.unknown
    return special or (algorithm in {"WordPiece", "whole words"} and not piece.continues)


def _shared(pieces: Sequence[Piece], start: int) -> Iterator[_Link]:
    parts = [_own_bytes(piece) for piece in pieces]
    try:
        text = b"".join(parts).decode()
    except UnicodeDecodeError:
        return  # no text: a special token, or ids that never came from one
    ends = list(accumulate(map(len, parts)))
    waiting: _Link | None = None
    at = 0
    for character in regex.findall(r"\X", text):
        first = start + bisect_right(ends, at)
        at += len(character.encode())
        last = start + bisect_right(ends, at - 1)
        if first == last or not character.strip():
            continue
        if waiting is not None and first <= waiting.last:
            waiting = _Link(waiting.first, last, waiting.text + character)
            continue
        if waiting is not None:
            yield waiting
        waiting = _Link(first, last, character)
    if waiting is not None:
        yield waiting


def _own_bytes(piece: Piece) -> bytes:
    """What a token stands for in UTF-8, without its mark. A special token is no text, and these bytes are none."""
    if piece.special or piece.unknown:
        return b"\xff"
    if piece.raw is not None:
        return piece.raw
    return (piece.token.removeprefix("##") if piece.continues else piece.token.replace("\u2581", " ")).encode(
        errors="replace"
    )


def _draw(image: Image.Image, draw: ImageDraw.ImageDraw, left: int, top: int, chip: _Chip) -> None:
    box = (left, top, left + chip.width, top + _HIGH)
    draw.rounded_rectangle(box, 8, chip.fill, chip.edge, 2 if chip.edge == ORANGE else 1)
    if chip.dashed:
        for start in range(left + 8, left + chip.width - 8, 10):
            draw.line((start, top, start + 4, top), chip.fill, 2)
            draw.line((start, top + _HIGH, start + 4, top + _HIGH), chip.fill, 2)
    middle = left + chip.width // 2
    _write(image, draw, (middle, top + _HIGH // 2), chip.runs)
    draw.text((middle, top + _HIGH + _GAP), chip.number, MUTED, _font("DejaVu Sans", _SMALL), anchor="mt")


def _draw_below(
    image: Image.Image, draw: ImageDraw.ImageDraw, across: tuple[int, int], top: int, link: _Link
) -> None:
    """A bracket below the tokens, and the character that they make together."""
    left, right = across[0] + 3, across[1] - 3
    draw.line(((left, top), (left, top + 5), (right, top + 5), (right, top)), MUTED)
    text = _joined(spelt(link.text.strip())[0])
    for height in _SHARED:
        runs = tuple(_runs(text, height))
        if sum(run.width for run in runs) <= right - left:
            break
    else:
        runs = tuple(_runs("…", _SHARED[-1]))
    _write(image, draw, ((left + right) // 2, top + 5 + (_BELOW - 12) // 2), runs)


def _write(
    image: Image.Image, draw: ImageDraw.ImageDraw, middle: tuple[int, int], runs: Sequence[_Run]
) -> None:
    across, level = middle[0] - sum(run.width for run in runs) // 2, middle[1]
    for run in runs:
        if isinstance(run.drawn, Image.Image):
            image.paste(run.drawn, (across, level - run.drawn.height // 2), run.drawn)
        else:
            draw.text((across, level), run.text, INK, run.drawn, anchor="lm", direction=_DIRECTION)
        across += run.width


# Fonts -------------------------------------------------------------------------------------------------------


def _runs(text: str, height: int) -> Iterator[_Run]:
    """The text in parts for one font each, whole characters (grapheme clusters) together."""
    waiting, path = "", ""
    for part, found in _with_fonts(text):
        if found == path and not _is_emoji_font(found):
            waiting += part
            continue
        if waiting:
            yield _run(waiting, path, height)
        waiting, path = part, found
    if waiting:
        yield _run(waiting, path, height)


def _with_fonts(text: str) -> Iterator[tuple[str, str]]:
    """Each character with the font that draws it, or else what of it can be drawn, and the code points of the rest."""
    for cluster in regex.findall(r"\X", text):
        if whole := _path_for(cluster):
            yield cluster, whole
            continue
        for character in cluster:
            found = None if unicodedata.combining(character) else _path_for(character)
            yield (character, found) if found else (named(character), _path_for("U") or "")


def _run(text: str, path: str, height: int) -> _Run:
    if _is_emoji_font(path) and (drawn := _emoji(text, path, height + 2)):
        return _Run(text, drawn, drawn.width)
    font = _opened(path, height)
    text = text if _RAQM else _turned(text)
    return _Run(text, font, int(font.getlength(text, direction=_DIRECTION)) + 1)


def _turned(text: str) -> str:
    """Right-to-left letters in the order they are seen in, for machines without FriBidi: legible there, though not joined."""
    backwards = regex.compile(r"[\p{bc=R}\p{bc=AL}][\p{bc=R}\p{bc=AL}\p{bc=NSM}]*")
    return str(backwards.sub(lambda run: "".join(reversed(regex.findall(r"\X", run[0]))), text))


def _emoji(text: str, path: str, height: int) -> Image.Image | None:
    """One emoji in its own colours, brought to the size of the text; None if this font cannot be drawn here."""
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
    """An emoji font in a size that it has."""
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
    """A font file that can draw every character of it; DejaVu first, emoji where they are pictures."""
    needed = {ord(character) for character in cluster if character not in "\u200c\u200d\ufe0e\ufe0f"}
    if not needed:
        return None
    pictures = bool(regex.search(r"\p{Emoji_Presentation}|\p{Emoji}\ufe0f", cluster))
    paths = sorted(
        _points(), key=lambda path: (_is_emoji_font(path) != pictures, "DejaVuSans." not in path, path)
    )
    return next((path for path in paths if needed <= _points()[path] and _draws(path, cluster)), None)


def _draws(path: str, cluster: str) -> bool:
    """Whether Pillow can draw with a font of colours; there are formats that it cannot."""
    return not _is_emoji_font(path) or _emoji(cluster, path, _TEXT) is not None


@cache
def _points() -> dict[str, frozenset[int]]:
    """The characters of each upright font on this machine."""
    # Fonts with colours are passed over by matplotlib's own list.
    emoji_fonts = sorted(path for path in canvas.system_fonts() if _is_emoji_font(path))
    points: dict[str, frozenset[int]] = {}
    for path in dict.fromkeys([canvas.font_path("DejaVu Sans"), *canvas.upright_fonts(), *emoji_fonts]):
        if "lastresort" in path.lower():
            continue  # it has a shape for everything, but one that says only which script it is
        try:
            points[path] = canvas.code_points(path)
        except (OSError, RuntimeError):
            continue
    return points


@cache
def _font(family: str, size: int, *, bold: bool = False) -> FreeTypeFont:
    return _opened(canvas.font_path(family, bold=bold), size)


@cache
def _opened(path: str, size: int) -> FreeTypeFont:
    return ImageFont.truetype(
        path, size, layout_engine=ImageFont.Layout.RAQM if _RAQM else ImageFont.Layout.BASIC
    )
