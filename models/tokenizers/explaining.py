"""Explains a tokenizer's special tokens, and how it arrived at the tokens of a text.

Everything is derived from the tokenizer itself: the roles of a token, what is added around a text, and the merges,
matches or probabilities behind the tokens of a word. Steps that cannot be reproduced exactly are omitted.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from weakref import WeakKeyDictionary

from tokenizers import Encoding, PreTokenizedString
from tokenizers import Tokenizer as Backend

from models.failures import BadInput
from models.results import Aspect, Explanation, Mark, Method, Role, Specials, SpecialToken
from models.text import usable_text
from models.tokenizers.panics import panics_as_errors
from models.tokenizers.tokenizer import PretrainedTokenizer, Tokenizer, backend_of, model_state

MOST_LETTERS = 60
"""Maximum letters in a word whose steps are shown; longer explanations would be unreadable."""

ROLES = {
    "cls_token": Role.CLS,
    "bos_token": Role.BOS,
    "sep_token": Role.SEP,
    "eos_token": Role.EOS,
    "mask_token": Role.MASK,
    "pad_token": Role.PAD,
    "unk_token": Role.UNKNOWN,
}
"""The roles that transformers names."""
_GAP = re.compile(r"<extra_id_\d+>")


def special_tokens(tokenizer: Tokenizer, ids: Sequence[int]) -> Specials:
    """The special tokens of a tokenizer, and how often each occurs in `ids`."""
    added = {number for number in _around(tokenizer) if number in tokenizer.special_ids}
    tokens = []
    for number in tokenizer.special_ids:
        token = str(tokenizer.inner.convert_ids_to_tokens(number))
        roles = tuple(_roles(tokenizer, token, is_added=number in added))
        here = sum(other == number for other in ids)
        tokens.append(SpecialToken(token, number, roles, here, number in added))
    tokens.sort(key=lambda token: (not token.here, token.roles[0] in {Role.GAP, Role.RESERVED}, token.id))
    return Specials(tokenizer.name, tuple(tokens), tuple(_marks(tokenizer)))


def _around(tokenizer: Tokenizer) -> list[int]:
    """The ids of an arbitrary short text, including the tokens that are added around it."""
    try:
        return tokenizer.ids("a")
    except BadInput:
        return tokenizer.ids("")  # the vocabulary has neither that letter nor an unknown token


def _roles(tokenizer: Tokenizer, token: str, *, is_added: bool) -> Iterator[Role]:
    """The roles of a special token; `is_added` means that the tokenizer adds it to every text."""
    named = [role for name, role in ROLES.items() if getattr(tokenizer.inner, name, None) == token]
    for role in named:
        if role is Role.UNKNOWN and tokenizer.spells_bytes:
            yield Role.NEVER_UNKNOWN
        elif role is Role.BOS and not is_added:
            yield Role.BOS_LEFT_OUT
        else:
            yield role
    if not named:
        yield Role.GAP if _GAP.fullmatch(token) else Role.RESERVED


def _marks(tokenizer: Tokenizer) -> Iterator[tuple[str, Mark]]:
    """The marks in the tokens of a vocabulary that are not text."""
    state = _state(tokenizer)
    vocabulary = tokenizer.inner.get_vocab()
    if state.continuing_prefix:
        yield state.continuing_prefix, Mark.CONTINUES
    if state.word_end:
        yield state.word_end, Mark.WORD_END
    if tokenizer.byte_level:
        yield "\u0120", Mark.SPACE_BYTE
    if any(token.startswith("\u2581") for token in vocabulary):
        yield "\u2581", Mark.SPACE
    if "<0xE2>" in vocabulary:
        yield "<0xE2>", Mark.BYTE
    if tokenizer.byte_level or "<0xE2>" in vocabulary:
        yield "\ufffd", Mark.HALF_CHARACTER


def method(tokenizer: Tokenizer, text: str) -> Method:
    """How a tokenizer works, and what it did to a text. Raises BadInput for a lone surrogate."""
    text = usable_text(text)
    backend = backend_of(tokenizer.inner)
    if backend is None:
        return Method(tokenizer.name, tokenizer.algorithm, None, (), (), "", ())
    encoding = backend.encode(text, add_special_tokens=False)
    whole = list(_taken_whole(tokenizer.inner, text, encoding))
    normalized, chunks = _cut(backend, text, [place for _, place in whole])
    word, ids = _telling(tokenizer, backend, chunks, encoding.ids)
    return Method(
        tokenizer.name,
        tokenizer.algorithm,
        normalized if normalized != text else None,
        tuple(token for token, _ in whole),
        tuple(chunks),
        word,
        tuple(_steps(tokenizer, backend, word, ids)),
    )


def _taken_whole(
    tokenizer: PretrainedTokenizer, text: str, encoding: Encoding
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Special and other added tokens spelt out in the text, with their positions: they are matched before others."""
    added = tokenizer.added_tokens_decoder
    for number, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
        token = str(added.get(number, ""))
        # An unknown token stands for text other than its own spelling.
        if token and (number != tokenizer.unk_token_id or text[start:end].strip() == token):
            yield token, (start, end)


def _cut(backend: Backend, text: str, whole: Sequence[tuple[int, int]]) -> tuple[str, list[str]]:
    """The normalized text, including tokens taken whole, and the chunks that the model receives."""
    rest = PreTokenizedString(text)
    edges = [0, *(at for place in whole for at in place), len(text)]
    between = [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]
    rest.split(lambda _, whole_text: [whole_text[start:end] for start, end in between])
    if backend.normalizer is not None:
        rest.normalize(backend.normalizer.normalize)
    normal = {place[0]: part for part, place, _ in rest.get_splits("original", "char")}
    normal |= {start: text[start:end] for start, end in whole}
    if backend.pre_tokenizer is not None:
        backend.pre_tokenizer.pre_tokenize(rest)
    chunks = [part for part, _, _ in rest.get_splits("original", "char") if part]
    return "".join(normal[start] for start in sorted(normal)), chunks


def _telling(
    tokenizer: Tokenizer, backend: Backend, chunks: Sequence[str], ids: Sequence[int]
) -> tuple[str, list[int]]:
    """The most instructive word, with its tokens: the one with the most merges, or the most tokens if the model does
    not merge. Words with letters are preferred.
    """
    state = _state(tokenizer)
    merging = type(backend.model).__name__ == "BPE"

    def told(word: str) -> tuple[bool, int]:
        tokens = ids_of[word]
        merges = len(_before_merging(word, state)) - len(tokens) if merging else len(tokens)
        return any(character.isalpha() for character in word), merges

    # Without a pre-tokenizer, words still begin with their mark, and tokens rarely cross one.
    words = dict.fromkeys(word for chunk in chunks for word in re.split("(?<=[^\u2581])(?=\u2581)", chunk))
    ids_of = {word: _ids(backend, word) for word in words if len(word) <= MOST_LETTERS}
    all_ids = f",{','.join(map(str, ids))},"
    for word in sorted(ids_of, key=told, reverse=True):
        # If a token does cross a mark, the word's own tokens do not occur in the text.
        if ids_of[word] and f",{','.join(map(str, ids_of[word]))}," in all_ids:
            return word, ids_of[word]
    return "", []


def _ids(backend: Backend, word: str) -> list[int]:
    """The tokens of a single word, from the model alone."""
    try:
        with panics_as_errors():
            return [token.id for token in backend.model.tokenize(word)] if word else []
    except Exception:  # noqa: BLE001 - models raise various errors for words that they do not support
        return []


def _steps(tokenizer: Tokenizer, backend: Backend, word: str, ids: Sequence[int]) -> list[str]:
    pieces = [str(backend.model.id_to_token(number)) for number in ids]
    state = _state(tokenizer)
    match type(backend.model).__name__ if pieces else "":
        case "BPE" if state.ignores_merges and pieces == [word]:
            return [f"{word}  is in the vocabulary as a whole"]
        case "BPE":
            steps = list(_merged(word, state))
            # If the tokens arose in another way, for example with dropout, these steps explain nothing.
            return [step for step, _ in steps] if steps[-1][1] == pieces else []
        case "WordPiece":
            return _matched(word, pieces, state.continuing_prefix)
        case "Unigram":
            return _weighed(word, pieces, state.scores)
        case "WordLevel":
            return [f"{word}  is {'' if pieces == [word] else 'not '}in the vocabulary: {pieces[0]}"]
        case _:
            return []


def _merged(word: str, state: _ModelState) -> Iterator[tuple[str, list[str]]]:
    """The word in letters if its initial tokens differ from these, then its tokens before each merge and after the
    last.

    Yields each step as text, with the next pair to merge in brackets, and as tokens.
    """
    tokens = _before_merging(word, state)
    if tokens != list(word):
        yield " ".join(word), list(word)
    while known := [
        (state.ranks[pair], at) for at, pair in enumerate(pairwise(tokens)) if pair in state.ranks
    ]:
        _, at = min(known)
        pair = f"[{tokens[at]} {tokens[at + 1]}]"
        yield " ".join([*tokens[:at], pair, *tokens[at + 2 :]]), list(tokens)
        tokens[at : at + 2] = [tokens[at] + tokens[at + 1].removeprefix(state.continuing_prefix)]
    yield " ".join(tokens), list(tokens)


def _before_merging(word: str, state: _ModelState) -> list[str]:
    """The initial tokens: one for each letter, or, for a letter without one, its bytes or the unknown token."""
    tokens: list[str] = []
    for at, letter in enumerate(word):
        prefix = state.continuing_prefix if at else ""
        token = f"{prefix}{letter}{state.word_end if at == len(word) - 1 else ''}"
        as_bytes = [f"<0x{byte:02X}>" for byte in token.encode()] if state.has_byte_fallback else []
        if token in state.entries:
            tokens.append(token)
        elif as_bytes and all(byte in state.entries for byte in as_bytes):
            tokens += as_bytes
        elif state.unknown and not (state.fuses_unknown and tokens[-1:] == [state.unknown]):
            tokens.append(state.unknown)
    return tokens


def _matched(word: str, pieces: Sequence[str], prefix: str) -> list[str]:
    """What remains of the word before each longest match, and the match."""
    bare = [piece.removeprefix(prefix) if at else piece for at, piece in enumerate(pieces)]
    if "".join(bare) != word:
        return [f"{word}  has a part that is not in the vocabulary: {' '.join(pieces)}"]
    steps, left = [], word
    for piece, matched in zip(pieces, bare, strict=True):
        steps.append(f"{left}  longest match: {piece}")
        left = left[len(matched) :]
    return steps


def _weighed(word: str, pieces: Sequence[str], scores: dict[str, float]) -> list[str]:
    """The log-probability of each token, their sum, and that of the next best segmentation of the word."""
    if "".join(pieces) != word:
        return [f"{word}  has a part that is not in the vocabulary: {' '.join(pieces)}"]
    ways = _ways(word, scores)
    if not ways or ways[0][1] != tuple(pieces):
        return []
    single = [f"{piece}  ln p = {scores[piece]:.1f}" for piece in pieces]
    sums = [f"{' '.join(way)}  ln p = {total:.1f}" for total, way in ways]
    return [*single, f"best: {sums[0]}", *(f"next best: {other}" for other in sums[1:])]


def _ways(word: str, scores: dict[str, float]) -> list[tuple[float, tuple[str, ...]]]:
    """The two likeliest segmentations of a word, each with its log-probability, the better first."""
    best: list[list[tuple[float, tuple[str, ...]]]] = [[(0.0, ())]]
    for end in range(1, len(word) + 1):
        ways = [
            (total + scores[token], (*way, token))
            for start in range(end)
            if (token := word[start:end]) in scores
            for total, way in best[start]
        ]
        best.append(heapq.nlargest(2, ways, key=lambda way: way[0]))
    return best[-1]


@dataclass(frozen=True)
class _ModelState:
    """The model's part of tokenizer.json. `merges` are those of BPE, `scores` those of Unigram."""

    entries: frozenset[str]
    merges: tuple[tuple[str, ...], ...]
    scores: dict[str, float]
    continuing_prefix: str
    word_end: str
    unknown: str
    fuses_unknown: bool
    has_byte_fallback: bool
    ignores_merges: bool

    @cached_property
    def ranks(self) -> dict[tuple[str, ...], int]:
        """The rank of each merge, in the order in which they were learnt."""
        return {merge: rank for rank, merge in enumerate(self.merges)}


_STATES: WeakKeyDictionary[Tokenizer, _ModelState] = WeakKeyDictionary()


def _state(tokenizer: Tokenizer) -> _ModelState:
    if tokenizer not in _STATES:
        _STATES[tokenizer] = _read_state(tokenizer.inner)
    return _STATES[tokenizer]


def _read_state(tokenizer: PretrainedTokenizer) -> _ModelState:
    state = model_state(tokenizer)
    vocabulary, merges = state.get("vocab"), state.get("merges")
    pairs = vocabulary if isinstance(vocabulary, list) else []
    return _ModelState(
        entries=frozenset(vocabulary if isinstance(vocabulary, dict) else ()),
        merges=tuple(
            tuple(merge.split(" ", 1)) if isinstance(merge, str) else tuple(map(str, merge))
            for merge in (merges if isinstance(merges, list) else ())
        ),
        scores={str(token): float(score) for token, score in pairs},
        continuing_prefix=str(state.get("continuing_subword_prefix") or ""),
        word_end=str(state.get("end_of_word_suffix") or ""),
        unknown=str(state.get("unk_token") or ""),
        fuses_unknown=bool(state.get("fuse_unk")),
        has_byte_fallback=bool(state.get("byte_fallback")),
        ignores_merges=bool(state.get("ignore_merges")),
    )


def explain(tokenizer: Tokenizer, text: str, aspect: Aspect) -> Explanation:
    """One aspect of how a tokenizer treats a text. Raises BadInput like `Tokenizer.encode`."""
    text = usable_text(text)
    with tokenizer.answering(text):
        match aspect:
            case Aspect.PIECES | Aspect.BYTES:
                return tokenizer.tokenize(text)
            case Aspect.SPECIAL_TOKENS:
                return special_tokens(tokenizer, tokenizer.ids(text))
            case Aspect.METHOD:
                return method(tokenizer, text)
