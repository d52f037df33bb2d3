"""What a tokenizer's special tokens mean, and how it came to the tokens of a text.

Everything is read off the tokenizer itself: which roles a token has, what is put around a text, which merges, matches or
scores led to the tokens of a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any
from weakref import WeakKeyDictionary

from models.answers import Method, Piece, Specials, SpecialToken, Split
from models.loading import usable_text
from models.tokenizers import Tokenizer

MOST_STEPS = 40
"""Steps that are told of one word."""
MOST_LETTERS = 60
"""Letters of a word whose steps are told; longer ones would not be read anyway."""

ROLES = {
    "cls_token": "stands before every text; a classifier reads its answer from this token's vector",
    "bos_token": "beginning of a text",
    "sep_token": "stands after a text, and between two of them",
    "eos_token": "end of a text: a model that writes it has finished",
    "mask_token": "a blank: in training the model guessed which token stood there",
    "pad_token": "fills shorter texts of a batch up to the length of the longest; the model is told not to look at it",
    "unk_token": "stands for whatever the vocabulary cannot spell",
}
NEVER_UNKNOWN = "declared for what cannot be spelt, but never needed: every byte has a token of its own"
RESERVED = "reserved by whoever made the tokenizer, such as for the turns of a chat"

IDEAS = {
    "byte-level BPE": "The text is taken as bytes, so nothing is unknown. Each word begins as single bytes; then, again and again,"
    " the neighbouring pair that was most frequent in training is merged into one token, until no known pair is left.",
    "BPE": "Each word begins as single characters; then, again and again, the neighbouring pair that was most frequent in"
    " training is merged into one token, until no known pair is left.",
    "BPE with byte fallback": "Each word begins as single characters; then, again and again, the neighbouring pair that was"
    " learnt first is merged into one token. A character that the vocabulary lacks is spelt in tokens for its bytes (<0xE2>).",
    "WordPiece": "From the left, each word takes the longest beginning that is in the vocabulary, then the longest that goes"
    " on from there, marked with ##. A word with a part that is not there becomes one unknown token as a whole.",
    "Unigram": "Every token has a probability from training. Of all ways to cut the text, the one whose tokens have the"
    " highest product of probabilities is taken.",
    "whole words": "Each word is one token; a word that is not in the vocabulary is unknown.",
}


def special_tokens(tokenizer: Tokenizer, ids: Sequence[int]) -> Specials:
    """The special tokens of a tokenizer beside a text with these ids."""
    inner = tokenizer.inner
    added = {number for number in tokenizer.ids("a") if number in tokenizer.special_ids}
    tokens = []
    for number in tokenizer.special_ids:
        token = str(inner.convert_ids_to_tokens(number))
        roles = [role for role in ROLES if getattr(inner, role, None) == token]
        meanings = [
            NEVER_UNKNOWN if role == "unk_token" and tokenizer.byte_level else ROLES[role] for role in roles
        ]
        here = sum(it == number for it in ids)
        tokens.append(SpecialToken(token, number, tuple(meanings) or (RESERVED,), here, number in added))
    tokens.sort(key=lambda it: (not it.here, it.meanings == (RESERVED,), it.id))
    return Specials(tokenizer.name, tuple(tokens), tuple(_marks(tokenizer)))


def _marks(tokenizer: Tokenizer) -> Iterable[tuple[str, str]]:
    """What in the tokens of a vocabulary is a mark and no text."""
    parts = _parts(tokenizer)
    prefix = parts.get("continuing_subword_prefix")
    if prefix:
        yield prefix, "goes on with the word before it; not unknown, and not part of the text"
    if parts.get("end_of_word_suffix"):
        yield str(parts["end_of_word_suffix"]), "ends a word"
    if tokenizer.byte_level:
        yield "\u0120", "the letter for the byte of a space: such a token begins a word after a space"
        yield (
            "\ufffd",
            "what decoding shows for bytes that are no whole character yet: half of one, not unknown",
        )
    vocabulary = tokenizer.inner.get_vocab()
    if any(token.startswith("\u2581") for token in vocabulary):
        yield "\u2581", "stands for the space before a word; decoding a token alone loses it"
    if "<0xE2>" in vocabulary:
        yield "<0xE2>", "one byte of a character that the vocabulary lacks"


def method(tokenizer: Tokenizer, text: str) -> Method:
    """How a tokenizer works, and what it did to a text. BadInput for a lone surrogate."""
    text = usable_text(text)
    backend = getattr(tokenizer.inner, "backend_tokenizer", None)
    normalized, chunks = text, [text] if text else []
    if backend is not None:
        if backend.normalizer is not None:
            normalized = str(backend.normalizer.normalize_str(text))
        if backend.pre_tokenizer is not None:
            chunks = [chunk for chunk, _ in backend.pre_tokenizer.pre_tokenize_str(normalized)]
        else:
            chunks = [normalized] if normalized else []
    # Some cut nothing beforehand; a merge across words is rare there, and a word can be followed.
    words = [word for chunk in chunks for word in re.split("(?<=.)(?=\u2581+)", chunk)]
    word = max(words, key=lambda one: len(_pieces(backend, one)), default="")
    return Method(
        tokenizer.name,
        tokenizer.algorithm,
        IDEAS.get(
            tokenizer.algorithm, "It has an algorithm of its own, which cannot be looked into from here."
        ),
        normalized if normalized != text else None,
        tuple(chunks),
        word,
        tuple(_steps(tokenizer, backend, word)),
    )


def splits(pieces: Sequence[Piece]) -> tuple[Split, ...]:
    """The characters of a text whose bytes are in several tokens."""
    found: list[Split] = []
    waiting: list[Piece] = []
    for piece in pieces:
        if piece.raw is None or not (piece.partial or waiting):
            waiting = []
            continue
        waiting.append(piece)
        whole = b"".join(it.raw or b"" for it in waiting)
        try:
            found.append(Split(tuple(waiting), whole.decode()))
        except UnicodeDecodeError:
            continue
        waiting = []
    return tuple(found)


def _pieces(backend: Any, chunk: str) -> list[str]:
    """The tokens of one chunk, by the model alone."""
    if backend is None or not chunk:
        return []
    try:
        return [token.value for token in backend.model.tokenize(chunk)]
    except Exception:  # noqa: BLE001 - a model written for other chunks says so in its own ways
        return []


def _steps(tokenizer: Tokenizer, backend: Any, word: str) -> list[str]:
    pieces = _pieces(backend, word)
    if not pieces or len(word) > MOST_LETTERS:
        return []
    parts = _parts(tokenizer)
    match type(backend.model).__name__:
        case "BPE" if parts.get("ignore_merges") and pieces == [word]:
            return [f"{word}  is in the vocabulary as a whole"]
        case "BPE":
            return _merged(word, parts)[:MOST_STEPS]
        case "WordPiece":
            return _matched(word, pieces, str(parts.get("continuing_subword_prefix") or ""))
        case "Unigram":
            scores = {token: float(score) for token, score in parts.get("vocab", ())}
            known = [f"{piece}  ln p = {scores[piece]:.1f}" for piece in pieces if piece in scores]
            total = sum(scores.get(piece, 0.0) for piece in pieces)
            return [*known, f"together  ln p = {total:.1f}"] if len(known) == len(pieces) else known
        case _:
            return []


def _merged(word: str, parts: dict[str, Any]) -> list[str]:
    """The word after each merge, the earliest learnt pair first, beginning with its letters."""
    ranks = _ranks(parts)
    letters = list(word)
    steps = [" ".join(letters)]
    while len(letters) > 1:
        pairs = [(ranks.get(pair), at) for at, pair in enumerate(pairwise(letters))]
        known = [(rank, at) for rank, at in pairs if rank is not None]
        if not known:
            break
        _, at = min(known)
        letters[at : at + 2] = [letters[at] + letters[at + 1]]
        steps.append(" ".join(letters))
    return steps


def _matched(word: str, pieces: Sequence[str], prefix: str) -> list[str]:
    """What is left of the word before each longest match, and the match."""
    bare = [piece.removeprefix(prefix) if at else piece for at, piece in enumerate(pieces)]
    if "".join(bare) != word:
        return [f"{word}  has a part that is not in the vocabulary: {' '.join(pieces)}"]
    steps, left = [], word
    for piece, matched in zip(pieces, bare, strict=True):
        steps.append(f"{left}  longest match: {piece}")
        left = left[len(matched) :]
    return steps


_KNOWN: WeakKeyDictionary[Tokenizer, dict[str, Any]] = WeakKeyDictionary()


def _parts(tokenizer: Tokenizer) -> dict[str, Any]:
    """The model's own part of tokenizer.json, which holds its merges or scores."""
    if tokenizer not in _KNOWN:
        backend = getattr(tokenizer.inner, "backend_tokenizer", None)
        try:
            _KNOWN[tokenizer] = json.loads(backend.to_str())["model"] if backend is not None else {}
        except Exception:  # noqa: BLE001 - a part written in Python cannot be serialised
            _KNOWN[tokenizer] = {}
    return _KNOWN[tokenizer]


def _ranks(parts: dict[str, Any]) -> dict[tuple[str, str], int]:
    if "ranks" not in parts:
        merges = (
            tuple(it.split(" ", 1)) if isinstance(it, str) else tuple(it) for it in parts.get("merges", ())
        )
        parts["ranks"] = {merge: rank for rank, merge in enumerate(merges)}
    ranks: dict[tuple[str, str], int] = parts["ranks"]
    return ranks
