"""Every picture is legible on a phone: its text is large enough, has enough contrast, and stays inside."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageColor

from cogs.attention import picture as attention_picture
from cogs.attention.focus import ALL, Focus
from cogs.generate import mattered
from cogs.generate import picture as why_picture
from cogs.lens import picture as lens_picture
from cogs.next import picture as next_picture
from cogs.paths import picture as paths_picture
from cogs.shared import sheet as sheets
from cogs.shared.colours import SETS, drawing_in, luminance
from cogs.shared.sheet import DENSITY, HIGHEST, TEXT, WIDTH, Line, Sheet
from cogs.similar.picture import word_map
from cogs.songs.picture import song_map
from cogs.surprise import picture as surprise_picture
from cogs.tokens import picture as tokens_picture
from cogs.vectors import picture as vectors_picture
from models.results import (
    Attention,
    Attribution,
    Branch,
    Candidate,
    Contexts,
    Embedding,
    Guess,
    HeadScores,
    Lens,
    MapPoint,
    NextToken,
    Numbers,
    Option,
    Part,
    Paths,
    Piece,
    Reading,
    SharedWord,
    Song,
    SongPoint,
    Step,
    Surprise,
    Surprising,
    Tokenization,
    Word,
)

SHOWN, HIGH = 334, 416
"""Pixels of a picture in an answer, on a page 390 pixels wide: at most so wide and so high."""
LEAST_TEXT, LEAST_CONTRAST = 12.0, 4.5
WORDS = (
    "the", "·capital", "Donaudampfschifffahrtsgesellschaftskapitän", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0643", "\u05e9\u05dc\u05d5\u05dd",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "漢字漢字漢字漢字", "e\u0301", "\u200b", " \n\t", "", "ᬅᬓ", "x" * 300, "��", "a b c", "\U0001f3b5",
)  # fmt: skip
"""Words of many kinds: long, right-to-left, emoji, wide, combining, invisible, without a font."""


def pieces(words: Sequence[str]) -> tuple[Piece, ...]:
    return tuple(
        Piece(
            128_000 + place, word, word, raw=word.encode()[:3] if place % 5 == 3 else None,
            special=place % 7 == 6, partial=place % 5 == 3, unknown=place % 11 == 9,
        )
        for place, word in enumerate(words)
    )  # fmt: skip


def shares(count: int) -> list[float]:
    """From certain to nearly impossible, including the middle of the scale."""
    return [1.0, 0.5, 0.45, 0.55, 0.35, 0.2, 0.1, 0.01, 1e-6, *[0.4] * count][:count]


def tokens(words: Sequence[str]) -> None:
    for most in (tokens_picture.LINES, 2 * tokens_picture.LINES):
        tokens_picture.draw(Tokenization("n" * 80, "", pieces(words), 9, "byte-level BPE"), most)


def embedding(words: Sequence[str]) -> Embedding:
    vectors = np.random.default_rng(len(words)).normal(size=(len(words), 40))
    rows = tuple(tuple(map(float, row)) for row in vectors)
    found = tuple(Word(word, (place,)) for place, word in enumerate(words))
    return Embedding("m", "t", tuple(words), tuple(range(len(words))), (1, len(words), 40), rows, words=found)


def vectors(words: Sequence[str]) -> None:
    vectors_picture.numbers(embedding(words))
    vectors_picture.alike(embedding(words))


def contexts(words: Sequence[str]) -> None:
    found = embedding(words)
    cosines = itertools.cycle((1.0, 0.93, 0.5, 0.31, 0.0, -0.4))
    shared = tuple(
        SharedWord(word.text, cosine, word, word) for word, cosine in zip(found.words, cosines, strict=False)
    )
    for unrelated in (None, 0.3, 0.97):
        vectors_picture.contexts(Contexts(found, found, shared, unrelated))
    vectors_picture.contexts(Contexts(found, found, shared[:3], 0.2))


def neighbours(words: Sequence[str]) -> None:
    names = [f"{word}{place}" for place, word in enumerate(words)]
    for spread in (0.0, 1.0):
        points = [
            MapPoint(name, spread * (place % 5), spread * (place % 3), asked=place < 2)
            for place, name in enumerate(names)
        ]
        word_map(points, names[2:], 0.4)
        word_map(points, names, 0.0, odd=names[-1])


def songs(words: Sequence[str]) -> None:
    points = [
        SongPoint(Song(str(place), word, ""), place % 4 / 3, place % 3 / 2)
        for place, word in enumerate(words)
    ]
    song_map(points, {str(place): place for place in range(1, len(words))})


def why(words: Sequence[str]) -> None:
    candidates = [
        Candidate(place, word, share)
        for place, (word, share) in enumerate(zip(words, shares(len(words)), strict=True))
    ]
    steps = [Step(one, tuple(candidates[:5])) for one in candidates[:8]]
    why_picture.draw(steps, 120)
    why_picture.draw([Step(candidates[0], ())], 1)


def what_mattered(words: Sequence[str]) -> None:
    parts = tuple(
        Part(word, (place,), (-1) ** place * share * 12, (-1) ** place * share, place)
        for place, (word, share) in enumerate(zip(words, shares(len(words)), strict=True))
    )
    guess = Guess(pieces(words)[0], 0.3)
    mattered.draw(Attribution(reading(words), guess, parts, (0.4,) * len(words)))
    mattered.draw(Attribution(reading(words), guess, parts, None))


def reading(words: Sequence[str]) -> Reading:
    return Reading("m", "t", pieces(words))


def next_token(words: Sequence[str]) -> None:
    options = tuple(
        Option(piece, share, share if share > 0.3 else 0.0)
        for piece, share in zip(pieces(words)[:15], shares(len(words)), strict=False)
    )
    seen = NextToken(reading(words), options, 3.0, 1.0, 2)
    next_picture.draw(seen, "")
    next_picture.draw(seen, "temperature 0.7, top_k 40, top_p 0.95 and min_p 0.05, and more of them")


def surprise(words: Sequence[str]) -> None:
    bits = (None, *[16 * share for share in shares(len(words))][1:])
    peaks = tuple(Surprising(place, float(bits[place] or 0), ()) for place in (1, 2, 3))
    view = Surprise(reading(words), bits, 16.0, peaks, 100)
    surprise_picture.draw([view])


def lens(words: Sequence[str]) -> None:
    given = pieces(words)
    for columns in (1, 4):
        rows = tuple(
            tuple(Guess(given[(layer + column) % len(given)], share) for column in range(columns))
            for layer, share in enumerate((*shares(8), 0.3, 0.6, 0.7, 0.8, 0.9))
        )
        lens_picture.draw(Lens(reading(words), rows))


def numbers(matrix: NDArray[np.float32]) -> Numbers:
    return Numbers(matrix.shape, matrix.astype("<f4").tobytes())


def attention(words: Sequence[str]) -> None:
    count = len(words)
    for heads in (1, 9, 12, 36):
        matrix = np.tril(np.random.default_rng(heads).random((heads, count, count), np.float32))
        matrix /= matrix.sum(-1, keepdims=True)
        scores = tuple(HeadScores(0, head, 0.9, 0.9, 0.9) for head in range(heads))
        view = Attention(reading(words), 0, None, 12, heads, numbers(matrix), numbers(matrix[0]), scores)
        attention_picture.heads(view)
        attention_picture.arcs(view, Focus(0, 0, ALL) if heads > 1 else Focus())


def paths(words: Sequence[str]) -> None:
    given = pieces(words)

    def branch(depth: int, number: int) -> Branch:
        children = (
            tuple(branch(depth - 1, 3 * number + child + 1) for child in range(3 if depth > 3 else 1))
            if depth
            else ()
        )
        return Branch(
            given[number % len(given)], 0.9 / (1 + number % 4), children, number < 2, number == 2, depth == 0
        )

    for depth in (4, 6):
        paths_picture.draw(Paths(reading(words), branch(depth, 0), 3, depth, 7))


DRAWINGS: tuple[Callable[[Sequence[str]], object], ...] = (
    tokens, vectors, contexts, neighbours, songs, why, what_mattered, next_token, surprise, lens, attention, paths,
)  # fmt: skip


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Sheet]:
    """The drawn sheets."""
    made: list[Sheet] = []
    png = Sheet.png

    def noted(self: Sheet) -> bytes:
        made.append(self)
        return png(self)

    monkeypatch.setattr(Sheet, "png", noted)
    return made


def scale(sheet: Sheet) -> float:
    """The scale of the picture on a phone, in phone pixels per sheet pixel."""
    width, height = sheet.ground().size
    return min(SHOWN / width, HIGH / height) * DENSITY


def contrasts(sheet: Sheet) -> Iterator[tuple[Line, float]]:
    """For each line of text, the minimum contrast of its colour with the pixels behind its letters."""
    ground = sheet.ground()
    for line in sheet.lines:
        left, top, right, bottom = line.box
        around = (
            int(left * DENSITY) - 9,
            int(top * DENSITY) - 9,
            int(right * DENSITY) + 9,
            int(bottom * DENSITY) + 9,
        )
        mask = Image.new("RGB", (around[2] - around[0], around[3] - around[1]))
        across, down = around[0] / DENSITY, around[1] / DENSITY
        moved = (left - across, top - down, right - across, bottom - down)
        sheets.write(mask, Line(line.text, moved, line.size, "white", line.bold))
        letters = np.asarray(mask.convert("L")) > 128
        under = np.asarray(ground.crop(around))[letters]
        if len(under):
            ink = _luminance(np.array(ImageColor.getrgb(line.colour)[:3]))
            grounds = _luminance(under)
            ratios = (np.maximum(ink, grounds) + 0.05) / (np.minimum(ink, grounds) + 0.05)
            yield line, float(ratios.min())


def _luminance(colours: NDArray[np.integer]) -> NDArray[np.float64]:
    """Relative luminance by WCAG 2.2; the last axis contains red, green and blue bytes."""
    parts = colours / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("draw", DRAWINGS, ids=lambda draw: draw.__name__)
def test_text_can_be_read_on_a_phone(
    draw: Callable[[Sequence[str]], object], name: str, drawn: list[Sheet]
) -> None:
    with drawing_in(name):
        draw(WORDS)
    assert drawn
    for sheet in drawn:
        assert sheet.colours is SETS[name]
        shown = scale(sheet)
        for line in sheet.lines:
            assert line.size * shown >= LEAST_TEXT, (line, sheet.height)
            left, top, right, bottom = line.box
            assert left >= 0, line
            assert right <= WIDTH, line
            assert top >= 0, line
            assert bottom <= sheet.height, line
        for line, contrast in contrasts(sheet):
            assert contrast >= LEAST_CONTRAST, (line, contrast)


@pytest.mark.parametrize("draw", DRAWINGS, ids=lambda draw: draw.__name__)
def test_no_text_covers_another(draw: Callable[[Sequence[str]], object], drawn: list[Sheet]) -> None:
    draw(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"))
    for sheet in drawn:
        for one, other in itertools.combinations(sheet.lines, 2):
            across = min(one.box[2], other.box[2]) - max(one.box[0], other.box[0])
            down = min(one.box[3], other.box[3]) - max(one.box[1], other.box[1])
            assert across <= 1 or down <= 1, (one, other)


def test_pictures_are_twice_as_dense_as_they_are_shown() -> None:
    image = Image.open(io.BytesIO(Sheet(100).png()))
    assert image.width >= 2 * 490
    assert TEXT * min(SHOWN / WIDTH, HIGH / HIGHEST) >= LEAST_TEXT


@pytest.mark.parametrize("name", SETS)
def test_the_one_scale_is_told_by_lightness_alone(name: str) -> None:
    shades = [luminance(SETS[name].shade(step / 20)) for step in range(21)]
    assert shades in (sorted(shades), sorted(shades, reverse=True))
    assert max(shades) - min(shades) > 0.4


@given(st.text(max_size=80), st.floats(0, 300))
@settings(deadline=None, max_examples=60)
def test_a_text_is_cut_to_its_room(text: str, room: float) -> None:
    shown = sheets.fitting(text, room)
    assert sheets.text_width(shown) <= room or not shown
    assert shown == text or shown.endswith("…") or not shown
