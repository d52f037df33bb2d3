"""Tokens as chips: any token can be drawn, and characters appear below the tokens that share them."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cogs.shared import lettering
from cogs.shared.sheet import DENSITY, HIGHEST, WIDTH
from cogs.tokens import picture
from models.results import Piece, Tokenization
from tests.cogs.drawing import TOKENIZATION, by_bytes


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


@given(TOKENIZATION)
@settings(deadline=None, max_examples=25)
def test_any_tokens_can_be_drawn_as_chips(made: Tokenization) -> None:
    image = opened(picture.draw(made).png)
    assert image.width == WIDTH * DENSITY
    assert image.height <= HIGHEST * DENSITY


def test_chips_that_do_not_fit_are_counted() -> None:
    long = by_bytes("word " * 2000)
    drawn = picture.draw(long)
    assert opened(drawn.png).height <= HIGHEST * DENSITY
    assert 0 < drawn.left < long.count
    assert picture.draw(long, picture.LINES).left > drawn.left
    few = picture.draw(by_bytes("a"))
    assert few.left == 0
    assert opened(few.png).height < 60 * DENSITY


@pytest.mark.parametrize(
    "text",
    ["\u0645\u0631\u062d\u0628\u0627", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u6f22", "\u0301"],
)
def test_a_character_is_drawn_whatever_the_fonts(text: str) -> None:
    """Rather than left out: chips with and without text differ."""
    drawn = [
        picture.draw(Tokenization("n", "", (Piece(1, one, one),), 9, "a")).png
        for one in (text, "\N{NO-BREAK SPACE}")
    ]
    assert drawn[0] != drawn[1]


def split_in(text: str, size: int) -> Tokenization:
    """Tokens of so many bytes each."""
    raw = text.encode()
    parts = [raw[at : at + size] for at in range(0, len(raw), size)]
    pieces = [Piece(5, "\ufffd", "", raw=part, partial=True) for part in parts]
    return Tokenization("n", text, tuple(pieces), 300, "byte-level BPE")


def test_whole_characters_are_below_the_tokens_that_share_them() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    (link,) = picture._links(split_in(f"ab{family}", 3))
    assert (link.first, link.last, link.text) == (0, 6, family)
    accented = [Piece(1, "cafe", "cafe", raw=b"cafe"), Piece(2, "\u0301", "", raw="\u0301".encode())]
    (link,) = picture._links(Tokenization("n", "", tuple(accented), 9, "byte-level BPE"))
    assert (link.first, link.last, link.text) == (0, 1, "e\u0301")
    korean = [Piece(n, one, one, continues=n > 0) for n, one in enumerate(("\u1112", "##\u1161", "##\u11ab"))]
    (link,) = picture._links(Tokenization("n", "", tuple(korean), 9, "WordPiece"))
    assert (link.first, link.last, link.text) == (0, 2, "\u1112\u1161\u11ab")


def test_no_character_is_in_a_special_token_or_in_two_words() -> None:
    pieces = [
        Piece(1, "<s>", "<s>", special=True),
        *split_in("\u0e01", 1).pieces,
        Piece(2, "</s>", "</s>", special=True),
    ]
    (link,) = picture._links(Tokenization("n", "", tuple(pieces), 9, "BPE with byte fallback"))
    assert (link.first, link.last) == (1, 3)
    words = (Piece(1, "e", "e"), Piece(2, "\u0301", "\u0301"))
    assert not picture._links(Tokenization("n", "", words, 9, "WordPiece"))
    assert not picture._links(Tokenization("n", "", split_in("\u0e01", 1).pieces[1:], 9, "byte-level BPE"))


@given(st.text(max_size=40), st.integers(1, 4))
@settings(deadline=None)
def test_links_are_in_order_and_of_this_text(text: str, size: int) -> None:
    made = split_in("".join(character for character in text if not "\ud800" <= character <= "\udfff"), size)
    links = picture._links(made)
    assert all(link.first < link.last for link in links)
    assert all(one.last < other.first for one, other in pairwise(links))
    assert all(set(link.text) <= set(made.text) for link in links)


def test_without_fribidi_letters_are_turned_but_latin_is_not() -> None:
    assert lettering._turned("ab \u05d0\u05d1\u05b8\u05d2 cd") == "ab \u05d2\u05d1\u05b8\u05d0 cd"
