"""Evaluation of recommendations: given some songs of a held-out playlist, the others should be found.

The protocol: from each test playlist, `likes` different songs are drawn at random, several times over, and all its
other songs are relevant. Each approach ranks all songs of the training playlists except the likes; its first `k` are
evaluated. Songs that no training playlist contains are removed from the test playlists beforehand and counted, as is
usual: no approach could recommend them or learn anything from them.

- *nDCG*: relevant songs in the first k, weighted by rank (1 / log2(rank + 1)), as a share of the best possible.
- *hit rate*: how often at least one of the first k is relevant. *precision*: the share of the first k that is.
- *coverage*: the share of all songs that were recommended at least once. *mean popularity*: the number of training
  playlists that contain a recommended song, on average.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from itertools import chain
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

import texts
from models.failures import NoUsableTestPlaylist, TooFewPlaylists
from models.progress import Progress
from models.results import Song
from models.songs.recommender import Recommender, count_plays, ndcg, top_songs
from models.songs.rivals import RIVALS, Approach, MeanVector, Popularity, tuned
from models.songs.training import word2vec
from models.songs.versions import group
from models.songs.ways import SongIndices

RESAMPLES = 1000
"""Bootstrap samples of the test playlists."""
INTERVAL = (2.5, 97.5)
"""Percentiles between which 95% of the samples lie."""
PER_ARTIST = 2


@dataclass(frozen=True, slots=True)
class Measured:
    """A mean over test playlists, and the bounds of its 95% bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """The measurements of one approach. `ahead` is the first row's nDCG as a multiple of this one's, and `lead` the
    difference, over the same samples: a lead whose interval lies above 0 is significant. `memory_bytes` is the size of
    the trained approach; `train_seconds` includes the choice of settings.
    """

    name: str
    ndcg: Measured
    hit_rate: Measured
    precision: Measured
    coverage: Measured
    mean_popularity: Measured
    ahead: Measured
    lead: Measured
    train_seconds: float
    memory_bytes: int
    ms_per_query: float

    def as_dict(self) -> dict[str, object]:
        """A flat dictionary: `ndcg`, `ndcg_low`, `ndcg_high` and so on."""
        flat: dict[str, object] = {}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if isinstance(value, Measured):
                flat |= {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
            else:
                flat[name] = value
        return flat


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`train` and `test` count what was used and what was skipped."""

    train: dict[str, int]
    test: dict[str, int]
    likes: int
    k: int
    draws: int
    seed: int
    folds: int
    rows: tuple[Row, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "rows": [row.as_dict() for row in self.rows]}


def evaluate(
    train: Sequence[Sequence[str]],
    test: Sequence[Sequence[str]],
    settings: Mapping[str, int],
    *,
    songs: Sequence[Song] = (),
    likes: int = 5,
    k: int = 10,
    draws: int = 10,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Train each approach on one set of playlists and test it on the other.

    `settings` are those of `Word2Vec`; `songs` provide the artists, for a row with at most two songs by each. The same
    seed gives the same numbers, apart from times. Raises NoUsableTestPlaylist.
    """
    return _evaluate([(train, test)], settings, songs, likes, k, draws, seed, progress)


def cross_validate(
    lists: Sequence[Sequence[str]],
    folds: int,
    settings: Mapping[str, int],
    *,
    songs: Sequence[Song] = (),
    likes: int = 5,
    k: int = 10,
    draws: int = 10,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Like `evaluate`, with each of `folds` parts of the playlists as the test set once. Coverage is the mean over
    them.

    Also raises TooFewPlaylists.
    """
    if not 1 < folds <= len(lists):
        raise TooFewPlaylists(len(lists), folds)
    part = np.random.default_rng(seed).permutation(len(lists)) % folds
    pairs = [
        (
            [playlist for playlist, its_part in zip(lists, part, strict=True) if its_part != fold],
            [playlist for playlist, its_part in zip(lists, part, strict=True) if its_part == fold],
        )
        for fold in range(folds)
    ]
    return _evaluate(pairs, settings, songs, likes, k, draws, seed, progress)


# Measuring -------------------------------------------------------------------------------------------------

Pairs: TypeAlias = Sequence[tuple[Sequence[Sequence[str]], Sequence[Sequence[str]]]]
METRICS = ("ndcg", "hit_rate", "precision", "mean_popularity")


@dataclass(frozen=True, slots=True)
class _Query:
    playlist: int
    likes: SongIndices
    relevant: SongIndices


@dataclass(frozen=True, slots=True)
class _Contender:
    """An approach to train; `artists`, (songs,), if a list may have at most PER_ARTIST songs by each."""

    name: str
    train: Callable[[], Approach]
    artists: NDArray[np.int32] | None = None


@dataclass(frozen=True, slots=True)
class _Result:
    """The results of one approach in one fold: METRICS of each test playlist, (playlists, 4), and whether each song was
    recommended for it, (playlists, songs).
    """

    means: NDArray[np.float64]
    recommended: sparse.csr_array
    train_seconds: float
    memory: int
    seconds: float


def _evaluate(
    pairs: Pairs,
    settings: Mapping[str, int],
    songs: Sequence[Song],
    likes: int,
    k: int,
    draws: int,
    seed: int,
    progress: Progress | None,
) -> Evaluation:
    random = np.random.default_rng(seed)
    trains, tests, results = [], [], dict[str, list[_Result]]()
    asked = 0
    for fold, (train, test) in enumerate(pairs, 1):
        indices = {id_: index for index, id_ in enumerate(dict.fromkeys(chain.from_iterable(train)))}
        queries, report = _draw_queries(train, test, indices, likes, draws, random)
        trains.append({"playlists": len(train), "plays": sum(map(len, train)), "songs": len(indices)})
        tests.append(report)
        asked += len(queries)
        if not queries:
            continue
        counts = count_plays(train, indices)
        popularity = np.diff(counts.indptr)
        for contender in _contenders(train, counts, indices, settings, songs, likes):
            if progress:
                progress(_progress_text(contender.name, fold, len(pairs)), None)
            results.setdefault(contender.name, []).append(_result(contender, queries, popularity, k))
    if not asked:
        raise NoUsableTestPlaylist(likes)
    train_facts = {key: round(sum(facts[key] for facts in trains) / len(trains)) for key in trains[0]}
    test_facts = {key: sum(facts[key] for facts in tests) for key in tests[0]}
    rows = _rows(results, asked, np.random.default_rng(seed))
    return Evaluation(train_facts, test_facts, likes, k, draws, seed, len(pairs), rows)


def _progress_text(name: str, part: int, parts: int) -> str:
    if parts > 1:
        return texts.say("progress-evaluating-part", name=name, part=part, parts=parts)
    return texts.say("progress-evaluating", name=name)


def _contenders(
    train: Sequence[Sequence[str]],
    counts: sparse.csr_array,
    indices: Mapping[str, int],
    settings: Mapping[str, int],
    songs: Sequence[Song],
    likes: int,
) -> Iterator[_Contender]:
    ids = list(indices)
    fit = cache(lambda: Recommender.fit(counts))
    yield _Contender("recommender", fit)
    if songs:
        table = {song.id: song for song in songs}
        _, artists = group([table.get(id_) or Song(id_, "", "") for id_ in ids])
        name = f"recommender, {PER_ARTIST} by one artist"
        yield _Contender(name, fit, artists)
    for rival, trains in RIVALS.items():
        yield _Contender(rival, partial(tuned, trains, counts, likes))
    yield _Contender("notebook's Word2Vec", lambda: MeanVector(word2vec(train, settings), ids))
    yield _Contender("popularity", lambda: Popularity(counts))


def _draw_queries(
    train: Sequence[Sequence[str]],
    test: Sequence[Sequence[str]],
    indices: Mapping[str, int],
    likes: int,
    draws: int,
    random: np.random.Generator,
) -> tuple[list[_Query], dict[str, int]]:
    """The queries for each test playlist that has enough songs, and counts of what is skipped."""
    queries: list[_Query] = []
    used = 0
    training = set(map(tuple, train))
    new: set[str] = set()
    for playlist in test:
        new.update(id_ for id_ in playlist if id_ not in indices)
        known = np.array([indices[id_] for id_ in dict.fromkeys(playlist) if id_ in indices], np.int64)
        if len(known) <= likes:
            continue
        for _ in range(draws):
            drawn = random.permutation(known)
            queries.append(_Query(used, drawn[:likes], drawn[likes:]))
        used += 1
    return queries, {
        "playlists": len(test),
        "playlists_used": used,
        "playlists_too_short": len(test) - used,
        "playlists_in_training_too": sum(tuple(playlist) in training for playlist in test),
        "songs_not_in_training": len(new),
        "questions": len(queries),
    }


def _result(contender: _Contender, queries: Sequence[_Query], popularity: SongIndices, k: int) -> _Result:
    began = time.perf_counter()
    approach = contender.train()
    train_seconds = time.perf_counter() - began
    began = time.perf_counter()
    lists = []
    for query in queries:
        scores = approach.scores(query.likes)
        if contender.artists is None:
            lists.append(top_songs(scores, query.likes, k))
        else:
            lists.append(_limit_artists(top_songs(scores, query.likes, 20 * k), contender.artists)[:k])
    seconds = time.perf_counter() - began
    playlists = np.array([query.playlist for query in queries])
    values = np.array(
        [
            _metrics(listed, query.relevant, popularity, k)
            for listed, query in zip(lists, queries, strict=True)
        ]
    )
    draws = np.bincount(playlists)
    means = np.stack([np.bincount(playlists, column) / draws for column in values.T], axis=1)
    rows = np.repeat(playlists, [len(listed) for listed in lists])
    ones = np.ones(len(rows), np.float32)
    recommended = sparse.csr_array((ones, (rows, np.concatenate(lists))), (len(draws), len(popularity)))
    return _Result(means, recommended, train_seconds, approach.memory, seconds)


def _limit_artists(ranked: SongIndices, artists: NDArray[np.int32]) -> SongIndices:
    """The songs in the same order, with at most PER_ARTIST by each artist."""
    counts: dict[int, int] = {}
    selected = []
    for song, artist in zip(ranked.tolist(), artists[ranked].tolist(), strict=True):
        counts[artist] = counts.get(artist, 0) + 1
        if counts[artist] <= PER_ARTIST:
            selected.append(song)
    return np.array(selected, np.int64)


def _metrics(
    listed: SongIndices, relevant: SongIndices, popularity: SongIndices, k: int
) -> tuple[float, ...]:
    """The METRICS of one list."""
    hits = np.isin(listed, relevant)
    mean_popularity = float(popularity[listed].mean()) if len(listed) else 0.0
    return ndcg(listed, relevant, k), float(hits.any()), hits.sum() / k, mean_popularity


def _rows(
    results: Mapping[str, Sequence[_Result]], asked: int, random: np.random.Generator
) -> tuple[Row, ...]:
    playlists = sum(len(result.means) for result in next(iter(results.values())))
    # How often each test playlist occurs in each bootstrap sample: (samples, playlists), the same for all rows.
    samples = random.multinomial(playlists, np.full(playlists, 1 / playlists), RESAMPLES)
    per_playlist = {
        name: np.concatenate([result.means for result in folds]) for name, folds in results.items()
    }
    sampled = {name: samples @ means / playlists for name, means in per_playlist.items()}
    leader = next(iter(per_playlist))
    rows = []
    for name, folds in results.items():
        means = per_playlist[name].mean(axis=0)
        measured = {
            metric: _interval(means[column], sampled[name][:, column])
            for column, metric in enumerate(METRICS)
        }
        with np.errstate(divide="ignore", invalid="ignore"):
            ahead = _interval(
                per_playlist[leader][:, 0].mean() / means[0], sampled[leader][:, 0] / sampled[name][:, 0]
            )
        lead = _interval(
            per_playlist[leader][:, 0].mean() - means[0], sampled[leader][:, 0] - sampled[name][:, 0]
        )
        rows.append(
            Row(
                name=name,
                **measured,
                coverage=_coverage(folds, samples),
                ahead=ahead,
                lead=lead,
                train_seconds=sum(result.train_seconds for result in folds) / len(folds),
                memory_bytes=max(result.memory for result in folds),
                ms_per_query=1000 * sum(result.seconds for result in folds) / asked,
            )
        )
    return tuple(rows)


def _interval(value: float, samples: NDArray[np.float64]) -> Measured:
    low, high = np.percentile(samples, INTERVAL)
    return Measured(float(value), float(low), float(high))


def _coverage(results: Sequence[_Result], samples: NDArray[np.int64]) -> Measured:
    """The mean over folds of the share of songs recommended for at least one test playlist.

    A bootstrap sample omits about a third of the playlists and so covers less; only its spread is used, around the
    value for all of them.
    """
    shares = []
    values = []
    start = 0
    for result in results:
        drawn = samples[:, start : start + len(result.means)] > 0
        start += len(result.means)
        columns = np.unique(result.recommended.indices)
        reached = (drawn.astype(np.float32) @ result.recommended[:, columns].toarray()) > 0
        shares.append(reached.sum(axis=1) / result.recommended.shape[1])
        values.append(len(columns) / result.recommended.shape[1])
    value = float(np.mean(values))
    spread = np.mean(shares, axis=0)
    return _interval(value, spread - spread.mean() + value)
