"""Words put together from tokens."""

from __future__ import annotations

from typing import Any, cast

import pytest

from models.inside.words import words
from models.tokenizers.tokenizer import PretrainedTokenizer, Tokenizer
from tests.models import tiny

TOKENIZERS: list[Any] = [tiny.byte_bpe(), tiny.fallback_bpe()]


@pytest.mark.parametrize("inner", TOKENIZERS)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The engineer designs engines.", ["The", "engineer", "designs", "engines", "."]),
        ("don't stop, Sarah!", ["don", "'", "t", "stop", ",", "Sarah", "!"]),
        ("naïve café, Zoë", ["naïve", "café", ",", "Zoë"]),
        ("你好", ["你", "好"]),
        ("one\n\ntwo 42", ["one", "two", "42"]),
    ],
)
def test_tokens_become_words(inner: Any, text: str, expected: list[str]) -> None:
    tokenizer = Tokenizer(cast("PretrainedTokenizer", inner), "tiny")
    pieces = tokenizer.tokenize(text).pieces
    found = words(pieces)
    assert [word.text for word in found if word.text.strip()] == expected
    places = [place for word in found for place in word.places]
    assert places == sorted(set(places))


def test_special_tokens_and_what_is_outside_are_left_out() -> None:
    tokenizer = Tokenizer(cast("PretrainedTokenizer", tiny.byte_bpe()), "tiny")
    pieces = tokenizer.tokenize("<|endoftext|>The company").pieces
    found = words(pieces)
    assert [word.text for word in found] == ["The", "company"]
    assert found[0].places[0] == 1
    assert words(pieces, found[1].places[0]) == found[1:]
