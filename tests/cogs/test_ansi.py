"""Tokens as coloured pieces in a code block."""

from __future__ import annotations

import itertools
import re

from cogs.shared import ansi
from models.results import Piece
from tests.cogs.drawing import SGR, by_words


def shown(*pieces: Piece) -> str:
    """The pieces without colours, without the spaces that align them and without their ids."""
    rows = SGR.sub("", ansi.grid(pieces, 4000).text).splitlines()[1:-1]
    return re.sub(r" +│", ansi.BAR, "".join(rows[::3]))


def test_white_space_bytes_and_special_tokens_are_visible() -> None:
    text = shown(
        Piece(1, "[CLS]", "[CLS]", special=True),
        Piece(2, " other", "Ġother", raw=b" other"),
        Piece(3, "\t\n", "ĉĊ", raw=b"\t\n"),
        Piece(4, "�", "âľ", raw=b"\xe2\x9c", partial=True),
        Piece(5, "other", "▁other", word_start=True),
        Piece(6, "##ization", "##ization", continues=True),
        Piece(7, "\u200b\xa0", "x", raw="\u200b\xa0".encode()),
        Piece(8, "\u0301", "x", raw="\u0301".encode()),
        Piece(9, "[UNK]", "[UNK]", unknown=True),
    )
    assert text == "«[CLS]»│·other│→↵│‹E2 9C›│▁other│##ization│‹U+200B›‹U+00A0›│◌\u0301│«[UNK]»│"


def test_neighbours_differ_in_colour_and_in_more_than_colour() -> None:
    drawing = ansi.grid(by_words("one two three").pieces, 4000)
    colours = re.findall(r"\x1b\[0;([\d;]+)m", drawing.text)
    assert all(one != other for one, other in itertools.pairwise(colours))
    assert drawing.text.count(ansi.BAR) == 2 * drawing.shown, "one after each piece, one after each id"


def test_ids_stand_below_their_pieces() -> None:
    rows = SGR.sub("", ansi.grid(by_words("engineer").pieces, 4000).text).splitlines()[1:-1]
    assert rows == ["«[CLS]»│engi│neer│«[SEP]»│", "101    │1000│1001│102    │"]


def test_the_persons_own_escape_codes_and_fences_stay_text() -> None:
    text = "\x1b[31mred```\n@everyone"
    drawing = ansi.grid([Piece(1, text, text, raw=text.encode())], 4000)
    assert drawing.text.count("```") == 2
    assert "‹U+001B›[31mred" in drawing.text
    assert SGR.sub("", drawing.text).count("\x1b") == 0


def test_lines_of_the_legend_break_only_between_its_entries() -> None:
    assert ansi.legend(frozenset({"‹E2›", "·"})).split(" ") == [
        "·\u00a0space,",
        "‹E2›\u00a0one\u00a0byte\u00a0of\u00a0a\u00a0character",
    ]
