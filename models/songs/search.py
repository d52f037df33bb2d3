"""Search over titles and artists, tolerant of what people do not type."""

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


class Search:
    """Titles and artists by their words, tolerant of accents, case, punctuation, blanks and typos."""

    def __init__(self, songs: Sequence[Song], by_plays: NDArray[np.int64]) -> None:
        self._rank = np.empty(len(songs), np.int64)
        self._rank[by_plays] = np.arange(len(songs))
        titles = [fold(song.title) for song in songs]
        artists = [fold(song.artist) for song in songs]
        # What a whole query may be, exactly or as a beginning.
        self._wholes = _Postings(
            (text, place)
            for place, (title, artist) in enumerate(zip(titles, artists, strict=True))
            for text in {title, artist, f"{title} {artist}", f"{artist} {title}"}
            if text.strip()
        )
        # Joined, so that “acdc”, “theweeknd” and “bohemianrhapsody” are words too.
        self._words = _Postings(
            (word, place)
            for place, (title, artist) in enumerate(zip(titles, artists, strict=True))
            for word in {*title.split(), *artist.split(), title.replace(" ", ""), artist.replace(" ", "")}
            if word
        )

    def find(self, text: str, limit: int) -> list[int]:
        """Places of songs, best first."""
        query = fold(text[:200])
        tokens = list(dict.fromkeys(query.split()))[:12]
        if not tokens or limit < 1:
            return []
        hit = np.ones(len(self._rank), bool)
        for token in tokens:
            one = np.zeros(len(self._rank), bool)
            one[self._words.beginning(token)] = True
            hit &= one
        tier = np.full(len(self._rank), 2, np.int64)
        tier[self._wholes.beginning(query)] = 1
        tier[self._wholes.exactly(query)] = 0
        found = np.flatnonzero(hit | (tier < 2))  # noqa: PLR2004
        best = self._first(found, tier[found], limit)
        if len(best) < limit:
            best += [place for place in self._alike(tokens, limit + len(best)) if place not in set(best)]
        return best[:limit]

    def _first(self, places: NDArray[np.int64], tier: NDArray[np.int64], limit: int) -> list[int]:
        key = tier * len(self._rank) + self._rank[places]
        if len(places) > limit:
            chosen = np.argpartition(key, limit)[:limit]
            places, key = places[chosen], key[chosen]
        return [int(place) for place in places[np.argsort(key)]]

    def _alike(self, tokens: list[str], limit: int) -> list[int]:
        """Songs with most of these words, or words a few letters from them."""
        score = np.zeros(len(self._rank), np.float32)
        for token in tokens:
            score += len(token) * self._likeness(token)
        joined = "".join(tokens)
        if len(tokens) > 1:
            score = np.maximum(score, len(joined) * self._likeness(joined))
        found = np.flatnonzero(score >= 0.7 * len(joined))
        worse = np.round((len(joined) - score[found]) * 1000).astype(np.int64)
        return self._first(found, worse, limit)

    def _likeness(self, token: str) -> NDArray[np.float32]:
        """How well the best word of each song fits a word of the query, in [0, 1]."""
        like = np.zeros(len(self._rank), np.float32)
        exact = self._words.exactly(token)
        # A word that many songs have is no typo, and looking for others would take the time.
        if len(exact) < 50:  # noqa: PLR2004
            for places, share in self._words.near(token):
                like[places] = 0.95 * share
        like[self._words.beginning(token)] = 0.95
        like[exact] = 1.0
        return like


class _Postings:
    """Places by text, in sorted order of the texts."""

    def __init__(self, pairs: Iterable[tuple[str, int]]) -> None:
        places: dict[str, list[int]] = {}
        for text, place in pairs:
            places.setdefault(text, []).append(place)
        self._texts = sorted(places)
        self._places = np.array([place for text in self._texts for place in places[text]], np.int64)
        self._start = np.concatenate(([0], np.cumsum([len(places[text]) for text in self._texts]))).astype(
            int
        )
        self._by_length: dict[int, tuple[list[str], list[int]]] = {}
        for number, text in enumerate(self._texts):
            texts, numbers = self._by_length.setdefault(len(text), ([], []))
            texts.append(text)
            numbers.append(number)

    def exactly(self, text: str) -> NDArray[np.int64]:
        at = bisect_left(self._texts, text)
        return self._between(at, at + (at < len(self._texts) and self._texts[at] == text))

    def beginning(self, text: str) -> NDArray[np.int64]:
        return self._between(bisect_left(self._texts, text), bisect_left(self._texts, text + "\U0010ffff"))

    def near(self, text: str) -> Iterator[tuple[NDArray[np.int64], float]]:
        """Places of texts a few letters away, with the share of letters that agree; the best last."""
        most = min(2, len(text) // 3) if len(text) < 12 else 3  # noqa: PLR2004
        found: list[tuple[int, int]] = []
        if most:
            for length in range(len(text) - most, len(text) + most + 1):
                texts, numbers = self._by_length.get(length, ([], []))
                matches = process.extract(
                    text, texts, scorer=OSA.distance, processor=None, score_cutoff=most, limit=None
                )
                found += [(int(distance), numbers[at]) for _, distance, at in matches]
        for distance, number in sorted(found, reverse=True):
            yield self._between(number, number + 1), 1 - distance / len(text)

    def _between(self, start: int, end: int) -> NDArray[np.int64]:
        return self._places[self._start[start] : self._start[end]]


_ACCENTS = re.compile("[\N{COMBINING GRAVE ACCENT}-\N{COMBINING LATIN SMALL LETTER X}]")
_APOSTROPHES = re.compile("['`\N{RIGHT SINGLE QUOTATION MARK}]")
_PUNCTUATION = re.compile(r"[\W_]+")
# Nine titles in ten are ASCII, for which a table does what the expressions above do, in a fifth of the time.
_ASCII = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)} | {
    ord("'"): "",
    ord("`"): "",
}


def fold(text: str) -> str:
    """A text as people search for it: no accents, case, punctuation or double blanks."""
    if text.isascii():
        plain = text.translate(_ASCII)
    else:
        plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))
        plain = _PUNCTUATION.sub(" ", _APOSTROPHES.sub("", plain))
    words = " ".join(plain.split())
    return words or " ".join(text.casefold().split())  # the band “!!!” has no letters
