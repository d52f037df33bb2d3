"""Pieces of the four usual kinds of tokenizer, the notebook's numbers, and odd texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.failures import BadInput, ModelError
from models.specs import TokenizersSpec
from models.tokenizers.tokenizer import Tokenizer, Tokenizers, labels
from tests.models.tiny import DATA

PROMPT = "Write an email apologizing to Sarah for the tragic gardening mishap. Explain how it happened.<|assistant|>"
# The notebook's own output.
PROMPT_IDS = [
    *(16594, 281, 3053, 47401, 284, 10490, 329, 262, 15444, 46072, 29406, 499, 13, 48605, 703, 340, 3022),
    *(29847, 91, 562, 10167, 91, 29),
]
ODD_TEXTS = [
    "",
    " ",
    " \n\t  ",
    "word " * 1200,
    "👩‍👩‍👧‍👦 🏳️‍🌈",
    "สวัสดีชาวโลก",
    "مرحبا بالعالم",
    "a\0b",
    "e\u0301 ﬁ ①",
    "<|endoftext|> [CLS] </s> <0x41>",
]


def real(name: str) -> Tokenizer:
    folder = DATA / "tokenizers" / name
    if not folder.is_dir():
        pytest.skip(f"the reference tokenizer {name} is not beside the project")
    return Tokenizer.load(str(folder))


@pytest.fixture(scope="module")
def loaded(four: dict[str, Path]) -> dict[str, Tokenizer]:
    return {name: Tokenizer.load(str(folder)) for name, folder in four.items()}


def test_the_notebooks_prompt() -> None:
    phi = real("phi-1_5")
    found = phi.tokenize(PROMPT)
    assert found.ids == PROMPT_IDS
    assert found.tokens[:4] == ["Write", " an", " email", " apologizing"]
    assert not any(piece.special for piece in found.pieces)
    assert phi.decode([16594, 281]) == "Write an"
    assert phi.vocab_size == 50295
    assert phi.algorithm == "byte-level BPE"


def test_the_notebooks_comparison() -> None:
    text = "CAPITALIZATION and other stuff"
    phi, bert = real("phi-1_5").tokenize(text), real("bert-base-uncased").tokenize(text)
    assert phi.tokens == ["CAP", "ITAL", "IZ", "ATION", " and", " other", " stuff"]
    assert bert.tokens == ["[CLS]", "capital", "##ization", "and", "other", "stuff", "[SEP]"]
    assert bert.algorithm == "WordPiece"
    assert bert.vocab_size == 30522
    assert [piece.special for piece in bert.pieces] == [True, *[False] * 5, True]
    assert [piece.continues for piece in bert.pieces] == [False, False, True, False, False, False, False]
    assert bert.characters_per_token == len(text) / 5


def test_runs_of_blanks_are_entries_of_their_own_in_phi() -> None:
    found = real("phi-1_5").tokenize("a" + 24 * " " + "b")
    assert found.count == 3
    assert found.pieces[1].text == 24 * " "
    assert not found.pieces[1].special
    assert not found.pieces[1].partial


def test_kinds_are_told_apart(loaded: dict[str, Tokenizer]) -> None:
    assert {name: tokenizer.algorithm for name, tokenizer in loaded.items()} == {
        "bytes": "byte-level BPE",
        "pieces": "WordPiece",
        "unigrams": "Unigram",
        "fallback": "BPE with byte fallback",
    }


def test_bytes_of_byte_level_bpe_are_those_of_the_text(loaded: dict[str, Tokenizer]) -> None:
    text = "naïve 🙂 你好"
    found = loaded["bytes"].tokenize(text)
    assert b"".join(piece.raw or b"" for piece in found.pieces) == text.encode()
    halves = [piece for piece in found.pieces if piece.partial]
    assert halves
    assert all("\N{REPLACEMENT CHARACTER}" in piece.text for piece in halves)
    assert [piece.word_start for piece in found.pieces if piece.text == " "] in ([True] * 2, [True], [])


def test_byte_fallback(loaded: dict[str, Tokenizer]) -> None:
    found = loaded["fallback"].tokenize("a 🙂")
    tail = found.pieces[-4:]
    assert [piece.token for piece in tail] == ["<0xF0>", "<0x9F>", "<0x99>", "<0x82>"]
    assert b"".join(piece.raw or b"" for piece in tail) == "🙂".encode()
    assert all(piece.partial and not piece.special and not piece.unknown for piece in tail)
    assert found.pieces[0].word_start
    assert found.pieces[0].raw is None
    assert loaded["fallback"].decode(found.ids) == "a 🙂"


def test_a_letter_that_a_vocabulary_lacks_is_unknown(loaded: dict[str, Tokenizer]) -> None:
    for name in ("pieces", "unigrams"):
        found = loaded[name].tokenize("a 好")
        assert [piece.unknown for piece in found.pieces].count(True) == 1, name
    assert not any(piece.unknown for piece in loaded["bytes"].tokenize("a 好").pieces)


def test_special_tokens_that_are_added_are_special(loaded: dict[str, Tokenizer]) -> None:
    assert [p.token for p in loaded["pieces"].tokenize("a").pieces if p.special] == ["[CLS]", "[SEP]"]
    assert [p.token for p in loaded["unigrams"].tokenize("a").pieces if p.special] == ["</s>"]
    typed = loaded["bytes"].tokenize("a<|endoftext|>").pieces[-1]
    assert typed.special
    assert typed.raw is None


def test_word_starts_of_unigram(loaded: dict[str, Tokenizer]) -> None:
    found = loaded["unigrams"].tokenize("engineer person")
    starts = [piece for piece in found.pieces if piece.word_start]
    assert len(starts) == 2
    assert all(piece.token.startswith("▁") for piece in starts)
    assert not any(piece.text.startswith("▁") for piece in starts)


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_odd_texts(loaded: dict[str, Tokenizer], text: str) -> None:
    for name, tokenizer in loaded.items():
        found = tokenizer.tokenize(text)
        assert found.text == text
        assert found.ids == tokenizer._tokenizer(text)["input_ids"]
        assert found.tokens == [tokenizer.decode([number]) for number in found.ids]
        if name == "bytes" and "<|" not in text:
            assert b"".join(piece.raw or b"" for piece in found.pieces) == text.encode()


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_byte_level_pieces_are_the_text(loaded: dict[str, Tokenizer], text: str) -> None:
    found = loaded["bytes"].tokenize(text)
    if "<|endoftext|>" not in text:
        assert b"".join(piece.raw or b"" for piece in found.pieces).decode() == text


@pytest.mark.parametrize("text", ["\ud800", "a \udfff b"])
def test_half_a_character_is_refused(loaded: dict[str, Tokenizer], text: str) -> None:
    for tokenizer in loaded.values():
        with pytest.raises(BadInput, match="surrogate"):
            tokenizer.tokenize(text)


@pytest.mark.parametrize("wrong", [-1, 10**6, 2**40, 10**30])
def test_ids_that_are_none_are_refused(loaded: dict[str, Tokenizer], wrong: int) -> None:
    for tokenizer in loaded.values():
        with pytest.raises(BadInput, match=f"id {wrong}"):
            tokenizer.decode([1, wrong])
        assert tokenizer.decode([tokenizer.last_id]) is not None
        with pytest.raises(BadInput):
            tokenizer.decode([tokenizer.last_id + 1])


def test_one_that_fails_does_not_take_the_others_with_it(four: dict[str, Path]) -> None:
    seen: list[str] = []
    group = Tokenizers.load(
        TokenizersSpec((str(four["bytes"]), "./no-such-folder", str(four["pieces"]))),
        lambda what, _share: seen.append(what),
    )
    assert group.names == ["bytes", "pieces"]
    assert list(group.failures) == ["no-such-folder"]
    assert "no-such-folder" in str(group.failures["no-such-folder"])
    assert [it.name for it in group.compare("word")] == ["bytes", "pieces"]
    assert len(seen) == 3
    group.probe()
    with pytest.raises(ModelError):
        Tokenizers.load(TokenizersSpec(("./no-such-folder",)))


def test_tokenizers_are_found_by_name(four: dict[str, Path]) -> None:
    group = Tokenizers.load(TokenizersSpec((str(four["bytes"]), str(four["pieces"]))))
    assert group.get("Bytes ") is group.get("bytes")
    with pytest.raises(BadInput, match="bytes, pieces"):
        group.get("nothing")


def test_labels() -> None:
    assert labels(("bert-base-uncased", "google/flan-t5-small")) == [
        "bert-base-uncased",
        "google/flan-t5-small",
    ]
    assert labels(("/a/tok", "/b/tok", "/b/tok")) == ["a/tok", "b/tok", "b/tok (2)"]


def test_a_folder_with_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no tokenizer"):
        Tokenizer.load(str(tmp_path))


def test_a_folder_with_nothing_but_a_tokenizer_file(tmp_path: Path, four: dict[str, Path]) -> None:
    (tmp_path / "tokenizer.json").write_bytes((four["fallback"] / "tokenizer.json").read_bytes())
    found = Tokenizer.load(str(tmp_path), "bare")
    assert found.name == "bare"
    assert found.tokenize("a word").ids == Tokenizer.load(str(four["fallback"])).tokenize("a word").ids


def test_a_tokenizer_written_in_python(tmp_path: Path) -> None:
    """BERTweet-like folders have no fast form; theirs is read letter by letter in Python."""
    from transformers import CanineTokenizer

    CanineTokenizer().save_pretrained(tmp_path)
    found = Tokenizer.load(str(tmp_path)).tokenize("añ")
    assert [piece.text for piece in found.pieces if not piece.special] == ["a", "ñ"]
    assert found.algorithm == "Canine"
