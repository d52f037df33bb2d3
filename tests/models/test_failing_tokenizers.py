"""A failing tokenizer is reported, whatever it raises, and the others still answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from tokenizers import Regex, decoders, models, pre_tokenizers
from tokenizers import Tokenizer as Backend
from transformers import AutoTokenizer, ByT5Tokenizer, PreTrainedTokenizerFast

from models import answering
from models.failures import (
    LoneSurrogate,
    ModelError,
    NoTokenFor,
    NoTokenizerAnswers,
    TokenizerFailed,
    UnknownTokenId,
)
from models.results import Aspect, Tokenization, Unexplained
from models.service import Caller, CompareTokenizers, Decode, Explain, Tokenize
from models.specs import TokenizersSpec
from models.tokenizers.explaining import explain
from models.tokenizers.panics import Panic, panics_as_errors
from models.tokenizers.tokenizer import PretrainedTokenizer, Tokenizer, Tokenizers

CALLER = Caller("1", 1)
LETTERS = "▁helo"


def unigram() -> PretrainedTokenizer:
    """A Unigram model without a token for what it does not know."""
    backend = Backend(models.Unigram([(letter, -1.0) for letter in LETTERS], None, byte_fallback=False))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    return cast("PretrainedTokenizer", PreTrainedTokenizerFast(tokenizer_object=backend))


def whole_words() -> PretrainedTokenizer:
    """A WordLevel model without a token for what it does not know."""
    backend = Backend(models.WordLevel({"hello": 0, "a": 1}, "[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return cast("PretrainedTokenizer", PreTrainedTokenizerFast(tokenizer_object=backend))


def word_pieces() -> PretrainedTokenizer:
    backend = Backend(models.WordPiece({"hello": 0, "a": 1, "[X]": 2}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex(r"\s+"), "removed")
    return cast("PretrainedTokenizer", PreTrainedTokenizerFast(tokenizer_object=backend))


class PanicException(BaseException):
    """Named like the exceptions that Rust libraries raise when they panic."""


class Broken:
    """A tokenizer that raises in one of its methods."""

    def __init__(self, whole: PretrainedTokenizer, method: str, error: type[BaseException]) -> None:
        self._whole = whole
        self._method = method
        self._error = error

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            return self._fail
        return getattr(self._whole, name)

    def __call__(self, *args: Any, **options: Any) -> Any:
        if self._method == "__call__":
            self._fail()
        return self._whole(*args, **options)

    def __len__(self) -> int:
        return len(self._whole)

    def _fail(self, *_: Any, **__: Any) -> Any:
        raise self._error("no /path/of/anybody")


ERRORS: list[type[BaseException]] = [
    *(PanicException, ValueError, KeyError, IndexError, TypeError, OverflowError),
    *(NotImplementedError, RecursionError, AssertionError, UnicodeEncodeError, MemoryError, Exception),
]


def raising(kind: type[BaseException]) -> type[BaseException]:
    """A class of this name that can be raised with one argument."""
    return kind if kind is not UnicodeEncodeError else type("UnicodeEncodeError", (ValueError,), {})


@pytest.fixture(scope="module")
def good(four: dict[str, Path]) -> Tokenizer:
    return Tokenizer.load(str(four["pieces"]))


def broken(good: Tokenizer, method: str, error: type[BaseException]) -> Tokenizer:
    made = Tokenizer(good.inner, "broken")
    made._tokenizer = cast("PretrainedTokenizer", Broken(good.inner, method, raising(error)))
    return made


@pytest.mark.parametrize("error", ERRORS)
def test_the_others_of_a_comparison_answer(good: Tokenizer, error: type[BaseException]) -> None:
    group = Tokenizers([broken(good, "__call__", error), good])
    group.probe()
    compared = answering.compare_tokenizers(group, CompareTokenizers(CALLER, "hello there"))
    assert [made.name for made in compared.tokenizations] == [good.name]
    assert list(compared.failures) == ["broken"]
    assert "broken failed on this" in compared.failures["broken"]
    assert raising(error).__name__.removesuffix("Exception") in compared.failures["broken"]
    assert "/path" not in compared.failures["broken"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_ends_the_program_passes(good: Tokenizer, error: type[BaseException]) -> None:
    with pytest.raises(error):
        Tokenizers([broken(good, "__call__", error), good]).compare("hello")


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("aspect", Aspect)
def test_every_look_at_one_that_fails_is_a_page_with_the_reason(
    good: Tokenizer, error: type[BaseException], aspect: Aspect
) -> None:
    group = Tokenizers([broken(good, "__call__", error), good])
    if aspect is Aspect.METHOD:
        group = Tokenizers([broken(good, "backend_tokenizer", error), good])
        # A property that is a function here: its use fails in whatever way.
    page = answering.explain(group, Explain(CALLER, "hello", aspect))
    assert page.count == 2
    assert isinstance(page.found, Unexplained)
    assert page.found.name == "broken"
    other = answering.explain(group, Explain(CALLER, "hello", aspect, index=1))
    assert not isinstance(other.found, Unexplained)


@pytest.mark.parametrize("error", ERRORS)
def test_a_token_that_cannot_be_decoded_alone_hides_no_other(
    good: Tokenizer, error: type[BaseException]
) -> None:
    made = broken(good, "decode", error).tokenize("a")
    assert [piece.text for piece in made.pieces] == [piece.token for piece in good.tokenize("a").pieces]
    with pytest.raises(TokenizerFailed):
        broken(good, "decode", error).decode(made.ids)


def test_all_of_several_fail(good: Tokenizer) -> None:
    one, other = broken(good, "__call__", ValueError), broken(good, "__call__", PanicException)
    other.name = "other"
    group = Tokenizers([one, other])
    with pytest.raises(NoTokenizerAnswers, match=r"broken failed .* other failed"):
        group.compare("hello")
    with pytest.raises(TokenizerFailed):
        group.probe()
    with pytest.raises(TokenizerFailed, match="broken"):
        answering.tokenize(group, Tokenize(CALLER, "hello", "broken"))


def test_a_lone_surrogate_is_nobodys_failure(good: Tokenizer) -> None:
    with pytest.raises(LoneSurrogate):
        Tokenizers([good]).compare("\ud800")


@pytest.mark.parametrize(
    ("make", "text", "parts"),
    [
        (unigram, "hello Ω", ("Ω",)),
        (unigram, "Ωmega hello", ("Ω", "m", "g", "a")),
        (unigram, "Ω", ("Ω",)),
        (unigram, "xxyyzzabcdfg", ("x", "y", "z", "a", "b")),
        (whole_words, "hello world a", ("world",)),
        (word_pieces, "hello world a", ("world",)),
    ],
)
def test_what_has_no_token_is_named(
    good: Tokenizer, make: Callable[[], PretrainedTokenizer], text: str, parts: tuple[str, ...]
) -> None:
    lacking = Tokenizer(make(), "lacking")
    made, failures = Tokenizers([lacking, good]).attempt(text)
    assert [it.name for it in made] == [good.name]
    failure = failures["lacking"]
    assert isinstance(failure, NoTokenFor)
    assert failure.parts == parts
    assert f"lacking has no token for {parts[0]}" in failure.sentence
    assert lacking.tokenize("hello").count
    Tokenizers([lacking]).probe()
    for aspect in Aspect:
        with pytest.raises(NoTokenFor):
            explain(lacking, text, aspect)


def test_one_without_the_letter_a_still_shows_its_special_tokens() -> None:
    found = explain(Tokenizer(unigram(), "small"), "hello", Aspect.SPECIAL_TOKENS)
    assert not isinstance(found, Unexplained)


def test_ids_beyond_those_of_byt5() -> None:
    byt5 = Tokenizer(cast("PretrainedTokenizer", ByT5Tokenizer()), "byt5")
    assert byt5.decode(byt5.ids("hello Ω")) == "hello Ω</s>"
    assert isinstance(byt5.tokenize("hello Ω"), Tokenization)
    last = byt5.last_id
    assert byt5.decode([last]) == "<extra_id_124>"
    for number in (last + 1, 1000, 100_000, 1_114_111, 1_114_115, 10**9, 10**30, -1):
        with pytest.raises(UnknownTokenId, match=f"no token with the id {number}.* 0 to {last}"):
            byt5.decode([104, number])
        with pytest.raises(UnknownTokenId):
            answering.decode(Tokenizers([byt5]), Decode(CALLER, "byt5", (number,)))


@pytest.mark.parametrize("error", [PanicException, ValueError])
def test_one_that_fails_to_load_fails_alone(
    four: dict[str, Path], monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    load = AutoTokenizer.from_pretrained

    def from_pretrained(name: str, **options: Any) -> Any:
        if name == str(four["bytes"]):
            raise error
        return load(name, **options)

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", from_pretrained)
    group = Tokenizers.load(TokenizersSpec((str(four["bytes"]), str(four["pieces"]))))
    assert group.names == ["pieces"]
    assert isinstance(group.failures["bytes"], ModelError)


def test_a_panic_becomes_an_error_and_nothing_else_does() -> None:
    with pytest.raises(Panic, match="impossible"), panics_as_errors():
        raise PanicException("impossible")
    with pytest.raises(KeyboardInterrupt), panics_as_errors():
        raise KeyboardInterrupt
