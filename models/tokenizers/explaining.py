"""What a tokenizer's special tokens mean, and how it came to the tokens of a text.

Everything is read off the tokenizer itself: which roles a token has, what is put around a text, which merges, matches or
probabilities led to the tokens of a word. What cannot be followed exactly is not told.
"""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any
from weakref import WeakKeyDictionary

from tokenizers import PreTokenizedString

from models.results import Aspect, Explanation, Method, Specials, SpecialToken
from models.text import usable_text
from models.tokenizers.tokenizer import Tokenizer

MOST_LETTERS = 60
"""Letters of a word whose steps are told; longer ones would not be read anyway."""

ROLES = {
    "cls_token": "stands with every text, mostly before it; a classifier reads its answer from this token's vector",
    "bos_token": "beginning of a text",
    "sep_token": "stands after a text, and between two of them",
    "eos_token": "end of a text: a model that writes it has finished",
    "mask_token": "a blank: in training the model guessed which token stood there",
    "pad_token": "fills shorter texts of a batch up to the length of the longest; the model is told not to look at it",
    "unk_token": "stands for whatever the vocabulary cannot spell",
}
NEVER_UNKNOWN = "declared for what cannot be spelt, but never needed: every byte has a token of its own"
NOT_PUT = ", which this tokenizer leaves out by itself"
GAP = (
    "a numbered gap: in training, stretches of the text were cut out, and the model wrote what stood in each"
)
RESERVED = "reserved by whoever made the tokenizer, such as for the turns of a chat"
_GAP = re.compile(r"<extra_id_\d+>")

_MERGES = (
    "then, again and again, the neighbouring pair that was learnt first, because it was the most frequent in training, is"
    " merged into one token, until no known pair is left."
)
_LIKELIEST = (
    "Every token has a probability p from training. Of all ways to cut a word, the one whose tokens have the highest product"
    " of probabilities is taken: their logarithms are added up, and the sum nearest to 0 wins."
)
IDEAS = {
    "byte-level BPE": "The text is taken as bytes, each written as a letter of its own: \u0120 is the byte of a space, and"
    f" letters outside ASCII are several bytes. Each word begins as single bytes; {_MERGES}",
    "BPE": f"Each word begins as single characters; {_MERGES}",
    "BPE with byte fallback": "Each word begins as single characters, and those that the vocabulary lacks as their bytes of"
    f" UTF-8, such as <0xE2>; {_MERGES}",
    "WordPiece": "From the left, each word takes the longest beginning that is in the vocabulary, then the longest that goes"
    " on from there, marked with ##. A word with a part that is not there becomes one unknown token as a whole.",
    "Unigram": _LIKELIEST,
    "Unigram with byte fallback": f"{_LIKELIEST} Characters that the vocabulary lacks are spelt as their bytes of UTF-8, such as"
    " <0xE2>.",
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
        meanings = [_meaning(tokenizer, role, put=number in added) for role in roles]
        other = GAP if _GAP.fullmatch(token) else RESERVED
        here = sum(it == number for it in ids)
        tokens.append(SpecialToken(token, number, tuple(meanings) or (other,), here, number in added))
    tokens.sort(key=lambda it: (not it.here, it.meanings[0] in {GAP, RESERVED}, it.id))
    return Specials(tokenizer.name, tuple(tokens), tuple(_marks(tokenizer)))


def _meaning(tokenizer: Tokenizer, role: str, *, put: bool) -> str:
    if role == "unk_token" and tokenizer.spells_bytes:
        return NEVER_UNKNOWN
    return ROLES[role] + (NOT_PUT if role == "bos_token" and not put else "")


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
    vocabulary = tokenizer.inner.get_vocab()
    if any(token.startswith("\u2581") for token in vocabulary):
        yield "\u2581", "stands for the space before a word; decoding a token alone loses it"
    if "<0xE2>" in vocabulary:
        yield "<0xE2>", "one byte of a character that the vocabulary lacks"
    if tokenizer.byte_level or "<0xE2>" in vocabulary:
        yield (
            "\ufffd",
            "what decoding shows for bytes that are no whole character by themselves; not unknown, and together they are one",
        )


def method(tokenizer: Tokenizer, text: str) -> Method:
    """How a tokenizer works, and what it did to a text. BadInput for a lone surrogate."""
    text = usable_text(text)
    idea = IDEAS.get(
        tokenizer.algorithm, "It has an algorithm of its own, which cannot be looked into from here."
    )
    backend = getattr(tokenizer.inner, "backend_tokenizer", None)
    if backend is None:
        return Method(tokenizer.name, tokenizer.algorithm, idea, None, (), (), "", ())
    encoding = backend.encode(text, add_special_tokens=False)
    whole = list(_taken_whole(tokenizer, text, encoding))
    normalized, chunks = _cut(backend, text, [place for _, place in whole])
    word, ids = _hardest(backend, chunks, encoding.ids)
    return Method(
        tokenizer.name,
        tokenizer.algorithm,
        idea,
        normalized if normalized != text else None,
        tuple(token for token, _ in whole),
        tuple(chunks),
        word,
        tuple(_steps(tokenizer, backend, word, ids)),
    )


def _taken_whole(tokenizer: Tokenizer, text: str, encoding: Any) -> Iterable[tuple[str, tuple[int, int]]]:
    """Special and other added tokens that the text itself spells, with their places in it: they are found before all else."""
    added = tokenizer.inner.added_tokens_decoder
    for number, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
        token = str(added.get(number, ""))
        # An unknown token stands for what it does not spell.
        if token and (number != tokenizer.inner.unk_token_id or text[start:end].strip() == token):
            yield token, (start, end)


def _cut(backend: Any, text: str, whole: Sequence[tuple[int, int]]) -> tuple[str, list[str]]:
    """The text as the normalizer leaves it, tokens taken whole included, and the parts that the model gets."""
    rest = PreTokenizedString(text)
    edges = [0, *(at for place in whole for at in place), len(text)]
    between = [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]
    rest.split(lambda _, it: [it[start:end] for start, end in between])
    if backend.normalizer is not None:
        rest.normalize(backend.normalizer.normalize)
    normal = {place[0]: part for part, place, _ in rest.get_splits("original", "char")}
    normal |= {start: text[start:end] for start, end in whole}
    if backend.pre_tokenizer is not None:
        backend.pre_tokenizer.pre_tokenize(rest)
    chunks = [part for part, _, _ in rest.get_splits("original", "char") if part]
    return "".join(normal[start] for start in sorted(normal)), chunks


def _hardest(backend: Any, chunks: Sequence[str], ids: Sequence[int]) -> tuple[str, list[int]]:
    """The word that came to most tokens, and these, as the model makes them of it alone."""
    # Where nothing is cut beforehand, words still begin with their mark, and hardly a token reaches over one.
    words = dict.fromkeys(word for chunk in chunks for word in re.split("(?<=[^\u2581])(?=\u2581)", chunk))
    made = {word: _ids(backend, word) for word in words if len(word) <= MOST_LETTERS}
    all_ids = f",{','.join(map(str, ids))},"
    for word in sorted(made, key=lambda it: -len(made[it])):
        # Should a token reach over after all, those of the word alone are not among those of the text.
        if made[word] and f",{','.join(map(str, made[word]))}," in all_ids:
            return word, made[word]
    return "", []


def _ids(backend: Any, word: str) -> list[int]:
    """The tokens of one word, by the model alone."""
    try:
        return [token.id for token in backend.model.tokenize(word)] if word else []
    except Exception:  # noqa: BLE001 - a model written for other words says so in its own ways
        return []


def _steps(tokenizer: Tokenizer, backend: Any, word: str, ids: Sequence[int]) -> list[str]:
    pieces = [str(backend.model.id_to_token(number)) for number in ids]
    parts = _parts(tokenizer)
    match type(backend.model).__name__ if pieces else "":
        case "BPE" if parts.get("ignore_merges") and pieces == [word]:
            return [f"{word}  is in the vocabulary as a whole"]
        case "BPE":
            steps = list(_merged(word, parts))
            # Where another way led to the tokens (dropout, or whatever comes to be invented), this one explains nothing.
            return [" ".join(step) for step in steps] if steps[-1] == pieces else []
        case "WordPiece":
            return _matched(word, pieces, str(parts.get("continuing_subword_prefix") or ""))
        case "Unigram":
            return _weighed(word, pieces, parts)
        case "WordLevel":
            return [f"{word}  is {'' if pieces == [word] else 'not '}in the vocabulary: {pieces[0]}"]
        case _:
            return []


def _merged(word: str, parts: dict[str, Any]) -> Iterable[list[str]]:
    """The word letter by letter, then in the tokens it begins with if those are others, then after each merge."""
    prefix = str(parts.get("continuing_subword_prefix") or "")
    ranks = _ranks(parts)
    yield list(word)
    tokens = _begun(word, prefix, parts)
    if tokens != list(word):
        yield list(tokens)
    while True:
        known = [(ranks[pair], at) for at, pair in enumerate(pairwise(tokens)) if pair in ranks]
        if not known:
            return
        _, at = min(known)
        tokens[at : at + 2] = [tokens[at] + tokens[at + 1].removeprefix(prefix)]
        yield list(tokens)


def _begun(word: str, prefix: str, parts: dict[str, Any]) -> list[str]:
    """What merging begins with: a token for each letter, or for each byte of a letter that has none, or an unknown one."""
    vocabulary, suffix, unknown = (
        parts["vocab"],
        str(parts.get("end_of_word_suffix") or ""),
        parts.get("unk_token"),
    )
    tokens: list[str] = []
    for at, letter in enumerate(word):
        token = f"{prefix if at else ''}{letter}{suffix if at == len(word) - 1 else ''}"
        spelt = [f"<0x{byte:02X}>" for byte in token.encode()] if parts.get("byte_fallback") else []
        if token in vocabulary:
            tokens.append(token)
        elif spelt and all(it in vocabulary for it in spelt):
            tokens += spelt
        elif unknown and not (parts.get("fuse_unk") and tokens[-1:] == [unknown]):
            tokens.append(str(unknown))
    return tokens


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


def _weighed(word: str, pieces: Sequence[str], parts: dict[str, Any]) -> list[str]:
    """The logarithm of each token's probability, their sum, and that of the next best way to cut the word."""
    scores = {str(token): float(score) for token, score in parts["vocab"]}
    if "".join(pieces) != word:
        return [f"{word}  has a part that is not in the vocabulary: {' '.join(pieces)}"]
    ways = _ways(word, scores)
    if not ways or ways[0][1] != tuple(pieces):
        return []
    single = [f"{piece}  ln p = {scores[piece]:.1f}" for piece in pieces]
    sums = [f"{' '.join(way)}  ln p = {total:.1f}" for total, way in ways]
    return [*single, f"best: {sums[0]}", *(f"next best: {it}" for it in sums[1:])]


def _ways(word: str, scores: dict[str, float]) -> list[tuple[float, tuple[str, ...]]]:
    """The two likeliest ways to cut a word, each with its sum of logarithms, the better first."""
    best: list[list[tuple[float, tuple[str, ...]]]] = [[(0.0, ())]]
    for end in range(1, len(word) + 1):
        ways = [
            (total + scores[token], (*way, token))
            for start in range(end)
            if (token := word[start:end]) in scores
            for total, way in best[start]
        ]
        best.append(heapq.nlargest(2, ways, key=lambda it: it[0]))
    return best[-1]


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


def _ranks(parts: dict[str, Any]) -> dict[tuple[str, ...], int]:
    if "ranks" not in parts:
        merges = (
            tuple(it.split(" ", 1)) if isinstance(it, str) else tuple(it) for it in parts.get("merges", ())
        )
        parts["ranks"] = {merge: rank for rank, merge in enumerate(merges)}
    ranks: dict[tuple[str, ...], int] = parts["ranks"]
    return ranks


def explain(tokenizer: Tokenizer, text: str, aspect: Aspect) -> Explanation:
    """One aspect of how a tokenizer treats a text."""
    match aspect:
        case Aspect.PIECES | Aspect.BYTES:
            return tokenizer.tokenize(text)
        case Aspect.SPECIAL_TOKENS:
            return special_tokens(tokenizer, tokenizer.ids(text))
        case Aspect.METHOD:
            return method(tokenizer, text)
