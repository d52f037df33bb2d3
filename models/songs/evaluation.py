"""How good recommendations are: held-out playlists, a few of whose songs are known and the others to be found.

The protocol: of each test playlist `likes` different songs are drawn at random, several times over, and every other
song of it is a right answer. Each way of recommending puts all songs of the training playlists in order, the likes
left out; its first `k` are looked at. Songs that no training playlist has are taken out of the test playlists
beforehand and counted, as is usual: no way could recommend them or learn anything from them.

- *nDCG*: right answers in the first k, those further up for more (1 / log2(rank + 1)), as a share of the best possible.
- *hit rate*: how often at least one of the first k is right. *precision*: the share of the first k that is.
- *coverage*: the share of all songs that somebody was recommended. *mean popularity*: in how many training
  playlists a recommended song is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.failures import ModelError
from models.results import Song
from models.songs.recommender import Numbers, Recommender, Scores, count, first, gain
from models.songs.training import word2vec
from models.songs.versions import group
from models.specs import Progress

RESAMPLES = 1000
"""Bootstrap samples of the test playlists."""
INTERVAL = (2.5, 97.5)
"""Percentiles between which 95 % of the samples lie."""
ALPHA, SHRINK = 0.7, 5.0
"""Item-item's best settings on the notebook's playlists."""
PER_ARTIST = 2


class Way(Protocol):
    """A way of recommending, trained. Songs are numbers from 0."""

    @property
    def memory(self) -> int: ...

    def scores(self, likes: Numbers, /) -> Scores:
        """(songs,) from `likes`: the higher the better."""
        ...


@dataclass(frozen=True, slots=True)
class Measured:
    """A mean over test playlists, and the bounds of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of one way. `ahead` is the first row's nDCG as a multiple of this one's, over the same
    samples; `memory_bytes` is what the trained way holds.
    """

    name: str
    ndcg: Measured
    hit_rate: Measured
    precision: Measured
    coverage: Measured
    mean_popularity: Measured
    ahead: Measured
    train_seconds: float
    memory_bytes: int
    ms_per_query: float

    def as_dict(self) -> dict[str, Any]:
        """Flat: `ndcg`, `ndcg_low`, `ndcg_high` and so on."""
        flat: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if isinstance(value, Measured):
                flat |= {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
            else:
                flat[name] = value
        return flat


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`train` and `test` count what was used and what was left out."""

    train: dict[str, int]
    test: dict[str, int]
    likes: int
    k: int
    draws: int
    seed: int
    folds: int
    rows: tuple[Row, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "rows": [row.as_dict() for row in self.rows]}


def evaluate(
    train: Sequence[Sequence[str]],
    test: Sequence[Sequence[str]],
    settings: Mapping[str, Any],
    *,
    songs: Sequence[Song] = (),
    likes: int = 5,
    k: int = 10,
    draws: int = 10,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Train each way on one set of playlists and ask it about the other.

    `settings` are `Word2Vec`'s; `songs` tell who the artists are, for a row with at most two songs of each. The
    same seed gives the same numbers, times apart. ModelError if no test playlist can be used.
    """
    return _evaluated([(train, test)], settings, songs, likes, k, draws, seed, progress)


def cross_validate(
    lists: Sequence[Sequence[str]],
    folds: int,
    settings: Mapping[str, Any],
    *,
    songs: Sequence[Song] = (),
    likes: int = 5,
    k: int = 10,
    draws: int = 10,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """As `evaluate`, with each of `folds` parts of the playlists as the test once. Coverage is the mean of theirs."""
    if not 2 <= folds <= len(lists):  # noqa: PLR2004
        raise ModelError(
            f"{len(lists)} playlists cannot be divided into {folds} parts to learn from and to test."
        )
    part = np.random.default_rng(seed).permutation(len(lists)) % folds
    pairs = [
        (
            [it for it, its in zip(lists, part, strict=True) if its != fold],
            [it for it, its in zip(lists, part, strict=True) if its == fold],
        )
        for fold in range(folds)
    ]
    return _evaluated(pairs, settings, songs, likes, k, draws, seed, progress)


# The ways ----------------------------------------------------------------------------------------------------


class Popularity:
    """The songs that are in most playlists, for everybody."""

    def __init__(self, counts: Any) -> None:
        self._playlists: Scores = np.diff(counts.indptr).astype(np.float64)

    @property
    def memory(self) -> int:
        return int(self._playlists.nbytes)

    def scores(self, _likes: Numbers) -> Scores:
        return self._playlists


class ItemItem:
    """Each like votes with n(a, b) / (n(a) ** ALPHA * n(b) ** (1 - ALPHA) + SHRINK); n counts playlists."""

    def __init__(self, counts: Any) -> None:
        ones = np.ones(counts.nnz, np.float32)
        self._in = sparse.csr_array((ones, counts.indices, counts.indptr), counts.shape)
        self._playlists: Scores = np.diff(counts.indptr).astype(np.float64)

    @property
    def memory(self) -> int:
        return int(sum(it.nbytes for it in (self._in.data, self._in.indices, self._in.indptr)))

    def scores(self, likes: Numbers) -> Scores:
        met = (self._in @ self._in[likes].T).tocoo()
        liked = self._playlists[likes]
        doubt = liked[met.col] ** ALPHA * self._playlists[met.row] ** (1 - ALPHA) + SHRINK
        return np.bincount(met.row, met.data / doubt, len(self._playlists)).astype(np.float64)


class MeanVector:
    """The songs whose Word2Vec vectors are nearest, by cosine, to the mean of the likes' vectors."""

    def __init__(self, vectors: Any, ids: Sequence[str]) -> None:
        """`vectors` are gensim's KeyedVectors over song ids; `ids` has the id of each song."""
        self._vectors = vectors
        self._songs = len(ids)
        places = {id_: place for place, id_ in enumerate(ids)}
        self._places = np.array([places[id_] for id_ in vectors.index_to_key], np.int64)
        self._rows = np.full(len(ids), -1)
        self._rows[self._places] = np.arange(len(self._places))

    @property
    def memory(self) -> int:
        return int(self._vectors.vectors.nbytes)

    def scores(self, likes: Numbers) -> Scores:
        found = np.full(self._songs, -np.inf)
        rows = self._rows[likes]
        if len(rows := rows[rows >= 0]):
            # Not brought to length 1 first: well-known songs have longer vectors and better ones.
            mean = self._vectors.vectors[rows].mean(axis=0)
            found[self._places] = self._vectors.most_similar(positive=[mean], topn=None)
        return found


# Asking and counting -----------------------------------------------------------------------------------------

Pairs: TypeAlias = Sequence[tuple[Sequence[Sequence[str]], Sequence[Sequence[str]]]]
METRICS = ("ndcg", "hit_rate", "precision", "mean_popularity")


@dataclass(frozen=True, slots=True)
class _Question:
    playlist: int
    likes: Numbers
    right: Numbers


@dataclass(frozen=True, slots=True)
class _Contender:
    """A way to be trained; `artists` number the artists of songs if a list is to be varied by them."""

    name: str
    train: Callable[[], Way]
    artists: NDArray[np.int32] | None = None


@dataclass(frozen=True, slots=True)
class _Result:
    """What one way did in one fold: METRICS of each test playlist, (playlists, 4), and whether each song was
    recommended to it, sparse (playlists, songs).
    """

    means: NDArray[np.float64]
    recommended: Any
    train_seconds: float
    memory: int
    seconds: float


def _evaluated(
    pairs: Pairs,
    settings: Mapping[str, Any],
    songs: Sequence[Song],
    likes: int,
    k: int,
    draws: int,
    seed: int,
    progress: Progress | None,
) -> Evaluation:
    random = np.random.default_rng(seed)
    trains, tests, results = [], [], dict[str, list[_Result]]()
    queries = 0
    for fold, (train, test) in enumerate(pairs, 1):
        places = {id_: place for place, id_ in enumerate(dict.fromkeys(chain.from_iterable(train)))}
        questions, report = _questions(train, test, places, likes, draws, random)
        trains.append({"playlists": len(train), "plays": sum(map(len, train)), "songs": len(places)})
        tests.append(report)
        queries += len(questions)
        if not questions:
            continue
        playlists = count(train, places)
        fame = np.diff(playlists.indptr)
        for contender in _contenders(train, playlists, places, settings, songs):
            if progress:
                part = f", part {fold} of {len(pairs)}" if len(pairs) > 1 else ""
                progress(f"training and asking: {contender.name}{part}", None)
            results.setdefault(contender.name, []).append(_result(contender, questions, fame, k))
    if not queries:
        raise ModelError(
            f"No test playlist has more than {likes} different songs that the training playlists have. "
            "Ask with fewer likes."
        )
    train_facts = {key: round(sum(it[key] for it in trains) / len(trains)) for key in trains[0]}
    test_facts = {key: sum(it[key] for it in tests) for key in tests[0]}
    rows = _rows(results, queries, np.random.default_rng(seed))
    return Evaluation(train_facts, test_facts, likes, k, draws, seed, len(pairs), rows)


def _contenders(
    train: Sequence[Sequence[str]],
    counts: Any,
    places: Mapping[str, int],
    settings: Mapping[str, Any],
    songs: Sequence[Song],
) -> Iterator[_Contender]:
    ids = list(places)
    yield _Contender("recommender", lambda: Recommender.fit(count(train, places)))
    if songs:
        table = {song.id: song for song in songs}
        _, artists = group([table.get(id_) or Song(id_, "", "") for id_ in ids])
        name = f"recommender, {PER_ARTIST} by one artist"
        yield _Contender(name, lambda: Recommender.fit(count(train, places)), artists)
    yield _Contender("item-item", lambda: ItemItem(count(train, places)))
    yield _Contender("notebook's Word2Vec", lambda: MeanVector(word2vec(train, settings), ids))
    yield _Contender("popularity", lambda: Popularity(counts))


def _questions(
    train: Sequence[Sequence[str]],
    test: Sequence[Sequence[str]],
    places: Mapping[str, int],
    likes: int,
    draws: int,
    random: np.random.Generator,
) -> tuple[list[_Question], dict[str, int]]:
    """What is asked about each test playlist that has enough songs, and counts of what is left out."""
    found: list[_Question] = []
    sizes: list[int] = []
    seen = set(map(tuple, train))
    new: set[str] = set()
    for playlist in test:
        new.update(it for it in playlist if it not in places)
        known = np.array([places[it] for it in dict.fromkeys(playlist) if it in places], np.int64)
        if len(known) <= likes:
            continue
        for _ in range(draws):
            drawn = random.permutation(known)
            found.append(_Question(len(sizes), drawn[:likes], drawn[likes:]))
        sizes.append(len(known))
    return found, {
        "playlists": len(test),
        "playlists_used": len(sizes),
        "playlists_too_short": len(test) - len(sizes),
        "playlists_in_training_too": sum(tuple(it) in seen for it in test),
        "songs_not_in_training": len(new),
        "questions": len(found),
    }


def _result(contender: _Contender, questions: Sequence[_Question], fame: Numbers, k: int) -> _Result:
    began = time.perf_counter()
    way = contender.train()
    train_seconds = time.perf_counter() - began
    began = time.perf_counter()
    lists = []
    for it in questions:
        if contender.artists is None:
            lists.append(first(way.scores(it.likes), it.likes, k))
        else:
            lists.append(_varied(first(way.scores(it.likes), it.likes, 20 * k), contender.artists)[:k])
    seconds = time.perf_counter() - began
    playlists = np.array([it.playlist for it in questions])
    values = np.array(
        [_measured(found, it.right, fame, k) for found, it in zip(lists, questions, strict=True)]
    )
    asked = np.bincount(playlists)
    means = np.stack([np.bincount(playlists, column) / asked for column in values.T], axis=1)
    rows = np.repeat(playlists, [len(it) for it in lists])
    ones = np.ones(len(rows), np.float32)
    recommended = sparse.csr_array((ones, (rows, np.concatenate(lists))), (len(asked), len(fame)))
    return _Result(means, recommended, train_seconds, way.memory, seconds)


def _varied(order: Numbers, artists: NDArray[np.int32]) -> Numbers:
    """The songs in the same order, at most PER_ARTIST of each artist."""
    heard: dict[int, int] = {}
    kept = []
    for song, artist in zip(order.tolist(), artists[order].tolist(), strict=True):
        heard[artist] = heard.get(artist, 0) + 1
        if heard[artist] <= PER_ARTIST:
            kept.append(song)
    return np.array(kept, np.int64)


def _measured(found: Numbers, right: Numbers, fame: Numbers, k: int) -> tuple[float, ...]:
    """METRICS of one list."""
    hits = np.isin(found, right)
    popularity = float(fame[found].mean()) if len(found) else 0.0
    return gain(found, right, k), float(hits.any()), hits.sum() / k, popularity


def _rows(
    results: Mapping[str, Sequence[_Result]], queries: int, random: np.random.Generator
) -> tuple[Row, ...]:
    first = next(iter(results.values()))
    playlists = sum(len(it.means) for it in first)
    # How often each test playlist is in each bootstrap sample: (samples, playlists), the same for all rows.
    samples = random.multinomial(playlists, np.full(playlists, 1 / playlists), RESAMPLES)
    everything = {name: np.concatenate([it.means for it in its]) for name, its in results.items()}
    sampled = {name: samples @ means / playlists for name, means in everything.items()}
    leader = next(iter(everything))
    rows = []
    for name, its in results.items():
        means = everything[name].mean(axis=0)
        measured = {metric: _interval(means[at], sampled[name][:, at]) for at, metric in enumerate(METRICS)}
        with np.errstate(divide="ignore", invalid="ignore"):
            ahead = _interval(
                everything[leader][:, 0].mean() / means[0], sampled[leader][:, 0] / sampled[name][:, 0]
            )
        rows.append(
            Row(
                name=name,
                **measured,
                coverage=_coverage(its, samples),
                ahead=ahead,
                train_seconds=sum(it.train_seconds for it in its) / len(its),
                memory_bytes=max(it.memory for it in its),
                ms_per_query=1000 * sum(it.seconds for it in its) / queries,
            )
        )
    return tuple(rows)


def _interval(value: float, samples: NDArray[np.float64]) -> Measured:
    low, high = np.percentile(samples, INTERVAL)
    return Measured(float(value), float(low), float(high))


def _coverage(results: Sequence[_Result], samples: NDArray[np.int64]) -> Measured:
    """The mean over folds of the share of songs that are recommended to some test playlist.

    A bootstrap sample leaves out a third of the playlists and so covers less; its spread is taken, around the
    value for all of them.
    """
    shares = []
    values = []
    start = 0
    for it in results:
        drawn = samples[:, start : start + len(it.means)] > 0
        start += len(it.means)
        columns = np.unique(it.recommended.indices)
        reached = (drawn.astype(np.float32) @ it.recommended[:, columns].toarray()) > 0
        shares.append(reached.sum(axis=1) / it.recommended.shape[1])
        values.append(len(columns) / it.recommended.shape[1])
    value = float(np.mean(values))
    spread = np.mean(shares, axis=0)
    return _interval(value, spread - spread.mean() + value)
