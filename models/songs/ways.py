"""Methods of scoring songs for given likes. Each weights the playlists, and a song gets the weights of its playlists.

With X the sparse matrix (songs, playlists), every method is ``factor * (X @ weights)``: it defines the weight of each
playlist for these likes, (playlists,), and a factor for each song, (songs,).

- `Together`: how likely the playlist is by someone with *all* of these likes (relevance models, Lavrenko and Croft
  2001).
- `Paths`: the number of paths from a like to the playlist, with exponents that reduce the weight of long playlists and
  popular songs. Includes item-item collaborative filtering (Sarwar et al. 2001) and RP3beta (Paudel et al. 2017).
- `Regression`: EASE (Steck 2019), a linear regression of each song on all others, in closed form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

SongIndices: TypeAlias = NDArray[np.int64]
Scores: TypeAlias = NDArray[np.float64]

SMOOTHING = 2.0
"""Weight of the whole corpus in the language model of each playlist, in playlists of mean size."""
CAUTION = 0.5
"""One user's likes are not independent evidence: n of them count as n ** (1 - CAUTION)."""
LEAST_ODDS = -60.0
"""Minimum log-odds of a playlist against the likeliest one."""
HALF_LIFE = 100
"""Number of later likes after which a like has half the weight."""
TOP = 10
"""Number of top songs whose mean score is the unit of each method."""
BLOCK = 64
"""Block size in the search for the highest scores."""
EXACT = 1500
"""Size (songs or playlists, whichever are fewer) up to which all eigenvectors are computed."""
RANK = 256
"""Number of eigenvectors kept for larger matrices; the others are replaced by their mean."""
SPARE, ROUNDS = 32, 2
"""Additional eigenvectors and rounds of the subspace iteration that finds the largest ones."""


class Plays:
    """How often each song is in each playlist, and quantities derived from it that all methods use."""

    def __init__(self, counts: sparse.csr_array) -> None:
        """`counts` is (songs, playlists)."""
        self.counts = sparse.csr_array(counts)
        data = np.sqrt(self.counts.data, dtype=np.float32)
        self.roots = with_data(self.counts, data)
        """Square roots of the counts: a song played four times counts twice as much."""
        self.ones = with_data(self.counts, np.ones_like(data))
        self.playlists: SongIndices = np.diff(self.counts.indptr).astype(np.int64)
        """The number of playlists that contain each song, (songs,)."""
        self.lengths: Scores = np.bincount(self.counts.indices, minlength=self.counts.shape[1]).astype(float)
        """The number of different songs in each playlist, (playlists,)."""

    @cached_property
    def sizes(self) -> Scores:
        """The sum of square roots in each playlist, (playlists,)."""
        return np.asarray(self.roots.sum(axis=0, dtype=np.float64))

    @cached_property
    def music(self) -> Scores:
        """The share of each song in the whole corpus, (songs,)."""
        total = np.asarray(self.roots.sum(axis=1, dtype=np.float64))
        return np.asarray(total / max(total.sum(), 1.0))

    @property
    def memory(self) -> int:
        """Size in bytes."""
        counts = self.counts
        held = (counts.data, counts.indices, counts.indptr, self.roots.data, self.ones.data)
        more = (self.playlists, self.lengths, self.sizes, self.music)
        return sum(int(array.nbytes) for array in (*held, *more))

    def known(self, power: float) -> NDArray[np.float32]:
        """The number of playlists of each song to some power, (songs,); 1 for songs in none."""
        return np.asarray(np.maximum(self.playlists, 1.0) ** power, np.float32)


@dataclass(frozen=True, slots=True)
class Likes:
    """Liked songs, oldest first, and the entries of the matrix in their rows."""

    songs: SongIndices
    evidence: Scores
    """The weight of each like, (likes,)."""
    lengths: NDArray[np.int64]
    """The number of playlists that contain each like, (likes,)."""
    playlists: NDArray[np.int32]
    roots: NDArray[np.float32]
    """The value of each entry, (entries,), grouped by like; `playlists` has its playlist."""

    @classmethod
    def of(cls, plays: Plays, songs: SongIndices) -> Self:
        evidence = 0.5 ** (np.arange(len(songs))[::-1] / HALF_LIFE)
        rows = plays.roots[songs]
        return cls(songs, evidence, plays.playlists[songs], rows.indices, rows.data)

    def votes(self, each: Scores, playlists: int) -> Scores:
        """The sum for each playlist, (playlists,), if each like gives `each` to all playlists that contain it."""
        return np.bincount(self.playlists, np.repeat(each, self.lengths), playlists).astype(np.float64)


TOGETHER: tuple[object, ...] = ("together",)


@dataclass(frozen=True, slots=True)
class Together:
    """The posterior over playlists, given all likes; a song in m playlists is divided by m ** `song`."""

    song: float

    @property
    def column(self) -> tuple[object, ...]:
        """The parameters of the weights: methods with the same column weight playlists identically."""
        return TOGETHER

    def weights(self, plays: Plays, likes: Likes) -> Scores:
        evidence = likes.evidence
        smoothing = SMOOTHING * float(plays.sizes.mean())
        # How much likelier this playlist is than the whole corpus to contain the like, as a logarithm.
        surprise = np.log1p(likes.roots / np.repeat(smoothing * plays.music[likes.songs], likes.lengths))
        odds = np.bincount(likes.playlists, surprise * np.repeat(evidence, likes.lengths), len(plays.sizes))
        odds -= evidence.sum() * np.log(plays.sizes + smoothing)
        odds *= evidence.sum() ** -CAUTION
        # No playlist is impossible, so that songs which share none with a like are ordered too.
        posterior = np.exp(np.maximum(odds - odds.max(), LEAST_ODDS))
        return np.asarray(posterior / posterior.sum() / np.sqrt(np.maximum(plays.sizes, 1.0)))


@dataclass(frozen=True, slots=True)
class Paths:
    """A like in m playlists gives each of them m ** -`like`; a playlist of n songs passes n ** -`length` of that on to
    each of its songs; a song in m playlists is divided by m ** `song`.
    """

    like: float
    length: float
    song: float

    @property
    def column(self) -> tuple[object, ...]:
        return ("paths", self.like, self.length)

    def weights(self, plays: Plays, likes: Likes) -> Scores:
        votes = likes.votes(likes.evidence * np.maximum(likes.lengths, 1.0) ** -self.like, len(plays.lengths))
        return votes * np.maximum(plays.lengths, 1.0) ** -self.length


@dataclass(frozen=True, slots=True)
class Regression:
    """EASE on Z, in which a song in m playlists is scaled by m ** -`scale`.

    The regularization is `strength` times the mean, over plays, of the number of playlists that contain the song (for
    scale 0), so that a strength means the same in small and large catalogues.
    """

    scale: float
    strength: float

    @property
    def column(self) -> tuple[object, ...]:
        return ("regression", self.scale, self.strength)


Way: TypeAlias = Together | Paths | Regression
_KINDS: dict[str, type[Together | Paths | Regression]] = {
    "together": Together,
    "paths": Paths,
    "regression": Regression,
}


def way_as_list(way: Way) -> list[str | float]:
    """A list for JSON: the kind, then its numbers."""
    (kind,) = (name for name, type_ in _KINDS.items() if isinstance(way, type_))
    return [kind, *astuple(way)]


def way_from_list(values: Sequence[str | float]) -> Way:
    """The inverse of `way_as_list`. Raises KeyError, TypeError or ValueError for invalid values."""
    kind, *numbers = values
    return _KINDS[str(kind)](*map(float, numbers))


@dataclass(frozen=True, slots=True)
class Eigenvectors:
    """The largest eigenvalues and eigenvectors of Z.T @ Z, or of Z @ Z.T if there are fewer songs than playlists.

    With K = (Z.T @ Z + r)^-1, the predictions of EASE need Z @ K @ Z.T, and by the push-through identity (a case of
    Woodbury's) that is Z @ Z.T @ (Z @ Z.T + r)^-1: either matrix will do, so the smaller one is used. For a large one,
    only the RANK largest eigenvalues are kept, and K is approximated by a multiple of the identity in all other
    directions.
    """

    scale: float
    values: NDArray[np.float32]
    """(rank,), descending."""
    vectors: NDArray[np.float32]
    """(playlists, rank), or (songs, rank) if there are fewer songs."""
    rest: float
    """The mean of the omitted eigenvalues; 0 if there are none."""
    mean: float
    """The mean, over plays, of the squared length of the song's row of Z: the unit of strengths."""
    squares: NDArray[np.float32]
    """(songs, rank): squares of X @ vectors, or of the vectors if there are fewer songs."""

    @classmethod
    def of(cls, plays: Plays, scale: float, seed: int = 0) -> Self:
        z = _scaled(plays, scale)
        lengths = np.asarray(z.multiply(z).sum(axis=1), np.float64).ravel()
        total = float(lengths.sum())
        mean = float((lengths**2).sum() / total) if total else 1.0
        narrow = z.tocsr() if _narrow(plays) else z.T.tocsr()
        size = narrow.shape[0]
        if size <= EXACT:
            values, vectors = linalg.eigh(
                (narrow @ narrow.T).toarray().astype(np.float64), check_finite=False
            )
            values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
            rest = 0.0
        else:
            values, vectors = _largest(narrow, np.random.default_rng(seed))
            rest = max(0.0, total - float(values.sum())) / (size - len(values))
        vectors = np.ascontiguousarray(vectors, np.float32)
        squares = (vectors if _narrow(plays) else plays.ones @ vectors) ** 2
        return cls(scale, values.astype(np.float32), vectors, rest, mean, squares)


def _scaled(plays: Plays, scale: float) -> sparse.csr_array:
    return with_data(plays.counts, np.repeat(plays.known(-scale), np.diff(plays.counts.indptr)))


def _largest(
    narrow: sparse.csr_array, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The RANK largest eigenvalues and -vectors of ``narrow @ narrow.T`` (subspace iteration, Halko et al. 2011)."""
    wide = narrow.T.tocsr()
    basis = random.standard_normal((narrow.shape[0], RANK + SPARE)).astype(np.float32)
    for _ in range(ROUNDS):
        basis, _ = linalg.qr(narrow @ (wide @ basis), mode="economic", overwrite_a=True, check_finite=False)
    image = wide @ basis
    values, rotation = linalg.eigh(image.T @ image)
    best = slice(None, -RANK - 1, -1)
    return np.maximum(values[best], 0.0), basis @ rotation[:, best]


@dataclass(frozen=True, slots=True)
class Regressor:
    """EASE for one setting, ready for predictions.

    EASE predicts song j from the others with the weights -P[i, j] / P[j, j], where P = (Z @ Z.T + r)^-1. Since
    P = (1 - Z @ K @ Z.T) / r, that is ``(Z @ K @ Z.T)[i, j] / (1 - (Z @ K @ Z.T)[j, j])`` for songs i other than j.
    Predictions are scaled back by m ** `scale`, which leaves the plain X as the last matrix.
    """

    scale: float
    identity: float
    values: NDArray[np.float32]
    vectors: NDArray[np.float32]
    """K is ``identity + vectors @ diag(values) @ vectors.T``."""
    factor: NDArray[np.float32]
    """1 / (1 - (Z @ K @ Z.T)[j, j]) for each song j, (songs,)."""

    @classmethod
    def of(cls, plays: Plays, eigenvectors: Eigenvectors, way: Regression) -> Self:
        ridge = way.strength * eigenvectors.mean
        identity = 1.0 / (eigenvectors.rest + ridge)
        values = (1.0 / (eigenvectors.values + ridge) - identity).astype(np.float32)
        if _narrow(plays):
            rest = ridge * (identity + eigenvectors.squares @ values)
        else:
            own = identity * plays.playlists + eigenvectors.squares @ values
            rest = 1.0 - own * plays.known(-2 * way.scale)
        factor = (1.0 / np.maximum(rest, 1e-6)).astype(np.float32)
        return cls(way.scale, float(identity), values, eigenvectors.vectors, factor)

    @property
    def memory(self) -> int:
        return int(self.values.nbytes + self.vectors.nbytes + self.factor.nbytes)

    def weights(self, plays: Plays, likes: Likes) -> Scores:
        scaling = np.maximum(likes.lengths, 1.0) ** -self.scale
        if _narrow(plays):
            given = likes.evidence * scaling
            regressed = self._inverse(_projected(given, self.vectors[likes.songs]))
            regressed[likes.songs] += self.identity * given
            return np.asarray((regressed * plays.known(-self.scale)) @ plays.ones, np.float64)
        # A like is scaled twice: as an input, and as a row of Z.
        votes = likes.votes(likes.evidence * scaling**2, len(plays.lengths))
        return self.identity * votes + self._inverse(_projected(votes, self.vectors))

    def _inverse(self, projected: NDArray[np.float32]) -> Scores:
        return np.asarray(np.einsum("pr,r->p", self.vectors, self.values * projected), np.float64)


def _projected(weights: Scores, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """``weights @ vectors`` without BLAS, whose threads cost more than they save here, especially on a busy machine."""
    return np.asarray(np.einsum("p,pr->r", weights.astype(np.float32), vectors), np.float32)


def _narrow(plays: Plays) -> bool:
    """Whether there are fewer songs than playlists."""
    songs, playlists = plays.counts.shape
    return bool(songs < playlists)


def regressors(plays: Plays, ways: Iterable[Way], seed: int = 0) -> dict[Regression, Regressor]:
    """The regressors for the regressions among some methods."""
    wanted = [way for way in ways if isinstance(way, Regression)]
    eigenvectors = {
        scale: Eigenvectors.of(plays, scale, seed) for scale in sorted({way.scale for way in wanted})
    }
    return {way: Regressor.of(plays, eigenvectors[way.scale], way) for way in wanted}


class Scorer:
    """Scores of several methods at once, which share matrix products."""

    def __init__(self, plays: Plays, ways: Iterable[Way], regressors: Mapping[Regression, Regressor]) -> None:
        """`regressors` has one for each `Regression` among the methods."""
        self.plays = plays
        self._regressors = regressors
        self._factors = {
            way: regressors[way].factor if isinstance(way, Regression) else plays.known(-way.song)
            for way in ways
        }

    def scores(self, likes: SongIndices, ways: Sequence[Way]) -> NDArray[np.float32]:
        """(ways, songs) for at least one like, oldest first: not negative, 0 for the likes, each in its own unit."""
        liked = Likes.of(self.plays, likes)
        weights: dict[tuple[object, ...], Scores] = {}
        for way in ways:
            if way.column not in weights:
                weights[way.column] = self._weights(way, liked)
        products: dict[tuple[object, ...], NDArray[np.float32]] = {}
        by_ones = [column for column in weights if column != TOGETHER]
        for matrix, columns in ((self.plays.roots, [TOGETHER]), (self.plays.ones, by_ones)):
            if columns := [column for column in columns if column in weights]:
                stacked = np.stack([weights[column] for column in columns], axis=1).astype(np.float32)
                products |= zip(columns, np.ascontiguousarray((matrix @ stacked).T), strict=True)
        scores = np.empty((len(ways), len(self.plays.playlists)), np.float32)
        for row, way in zip(scores, ways, strict=True):
            np.multiply(products[way.column], self._factors[way], out=row)
            row[likes] = 0.0
            np.divide(row, _unit(row) or 1.0, out=row)
        # A regression may score a song negatively, but only positive scores are recommendations.
        return np.maximum(scores, 0.0, out=scores)

    def _weights(self, way: Way, likes: Likes) -> Scores:
        if isinstance(way, Regression):
            return self._regressors[way].weights(self.plays, likes)
        return way.weights(self.plays, likes)


def _unit(scores: NDArray[np.float32]) -> float:
    """The mean of the TOP highest scores."""
    return float(np.sort(scores[leaders(scores, TOP)])[-TOP:].sum(dtype=np.float64)) / max(
        1, min(TOP, len(scores))
    )


def leaders(scores: NDArray[np.float32], k: int) -> SongIndices:
    """The indices of the k highest positive scores, and possibly of a few more, unordered.

    At least k scores are no lower than the k-th highest block maximum: finding these maxima takes a tenth of the time
    of partitioning all scores, most of which are 0.
    """
    bound = np.float32(0.0)
    if len(scores) > BLOCK * k:
        bound = np.partition(np.maximum.reduceat(scores, np.arange(0, len(scores), BLOCK)), -k)[-k]
    return np.flatnonzero(scores >= bound if bound > 0 else scores > 0)


def with_data(counts: sparse.csr_array, data: NDArray[np.float32]) -> sparse.csr_array:
    """A matrix with other entries in the same positions; the index arrays are shared, not copied."""
    return sparse.csr_array((data, counts.indices, counts.indptr), counts.shape)
