"""What somebody may like who likes these songs, learnt from which songs playlists put together.

Everything is one sparse matrix, how often each song is in each playlist, and two ways to ask it:

- *together*: which playlists would have been made by somebody with all of these likes, and what do those
  playlists play? A posterior over playlists from a smoothed language model of each, and then the songs under it
  (relevance models, Lavrenko and Croft 2001; nearest neighbours among sessions are its rougher kin).
- *apart*: each like votes for the songs that share playlists with it (item-item collaborative filtering, Sarwar
  et al. 2001), so that a taste of several kinds is not forced into one playlist.

Each needs one product of the matrix with a vector, so a question costs the same for one like and for hundreds.
What is learnt besides the counts is how much each way is heard, by asking both about playlists that are put aside
for that. docs/recommend.md tells how the other settings were chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Numbers: TypeAlias = NDArray[np.int64]
Scores: TypeAlias = NDArray[np.float64]

SMOOTHING = 2.0
"""How much of every playlist is thought to come from all of the music, in mean playlists."""
CAUTION = 0.5
"""Likes of one person are no independent evidence: n of them count as n ** (1 - CAUTION)."""
FAME_OF_LIKES = 0.7
"""A like that is in m playlists votes with m ** -FAME_OF_LIKES in each of them."""
FAME_OF_SONGS = 0.2
"""The votes for a song that is in m playlists are divided by (m + 2) ** FAME_OF_SONGS."""
HALF_LIFE = 100
"""So many likes later a like weighs half as much."""
TOP = 10
"""Songs at the top whose mean score is the unit of the two ways, and that count when shares are compared."""
LIKES = (1, 5, 25)
"""Numbers of likes for which it is learnt how much the first way is heard; between them it is interpolated."""
SHARES = (0.5, 0.25, 0.05)
"""What it may be; of equals the first is taken. Never nothing: songs that met no like are found by it alone."""
ASIDE = 400
"""Playlists that this is learnt from, at most a fifth of all."""
QUESTIONS, DRAWS = 800, 8
"""How often they are asked about for each number of likes: all together, and each of them at most."""


class Recommender:
    """Scores for every song from liked ones. Songs are numbers from 0."""

    def __init__(self, counts: Any, shares: Sequence[float] = (SHARES[0],) * len(LIKES)) -> None:
        """`counts` is a sparse array (songs, playlists): how often each playlist plays each song; `shares` say for
        each of LIKES how much is heard of what playlists say *together*, in [0, 1].
        """
        self.counts = sparse.csr_array(counts)
        self.shares = tuple(shares)
        self._weights = _like(self.counts, np.sqrt(self.counts.data))
        self._ones = _like(self.counts, np.ones_like(self._weights.data))
        self.playlists: Numbers = np.diff(self.counts.indptr).astype(np.int64)
        """In how many playlists each song is, (songs,)."""
        self._sizes: Scores = self._weights.sum(axis=0, dtype=np.float64)
        total: Scores = self._weights.sum(axis=1, dtype=np.float64)
        self._music = total / max(total.sum(), 1.0)
        self._smoothing = SMOOTHING * float(self._sizes.mean()) if len(self._sizes) else 1.0

    @classmethod
    def fit(cls, counts: Any, seed: int = 0) -> Self:
        """Learn the shares from playlists put aside, then count all of them. The same seed finds the same shares."""
        return cls(counts, _shares(sparse.csc_array(counts), np.random.default_rng(seed)))

    @property
    def memory(self) -> int:
        """Bytes held."""
        held = (self.counts.data, self.counts.indices, self.counts.indptr)
        more = (self._weights.data, self._ones.data, self.playlists, self._sizes, self._music)
        return sum(int(it.nbytes) for it in (*held, *more))

    def scores(self, likes: Numbers) -> Scores:
        """How well each song suits somebody who likes these, oldest first: (songs,), not negative.

        `likes` are different songs that playlists play. They themselves have no score, nor has any song that no
        playlist plays.
        """
        if not len(likes):
            return np.zeros(len(self.playlists))
        together, apart = self.both(likes)
        share = float(np.interp(np.log(len(likes)), np.log(LIKES), self.shares))
        return share * together + (1 - share) * apart

    def both(self, likes: Numbers) -> tuple[Scores, Scores]:
        """What each way says, in its own unit; nothing about the likes themselves."""
        evidence = 0.5 ** (np.arange(len(likes))[::-1] / HALF_LIFE)
        ways = self._together(likes, evidence), self._apart(likes, evidence)
        for scores in ways:
            scores[likes] = 0.0
            np.divide(scores, _unit(scores) or 1.0, out=scores)
        return ways

    def _together(self, likes: Numbers, evidence: Scores) -> Scores:
        rows = self._weights[likes]
        lengths = np.diff(rows.indptr)
        # How much likelier a playlist plays the like than all of the music does, in logarithms.
        surprise = np.log1p(rows.data / np.repeat(self._smoothing * self._music[likes], lengths))
        playlists = len(self._sizes)
        odds = np.bincount(rows.indices, surprise * np.repeat(evidence, lengths), playlists)
        odds -= evidence.sum() * np.log(self._sizes + self._smoothing)
        odds *= evidence.sum() ** -CAUTION
        posterior = np.exp(odds - odds.max())
        return np.asarray(self._weights @ (posterior / posterior.sum() / np.sqrt(self._sizes)), np.float64)

    def _apart(self, likes: Numbers, evidence: Scores) -> Scores:
        rows = self._ones[likes]
        lengths = np.diff(rows.indptr)
        votes = np.bincount(
            rows.indices, np.repeat(evidence * lengths**-FAME_OF_LIKES, lengths), len(self._sizes)
        )
        return np.asarray((self._ones @ votes) / (self.playlists + 2.0) ** FAME_OF_SONGS, np.float64)

    def votes(self, likes: Numbers, songs: Numbers) -> Scores:
        """How much each like speaks for each song by itself: (likes, songs), not negative."""
        met = (self._ones[likes] @ self._ones[songs].T).toarray()
        return np.asarray(met / np.maximum(self.playlists[likes], 1)[:, None] ** FAME_OF_LIKES, np.float64)


def count(lists: Sequence[Sequence[str]], places: Mapping[str, int]) -> Any:
    """Sparse (songs, playlists): how often each playlist plays each song; `places` numbers the songs."""
    playlists = np.repeat(np.arange(len(lists), dtype=np.int32), [len(it) for it in lists])
    plays = sum(map(len, lists))
    songs = np.fromiter((places[id_] for playlist in lists for id_ in playlist), np.int32, plays)
    # Adds up the plays of a song that a playlist repeats.
    return sparse.csr_array((np.ones(plays, np.float32), (songs, playlists)), (len(places), len(lists)))


def _like(counts: Any, data: NDArray[np.float32]) -> Any:
    """Another matrix with entries in the same places; the places are shared, not copied."""
    return sparse.csr_array((data, counts.indices, counts.indptr), counts.shape)


def _unit(scores: Scores) -> float:
    return float(np.partition(scores, -TOP)[-TOP:].mean()) if len(scores) > TOP else float(scores.mean())


def _shares(counts: Any, random: np.random.Generator) -> tuple[float, ...]:
    """For each of LIKES the one of SHARES that finds most of the songs of playlists that were not learnt from.

    `counts` is sparse (songs, playlists), by columns.
    """
    playlists = counts.shape[1]
    order = random.permutation(playlists)
    aside = order[: min(ASIDE, playlists // 5)]
    model = Recommender(counts[:, np.sort(order[len(aside) :])])
    gains = np.zeros((len(LIKES), len(SHARES)))
    for playlist in np.resize(aside, min(QUESTIONS, DRAWS * len(aside))):
        songs = counts.indices[counts.indptr[playlist] : counts.indptr[playlist + 1]]
        songs = random.permutation(songs[model.playlists[songs] > 0]).astype(np.int64)
        for at, number in enumerate(LIKES):
            if number < len(songs):
                likes, right = songs[:number], songs[number:]
                together, apart = model.both(likes)
                blends = (share * together + (1 - share) * apart for share in SHARES)
                gains[at] += [gain(first(blend, likes, TOP), right, TOP) for blend in blends]
    shares: list[float] = []
    for row in gains:
        # Where no playlist has so many songs, what was learnt for fewer likes must do.
        shares.append(SHARES[int(row.argmax())] if row.any() or not shares else shares[-1])
    return tuple(shares)


def first(scores: Scores, likes: Numbers, k: int) -> Numbers:
    """The songs with the k highest scores, best first, without the likes; of equals the one with the least number."""
    scores = scores.copy()
    scores[likes] = -np.inf
    edge = np.partition(scores, -k)[-k] if k < len(scores) else -np.inf
    best = np.flatnonzero((scores >= edge) & (scores > -np.inf))
    return np.asarray(best[np.argsort(-scores[best], kind="stable")][:k], np.int64)


def gain(found: Numbers, right: Numbers, k: int) -> float:
    """The nDCG of the k songs found, in [0, 1]: 1 / log2(rank + 1) for each right one, as a share of the most possible."""
    discounts = 1 / np.log2(np.arange(2, k + 2))
    return float(discounts[: len(found)][np.isin(found, right)].sum() / discounts[: min(k, len(right))].sum())
