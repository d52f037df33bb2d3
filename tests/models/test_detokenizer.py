"""Text that comes token by token is the text of all tokens at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from models.language.detokenizer import INCOMPLETE, Detokenizer
from tests.models import tiny

KINDS: dict[str, Callable[[], PreTrainedTokenizerFast]] = {
    "byte-level BPE": tiny.byte_bpe,
    "byte fallback": tiny.fallback_bpe,
    "WordPiece": tiny.wordpiece,
    "Unigram": tiny.unigram,
}
BYTES = re.compile(r"<0x([0-9A-F]{2})>")
TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("aé 🙂你\n"), max_size=30)


def decoder(kind: str) -> Callable[[Sequence[int]], str]:
    tokenizer = KINDS[kind]()
    return lambda ids: str(tokenizer.decode(list(ids), skip_special_tokens=True))


def pieces(decode: Callable[[Sequence[int]], str], ids: Sequence[int]) -> list[str]:
    detokenizer = Detokenizer(decode)
    return [detokenizer.add(token) for token in ids]


def random_ids(kind: str) -> st.SearchStrategy[list[int]]:
    """Ids of all kinds: words, special tokens, halves of characters, and some that the vocabulary does not have."""
    size = len(KINDS[kind]())
    return st.lists(st.integers(0, size + 3), max_size=60)


def is_malformed(ids: Sequence[int]) -> bool:
    """Whether there is a run of byte tokens that is not UTF-8."""
    tokens = KINDS["byte fallback"]().convert_ids_to_tokens([token for token in ids if token > 2])
    runs, run = [], b""
    for token in tokens:
        if found := BYTES.fullmatch(token or ""):
            run += bytes([int(found[1], 16)])
        else:
            runs.append(run)
            run = b""
    return any(INCOMPLETE in run.decode(errors="replace") for run in [*runs, run])


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_the_pieces_are_the_text_whatever_the_ids(kind: str, data: st.DataObject) -> None:
    ids = data.draw(random_ids(kind))
    decode = decoder(kind)
    made = "".join(pieces(decode, ids))
    whole = decode(ids)
    if kind == "byte fallback" and is_malformed(ids):
        return  # see the test of these below
    assert whole.startswith(made)
    assert set(whole[len(made) :]) <= {INCOMPLETE}
    assert len(whole) - len(made) <= 3


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=100, deadline=None)
@given(text=TEXT)
def test_a_text_is_told_whole_and_by_whole_characters(kind: str, text: str) -> None:
    ids = KINDS[kind]()(text).input_ids
    decode = decoder(kind)
    made = pieces(decode, ids)
    assert "".join(made) == decode(ids).rstrip(INCOMPLETE)
    if INCOMPLETE not in decode(ids):
        assert not any(INCOMPLETE in piece for piece in made)


@settings(max_examples=100, deadline=None)
@given(ids=random_ids("byte fallback"))
def test_after_malformed_bytes_the_text_goes_on(ids: list[int]) -> None:
    tokenizer = tiny.fallback_bpe()
    words = tokenizer(" the engineer and 🙂", add_special_tokens=False).input_ids
    made = "".join(pieces(decoder("byte fallback"), [*ids, *words]))
    assert made.endswith("the engineer and 🙂")


def test_characters_are_given_out_before_their_run_of_bytes_ends() -> None:
    tokenizer = tiny.fallback_bpe()
    ids = tokenizer("你好🙂", add_special_tokens=False).input_ids
    assert [piece for piece in pieces(decoder("byte fallback"), ids) if piece.strip()] == ["你", "好", "🙂"]


@pytest.mark.parametrize("kind", ["byte-level BPE", "byte fallback"])
def test_bytes_that_never_make_a_character_are_given_out_too(kind: str) -> None:
    tokenizer = KINDS[kind]()
    token = "ÿ" if kind == "byte-level BPE" else "<0xFF>"
    ids = [tokenizer.get_vocab()[token]] * 500
    assert "".join(pieces(decoder(kind), ids)) == INCOMPLETE * 497


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_is_decoded_with_few_others(kind: str) -> None:
    """However long a text is, and whatever it consists of."""
    tokenizer = KINDS[kind]()
    odd = [tokenizer.get_vocab()["ÿ"]] * 200 if kind == "byte-level BPE" else []
    ids = [*tokenizer("Explain how it happened, naïve Zoë 🙂 " * 60).input_ids, *odd, 0, *[0] * 200]
    decoded: list[int] = []

    def decode(part: Sequence[int]) -> str:
        decoded.append(len(part))
        return str(tokenizer.decode(list(part), skip_special_tokens=True))

    pieces(decode, ids)
    assert max(decoded) <= 32
    assert sum(decoded) < 20 * len(ids)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_text_goes_on_after_its_context(kind: str, data: st.DataObject) -> None:
    """A space between both stays, as it does where all is decoded at once."""
    text = data.draw(st.lists(st.sampled_from(["the", "engineer", "song", "person"]), min_size=2, max_size=8))
    ids = KINDS[kind]()(" ".join(text), add_special_tokens=False).input_ids
    cut = data.draw(st.integers(1, len(ids) - 1))
    decode = decoder(kind)
    detokenizer = Detokenizer(decode, ids[:cut])
    made = "".join(map(detokenizer.add, ids[cut:]))
    assert decode(ids[:cut]) + made == decode(ids)
