"""What is said of tokenizers is read off them, and holds for what they really do."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import pre_tokenizers
from tokenizers.models import BPE, WordLevel
from tokenizers.trainers import BpeTrainer, WordLevelTrainer
from transformers import PreTrainedTokenizerFast

import texts
from models.failures import BadInput
from models.results import Algorithm, Mark, Method, Role
from models.tokenizers.explaining import MOST_LETTERS, method, special_tokens
from models.tokenizers.tokenizer import PretrainedTokenizer, Tokenizer
from tests.models.tiny import DATA

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "demo"
NAMES = ["tiny-phi", "tiny-bert", "tiny-t5", "tiny-llama"]


def fresh(name: str) -> Tokenizer:
    """One to be changed."""
    return Tokenizer.load(str(DEMO / name), name)


@cache
def demo(name: str) -> Tokenizer:
    return fresh(name)


def fast(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    return cast("PreTrainedTokenizerFast", tokenizer.inner)


def wrapped(tokenizer: PreTrainedTokenizerFast, name: str) -> Tokenizer:
    return Tokenizer(cast("PretrainedTokenizer", tokenizer), name)


def real(name: str) -> Tokenizer:
    folder = DATA / "tokenizers" / name
    if not folder.is_dir():
        pytest.skip(f"the tokenizer of {name} is not beside the project")
    return Tokenizer.load(str(folder), name)


def roles(tokenizer: Tokenizer, text: str = "") -> dict[str, tuple[Role, ...]]:
    found = special_tokens(tokenizer, tokenizer.ids(text))
    return {token.token: token.roles for token in found.tokens}


# Special tokens


def test_the_special_tokens_of_bert() -> None:
    bert = real("bert-base-uncased")
    assert roles(bert) == {
        "[CLS]": (Role.CLS,),
        "[SEP]": (Role.SEP,),
        "[PAD]": (Role.PAD,),
        "[UNK]": (Role.UNKNOWN,),
        "[MASK]": (Role.MASK,),
    }
    found = special_tokens(bert, bert.ids("a text"))
    assert [(it.token, it.here, it.added) for it in found.tokens[:2]] == [
        ("[CLS]", 1, True),
        ("[SEP]", 1, True),
    ]
    assert not any(it.here or it.added for it in found.tokens[2:])
    assert dict(found.marks).keys() == {"##"}


def test_one_token_with_several_roles() -> None:
    phi = real("phi-1_5")
    (only,) = special_tokens(phi, phi.ids("a<|endoftext|>b")).tokens
    assert only.token == "<|endoftext|>"
    assert only.roles == (Role.BOS_LEFT_OUT, Role.EOS, Role.NEVER_UNKNOWN)
    assert (only.here, only.added) == (1, False)
    assert "\u0120" in dict(special_tokens(phi, ()).marks)


def test_marks_of_sentencepiece_and_of_bytes() -> None:
    assert dict(special_tokens(demo("tiny-t5"), ()).marks).keys() == {"\u2581"}
    assert dict(special_tokens(demo("tiny-llama"), ()).marks).keys() == {"\u2581", "<0xE2>", "\ufffd"}
    llama = demo("tiny-llama")
    assert [it.token for it in special_tokens(llama, llama.ids("x")).tokens if it.added] == ["<s>"]
    assert roles(llama)["<s>"] == (Role.BOS,)


@pytest.mark.parametrize("name", NAMES)
def test_every_special_token_is_explained(name: str) -> None:
    tokenizer = demo(name)
    found = special_tokens(tokenizer, ())
    assert {it.id for it in found.tokens} == tokenizer.special_ids
    assert all(it.roles for it in found.tokens)


def test_a_token_without_a_role_is_reserved() -> None:
    tokenizer = fresh("tiny-phi")
    fast(tokenizer).add_special_tokens({"additional_special_tokens": ["<|turn|>"]})
    other = wrapped(fast(tokenizer), "with a turn")
    assert roles(other)["<|turn|>"] == (Role.RESERVED,)


def test_the_numbered_gaps_of_t5() -> None:
    inner = fast(fresh("tiny-t5"))
    inner.add_special_tokens({"additional_special_tokens": ["<extra_id_0>", "<extra_id_1>"]})
    assert roles(wrapped(inner, "with gaps"))["<extra_id_1>"] == (Role.GAP,)


def test_an_unknown_token_is_needed_where_a_byte_is_missing() -> None:
    assert roles(demo("tiny-llama"))["<unk>"] == (Role.NEVER_UNKNOWN,)
    assert roles(demo("tiny-t5"))["<unk>"] == (Role.UNKNOWN,)
    bare = BPE({"a": 0, "<unk>": 1}, [], unk_token="<unk>", byte_fallback=True)
    inner = PreTrainedTokenizerFast(tokenizer_object=tokenizers.Tokenizer(bare), unk_token="<unk>")
    assert roles(wrapped(inner, "bare"))["<unk>"] == (Role.UNKNOWN,)


def test_every_explanation_has_its_sentences() -> None:
    assert all(texts.say(f"role-{role}") for role in Role)
    assert all(texts.say(f"token-mark-{mark}") for mark in Mark)
    ideas = {
        texts.say(Method("", algorithm, None, (), (), "", ()).idea) for algorithm in [*Algorithm, "Canine"]
    }
    assert len(ideas) == len(Algorithm), "each but SentencePiece, whose own code is hidden, has its own"


# How it works


def test_the_merges_of_a_word() -> None:
    found = method(real("phi-1_5"), "CAPITALIZATION and other stuff")
    assert found.algorithm == "byte-level BPE"
    assert found.normalized is None
    assert found.chunks == ("CAPITALIZATION", "\u0120and", "\u0120other", "\u0120stuff")
    assert found.word == "CAPITALIZATION"
    assert found.steps[:2] == ("C A P I T A L I Z A T I [O N]", "C A P I T A L I Z [A T] I ON")
    assert found.steps[-1] == "CAP ITAL IZ ATION"


def test_the_word_with_the_most_merges_is_told() -> None:
    found = method(real("phi-1_5"), "xqzj!!qk understanding 🧬🧬")
    assert found.word == "\u0120understanding"
    assert all(step.count("[") == 1 for step in found.steps[:-1])
    assert "[" not in found.steps[-1]


def test_the_longest_matches_of_a_word() -> None:
    found = method(real("bert-base-uncased"), "CAPITALIZATION and other stuff")
    assert found.normalized == "capitalization and other stuff"
    assert found.steps == (
        "capitalization  longest match: capital",
        "ization  longest match: ##ization",
    )


def test_a_word_that_wordpiece_cannot_spell() -> None:
    found = method(real("bert-base-uncased"), "\U0001f9ec")
    assert found.steps == ("\U0001f9ec  has a part that is not in the vocabulary: [UNK]",)


def test_the_scores_of_a_word() -> None:
    found = method(demo("tiny-t5"), "engineering")
    assert found.algorithm == "Unigram"
    *single, together, after = found.steps
    assert together.startswith("best: ")
    assert after.startswith("next best: ")
    total = sum(float(step.rpartition("=")[2]) for step in single)
    assert float(together.rpartition("=")[2]) == pytest.approx(total, abs=0.06 * len(single))
    assert float(after.rpartition("=")[2]) <= float(together.rpartition("=")[2])


@pytest.mark.parametrize("name", NAMES)
@given(text=st.text(st.characters(min_codepoint=32, max_codepoint=0x24F), max_size=40))
@settings(deadline=None, max_examples=40)
def test_the_last_merge_gives_the_tokens(name: str, text: str) -> None:
    tokenizer = demo(name)
    found = method(tokenizer, text)
    backend = fast(tokenizer).backend_tokenizer
    if found.steps and "BPE" in found.algorithm:
        tokens = [token.value for token in backend.model.tokenize(found.word)]
        assert found.steps[-1].split(" ") == tokens
    assert found.steps or not found.chunks or "BPE" not in found.algorithm


SPECIAL = st.sampled_from(
    ["<|endoftext|>", "[SEP]", "</s>", "<s>", "[UNK]", "<unk>", " ", "\u0301", "\U0001f3b8"]
)


@pytest.mark.parametrize("name", NAMES)
@given(parts=st.lists(SPECIAL | st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=6))
@settings(deadline=None, max_examples=100)
def test_the_parts_of_a_text_come_to_its_tokens(name: str, parts: list[str]) -> None:
    tokenizer = demo(name)
    text = "".join(parts)
    found = method(tokenizer, text)
    backend = fast(tokenizer).backend_tokenizer
    made = [token.id for chunk in found.chunks for token in backend.model.tokenize(chunk)]
    made += [backend.token_to_id(token) for token in found.whole]
    assert sorted(made) == sorted(backend.encode(text, add_special_tokens=False).ids)


def made(kind: str) -> Tokenizer:
    """A tokenizer of a kind that none of the others is, learnt from a few words."""
    special: dict[str, Any] = {"special_tokens": ["<unk>", "<mask>"], "show_progress": False}
    model: Any = BPE(unk_token="<unk>", fuse_unk=True)
    trainer: Any = BpeTrainer(vocab_size=140, **special)
    cut: pre_tokenizers.PreTokenizer = pre_tokenizers.Whitespace()
    match kind:
        case "word ends":
            model.end_of_word_suffix = trainer.end_of_word_suffix = "</w>"
        case "continued":
            model.continuing_subword_prefix = trainer.continuing_subword_prefix = "##"
        case "first word marked":
            cut = pre_tokenizers.Metaspace(prepend_scheme="first")
        case "space before":
            alphabet = pre_tokenizers.ByteLevel.alphabet()
            model, trainer = BPE(), BpeTrainer(vocab_size=340, initial_alphabet=alphabet, **special)
            cut = pre_tokenizers.ByteLevel(add_prefix_space=True)
        case "whole words":
            model, trainer = WordLevel(unk_token="<unk>"), WordLevelTrainer(**special)
    inner = tokenizers.Tokenizer(model)
    inner.pre_tokenizer = cut
    inner.train_from_iterator(
        ["tokenizers cut words into pieces", "capitalization and other stuff"] * 9, trainer
    )
    mask = tokenizers.AddedToken("<mask>", lstrip=True)
    unknown = {} if kind == "space before" else {"unk_token": "<unk>"}
    return wrapped(PreTrainedTokenizerFast(tokenizer_object=inner, mask_token=mask, **unknown), kind)


ODD = st.sampled_from(["the ", "capital", "ization", " <mask> ", "<unk>", "zq", "  ", "\u0301", "\U0001f3b8"])


@pytest.mark.parametrize(
    "kind", ["word ends", "continued", "first word marked", "space before", "whole words"]
)
def test_other_kinds_are_followed_to_their_tokens(kind: str) -> None:
    tokenizer = made(kind)
    backend = fast(tokenizer).backend_tokenizer

    @given(parts=st.lists(ODD, max_size=6))
    @settings(deadline=None, max_examples=60)
    def followed(parts: list[str]) -> None:
        text = "".join(parts)
        found = method(tokenizer, text)
        ids = [token.id for chunk in found.chunks for token in backend.model.tokenize(chunk)]
        ids += [backend.token_to_id(token) for token in found.whole]
        assert sorted(ids) == sorted(backend.encode(text, add_special_tokens=False).ids)
        assert bool(found.steps) == bool(found.chunks)

    followed()


def test_what_a_text_spells_of_special_tokens_is_not_cut() -> None:
    found = method(demo("tiny-bert"), "One [SEP] two")
    assert found.whole == ("[SEP]",)
    assert found.normalized == "one [SEP] two"
    assert "sep" not in found.chunks


def test_bytes_come_before_merges_where_a_letter_is_missing() -> None:
    found = method(demo("tiny-llama"), "\U0001f3b8")
    assert found.steps == ("\u2581 \U0001f3b8", "\u2581 <0xF0> <0x9F> <0x8E> <0xB8>")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "text", ["", " ", "\n\t ", "\x00", "\u0e01\u0e33", "\U0001f468\u200d\U0001f469", "x" * 6000]
)
def test_every_text_can_be_looked_into(name: str, text: str) -> None:
    found = method(demo(name), text)
    assert texts.say(found.idea)
    assert len(found.steps) <= MOST_LETTERS + 3


def test_a_lone_surrogate_is_one_sentence() -> None:
    with pytest.raises(BadInput):
        method(demo("tiny-phi"), "\ud800")


# Characters in several tokens


@given(st.text(max_size=30))
@settings(deadline=None, max_examples=100)
def test_split_characters_are_characters_of_the_text(text: str) -> None:
    if any("\ud800" <= it <= "\udfff" for it in text):
        return
    tokenizer = demo("tiny-phi")
    made = tokenizer.tokenize(text)
    for split in made.splits:
        assert len(split.pieces) > 1
        assert made.pieces[split.place : split.place + len(split.pieces)] == split.pieces
        assert split.text in text
        assert b"".join(piece.raw or b"" for piece in split.pieces) == split.text.encode()


def test_an_emoji_is_put_together_from_its_bytes() -> None:
    (split,) = demo("tiny-llama").tokenize("a\U0001f3b8b").splits
    assert split.text == "\U0001f3b8"
    assert [piece.raw for piece in split.pieces] == [b"\xf0", b"\x9f", b"\x8e", b"\xb8"]
