"""Typo-tolerant search over titles and artists."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from models.results import Song

MAX_TYPED = 200
MAX_TOKENS = 12
"""Maximum number of characters and distinct words in a query to consider."""
COMMON = 50
"""A word that occurs in this many songs is not treated as a typo."""
LONG = 12
"""Words with at least this many letters may have three typos."""
_EXACT, _PREFIX, _WORDS = range(3)
"""Ranks of results: the whole query is a title or artist, or a prefix of one, or its words occur in one."""


class Search:
    """Titles and artists by their words, tolerant of accents, case, punctuation, spaces and typos."""

    def __init__(self, songs: Sequence[Song], by_plays: NDArray[np.int64]) -> None:
        """`by_plays` contains the index of every song, most played first."""
        self._rank = np.empty(len(songs), np.int64)
        self._rank[by_plays] = np.arange(len(songs))
        titles = [searchable(song.title) for song in songs]
        artists = [searchable(song.artist) for song in songs]
        # Texts that a whole query may equal or be a prefix of.
        self._wholes = _Postings(
            (text, index)
            for index, (title, artist) in enumerate(zip(titles, artists, strict=True))
            for text in {title, artist, f"{title} {artist}", f"{artist} {title}"}
            if text.strip()
        )
        # Also without spaces, so that “acdc”, “theweeknd” and “bohemianrhapsody” are words too.
        self._words = _Postings(
            (word, index)
            for index, (title, artist) in enumerate(zip(titles, artists, strict=True))
            for word in {*title.split(), *artist.split(), title.replace(" ", ""), artist.replace(" ", "")}
            if word
        )

    def find(self, text: str, limit: int) -> list[int]:
        """Indices of songs: exact matches, then prefixes, words and typos; the most played first within each group."""
        query = searchable(text[:MAX_TYPED])
        tokens = list(dict.fromkeys(query.split()))[:MAX_TOKENS]
        if not tokens or limit < 1:
            return []
        has_all = np.ones(len(self._rank), bool)
        for token in tokens:
            has_token = np.zeros(len(self._rank), bool)
            has_token[self._words.beginning(token)] = True
            has_all &= has_token
        tier = np.full(len(self._rank), _WORDS, np.int64)
        tier[self._wholes.beginning(query)] = _PREFIX
        tier[self._wholes.exactly(query)] = _EXACT
        matches = np.flatnonzero(has_all | (tier < _WORDS))
        best = self._best(matches, tier[matches], limit)
        if len(best) < limit:
            best += [index for index in self._similar(tokens, limit + len(best)) if index not in set(best)]
        return best[:limit]

    def _best(self, songs: NDArray[np.int64], tier: NDArray[np.int64], limit: int) -> list[int]:
        """Songs sorted by tier, then by plays."""
        key = tier * len(self._rank) + self._rank[songs]
        if len(songs) > limit:
            chosen = np.argpartition(key, limit)[:limit]
            songs, key = songs[chosen], key[chosen]
        return [int(index) for index in songs[np.argsort(key)]]

    def _similar(self, tokens: list[str], limit: int) -> list[int]:
        """Songs with most of these words, or with words a few letters away from them."""
        score = np.zeros(len(self._rank), np.float32)
        for token in tokens:
            score += len(token) * self._similarity(token)
        joined = "".join(tokens)
        if len(tokens) > 1:
            score = np.maximum(score, len(joined) * self._similarity(joined))
        matches = np.flatnonzero(score >= 0.7 * len(joined))
        penalty = np.round((len(joined) - score[matches]) * 1000).astype(np.int64)
        return self._best(matches, penalty, limit)

    def _similarity(self, token: str) -> NDArray[np.float32]:
        """How well the best word of each song matches a word of the query, in [0, 1]."""
        similarity = np.zeros(len(self._rank), np.float32)
        exact = self._words.exactly(token)
        # Searching for typos takes most of the time, and a common word is not a typo.
        if len(exact) < COMMON:
            for songs, share in self._words.near(token):
                similarity[songs] = 0.95 * share
        similarity[self._words.beginning(token)] = 0.95
        similarity[exact] = 1.0
        return similarity


class _Postings:
    """Indices of songs by text, sorted by text."""

    def __init__(self, pairs: Iterable[tuple[str, int]]) -> None:
        songs: dict[str, list[int]] = {}
        for text, index in pairs:
            songs.setdefault(text, []).append(index)
        self._texts = sorted(songs)
        self._songs = np.array([index for text in self._texts for index in songs[text]], np.int64)
        lengths = [len(songs[text]) for text in self._texts]
        self._start = np.concatenate(([0], np.cumsum(lengths))).astype(int)
        self._by_length: dict[int, tuple[list[str], list[int]]] = {}
        for number, text in enumerate(self._texts):
            same_length, numbers = self._by_length.setdefault(len(text), ([], []))
            same_length.append(text)
            numbers.append(number)

    def exactly(self, text: str) -> NDArray[np.int64]:
        start = bisect_left(self._texts, text)
        return self._between(start, start + (start < len(self._texts) and self._texts[start] == text))

    def beginning(self, text: str) -> NDArray[np.int64]:
        return self._between(bisect_left(self._texts, text), bisect_left(self._texts, text + "\U0010ffff"))

    def near(self, text: str) -> Iterator[tuple[NDArray[np.int64], float]]:
        """The songs of texts a few letters away, with the share of letters that agree; the best last."""
        most = min(2, len(text) // 3) if len(text) < LONG else 3
        matches: list[tuple[int, int]] = []
        if most:
            for length in range(len(text) - most, len(text) + most + 1):
                texts, numbers = self._by_length.get(length, ([], []))
                extracted = process.extract(
                    text, texts, scorer=OSA.distance, processor=None, score_cutoff=most, limit=None
                )
                matches += [(int(distance), numbers[position]) for _, distance, position in extracted]
        for distance, number in sorted(matches, reverse=True):
            yield self._between(number, number + 1), 1 - distance / len(text)

    def _between(self, start: int, end: int) -> NDArray[np.int64]:
        return self._songs[self._start[start] : self._start[end]]


_ACCENTS = re.compile("[\N{COMBINING GRAVE ACCENT}-\N{COMBINING LATIN SMALL LETTER X}]")
_APOSTROPHES = re.compile("['`\N{RIGHT SINGLE QUOTATION MARK}]")
_PUNCTUATION = re.compile(r"[\W_]+")
# Nine titles in ten are ASCII, for which a table gives the same result in a fifth of the time.
_ASCII = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)} | {
    ord("'"): "",
    ord("`"): "",
}


def searchable(text: str) -> str:
    """A text normalized for searching: without accents, case, punctuation or repeated spaces."""
    if text.isascii():
        plain = text.translate(_ASCII)
    else:
        plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))
        plain = _PUNCTUATION.sub(" ", _APOSTROPHES.sub("", plain))
    words = " ".join(plain.split())
    return words or " ".join(text.casefold().split())  # nothing would be left of the band “!!!”
