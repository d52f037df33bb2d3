"""Recommends songs for given likes, learnt from which songs occur together in playlists.

Several methods score every song (`models.songs.ways`), and a mix of them, learnt for each number of likes
(`models.songs.mixing`), gives the result. See docs/recommend.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.songs.mixing import DEFAULT, LIKES, Mix, learn, mix_for, ways_of
from models.songs.ways import Plays, Regression, Regressor, Scorer, Scores, SongIndices, regressors

FAME_OF_LIKES = 0.7
"""A like in m playlists supports a song with weight m ** -FAME_OF_LIKES for each playlist that they share."""
WEAKEST = 1 / 3
MAX_REASONS = 3
"""Maximum number of likes given as reasons for a song."""
NOBODY: SongIndices = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Reason:
    """A like that supports a song: `shared` of the `playlists` that contain the like contain the song too."""

    like: int
    shared: int
    playlists: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A recommended song. `reasons` are strongest first; there are none if no playlist contains both it and a like."""

    song: int
    score: float
    reasons: tuple[Reason, ...]


class Recommender:
    """Scores every song for given likes. Songs are indices from 0."""

    def __init__(
        self,
        counts: sparse.csr_array,
        mixes: Sequence[Mix] = (DEFAULT,) * len(LIKES),
        regressors: Mapping[Regression, Regressor] | None = None,
    ) -> None:
        """`counts` is (songs, playlists): how often each song occurs in each playlist. `mixes` has one for each of
        LIKES, and `regressors` has those that the mixes need.
        """
        self.counts = sparse.csr_array(counts)
        self.mixes = tuple(mixes)
        self.regressors = dict(regressors or {})
        self._plays = Plays(self.counts)
        self._scorer = Scorer(self._plays, ways_of(self.mixes), self.regressors)
        self.playlists = self._plays.playlists
        """The number of playlists that contain each song, (songs,)."""

    @classmethod
    def fit(cls, counts: sparse.csr_array, seed: int = 0) -> Self:
        """Learn the mixes on held-out playlists, then use all playlists. Deterministic for a given seed."""
        mixes = learn(counts, seed)
        return cls(counts, mixes, regressors(Plays(counts), ways_of(mixes), seed))

    @property
    def memory(self) -> int:
        """Size in bytes."""
        return self._plays.memory + sum(regressor.memory for regressor in self.regressors.values())

    def recommend(
        self, likes: SongIndices, *, unlike: SongIndices = NOBODY, exclude: SongIndices = NOBODY, n: int = 10
    ) -> list[Suggestion]:
        """The n best songs for a user with these likes, best first, each with its reasons.

        Liked, unliked and excluded songs are omitted, and so are songs with score 0.
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
        """How well each song suits a user with these likes, oldest first: (songs,), not negative.

        Both arguments are distinct songs that occur in playlists. They score 0, and so does any song in no playlist. A
        song that goes with the `unlike` songs at least as well as with the likes loses at least half of its score.
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
        mix = mix_for(self.mixes, len(likes))
        shares = np.array(list(mix.values()), np.float32)
        return np.asarray(shares @ self._scorer.scores(likes, list(mix)), np.float64)

    def reasons(self, likes: SongIndices, songs: SongIndices) -> list[tuple[Reason, ...]]:
        """For each song, the likes that share most playlists with it, at most MAX_REASONS, strongest first.

        Likes whose support is less than WEAKEST of the strongest one's are omitted.
        """
        shared = self.shared(likes, songs)
        votes = shared / np.maximum(self.playlists[likes], 1)[:, None] ** FAME_OF_LIKES
        strong = votes > votes.max(axis=0, initial=0.0) * WEAKEST
        order = np.argsort(-votes, axis=0, kind="stable")[:MAX_REASONS]
        return [
            tuple(
                Reason(int(likes[like]), int(shared[like, song]), int(self.playlists[likes[like]]))
                for like in order[:, song]
                if strong[like, song]
            )
            for song in range(len(songs))
        ]

    def shared(self, likes: SongIndices, songs: SongIndices) -> NDArray[np.int64]:
        """The number of playlists that contain both songs: (likes, songs)."""
        return np.asarray((self._plays.ones[likes] @ self._plays.ones[songs].T).toarray().round(), np.int64)

    def places(self, songs: SongIndices) -> NDArray[np.float64]:
        """A map of some songs, (songs, 2): classical scaling (Torgerson 1952) of their differences in co-occurrence.

        A song's co-occurrences are the numbers of playlists that it shares with each song of the catalogue. The
        distance of two songs is the chord between the square roots of these, normalized to length 1.
        """
        company = np.sqrt((self._plays.ones[songs] @ self._plays.ones.T).toarray())
        company /= np.maximum(np.linalg.norm(company, axis=1, keepdims=True), 1e-9)
        centred = company - company.mean(axis=0)
        values, vectors = np.linalg.eigh(centred @ centred.T)
        places = np.zeros((len(songs), 2))
        best = (vectors * np.sqrt(np.maximum(values, 0.0)))[:, ::-1][:, :2]
        places[:, : best.shape[1]] = best
        return places


def count_plays(lists: Sequence[Sequence[str]], indices: Mapping[str, int]) -> sparse.csr_array:
    """How often each song occurs in each playlist, (songs, playlists); `indices` has the index of each song id."""
    playlists = np.repeat(np.arange(len(lists), dtype=np.int32), [len(playlist) for playlist in lists])
    plays = sum(map(len, lists))
    songs = np.fromiter((indices[id_] for playlist in lists for id_ in playlist), np.int32, plays)
    # The constructor adds up repeated entries.
    return sparse.csr_array((np.ones(plays, np.float32), (songs, playlists)), (len(indices), len(lists)))


def top_songs(scores: Scores, likes: SongIndices, k: int) -> SongIndices:
    """The songs with the k highest scores, best first, without the likes; ties by lowest index."""
    scores = scores.copy()
    scores[likes] = -np.inf
    edge = np.partition(scores, -k)[-k] if k < len(scores) else -np.inf
    best = np.flatnonzero((scores >= edge) & (scores > -np.inf))
    return np.asarray(best[np.argsort(-scores[best], kind="stable")][:k], np.int64)


def ndcg(listed: SongIndices, relevant: SongIndices, k: int) -> float:
    """The nDCG of k listed songs, in [0, 1]: 1 / log2(rank + 1) for each relevant one, as a share of the maximum."""
    discounts = 1 / np.log2(np.arange(2, k + 2))
    return float(
        discounts[: len(listed)][np.isin(listed, relevant)].sum() / discounts[: min(k, len(relevant))].sum()
    )
