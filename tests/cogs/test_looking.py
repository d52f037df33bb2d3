"""What is behind tokens keeps to Discord's limits and can be drawn, for any text."""

from __future__ import annotations

import csv
import io
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cogs.tokens import inspection, picture
from cogs.tokens import messages as tokens_messages
from models.results import Mark, Method, Piece, Role, Specials, SpecialToken, Tokenization
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
    image = opened(picture.draw(made))
    assert image.width == picture.WIDTH
    assert image.height < 6000


def test_chips_that_do_not_fit_are_counted() -> None:
    long = by_bytes("word " * 2000)
    assert opened(picture.draw([long])).height < 1600
    few = opened(picture.draw([by_bytes("a")]))
    assert few.height < 160


@pytest.mark.parametrize(
    "text",
    ["\u0645\u0631\u062d\u0628\u0627", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u6f22", "\u0301"],
)
def test_a_character_is_drawn_whatever_the_fonts(text: str) -> None:
    """Not as nothing: chips of text and of no text differ."""
    drawn = [
        picture.draw([Tokenization("n", "", (Piece(1, one, one),), 9, "a")])
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
    made = split_in("".join(it for it in text if not "\ud800" <= it <= "\udfff"), size)
    links = picture._links(made)
    assert all(link.first < link.last for link in links)
    assert all(one.last < other.first for one, other in pairwise(links))
    assert all(set(link.text) <= set(made.text) for link in links)


def test_without_fribidi_letters_are_turned_but_latin_is_not() -> None:
    assert picture._turned("ab \u05d0\u05d1\u05b8\u05d2 cd") == "ab \u05d2\u05d1\u05b8\u05d0 cd"


def test_of_many_steps_the_first_and_the_last_are_told() -> None:
    steps = tuple(f"{n} {'x ' * 60}" for n in range(50))
    answer = inspection.method(Method("n", "BPE", None, (), ("w",), "w", steps))
    obeys(answer)
    assert answer.embed is not None
    told = str(answer.embed.description)
    assert "\n 0 0 x" in told
    assert "\n49 49 x" in told
    assert "steps more" in told


@given(TOKENIZATION)
@settings(deadline=None, max_examples=25)
def test_ids_bytes_and_cost_keep_to_the_limits(made: Tokenization) -> None:
    answer = inspection.ids(made)
    obeys(answer)
    rows = list(csv.DictReader(io.StringIO(answer.files["tokens.csv"].decode(), newline="")))
    assert [int(row["id"]) for row in rows] == made.ids
    obeys(inspection.split(made))
    obeys(inspection.cost([made] * 30))
    obeys(tokens_messages.decoded(made.name, made.text, made.pieces))


@given(
    st.lists(st.builds(SpecialToken, TEXT, st.integers(0), st.lists(st.sampled_from(Role), min_size=1, max_size=3).map(tuple), st.integers(0, 9), st.booleans()), max_size=90),
    st.lists(st.tuples(TEXT, st.sampled_from(Mark)), max_size=6),
    TEXT,
)  # fmt: skip
@settings(deadline=None, max_examples=25)
def test_any_special_tokens_keep_to_the_limits(
    tokens: list[SpecialToken], marks: list[tuple[str, Mark]], name: str
) -> None:
    obeys(inspection.specials(Specials(name, tuple(tokens), tuple(marks))))


@given(
    st.builds(
        Method, TEXT, TEXT, st.none() | st.text(max_size=6000), st.lists(TEXT, max_size=50).map(tuple), st.lists(TEXT, max_size=50).map(tuple),
        st.text(max_size=6000), st.lists(st.text(max_size=130), max_size=40).map(tuple),
    )
)  # fmt: skip
@settings(deadline=None, max_examples=25)
def test_any_method_keeps_to_the_limits(found: Method) -> None:
    obeys(inspection.method(found))
