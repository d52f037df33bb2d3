"""A contextual encoder: one vector for each token, which depends on the tokens around it."""

from __future__ import annotations

import inspect
from typing import Any, Self, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel, BatchEncoding

from models import pretrained
from models.failures import (
    MismatchedTokenizer,
    ModelError,
    NoSharedWord,
    NothingToEmbed,
    NothingToLookInto,
    OtherVocabulary,
    TextOverLimit,
    VectorsNotFinite,
    WordWithoutDirection,
)
from models.files import finding
from models.inside.inside import Inside
from models.progress import Progress
from models.results import Contexts, Embedding, Reading, SharedWord, Word
from models.specs import EncoderSpec
from models.tokenizers.tokenizer import PretrainedTokenizer, Tokenizer, read

EncoderModel: TypeAlias = Any
"""An encoder from transformers, whose own types are too loose for this module."""

SAMPLE = 50
"""Most words of each text to compare with the other text, for the mean cosine of unrelated words."""
_UNBOUNDED = 10**9


class Encoder:
    """An encoder with its own tokenizer. Not thread-safe."""

    def __init__(self, model: EncoderModel, tokenizer: PretrainedTokenizer, name: str) -> None:
        """`model` is in evaluation mode."""
        # Of an encoder-decoder such as T5, use the encoder.
        self._model = model.get_encoder() if pretrained.is_translator(model) else model
        self._tokenizer = tokenizer
        self._pieces = Tokenizer(tokenizer, name)
        self._parameters = set(inspect.signature(self._model.forward).parameters)
        self.name = name
        self.device = str(model.device)
        self.dtype = str(model.dtype).removeprefix("torch.")
        self.memory = pretrained.footprint(self._model)
        self.limit = _limit(model, tokenizer)
        """Maximum tokens per text, including special ones; None if there is no limit."""
        known: int = model.get_input_embeddings().weight.shape[0]
        if len(tokenizer) > known:
            raise MismatchedTokenizer(len(tokenizer), name, known)
        self.inside = Inside(self._model, name)
        """Access to the states between its layers."""

    @classmethod
    def load(cls, spec: EncoderSpec, progress: Progress | None = None) -> Self:
        """Raises ModelError, also for a tokenizer that does not match the model."""
        source = finding.find(spec.name, revision=spec.revision, slot="encoder")
        tokenizer = _tokenizer(spec, source)
        model = pretrained.pretrained(
            AutoModel,
            source,
            device=spec.device,
            dtype=spec.dtype,
            progress=progress,
            encoder=True,
        )
        return cls(model, tokenizer, source.label)

    def release(self) -> None:
        """Free the memory of the weights; the model cannot be used afterwards."""
        pretrained.release(self._model)

    @property
    def detail(self) -> str:
        numbers = self._model.get_input_embeddings().weight.shape[1]
        limit = f", up to {self.limit:,} tokens" if self.limit else ""
        return f"{type(self._model).__name__}, {numbers:,} numbers per token{limit}"

    def embed(self, text: str) -> Embedding:
        """The last layer's vectors of a text: shape (1, T, D) for T tokens, including special ones.

        Raises BadInput for a text without tokens or with more than the model reads.
        """
        encoded = self._pieces.encode(text, return_tensors="pt")
        ids: list[int] = [int(number) for number in encoded["input_ids"][0]]
        if not ids:
            raise NothingToEmbed
        if self.limit is not None and len(ids) > self.limit:
            raise TextOverLimit(len(ids), self.name, self.limit)
        inputs = {
            key: value.to(self._model.device) for key, value in encoded.items() if key in self._parameters
        }
        try:
            with torch.inference_mode():
                hidden = self._model(**inputs)[0]
        except IndexError as error:
            raise pretrained.index_failure(self.name, error) from error
        _, rows, columns = hidden.shape
        vectors = hidden[0].float()
        if not bool(torch.isfinite(vectors).all()):
            raise VectorsNotFinite(self.name)
        return Embedding(
            model=self.name,
            text=text,
            tokens=tuple(self._tokenizer.decode([number]) for number in ids),
            ids=tuple(ids),
            shape=(1, rows, columns),
            vectors=tuple(map(tuple, vectors.cpu().tolist())),
            pieces=self._pieces.pieces(ids),
            words=_words(encoded, text),
        )

    def read(self, text: str) -> Reading:
        """A text as the model reads it. Raises BadInput as `embed` does."""
        ids = self._pieces.ids(text)
        if not text or not ids:
            raise NothingToLookInto
        if self.limit is not None and len(ids) > self.limit:
            raise TextOverLimit(len(ids), self.name, self.limit)
        return Reading(self.name, text, self._pieces.pieces(ids))

    def contexts(self, text: str, other: str) -> Contexts:
        """How far apart the vectors of the shared words are.

        Raises BadInput if there are none, or one has a zero vector.
        """
        first, second = self.embed(text), self.embed(other)
        there = {word.text.casefold(): word for word in reversed(second.words)}
        shared: dict[str, SharedWord] = {}
        for word in first.words:
            name = word.text.casefold()
            if name in there and name not in shared:
                one, another = _vector(first, word), _vector(second, there[name])
                if not one.any() or not another.any():
                    raise WordWithoutDirection(word.text)
                cosine = _cosine(one, another)
                shared[name] = SharedWord(word.text, cosine, word, there[name])
        if not shared:
            raise NoSharedWord
        pairs = [
            (_vector(first, word), _vector(second, different))
            for word in first.words[:SAMPLE]
            for different in second.words[:SAMPLE]
            if word.text.casefold() != different.text.casefold()
        ]
        unrelated = [_cosine(one, another) for one, another in pairs if one.any() and another.any()]
        moved = tuple(sorted(shared.values(), key=lambda word: word.cosine))
        return Contexts(first, second, moved, float(np.mean(unrelated)) if unrelated else None)

    def probe(self) -> None:
        """Embed a word, to detect a broken model before it serves."""
        self.embed("Hello world")


def _tokenizer(spec: EncoderSpec, source: finding.Source) -> PretrainedTokenizer:
    if not spec.tokenizer or spec.tokenizer == spec.name:
        return read(source)
    other = finding.find(spec.tokenizer, weights=False, slot="encoder")
    tokenizer = read(other)
    try:
        own = read(source)
    except ModelError:
        return tokenizer  # the model has no tokenizer of its own; sizes are checked later
    if own.get_vocab() != tokenizer.get_vocab():
        raise OtherVocabulary(other.label, source.label)
    return tokenizer


def _words(encoded: BatchEncoding, text: str) -> tuple[Word, ...]:
    """Words from the tokenizer's pre-tokenization that consist only of letters or digits."""
    if not encoded.is_fast:
        return ()
    places: dict[int, list[int]] = {}
    for place, number in enumerate(encoded.word_ids(0)):
        if number is not None:
            places.setdefault(number, []).append(place)
    words = []
    for number, tokens in places.items():
        span = encoded.word_to_chars(0, number)
        name = "" if span is None else text[span.start : span.end].strip()
        if any(character.isalnum() for character in name):
            words.append(Word(name, tuple(tokens)))
    return tuple(words)


def _vector(embedding: Embedding, word: Word) -> NDArray[np.float64]:
    """The mean of the vectors of its tokens: shape (D,)."""
    vectors: NDArray[np.float64] = np.array([embedding.vectors[place] for place in word.places])
    return np.asarray(vectors.mean(axis=0))


def _cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Of two vectors that are not zero."""
    return float(one @ other) / float(np.linalg.norm(one) * np.linalg.norm(other))


def _limit(model: EncoderModel, tokenizer: PretrainedTokenizer) -> int | None:
    config = model.config.get_text_config()
    limits = [int(tokenizer.model_max_length)]
    if positions := getattr(config, "max_position_embeddings", None):
        table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
        # RoBERTa counts positions from the padding id, so its table is longer than its texts.
        padding = getattr(table, "padding_idx", None)
        limits.append(int(positions) - (padding + 1 if padding is not None else 0))
    limit = min(limits)
    return limit if 0 < limit < _UNBOUNDED else None
