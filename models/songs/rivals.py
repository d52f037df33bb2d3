"""Baselines for the recommender: known methods, each with settings chosen on inner folds.

- `ItemItem`: co-occurrences with shrinkage (Sarwar et al. 2001).
- `RP3beta`: a random walk of three steps, with a penalty for popular songs (Paudel et al. 2017).
- `Ease`: a linear regression on all other songs in closed form (Steck 2019).
- `Slim`: sparse linear regression with elastic net, from the nearest songs only (fsSLIM, Ning and Karypis 2011).
- `Ials`: matrix factorization for implicit feedback (Hu et al. 2008; weights of Rendle et al. 2022).
- `MeanVector`: the mean of the likes' Word2Vec vectors, as in the notebook. `Popularity`: the same list for everyone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.songs.mixing import held_out
from models.songs.recommender import ndcg, top_songs
from models.songs.ways import Paths, Plays, Regression, Scorer, Scores, SongIndices, regressors, with_data
from models.words.formats import Vectors

K = 10
"""Length of the lists used to choose settings."""
MOST_QUESTIONS = 200
"""Maximum number of questions used to choose settings."""
NEIGHBOURS = 100
"""Number of songs from which `Slim` predicts a song."""
SWEEPS = 6
"""Rounds of coordinate descent in `Slim`."""
CHUNK = 128
"""Number of songs that `Slim` solves at once."""
FACTORS = 64
ROUNDS, STEPS = 8, 3
"""Alternations of `Ials`, and steps of conjugate gradients in each."""


class Approach(Protocol):
    """A trained recommender. Songs are indices from 0."""

    @property
    def memory(self) -> int: ...

    def scores(self, likes: SongIndices, /) -> Scores:
        """A score for each song, (songs,), given `likes`: higher is better."""
        ...


Train: TypeAlias = Callable[[sparse.csr_array], Approach]


class Popularity:
    """Ranks songs by the number of playlists that contain them, regardless of likes."""

    def __init__(self, counts: sparse.csr_array) -> None:
        self._playlists: Scores = np.diff(counts.indptr).astype(np.float64)

    @property
    def memory(self) -> int:
        return int(self._playlists.nbytes)

    def scores(self, _likes: SongIndices) -> Scores:
        return self._playlists


class ItemItem:
    """Each like votes with n(a, b) / (n(a) ** alpha * n(b) ** (1 - alpha) + shrink), where n counts playlists."""

    def __init__(self, counts: sparse.csr_array, alpha: float = 0.7, shrink: float = 5.0) -> None:
        self._alpha, self._shrink = alpha, shrink
        self._in = with_data(counts, np.ones(counts.nnz, np.float32))
        self._playlists: Scores = np.diff(counts.indptr).astype(np.float64)

    @property
    def memory(self) -> int:
        return int(sum(array.nbytes for array in (self._in.data, self._in.indices, self._in.indptr)))

    def scores(self, likes: SongIndices) -> Scores:
        shared = (self._in @ self._in[likes].T).tocoo()
        liked = self._playlists[likes]
        norm = liked[shared.col] ** self._alpha * self._playlists[shared.row] ** (1 - self._alpha)
        return np.bincount(shared.row, shared.data / (norm + self._shrink), len(self._playlists)).astype(
            np.float64
        )


class OneWay:
    """A single one of the recommender's scoring methods."""

    def __init__(self, counts: sparse.csr_array, way: Paths | Regression) -> None:
        plays = Plays(counts)
        self._way = way
        self._regressors = regressors(plays, [way])
        self._scorer = Scorer(plays, [way], self._regressors)

    @property
    def memory(self) -> int:
        return self._scorer.plays.memory + sum(regressor.memory for regressor in self._regressors.values())

    def scores(self, likes: SongIndices) -> Scores:
        return np.asarray(self._scorer.scores(likes, [self._way])[0], np.float64)


class Slim:
    """Predicts each song from the NEIGHBOURS that share most playlists with it, with non-negative weights that minimize
    ``|x - X w|^2 / 2 + l1 * |w| + l2 * |w|^2 / 2``. `l1` and `l2` are in units of the mean number of playlists per
    song.
    """

    def __init__(self, counts: sparse.csr_array, l1: float, l2: float) -> None:
        ones = with_data(counts, np.ones(counts.nnz, np.float32))
        playlists = np.diff(ones.indptr).astype(np.float32)
        mean = float((playlists**2).sum() / max(playlists.sum(), 1.0))
        shared = (ones @ ones.T).tocsr()
        shared.setdiag(0)
        columns = []
        for start in range(0, counts.shape[0], CHUNK):
            songs = np.arange(start, min(start + CHUNK, counts.shape[0]))
            columns.append(_elastic_net(ones, shared, playlists, songs, l1 * mean, l2 * mean))
        self._weights: sparse.csr_array = sparse.csr_array(sparse.hstack(columns))

    @property
    def memory(self) -> int:
        return int(self._weights.data.nbytes + self._weights.indices.nbytes + self._weights.indptr.nbytes)

    def scores(self, likes: SongIndices) -> Scores:
        return np.asarray(self._weights[likes].sum(axis=0), np.float64).ravel()


def _elastic_net(
    ones: sparse.csr_array,
    shared: sparse.csr_array,
    playlists: NDArray[np.float32],
    songs: SongIndices,
    l1: float,
    l2: float,
) -> sparse.csc_array:
    """The columns of weights for some songs, (all songs, songs), by coordinate descent on all of them at once."""
    near = np.zeros((len(songs), NEIGHBOURS), np.int64)
    target = np.zeros((len(songs), NEIGHBOURS), np.float32)
    for row, song in enumerate(songs):
        entries = slice(shared.indptr[song], shared.indptr[song + 1])
        values, others = shared.data[entries], shared.indices[entries]
        best = np.argsort(-values, kind="stable")[:NEIGHBOURS]
        near[row, : len(best)], target[row, : len(best)] = others[best], values[best]
    # Co-occurrences among the neighbours of each song; if it has fewer, the target 0 keeps the other weights at 0.
    gram = np.empty((len(songs), NEIGHBOURS, NEIGHBOURS), np.float32)
    for row, neighbours in enumerate(near):
        block = ones[neighbours]
        gram[row] = (block @ block.T).toarray()
    weights = np.zeros_like(target)
    diagonal = np.maximum(playlists[near], 1.0)
    for _ in range(SWEEPS):
        for place in range(NEIGHBOURS):
            fitted = np.einsum("sn,sn->s", gram[:, place], weights)
            rest = target[:, place] - fitted + diagonal[:, place] * weights[:, place]
            weights[:, place] = np.maximum(rest - l1, 0.0) / (diagonal[:, place] + l2)
    rows, places = np.nonzero(weights)
    return sparse.csc_array((weights[rows, places], (near[rows, places], rows)), (len(playlists), len(songs)))


class Ials:
    """Factors of songs and playlists: played entries have weight 1 + `weight`, all others weight 1 and target 0.

    The `ridge` of a row is multiplied by its number of plays. Likes are folded in as a new playlist.
    """

    def __init__(self, counts: sparse.csr_array, weight: float, ridge: float, seed: int = 0) -> None:
        self._weight, self._ridge = weight, ridge
        ones = with_data(counts, np.ones(counts.nnz, np.float32))
        transposed: sparse.csr_array = ones.T.tocsr()
        random = np.random.default_rng(seed)
        playlists = random.normal(0, FACTORS**-0.5, (counts.shape[1], FACTORS)).astype(np.float32)
        self._songs = np.zeros((counts.shape[0], FACTORS), np.float32)
        for _ in range(ROUNDS):
            self._songs = self._solved(ones, playlists, self._songs)
            playlists = self._solved(transposed, self._songs, playlists)
        self._gram = self._songs.T @ self._songs

    @property
    def memory(self) -> int:
        return int(self._songs.nbytes)

    def _solved(
        self, ones: sparse.csr_array, others: NDArray[np.float32], start: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The best row factors for given column factors, by conjugate gradients from `start`."""
        gram = others.T @ others
        plays = np.diff(ones.indptr)
        rows = np.repeat(np.arange(len(plays)), plays)
        ridge = (self._ridge * (plays + 1.0)).astype(np.float32)[:, None]
        played = others[ones.indices]

        def times(factors: NDArray[np.float32]) -> NDArray[np.float32]:
            fitted = np.einsum("ef,ef->e", factors[rows], played)
            extra = with_data(ones, np.float32(self._weight) * fitted) @ others
            return np.asarray(factors @ gram + extra + ridge * factors, np.float32)

        solution = start
        residual = np.float32(1.0 + self._weight) * (ones @ others) - times(solution)
        direction, size = residual, (residual**2).sum(axis=1, keepdims=True)
        for _ in range(STEPS):
            image = times(direction)
            step = size / np.maximum((direction * image).sum(axis=1, keepdims=True), 1e-12)
            solution = solution + step * direction
            residual = residual - step * image
            before, size = size, (residual**2).sum(axis=1, keepdims=True)
            direction = residual + size / np.maximum(before, 1e-12) * direction
        return np.asarray(solution, np.float32)

    def scores(self, likes: SongIndices) -> Scores:
        liked = self._songs[likes]
        gram = self._gram + np.float32(self._weight) * liked.T @ liked
        gram[np.diag_indices(FACTORS)] += self._ridge * (len(likes) + 1.0)
        taste = np.linalg.solve(gram, (1.0 + self._weight) * liked.sum(axis=0))
        return np.asarray(self._songs @ taste, np.float64)


class MeanVector:
    """The songs whose Word2Vec vectors are nearest, by cosine, to the mean of the likes' vectors."""

    def __init__(self, vectors: Vectors, ids: Sequence[str]) -> None:
        """`vectors` are over song ids; `ids` has the id of each song."""
        self._vectors = vectors
        indices = {id_: index for index, id_ in enumerate(ids)}
        self._song_of_row = np.array([indices[id_] for id_ in vectors.index_to_key], np.int64)
        self._row_of_song = np.full(len(ids), -1)
        self._row_of_song[self._song_of_row] = np.arange(len(self._song_of_row))

    @property
    def memory(self) -> int:
        return int(self._vectors.vectors.nbytes)

    def scores(self, likes: SongIndices) -> Scores:
        scores = np.full(len(self._row_of_song), -np.inf)
        rows = self._row_of_song[likes]
        if len(rows := rows[rows >= 0]):
            # Not normalized first: popular songs have longer and better vectors.
            mean = self._vectors.vectors[rows].mean(axis=0)
            scores[self._song_of_row] = self._vectors.most_similar(positive=[mean], topn=None)
        return scores


# Settings --------------------------------------------------------------------------------------------------

RIVALS: dict[str, tuple[Train, ...]] = {
    "item-item": tuple(
        partial(ItemItem, alpha=alpha, shrink=shrink)
        for alpha in (0.5, 0.7, 0.9)
        for shrink in (1.0, 5.0, 20.0)
    ),
    "RP3beta": tuple(
        partial(OneWay, way=Paths(alpha, alpha, beta))
        for alpha in (0.5, 0.75, 1.0)
        for beta in (0.0, 0.2, 0.4, 0.6)
    ),
    "EASE": tuple(partial(OneWay, way=Regression(0.0, strength)) for strength in (1.0, 3.0, 10.0, 30.0)),
    "SLIM": tuple(partial(Slim, l1=l1, l2=l2) for l1, l2 in ((0.01, 3.0), (0.1, 10.0))),
    "iALS": tuple(
        partial(Ials, weight=weight, ridge=ridge)
        for weight, ridge in ((1.0, 0.03), (3.0, 0.03), (3.0, 0.1), (10.0, 0.1), (30.0, 0.3))
    ),
}
"""The candidate settings of each approach."""


def tuned(trains: Sequence[Train], counts: sparse.csr_array, likes: int, seed: int = 0) -> Approach:
    """The candidate with the highest nDCG on one inner fold, trained on all playlists."""
    random = np.random.default_rng(seed)
    train, (questions,) = next(held_out(counts, random, (likes,)), (counts, [[]]))
    gains = []
    for make in trains if questions else ():
        approach = make(train)
        answers = [
            ndcg(top_songs(approach.scores(question.likes), question.likes, K), question.others, K)
            for question in questions[:MOST_QUESTIONS]
        ]
        gains.append(float(np.mean(answers)))
    return trains[int(np.argmax(gains)) if gains else 0](counts)
