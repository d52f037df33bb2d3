"""Word vectors: nearest words, sums of words, and a map of the neighbourhood."""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Self

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

import texts
from models.failures import (
    MissingTerm,
    NoNeighboursWanted,
    NoOtherWords,
    NotOneWord,
    NoWordGiven,
    NoWordsInFile,
    OnlyZeros,
    SumAmongWords,
    TooManyTerms,
    UnknownWord,
    WordsCancelOut,
    WordWithoutDirection,
    WrongNumberOfWords,
)
from models.files.names import label as label_of
from models.files.names import path_of
from models.pretrained import reading
from models.progress import Progress
from models.results import MapPoint, Neighbour, Neighbourhood, OddOne, Pair
from models.specs import WordsSpec
from models.text import usable_text
from models.words import formats
from models.words.formats import Vectors

MAX_NEIGHBOURS = 1000
"""Maximum number of neighbours per request."""
MAX_TERMS = 32
"""Maximum number of words in a sum or a list."""
MIN_LISTED = 3
"""Minimum number of words for finding the odd one out."""
_SIGNS = str.maketrans(
    {
        "\N{MINUS SIGN}": "-",
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{FULLWIDTH PLUS SIGN}": "+",
        "\N{FULLWIDTH HYPHEN-MINUS}": "-",
    }
)
_QUOTES = "\"'`\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
_ZERO_NORM = 1e-6
"""Length below which a sum of unit vectors has no direction."""


class WordVectors:
    """A vocabulary with a vector for each word, most frequent words first. Not thread-safe."""

    device = "cpu"

    def __init__(self, vectors: Vectors, name: str, zeros: Collection[str] = ()) -> None:
        """`zeros` are known words without a direction: queries for them fail, and no result contains them."""
        self._vectors = vectors
        self._zeros = frozenset(zeros)
        self.name = name
        self.dtype = str(vectors.vectors.dtype)
        self.memory = int(vectors.vectors.nbytes)

    @classmethod
    def load(cls, spec: WordsSpec, progress: Progress | None = None) -> Self:
        """Raises NotThere if the vectors do not exist, and ModelError if they cannot be read safely."""
        path = formats.locate(spec)
        label = path.name if path_of(spec.name) == path else label_of(spec.name)
        if progress:
            progress(texts.say("progress-reading-vectors", name=label), None)
        with reading(label, chatty=False):
            vectors, zeros = formats.load(spec, path, label)
        if not len(vectors):
            raise OnlyZeros(label) if zeros else NoWordsInFile(label)
        return cls(vectors, label, zeros)

    def __len__(self) -> int:
        return len(self._vectors)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.resolve(word) is not None

    @property
    def detail(self) -> str:
        return texts.say("words-detail", words=len(self), size=self._vectors.vector_size)

    def resolve(self, word: str) -> str | None:
        """The word in the vocabulary's spelling: unchanged, in another case, or with its spaces joined; None if
        unknown.
        """
        for form in _forms(word):
            if form in self._vectors.key_to_index or form in self._zeros:
                return form
        return None

    def similar(self, query: str, n: int = 10, *, by_vector: bool = False) -> Neighbourhood:
        """The `n` nearest words by cosine to a word, or to a sum such as `king - man + woman`.

        The words of the query are excluded from the result, unless the query is for the vector alone (`by_vector`):
        then a word is its own nearest neighbour, with cosine 1. Returns at most MAX_NEIGHBOURS results. Raises BadInput
        for a query that cannot be answered; UnknownWord includes suggestions.
        """
        if n < 1:
            raise NoNeighboursWanted
        positive, negative = self._parse(usable_text(query))
        asked = [*positive, *negative]
        if not by_vector and not len(self) > len(set(asked)):
            raise NoOtherWords
        mean = self._vectors.get_mean_vector(
            positive + negative, [1.0] * len(positive) + [-1.0] * len(negative)
        )
        if float(np.linalg.norm(mean)) < _ZERO_NORM:
            raise WordsCancelOut
        topn = min(n, MAX_NEIGHBOURS)
        if by_vector:
            nearest = self._vectors.most_similar(positive=[mean], topn=topn)
        else:
            nearest = self._vectors.most_similar(positive=positive, negative=negative, topn=topn)
        neighbours = tuple(Neighbour(word, _cosine(score)) for word, score in nearest)
        points, explained = self._map(
            list(dict.fromkeys(asked)), [neighbour.word for neighbour in neighbours]
        )
        return Neighbourhood(
            self.name, query, tuple(positive), tuple(negative), neighbours, points, explained, by_vector
        )

    def ask(self, query: str, n: int = 10, *, by_vector: bool = False) -> Neighbourhood | Pair | OddOne:
        """Answer a word or a sum (`similar`), two words separated by a comma (`pair`), or more (`odd_one_out`)."""
        words = self._listed(usable_text(query))
        if len(words) == 1:
            return self.similar(query, n, by_vector=by_vector)
        if any(sign in word.split() for word in words for sign in "+-"):
            raise SumAmongWords
        match words:
            case [first, second]:
                return self.pair(first, second)
            case _:
                return self.odd_one_out(words)

    def pair(self, first: str, second: str) -> Pair:
        """The cosine of two words, and each one's rank among the other's neighbours. Raises UnknownWord."""
        one, other = (self._known(_unquoted(word.strip())) for word in (first, second))
        return Pair(
            self.name,
            one,
            other,
            _cosine(self._vectors.similarity(one, other)),
            self._rank(one, other),
            self._rank(other, one),
            len(self),
        )

    def odd_one_out(self, words: Sequence[str]) -> OddOne:
        """The word that fits least: its vector is furthest from the mean of all, as in gensim's `doesnt_match`.

        Raises WrongNumberOfWords unless there are MIN_LISTED to MAX_TERMS different words, and UnknownWord.
        """
        known = list(dict.fromkeys(self._known(_unquoted(word.strip())) for word in words))
        if not MIN_LISTED <= len(known) <= MAX_TERMS:
            raise WrongNumberOfWords(MIN_LISTED, MAX_TERMS)
        points, explained = self._map(known, [])
        ranked = self._vectors.rank_by_centrality(known)
        cosines = tuple(Neighbour(word, _cosine(score)) for score, word in ranked)
        return OddOne(self.name, cosines, points, explained)

    def _listed(self, query: str) -> list[str]:
        """The words between commas, or the whole query if it is in the vocabulary, since words may contain commas."""
        if self.resolve(_unquoted(query.strip())):
            return [query]
        parts = [part.strip() for part in re.split("[,\N{FULLWIDTH COMMA}]", query)]
        return [part for part in parts if part] or [query]

    def _rank(self, word: str, other: str) -> int:
        """The rank, from 1, of `other` among the neighbours of `word`; 0 for the word itself."""
        if word == other:
            return 0
        cosines = self._vectors.most_similar(positive=word, topn=None)
        index = self._vectors.key_to_index
        cosines[index[word]] = -np.inf
        return 1 + int((cosines > cosines[index[other]]).sum())

    def suggest(self, typed: str, limit: int = 25) -> list[str]:
        """Completions of a word: as typed if it is known, then words with that prefix by frequency, then similar spellings."""
        prefix = casefolded(typed)
        if not prefix or limit < 1:
            return []
        exact = self.resolve(typed)
        words = self._index.prefix(prefix, limit + 1)
        if len(set(words)) < limit:
            words += self._index.similar(prefix, limit)
        others = [word for word in dict.fromkeys(words) if word != exact]
        return [*([typed] if exact else []), *others][:limit]

    def probe(self) -> None:
        self._index  # noqa: B018 - build it now, so that no autocomplete request has to wait
        if len(self) > 1:
            self._vectors.most_similar(positive=self._vectors.index_to_key[0], topn=1)

    @cached_property
    def _index(self) -> _SpellingIndex:
        return _SpellingIndex(self._vectors.index_to_key)

    def _known(self, word: str) -> str:
        if (known := self.resolve(word)) is None:
            raise UnknownWord(word, tuple(self._index.similar(casefolded(word), 3)))
        return self._directed(known)

    def _directed(self, word: str) -> str:
        """A word of the vocabulary. Raises WordWithoutDirection if its vector is all zeros."""
        if word in self._zeros:
            raise WordWithoutDirection(word)
        return word

    def _parse(self, query: str) -> tuple[list[str], list[str]]:
        """The words to add and the words to subtract, in the vocabulary's spelling."""
        if whole := self.resolve(_unquoted(query.strip())):
            return [self._directed(whole)], []
        sides: dict[str, list[str]] = {"+": [], "-": []}
        sign, words = "+", ""
        for part in [*self._parts(query), "+"]:
            if part not in sides:
                words = f"{words} {part}".strip()
                continue
            if words:
                sides[sign].append(self._term(words))
            elif any(sides.values()) or sign == "-":
                raise MissingTerm
            sign, words = part, ""
        if not any(sides.values()):
            raise NoWordGiven
        if sum(map(len, sides.values())) > MAX_TERMS:
            raise TooManyTerms(MAX_TERMS)
        return sides["+"], sides["-"]

    def _term(self, words: str) -> str:
        """A word, or several that the vocabulary joins into one (new york: new_york)."""
        if " " not in words:
            return self._known(words)
        if joined := self.resolve(words):
            return self._directed(joined)
        for word in words.split():
            self._known(word)
        raise NotOneWord(words)

    def _parts(self, query: str) -> list[str]:
        """Words and signs. A sign inside a chunk counts only if the whole chunk is not a word."""
        parts: list[str] = []
        for chunk in query.translate(_SIGNS).split():
            if chunk in {"+", "-"} or self.resolve(_unquoted(chunk)):
                parts.append(_unquoted(chunk))
            else:
                parts += self._split(chunk)
        return parts

    def _split(self, chunk: str) -> list[str]:
        """Split `king-man+woman` into the longest pieces in the vocabulary: `rock-and-roll+jazz` gives two words."""
        pieces = [_unquoted(piece) for piece in re.split(r"([+-])", chunk)]
        parts: list[str] = []
        start = 0
        while start < len(pieces):
            ends = range(len(pieces), start + 1, -1)
            known = (end for end in ends if self.resolve("".join(pieces[start:end])))
            end = next(known, start + 1)
            parts.append("".join(pieces[start:end]))
            start = end
        parts = [part for part in parts if part]
        words = [part for part in parts if part not in {"+", "-"}]
        # An unknown hyphenated word is still one word, unless all its parts are known.
        inner = parts[1:] if parts and parts[0] in {"+", "-"} else parts
        if "+" not in inner and not all(self.resolve(word) for word in words):
            return [*parts[: len(parts) - len(inner)], "".join(inner)] if inner else parts
        return parts

    def _map(self, asked: list[str], others: list[str]) -> tuple[tuple[MapPoint, ...], float]:
        """Points on the first two principal components of the words' unit vectors, and the share of variance kept."""
        words = asked + [word for word in others if word not in asked]
        rows = np.stack([self._vectors.get_vector(word, norm=True) for word in words]).astype(np.float64)
        rows -= rows.mean(axis=0)
        _, lengths, axes = np.linalg.svd(rows, full_matrices=False)
        coordinates = np.zeros((len(words), 2))
        for number, axis in enumerate(axes[:2]):
            # The sign of an axis is arbitrary; without a rule the map would sometimes be mirrored.
            sign = 1.0 if axis[np.abs(axis).argmax()] >= 0 else -1.0
            coordinates[:, number] = rows @ axis * sign
        spread = float((lengths**2).sum())
        explained = float((lengths[:2] ** 2).sum()) / spread if spread > 0 else 0.0
        points = tuple(
            MapPoint(word, float(x), float(y), word in asked)
            for word, (x, y) in zip(words, coordinates, strict=True)
        )
        return points, min(1.0, explained)


class _SpellingIndex:
    """Words by prefix and edit distance. `words` are sorted by frequency, and so are the results."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        # Most words are casefolded already; these are not stored twice.
        self._folded = [word if (folded := casefolded(word)) == word else folded for word in words]
        self._order = np.array(sorted(range(len(words)), key=self._folded.__getitem__), dtype=np.int64)
        self._sorted = [self._folded[index] for index in self._order]
        self._by_length: dict[int, tuple[list[str], array[int]]] = {}
        for index, word in enumerate(self._folded):
            same_length, indices = self._by_length.setdefault(len(word), ([], array("q")))
            same_length.append(word)
            indices.append(index)

    def prefix(self, folded: str, limit: int) -> list[str]:
        start = bisect_left(self._sorted, folded)
        end = bisect_left(self._sorted, folded + "\U0010ffff")
        indices = self._order[start:end]
        if len(indices) > limit:
            indices = np.partition(indices, limit)[:limit]
        return [self._words[index] for index in np.sort(indices)]

    def similar(self, folded: str, limit: int) -> list[str]:
        """Words in which at most a third of the letters (rounded up) differ, the most similar first."""
        # With every letter changed it would be a different word.
        most = min(3, (len(folded) + 2) // 3, len(folded) - 1)
        matches: list[tuple[int, int]] = []
        for length in range(max(1, len(folded) - most), len(folded) + most + 1):
            words, indices = self._by_length.get(length, ([], array("q")))
            extracted = process.extract(
                folded, words, scorer=OSA.distance, processor=None, score_cutoff=most, limit=limit
            )
            matches += [(int(distance), indices[position]) for _, distance, position in extracted]
        return [self._words[index] for _, index in sorted(matches)[:limit]]


def casefolded(word: str) -> str:
    """A word without differences that people do not type: case, compatibility forms, outer spaces."""
    return unicodedata.normalize("NFKC", word).casefold().strip()


def _cosine(value: float) -> float:
    """Rounding may take a cosine slightly out of [-1, 1]."""
    return max(-1.0, min(1.0, float(value)))


def _forms(word: str) -> list[str]:
    """Possible spellings of a word in a vocabulary, the likeliest first."""
    forms: list[str] = []
    for spaced in dict.fromkeys((word, unicodedata.normalize("NFC", word), casefolded(word))):
        for cased in (spaced, spaced.lower(), spaced.capitalize(), spaced.title(), spaced.upper()):
            if " " not in cased:
                forms.append(cased)
                continue
            parts = cased.split()
            forms += [cased, "_".join(parts), "-".join(parts), "".join(parts)]
    return list(dict.fromkeys(forms))


def _unquoted(word: str) -> str:
    inner = word[1:-1]
    return inner if inner and word[0] in _QUOTES and word[-1] in _QUOTES else word
