"""Tokenizers and how they split a text, token by token."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Protocol, Self, TypeAlias, cast

from tokenizers import AddedToken
from tokenizers import Tokenizer as Backend
from tokenizers.decoders import Decoder
from tokenizers.normalizers import Normalizer
from tokenizers.pre_tokenizers import PreTokenizer
from transformers import AutoTokenizer, BatchEncoding

from models.failures import (
    FolderWithoutTokenizer,
    MissingTokenizer,
    ModelError,
    NoTokenFor,
    NoTokenizerAnswers,
    NoTokenizerLoaded,
    NoTokenizerNamed,
    TokenizerFailed,
    UnknownTokenId,
    UnknownTokenizer,
)
from models.files import finding
from models.files.names import label
from models.pretrained import reading
from models.progress import Progress
from models.results import Algorithm, Piece, Tokenization
from models.specs import TokenizersSpec
from models.text import usable_text
from models.tokenizers.panics import panics_as_errors

log = logging.getLogger(__name__)

JSON: TypeAlias = "Mapping[str, JSON] | Sequence[JSON] | str | int | float | bool | None"

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_ALGORITHMS = {
    "BPE": Algorithm.BPE,
    "Unigram": Algorithm.UNIGRAM,
    "WordPiece": Algorithm.WORDPIECE,
    "WordLevel": Algorithm.WHOLE_WORDS,
}
"""Algorithms by the class names of models in the tokenizers library."""
_WITH_BYTE_FALLBACK = {
    "BPE": Algorithm.BPE_BYTE_FALLBACK,
    "Unigram": Algorithm.UNIGRAM_BYTE_FALLBACK,
}
_TRIED = 200
"""Maximum number of different words or letters to try one by one when looking for those without a token."""
_NAMED = 5
"""How many of these an error message lists."""
_WORD_START = "\N{LOWER ONE EIGHTH BLOCK}"


def _bytes_by_letter() -> dict[str, int]:
    """The alphabet of byte-level BPE (GPT-2): each byte as a printable letter.

    Bytes that are printable in Latin-1 represent themselves; the others use letters from U+0100 on.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}


_BYTES = _bytes_by_letter()


class PretrainedTokenizer(Protocol):
    """The part of a transformers tokenizer that is used here."""

    name_or_path: str
    model_max_length: int
    chat_template: str | None

    @property
    def vocab_size(self) -> int: ...
    @property
    def all_special_ids(self) -> list[int]: ...
    @property
    def added_tokens_decoder(self) -> Mapping[int, AddedToken]: ...
    @property
    def unk_token_id(self) -> int | None: ...
    def __len__(self) -> int: ...
    def __call__(
        self,
        text: str,
        *,
        add_special_tokens: bool = True,
        return_tensors: str | None = None,
        verbose: bool = True,
    ) -> BatchEncoding: ...
    def decode(self, token_ids: list[int], *, skip_special_tokens: bool = False) -> str: ...
    def get_vocab(self) -> dict[str, int]: ...
    def convert_ids_to_tokens(self, ids: int) -> str | None: ...
    def apply_chat_template(
        self, conversation: list[dict[str, str]], *, tokenize: bool, add_generation_prompt: bool
    ) -> str: ...


class Tokenizer:
    """One tokenizer. Not thread-safe: the backend raises "Already borrowed"."""

    device = ""
    dtype = ""

    def __init__(self, tokenizer: PretrainedTokenizer, name: str, memory: int = 0) -> None:
        self._tokenizer = tokenizer
        self.name = name
        self.memory = memory
        backend = backend_of(tokenizer)
        model = None if backend is None else backend.model
        self._is_byte_level = backend is not None and _is_byte_level(backend)
        self._continuing_prefix: str = getattr(model, "continuing_subword_prefix", None) or ""
        self.algorithm = _algorithm(tokenizer, byte_level=self._is_byte_level)
        added = tokenizer.added_tokens_decoder
        self._added: set[int] = set(added)
        self._special: set[int] = {
            *tokenizer.all_special_ids,
            *(number for number, token in added.items() if token.special),
        }
        self.vocab_size = len(tokenizer)
        """Number of entries, including added ones."""

    @classmethod
    def load(
        cls,
        name: str,
        label: str | None = None,
        *,
        revision: str | None = None,
    ) -> Self:
        """A tokenizer by hub name or local folder, shown as `label`. Raises ModelError."""
        source = finding.find(name, revision=revision, weights=False, slot="tokenizers")
        tokenizer = read(source)
        with reading(source.label), panics_as_errors():
            return cls(tokenizer, label or source.label, _size(source.folder))

    @property
    def inner(self) -> PretrainedTokenizer:
        """The transformers tokenizer."""
        return self._tokenizer

    @property
    def byte_level(self) -> bool:
        """Whether the vocabulary is spelt in the letters of byte-level BPE."""
        return self._is_byte_level

    @cached_property
    def spells_bytes(self) -> bool:
        """Whether there is a token for every byte, so that no text is unknown."""
        vocabulary = self._tokenizer.get_vocab()
        if self._is_byte_level:
            return all(letter in vocabulary for letter in _BYTES)
        return self.algorithm in _WITH_BYTE_FALLBACK.values() and all(
            f"<0x{byte:02X}>" in vocabulary for byte in range(256)
        )

    @property
    def special_ids(self) -> frozenset[int]:
        return frozenset(self._special)

    @property
    def detail(self) -> str:
        return f"{self.algorithm}, {self.vocab_size:,} entries"

    def encode(self, text: str, *, return_tensors: str | None = None) -> BatchEncoding:
        """Tokenize a text, with the special tokens that the tokenizer adds.

        Raises BadInput if it contains a lone surrogate, or if this tokenizer cannot split it.
        """
        text = usable_text(text)
        with self.answering(text):
            return self._tokenizer(text, return_tensors=return_tensors, verbose=False)

    def ids(self, text: str) -> list[int]:
        """Token ids of a text, with the special tokens that the tokenizer adds. Raises like `encode`."""
        return [int(number) for number in self.encode(text)["input_ids"]]

    def tokenize(self, text: str) -> Tokenization:
        """The pieces of a text. Raises like `encode`."""
        return Tokenization(self.name, text, self.pieces(self.ids(text)), self.vocab_size, self.algorithm)

    def pieces(self, ids: Sequence[int]) -> tuple[Piece, ...]:
        """Describe each token of a sequence."""
        with self.answering():
            known = {number: self._piece(number) for number in set(ids)}
        return tuple(known[number] for number in ids)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids, including special tokens. Raises BadInput for an unknown id."""
        with self.answering():
            for number in ids:
                if not self._has(number):
                    raise UnknownTokenId(self.name, str(number), self.last_id)
            return self._text(list(ids))

    @contextmanager
    def answering(self, text: str = "") -> Iterator[None]:
        """Converts any exception in the tokenizer's code to a BadInput about this tokenizer and `text`, if given."""
        try:
            with panics_as_errors():
                yield
        except ModelError:
            raise
        except Exception as error:
            kind = type(error).__name__
            log.info("the tokenizer %s failed (%s)", self.name, kind)
            # Each kind of model has its own error message, but all of them mention "unk".
            missing = self._without_token(text) if "unk" in str(error).casefold() else ()
            raise NoTokenFor(self.name, missing) if missing else TokenizerFailed(self.name, kind) from error

    def _without_token(self, text: str) -> tuple[str, ...]:
        """The first characters, or words, of a text that the tokenizer cannot split by themselves."""

        def fails(part: str) -> bool:
            try:
                with panics_as_errors():
                    self._tokenizer(part, verbose=False)
            except Exception:  # noqa: BLE001 - any error means that the tokenizer fails on this part, too
                return True
            return False

        words = [word for word in list(dict.fromkeys(text.split()))[:_TRIED] if fails(word)]
        if self.algorithm != Algorithm.UNIGRAM:
            return tuple(words[:_NAMED])
        letters = [letter for letter in list(dict.fromkeys("".join(words)))[:_TRIED] if fails(letter)]
        return tuple((letters or words)[:_NAMED])

    def _has(self, number: int) -> bool:
        """Whether an id is in the vocabulary. Some tokenizers compute a token for any number."""
        if self._token(number) is None:
            return False
        try:
            self._text([number])
        except Exception:  # noqa: BLE001 - an entry may exist without being decodable
            return number in self._tokenizer.get_vocab().values()
        return True

    @property
    def last_id(self) -> int:
        """The highest token id; in a vocabulary with gaps it is not the size minus one."""
        return max(self._tokenizer.get_vocab().values(), default=-1)

    def _text(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=False))

    def _token(self, number: int) -> str | None:
        try:
            token = self._tokenizer.convert_ids_to_tokens(number) if number >= 0 else None
        except (IndexError, KeyError, OverflowError, ValueError, TypeError):
            return None
        return None if token is None else str(token)

    def _shown(self, number: int, token: str) -> str:
        """The text of one token, or the token itself if it can only be decoded together with others."""
        try:
            with panics_as_errors():
                return self._text([number])
        except Exception:  # noqa: BLE001 - one token that cannot be decoded must not hide the others
            return token

    def _piece(self, number: int) -> Piece:
        token = self._token(number) or ""
        special = number in self._special
        added = special or number in self._added
        raw = None if added else self._raw(token)
        return Piece(
            id=number,
            text=self._shown(number, token),
            token=token,
            special=special,
            raw=raw,
            partial=raw is not None and not _is_text(raw),
            word_start=not added and (token.startswith(_WORD_START) or bool(raw and raw.startswith(b" "))),
            continues=not added
            and bool(self._continuing_prefix)
            and token.startswith(self._continuing_prefix),
            unknown=not self._is_byte_level and number == self._tokenizer.unk_token_id,
        )

    def _raw(self, token: str) -> bytes | None:
        if self._is_byte_level and all(letter in _BYTES for letter in token):
            return bytes(_BYTES[letter] for letter in token)
        if one := _BYTE_TOKEN.fullmatch(token):
            return bytes([int(one[1], 16)])
        return None


class Tokenizers:
    """Several tokenizers to compare. If one fails to load, the others still work."""

    device = ""
    dtype = ""

    def __init__(
        self, tokenizers: Sequence[Tokenizer], failures: dict[str, ModelError] | None = None
    ) -> None:
        self._by_name = {tokenizer.name: tokenizer for tokenizer in tokenizers}
        self.failures: dict[str, ModelError] = failures or {}
        """Why a tokenizer is missing, by its name."""

    @classmethod
    def load(cls, spec: TokenizersSpec, progress: Progress | None = None) -> Self:
        """All tokenizers that load. Raises ModelError if none does."""
        loaded: list[Tokenizer] = []
        failures: dict[str, ModelError] = {}
        for number, (name, shown) in enumerate(zip(spec.names, labels(spec.names), strict=True)):
            if progress:
                progress(f"reading the tokenizer {shown}", number / len(spec.names))
            try:
                loaded.append(Tokenizer.load(name, shown))
            except ModelError as error:
                failures[shown] = error
        if not loaded:
            if not failures:
                raise NoTokenizerNamed
            reasons = " ".join(failure.sentence for failure in failures.values())
            remedies = " ".join(filter(None, (failure.hint for failure in failures.values())))
            raise NoTokenizerLoaded(reasons, remedies)
        return cls(loaded, failures)

    @property
    def name(self) -> str:
        return ", ".join(self._by_name)

    @property
    def names(self) -> list[str]:
        return list(self._by_name)

    @property
    def memory(self) -> int:
        return sum(tokenizer.memory for tokenizer in self._by_name.values())

    @property
    def detail(self) -> str:
        count = len(self._by_name)
        return " ".join(
            [
                f"{count} tokenizer{'s' * (count != 1)}{'.' * bool(self.failures)}",
                *(failure.sentence for failure in self.failures.values()),
            ]
        )

    def get(self, name: str) -> Tokenizer:
        """The tokenizer with that name, ignoring case. Raises BadInput with the available names."""
        if found := self._by_name.get(name):
            return found
        for known, tokenizer in self._by_name.items():
            if known.casefold() == name.strip().casefold():
                return tokenizer
        for known, reason in self.failures.items():
            if known.casefold() == name.strip().casefold():
                raise MissingTokenizer(reason, self.name)
        raise UnknownTokenizer(self.name)

    def compare(self, text: str) -> list[Tokenization]:
        """How each tokenizer that can splits a text. Raises like `attempt`."""
        return self.attempt(text)[0]

    def attempt(self, text: str) -> tuple[list[Tokenization], dict[str, ModelError]]:
        """How each tokenizer splits a text, or by its name why it cannot.

        Raises BadInput if no tokenizer can, or the text contains a lone surrogate.
        """
        text = usable_text(text)
        made: list[Tokenization] = []
        failures: dict[str, ModelError] = {}
        for name, tokenizer in self._by_name.items():
            try:
                made.append(tokenizer.tokenize(text))
            except ModelError as error:
                failures[name] = error
        if not made:
            if len(failures) == 1:
                raise next(iter(failures.values()))
            raise NoTokenizerAnswers(" ".join(failure.sentence for failure in failures.values()))
        return made, failures

    def probe(self) -> None:
        """Split a text, to detect a group without a working tokenizer before it serves."""
        failures = []
        for tokenizer in self._by_name.values():
            try:
                tokenizer.tokenize("A word, and another.")
            except TokenizerFailed as error:
                failures.append(error)
            except NoTokenFor:
                pass  # that is a valid answer; other texts may work
        if failures and len(failures) == len(self._by_name):
            raise failures[0]


def labels(names: Sequence[str]) -> list[str]:
    """Display names for several models: the short name, with the parent folder if two share it."""
    short = [label(name) for name in names]
    shown = [
        one if short.count(one) == 1 or one == name else "/".join(Path(name).parts[-2:])
        for one, name in zip(short, names, strict=True)
    ]
    return [
        one if shown.index(one) == n else f"{one} ({shown[: n + 1].count(one)})"
        for n, one in enumerate(shown)
    ]


def read(source: finding.Source) -> PretrainedTokenizer:
    """Load the tokenizer of a source. Raises ModelError if it cannot be read, and NotThere if there is none."""
    with reading(source.label), panics_as_errors():
        loaded = AutoTokenizer.from_pretrained(
            source.target, revision=source.revision, trust_remote_code=False, local_files_only=True
        )
        tokenizer = cast("PretrainedTokenizer", loaded)
    # Without a vocabulary, transformers creates a tokenizer that knows no word.
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise FolderWithoutTokenizer(source.label)
    return tokenizer


def backend_of(tokenizer: PretrainedTokenizer) -> Backend | None:
    """The fast implementation behind a tokenizer; None if it is written in Python."""
    return getattr(tokenizer, "backend_tokenizer", None)


def model_state(tokenizer: PretrainedTokenizer) -> Mapping[str, JSON]:
    """The model part of tokenizer.json, with its merges or scores; empty if not available."""
    backend = backend_of(tokenizer)
    state = None if backend is None else _parsed(backend.to_str)
    model = state.get("model") if isinstance(state, Mapping) else None
    return model if isinstance(model, Mapping) else {}


def _parsed(serialise: Callable[[], str | bytes]) -> JSON:
    """The parsed JSON of a tokenizer's part; None for a part written in Python."""
    try:
        state: JSON = json.loads(serialise())
    except Exception:  # noqa: BLE001 - the library raises nothing more specific
        return None
    return state


def _size(folder: Path) -> int:
    """The size of the tokenizer's file in bytes, which approximates its memory."""
    patterns = ("tokenizer.json", "*.model", "vocab.*")
    found = (file for pattern in patterns for file in folder.glob(pattern))
    return next((file.stat().st_size for file in found), 0)


def _is_byte_level(backend: Backend) -> bool:
    """Whether the vocabulary is spelt in the letters of byte-level BPE."""
    parts = (backend.pre_tokenizer, backend.decoder, backend.normalizer)
    return any("ByteLevel" in _kinds(part) for part in parts if part is not None)


def _kinds(part: Decoder | Normalizer | PreTokenizer) -> set[str]:
    """The kinds of a pre-tokenizer, decoder or normalizer and of its components."""

    def walk(value: JSON) -> set[str]:
        if isinstance(value, Mapping):
            kind = value.get("type")
            return {kind for kind in (kind,) if isinstance(kind, str)}.union(*map(walk, value.values()))
        return set[str]().union(*map(walk, value)) if isinstance(value, list) else set()

    return walk(_parsed(part.__getstate__))


def _algorithm(tokenizer: PretrainedTokenizer, *, byte_level: bool) -> Algorithm | str:
    backend = backend_of(tokenizer)
    if backend is None:
        if hasattr(tokenizer, "sp_model"):
            return Algorithm.SENTENCEPIECE
        own = type(tokenizer).__name__
        return re.sub(r"Tokenizer(Fast)?$", "", own) or own
    kind = type(backend.model).__name__
    if kind == "BPE" and byte_level:
        return Algorithm.BYTE_LEVEL_BPE
    if kind in _WITH_BYTE_FALLBACK and model_state(tokenizer).get("byte_fallback"):
        return _WITH_BYTE_FALLBACK[kind]
    return _ALGORITHMS.get(kind, kind)


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
