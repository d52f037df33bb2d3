"""Scores of what somebody may like, given liked songs, learnt from which songs playlists put together.

Everything is one sparse matrix, how often each song is in each playlist, and two ways to query it:

- *together*: which playlists would have been made by somebody with all of these likes, and what do those
  playlists play? A posterior over playlists from a smoothed language model of each, and then the songs under it
  (relevance models, Lavrenko and Croft 2001; session-based nearest neighbours are a cruder form).
- *apart*: each like votes for the songs that share playlists with it (item-item collaborative filtering, Sarwar
  et al. 2001), so that a taste of several kinds is not forced into one playlist.

Each needs one product of the matrix with a vector, so a query costs the same for one like and for hundreds.
Besides the counts, the share of each way in the final score is learnt, by querying both for playlists held out for
that. docs/recommend.md tells how the other settings were chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

SongIndices: TypeAlias = NDArray[np.int64]
Scores: TypeAlias = NDArray[np.float64]

SMOOTHING = 2.0
"""Weight of the whole corpus in the language model of each playlist, in playlists of mean size."""
CAUTION = 0.5
"""The likes of one person are not independent evidence: n of them count as n ** (1 - CAUTION)."""
FAME_OF_LIKES = 0.7
"""A like that is in m playlists votes with m ** -FAME_OF_LIKES in each of them."""
FAME_OF_SONGS = 0.2
"""The votes for a song that is in m playlists are divided by (m + 2) ** FAME_OF_SONGS."""
HALF_LIFE = 100
"""After so many further likes, a like weighs half as much."""
TOP = 10
"""Top songs whose mean score is the unit of each way, and that count when shares are compared."""
MAX_REASONS = 3
"""Likes that speak for a song, at most."""
NOBODY: SongIndices = np.empty(0, np.int64)
LIKES = (1, 5, 25)
"""Numbers of likes for which the share of the first way is learnt; between them it is interpolated."""
SHARES = (0.5, 0.25, 0.05)
"""Its candidates; of equally good ones the first is taken. Never 0: only the first way finds songs that share no
playlist with a like.
"""
HELD_OUT = 400
"""Playlists that the shares are learnt from, at most a fifth of all."""
QUERIES, DRAWS = 800, 8
"""Queries for each number of likes: over all held-out playlists, and at most for each of them."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A like that speaks for a song: `shared` of the `playlists` with the like play the song too."""

    like: int
    shared: int
    playlists: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A recommended song. `reasons` are strongest first; there are none where no playlist has it and a like."""

    song: int
    score: float
    reasons: tuple[Reason, ...]


class Recommender:
    """Scores for every song from liked ones. Songs are indices from 0."""

    def __init__(self, counts: sparse.csr_array, shares: Sequence[float] = (SHARES[0],) * len(LIKES)) -> None:
        """`counts` is (songs, playlists): how often each playlist plays each song; `shares` has for each of LIKES the
        share of the scores *together*, in [0, 1].
        """
        self.counts = sparse.csr_array(counts)
        self.shares = tuple(shares)
        self._weights = _with_data(self.counts, np.sqrt(self.counts.data))
        self._ones = _with_data(self.counts, np.ones_like(self._weights.data))
        self.playlists: SongIndices = np.diff(self.counts.indptr).astype(np.int64)
        """In how many playlists each song is, (songs,)."""
        self._sizes: Scores = self._weights.sum(axis=0, dtype=np.float64)
        total: Scores = self._weights.sum(axis=1, dtype=np.float64)
        self._music = total / max(total.sum(), 1.0)
        self._smoothing = SMOOTHING * float(self._sizes.mean()) if len(self._sizes) else 1.0

    @classmethod
    def fit(cls, counts: sparse.csr_array, seed: int = 0) -> Self:
        """Learn the shares from held-out playlists, then use all of them. The same seed finds the same shares."""
        return cls(counts, _learn_shares(sparse.csc_array(counts), np.random.default_rng(seed)))

    @property
    def memory(self) -> int:
        """Bytes held."""
        held = (self.counts.data, self.counts.indices, self.counts.indptr)
        more = (self._weights.data, self._ones.data, self.playlists, self._sizes, self._music)
        return sum(int(array.nbytes) for array in (*held, *more))

    def recommend(
        self, likes: SongIndices, *, unlike: SongIndices = NOBODY, exclude: SongIndices = NOBODY, n: int = 10
    ) -> list[Suggestion]:
        """The n best songs for somebody with these likes, best first, each with its reasons.

        Liked, unliked and excluded songs are left out, and so are songs that score 0.
        """
        scores = self.scores(likes, unlike)
        scores[exclude] = 0.0
        songs = top_songs(scores, likes, n)
        songs = songs[scores[songs] > 0]
        reasons = self.reasons(likes, songs)
        return [
            Suggestion(int(song), float(scores[song]), why) for song, why in zip(songs, reasons, strict=True)
        ]

    def scores(self, likes: SongIndices, unlike: SongIndices = NOBODY) -> Scores:
        """How well each song suits somebody with these likes, oldest first: (songs,), not negative.

        Both are different songs that playlists play. They themselves score 0, and so does any song that no playlist
        plays. What goes with the `unlike` songs at least as well as with the likes loses at least half of its score.
        """
        scores = self._liked(likes)
        if len(unlike) and len(likes):
            against = self._liked(unlike)
            scores *= np.divide(scores, scores + against, out=np.zeros_like(scores), where=scores > 0)
            scores[unlike] = 0.0
        return scores

    def _liked(self, likes: SongIndices) -> Scores:
        if not len(likes):
            return np.zeros(len(self.playlists))
        together, apart = self.both(likes)
        share = float(np.interp(np.log(len(likes)), np.log(LIKES), self.shares))
        return share * together + (1 - share) * apart

    def both(self, likes: SongIndices) -> tuple[Scores, Scores]:
        """The scores of each way, (songs,), in its own unit; 0 for the likes themselves."""
        evidence = 0.5 ** (np.arange(len(likes))[::-1] / HALF_LIFE)
        ways = self._together(likes, evidence), self._apart(likes, evidence)
        for scores in ways:
            scores[likes] = 0.0
            np.divide(scores, _unit(scores) or 1.0, out=scores)
        return ways

    def _together(self, likes: SongIndices, evidence: Scores) -> Scores:
        rows = self._weights[likes]
        lengths = np.diff(rows.indptr)
        # By how much the playlist is likelier than the whole corpus to play the like, as a logarithm.
        surprise = np.log1p(rows.data / np.repeat(self._smoothing * self._music[likes], lengths))
        playlists = len(self._sizes)
        odds = np.bincount(rows.indices, surprise * np.repeat(evidence, lengths), playlists)
        odds -= evidence.sum() * np.log(self._sizes + self._smoothing)
        odds *= evidence.sum() ** -CAUTION
        posterior = np.exp(odds - odds.max())
        return np.asarray(self._weights @ (posterior / posterior.sum() / np.sqrt(self._sizes)), np.float64)

    def _apart(self, likes: SongIndices, evidence: Scores) -> Scores:
        rows = self._ones[likes]
        lengths = np.diff(rows.indptr)
        votes = np.bincount(
            rows.indices, np.repeat(evidence * lengths**-FAME_OF_LIKES, lengths), len(self._sizes)
        )
        return np.asarray((self._ones @ votes) / (self.playlists + 2.0) ** FAME_OF_SONGS, np.float64)

    def reasons(self, likes: SongIndices, songs: SongIndices) -> list[tuple[Reason, ...]]:
        """For each song the likes that it shares most playlists with, at most MAX_REASONS, strongest first."""
        shared = self.shared(likes, songs)
        votes = shared / np.maximum(self.playlists[likes], 1)[:, None] ** FAME_OF_LIKES
        order = np.argsort(-votes, axis=0, kind="stable")[:MAX_REASONS]
        return [
            tuple(
                Reason(int(likes[like]), int(shared[like, song]), int(self.playlists[likes[like]]))
                for like in order[:, song]
                if shared[like, song]
            )
            for song in range(len(songs))
        ]

    def shared(self, likes: SongIndices, songs: SongIndices) -> NDArray[np.int64]:
        """How many playlists have both: (likes, songs)."""
        return np.asarray((self._ones[likes] @ self._ones[songs].T).toarray().round(), np.int64)

    def votes(self, likes: SongIndices, songs: SongIndices) -> Scores:
        """The vote of each like for each song: (likes, songs), not negative."""
        met = (self._ones[likes] @ self._ones[songs].T).toarray()
        return np.asarray(met / np.maximum(self.playlists[likes], 1)[:, None] ** FAME_OF_LIKES, np.float64)


def count_plays(lists: Sequence[Sequence[str]], indices: Mapping[str, int]) -> sparse.csr_array:
    """(songs, playlists): how often each playlist plays each song; `indices` has the index of each song id."""
    playlists = np.repeat(np.arange(len(lists), dtype=np.int32), [len(playlist) for playlist in lists])
    plays = sum(map(len, lists))
    songs = np.fromiter((indices[id_] for playlist in lists for id_ in playlist), np.int32, plays)
    # Repeated entries are added up.
    return sparse.csr_array((np.ones(plays, np.float32), (songs, playlists)), (len(indices), len(lists)))


def _with_data(counts: sparse.csr_array, data: NDArray[np.float32]) -> sparse.csr_array:
    """A matrix with other entries in the same positions; the index arrays are shared, not copied."""
    return sparse.csr_array((data, counts.indices, counts.indptr), counts.shape)


def _unit(scores: Scores) -> float:
    return float(np.partition(scores, -TOP)[-TOP:].mean()) if len(scores) > TOP else float(scores.mean())


def _learn_shares(counts: sparse.csc_array, random: np.random.Generator) -> tuple[float, ...]:
    """For each of LIKES the one of SHARES that finds most of the songs of held-out playlists.

    `counts` is (songs, playlists).
    """
    playlists = counts.shape[1]
    order = random.permutation(playlists)
    held_out = order[: min(HELD_OUT, playlists // 5)]
    model = Recommender(counts[:, np.sort(order[len(held_out) :])])
    gains = np.zeros((len(LIKES), len(SHARES)))
    for playlist in np.resize(held_out, min(QUERIES, DRAWS * len(held_out))):
        songs = counts.indices[counts.indptr[playlist] : counts.indptr[playlist + 1]]
        songs = random.permutation(songs[model.playlists[songs] > 0]).astype(np.int64)
        for row, number in enumerate(LIKES):
            if number < len(songs):
                likes, others = songs[:number], songs[number:]
                together, apart = model.both(likes)
                blends = (share * together + (1 - share) * apart for share in SHARES)
                gains[row] += [ndcg(top_songs(blend, likes, TOP), others, TOP) for blend in blends]
    shares: list[float] = []
    for gain in gains:
        # Where no playlist has so many songs, the share for fewer likes is used.
        shares.append(SHARES[int(gain.argmax())] if gain.any() or not shares else shares[-1])
    return tuple(shares)


def top_songs(scores: Scores, likes: SongIndices, k: int) -> SongIndices:
    """The songs with the k highest scores, best first, without the likes; of equals the one with the lowest index."""
    scores = scores.copy()
    scores[likes] = -np.inf
    edge = np.partition(scores, -k)[-k] if k < len(scores) else -np.inf
    best = np.flatnonzero((scores >= edge) & (scores > -np.inf))
    return np.asarray(best[np.argsort(-scores[best], kind="stable")][:k], np.int64)


def ndcg(listed: SongIndices, relevant: SongIndices, k: int) -> float:
    """The nDCG of k listed songs, in [0, 1]: 1 / log2(rank + 1) for each relevant one, as a share of the most possible."""
    discounts = 1 / np.log2(np.arange(2, k + 2))
    return float(
        discounts[: len(listed)][np.isin(listed, relevant)].sum() / discounts[: min(k, len(relevant))].sum()
    )
