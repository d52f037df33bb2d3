"""What somebody may like who likes these songs, learnt from which songs playlists put together.

Everything is one sparse matrix, how often each song is in each playlist, and two ways to ask it:

- *together*: which playlists would have been made by somebody with all of these likes, and what do those
  playlists play? A posterior over playlists from a smoothed language model of each, and then the songs under it
  (relevance models, Lavrenko and Croft 2001; nearest neighbours among sessions are its rougher kin).
- *apart*: each like votes for the songs that share playlists with it (item-item collaborative filtering, Sarwar
  et al. 2001), so that a taste of several kinds is not forced into one playlist.

Both need two products of the matrix with a vector, so a question costs the same for one like and for hundreds,
and there is nothing to train beyond counting. docs/recommend.md tells how the settings were chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Numbers: TypeAlias = NDArray[np.int64]
Scores: TypeAlias = NDArray[np.float64]

SMOOTHING = 3.0
"""How much of every playlist is thought to come from all of the music, in mean playlists."""
CAUTION = 0.25
"""Likes of one person are no independent evidence: n of them count as n ** (1 - CAUTION)."""
FAME_OF_LIKES = 0.7
"""A like that is in m playlists votes with m ** -FAME_OF_LIKES in each of them."""
FAME_OF_SONGS = 0.1
"""The votes for a song that is in m playlists are divided by (m + 2) ** FAME_OF_SONGS."""
HALF_LIFE = 100
"""So many likes later a like weighs half as much."""
TOP = 10
"""Songs at the top whose mean score is the unit of the two ways."""


class Recommender:
    """Scores for every song from liked ones. Songs are numbers from 0."""

    def __init__(self, counts: Any) -> None:
        """`counts` is a sparse array (songs, playlists): how often each playlist plays each song."""
        self.counts = sparse.csr_array(counts)
        self._weights = _like(self.counts, np.sqrt(self.counts.data))
        self._ones = _like(self.counts, np.ones_like(self._weights.data))
        self.playlists: Numbers = np.diff(self.counts.indptr).astype(np.int64)
        """In how many playlists each song is, (songs,)."""
        self._sizes: Scores = self._weights.sum(axis=0, dtype=np.float64)
        total: Scores = self._weights.sum(axis=1, dtype=np.float64)
        self._share = total / max(total.sum(), 1.0)
        self._smoothing = SMOOTHING * float(self._sizes.mean()) if len(self._sizes) else 1.0

    @property
    def memory(self) -> int:
        """Bytes held."""
        held = (self.counts.data, self.counts.indices, self.counts.indptr)
        more = (self._weights.data, self._ones.data, self.playlists, self._sizes, self._share)
        return sum(int(it.nbytes) for it in (*held, *more))

    def scores(self, likes: Numbers) -> Scores:
        """How well each song suits somebody who likes these, oldest first: (songs,), not negative.

        `likes` are different songs that playlists play. They themselves have no score, nor has any song that no
        playlist plays.
        """
        age = np.arange(len(likes))[::-1]
        evidence = 0.5 ** (age / HALF_LIFE)
        found = np.zeros(len(self.playlists))
        if len(likes):
            for scores in (self._together(likes, evidence), self._apart(likes, evidence)):
                scores[likes] = 0.0
                found += scores / (_unit(scores) or 1.0)
        return found

    def _together(self, likes: Numbers, evidence: Scores) -> Scores:
        rows = self._weights[likes]
        lengths = np.diff(rows.indptr)
        # How much likelier a playlist plays the like than all of the music does, in logarithms.
        surprise = np.log1p(rows.data / np.repeat(self._smoothing * self._share[likes], lengths))
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
