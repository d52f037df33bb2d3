"""Any tokenized text is shown within Discord's limits."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from cogs.tokens import messages
from models.results import Piece, Tokenization
from models.service import Comparison
from tests.cogs.drawing import LONG_TEXT, SGR, by_bytes, by_words, obeys


def one_piece(text: str) -> Tokenization:
    """A text that is a single token, of any length."""
    return Tokenization("one", text, (Piece(1, text, text, word_start=True),), 2, "Unigram")


@given(LONG_TEXT, st.integers(0, 26))
@settings(deadline=None, max_examples=12)
def test_any_text_is_compared_within_discords_limits(text: str, more: int) -> None:
    tokenizations = [by_bytes(text), by_words(text), one_piece(text)]
    tokenizations += [by_bytes(text, f"owner/a-long-name-of-a-tokenizer-{number}") for number in range(more)]
    obeys(
        messages.comparison(Comparison(tuple(tokenizations), {"broken": "It is not on this machine. " * 30}))
    )


@given(LONG_TEXT)
@settings(deadline=None, max_examples=40)
def test_any_text_is_cut_into_pieces_within_discords_limits(text: str) -> None:
    for tokenization in (by_bytes(text, "name" * 100), by_words(text), one_piece(text)):
        answer = messages.pieces(tokenization)
        obeys(answer)
        assert answer.embed is not None
        assert answer.embed.description is not None
        body = answer.embed.description
        assert body.count("```") == 2
        assert body.count("\x1b") == len(SGR.findall(body))


def test_what_does_not_fit_is_in_the_file() -> None:
    tokenization = by_words("many words " * 500)
    for answer in (messages.pieces(tokenization), messages.comparison(Comparison((tokenization,), {}))):
        assert answer.embed is not None
        text = "".join(embed.description or "" for embed in (answer.embed, *answer.more))
        left = re.search(r"and ([\d,]+) more in the file", text)
        assert left
        shown = tokenization.count - int(left[1].replace(",", ""))
        assert 20 < shown < tokenization.count
        lines = answer.files["tokens.txt"].decode().splitlines()
        assert len([line for line in lines if re.match(r"\d+\t", line)]) == tokenization.count
    assert not messages.pieces(by_words("few words")).files
