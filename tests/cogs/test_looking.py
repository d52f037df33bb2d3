"""What is behind tokens keeps to Discord's limits and can be drawn, for any text."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cogs.ui import answers, chips, looking
from models.answers import Method, Piece, Specials, SpecialToken, Split, Tokenization
from tests.cogs.drawing import by_bytes, obeys

TEXT = st.text(max_size=60)
PIECE = st.builds(
    Piece,
    id=st.integers(0, 10**6),
    text=TEXT,
    token=TEXT,
    special=st.booleans(),
    raw=st.none() | st.binary(max_size=6),
    partial=st.booleans(),
    word_start=st.booleans(),
    continues=st.booleans(),
    unknown=st.booleans(),
)
TOKENIZATION = st.builds(
    Tokenization, TEXT, TEXT, st.lists(PIECE, max_size=12).map(tuple), st.integers(1, 10**6), TEXT
)


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


@given(st.lists(TOKENIZATION, min_size=1, max_size=3))
@settings(deadline=None, max_examples=25)
def test_any_tokens_can_be_drawn_as_chips(made: list[Tokenization]) -> None:
    image = opened(chips.picture(made))
    assert image.width == chips.WIDTH
    assert image.height < 6000


def test_chips_that_do_not_fit_are_counted() -> None:
    long = by_bytes("word " * 2000)
    assert opened(chips.picture([long])).height < 1600
    few = opened(chips.picture([by_bytes("a")]))
    assert few.height < 160


@pytest.mark.parametrize(
    "text",
    ["\u0645\u0631\u062d\u0628\u0627", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u6f22", "\u0301"],
)
def test_a_character_is_drawn_whatever_the_fonts(text: str) -> None:
    """Not as nothing: chips of text and of no text differ."""
    drawn = [
        chips.picture([Tokenization("n", "", (Piece(1, one, one),), 9, "a")])
        for one in (text, "\N{NO-BREAK SPACE}")
    ]
    assert drawn[0] != drawn[1]


@given(
    TOKENIZATION,
    st.lists(st.builds(Split, st.lists(PIECE, max_size=5).map(tuple), TEXT.filter(bool)), max_size=60),
)
@settings(deadline=None, max_examples=25)
def test_ids_bytes_and_cost_keep_to_the_limits(made: Tokenization, splits: list[Split]) -> None:
    answer = looking.ids(made)
    obeys(answer)
    rows = list(csv.DictReader(io.StringIO(answer.files["tokens.csv"].decode(), newline="")))
    assert [int(row["id"]) for row in rows] == made.ids
    obeys(looking.split(made, splits))
    obeys(looking.cost([made] * 30))
    obeys(answers.decoded(made.name, made.text, made.pieces))


@given(
    st.lists(st.builds(SpecialToken, TEXT, st.integers(0), st.lists(TEXT, min_size=1, max_size=3).map(tuple), st.integers(0, 9), st.booleans()), max_size=90),
    st.lists(st.tuples(TEXT, TEXT), max_size=6),
    TEXT,
)  # fmt: skip
@settings(deadline=None, max_examples=25)
def test_any_special_tokens_keep_to_the_limits(
    tokens: list[SpecialToken], marks: list[tuple[str, str]], name: str
) -> None:
    obeys(looking.specials(Specials(name, tuple(tokens), tuple(marks))))


@given(
    st.builds(
        Method, TEXT, TEXT, TEXT, st.none() | st.text(max_size=6000), st.lists(TEXT, max_size=50).map(tuple),
        st.text(max_size=6000), st.lists(st.text(max_size=130), max_size=40).map(tuple),
    )
)  # fmt: skip
@settings(deadline=None, max_examples=25)
def test_any_method_keeps_to_the_limits(found: Method) -> None:
    obeys(looking.method(found))
