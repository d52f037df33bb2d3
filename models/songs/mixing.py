"""Weights of the scoring methods, learnt for each number of likes on held-out playlists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.songs.ways import (
    Paths,
    Plays,
    Regression,
    Scorer,
    Scores,
    SongIndices,
    Together,
    Way,
    leaders,
    regressors,
)

Mix: TypeAlias = Mapping[Way, float]
"""The share of each scoring method; shares add up to 1."""

LIKES = (1, 5, 30)
"""Numbers of likes for which a mix is learnt; in between, mixes are interpolated."""
SONG = (0.0, 0.2, 0.35, 0.5)
WAYS: tuple[Way, ...] = (
    *(Together(song) for song in (0.0, 0.15, 0.3)),
    *(Paths(*ends, song) for ends, song in product(((0.7, 0.0), (0.3, 0.3), (0.5, 0.5), (1.0, 1.0)), SONG)),
    *(Regression(*setting) for setting in product((0.0, 0.25), (3.0, 10.0, 30.0))),
)
"""The candidate methods."""
DEFAULT: Mix = {Together(0.0): 0.5, Paths(0.7, 0.0, 0.2): 0.5}
"""The mix if there are too few playlists to learn one."""
LEAST_TOGETHER = 1e-3
"""Extra share of `Together`, the only method that finds songs which share no playlist with a like."""
MOST = 4
"""Maximum number of methods in a mix."""
STEPS = (0.05, 0.1, 0.2, 0.35, 0.5)
"""Shares that a method may gain in one step."""
LEAST_GAIN = 0.001
"""Minimum gain in nDCG for another step."""
FOLDS = 3
"""Number of parts of the playlists, each of which is held out once."""
QUESTIONS = 400
"""Maximum number of questions for each number of likes."""
LARGE, QUESTIONS_OF_LARGE = 3000, 150
"""Size (songs or playlists, whichever are fewer) above which one part is held out, and its number of questions."""
FEWEST = 20
"""Minimum number of questions for learning a mix."""
TOP = 10
"""Length of the lists to compare."""
CANDIDATES = 20
"""Number of best songs from each method that a mix chooses from."""
DISCOUNTS = 1 / np.log2(np.arange(2, TOP + 2))


@dataclass(frozen=True, slots=True)
class Question:
    """Some songs of a held-out playlist as likes, and its other songs."""

    likes: SongIndices
    others: SongIndices


def learn(counts: sparse.csr_array, seed: int = 0) -> tuple[Mix, ...]:
    """The mix for each of LIKES. `counts` is (songs, playlists). The same seed finds the same mixes."""
    random = np.random.default_rng(seed)
    counts = counts[np.diff(counts.indptr) > 0]  # two thirds of the notebook's songs are never played
    answers: list[list[_Answer]] = [[] for _ in LIKES]
    for train, questions in held_out(counts, random):
        plays = Plays(train)
        scorer = Scorer(plays, WAYS, regressors(plays, WAYS, seed))
        for given, asked in zip(answers, questions, strict=True):
            given += [_answer(scorer, question) for question in asked]
    mixes: list[Mix] = []
    for given in answers:
        # If too few playlists have this many songs, the mix for fewer likes is used.
        if len(given) >= FEWEST:
            mixes.append(_best_mix(_Table.of(given)))
        else:
            mixes.append(mixes[-1] if mixes else DEFAULT)
    return tuple(mixes)


def ways_of(mixes: Sequence[Mix]) -> list[Way]:
    """All scoring methods in some mixes."""
    return list(dict.fromkeys([Together(0.0), *(way for mix in mixes for way in mix)]))


def mix_for(mixes: Sequence[Mix], likes: int) -> Mix:
    """The mix for a number of likes, interpolated on a logarithmic scale between those for LIKES."""
    place = float(np.interp(np.log(likes), np.log(LIKES), np.arange(len(LIKES))))
    lower = min(int(place), len(LIKES) - 2)
    mix: dict[Way, float] = {Together(0.0): LEAST_TOGETHER}
    for number, weight in ((lower, lower + 1 - place), (lower + 1, place - lower)):
        for way, share in mixes[number].items() if weight > 0 else ():
            mix[way] = mix.get(way, 0.0) + weight * share
    return mix


def held_out(
    counts: sparse.csr_array, random: np.random.Generator, likes: Sequence[int] = LIKES
) -> Iterator[tuple[sparse.csr_array, list[list[Question]]]]:
    """For each fold, the counts without the held-out playlists, and questions about these for each number of likes.

    The playlists for a number of likes are drawn from those that are long enough, so that a catalogue of mostly short
    playlists still uses its few long ones.
    """
    by_playlist = sparse.csc_array(counts)
    lengths = np.diff(by_playlist.indptr)
    order = random.permutation(len(lengths))
    large = min(counts.shape) > LARGE
    folds, most = (1, QUESTIONS_OF_LARGE) if large else (FOLDS, QUESTIONS)
    for fold in range(folds):
        groups = []
        for number in likes:
            eligible = order[lengths[order] > number]
            size = min(-(-most // folds), len(eligible) // FOLDS)
            groups.append(eligible[fold * size : (fold + 1) * size])
        out = np.unique(np.concatenate(groups))
        if not len(out):
            return
        train = sparse.csr_array(by_playlist[:, np.setdiff1d(order, out)])
        known = np.diff(train.indptr) > 0
        questions: list[list[Question]] = []
        for number, group in zip(likes, groups, strict=True):
            asked = []
            for playlist in group:
                songs = by_playlist.indices[by_playlist.indptr[playlist] : by_playlist.indptr[playlist + 1]]
                songs = random.permutation(songs[known[songs]]).astype(np.int64)
                if number < len(songs):
                    asked.append(Question(songs[:number], songs[number:]))
            questions.append(asked)
        yield train, questions


@dataclass(frozen=True, slots=True)
class _Answer:
    """The methods' scores, (ways, candidates), which candidates are relevant, and the best possible gain."""

    scores: NDArray[np.float32]
    right: NDArray[np.bool_]
    ideal: float


def _answer(scorer: Scorer, question: Question) -> _Answer:
    scores = scorer.scores(question.likes, WAYS)
    best = [_best(row, CANDIDATES) for row in scores]
    songs = np.unique(np.concatenate(best))
    ideal = float(DISCOUNTS[: len(question.others)].sum())
    return _Answer(scores[:, songs], np.isin(songs, question.others), ideal)


def _best(scores: NDArray[np.float32], k: int) -> SongIndices:
    """The indices of the k highest positive scores, unordered."""
    songs = leaders(scores, k)
    return songs[np.argpartition(scores[songs], -k)[-k:]] if len(songs) > k else songs


@dataclass(frozen=True, slots=True)
class _Table:
    """Answers stacked into arrays, padded with candidates that score -1: (ways, questions, candidates) and so on."""

    scores: NDArray[np.float32]
    right: NDArray[np.bool_]
    ideal: Scores

    @classmethod
    def of(cls, answers: Sequence[_Answer]) -> _Table:
        width = max(TOP, *(len(answer.right) for answer in answers))
        scores = np.full((len(WAYS), len(answers), width), -1.0, np.float32)
        right = np.zeros((len(answers), width), np.bool_)
        for row, answer in enumerate(answers):
            scores[:, row, : len(answer.right)] = answer.scores
            right[row, : len(answer.right)] = answer.right
        return cls(scores, right, np.array([answer.ideal for answer in answers]))

    def ndcg(self, blend: NDArray[np.float32]) -> float:
        """The mean nDCG of the lists sorted by these scores, (questions, candidates)."""
        best = np.argpartition(blend, -TOP, axis=1)[:, -TOP:]
        order = np.argsort(-np.take_along_axis(blend, best, 1), axis=1, kind="stable")
        right = np.take_along_axis(self.right, np.take_along_axis(best, order, 1), 1)
        return float(((right @ DISCOUNTS) / self.ideal).mean())


def _best_mix(table: _Table) -> Mix:
    """Start with the best single method, and add shares of others for as long as the lists improve."""
    gains = [table.ndcg(scores) for scores in table.scores]
    first = int(np.argmax(gains))
    best = gains[first]
    blend = table.scores[first]
    shares = {first: 1.0}
    while True:
        steps = (
            (table.ndcg((1 - step) * blend + step * table.scores[way]), way, step)
            for way in range(len(WAYS))
            if way in shares or len(shares) < MOST
            for step in STEPS
        )
        gain, way, step = max(steps)
        if gain < best + LEAST_GAIN:
            return {WAYS[way]: share for way, share in shares.items()}
        best = gain
        blend = (1 - step) * blend + step * table.scores[way]
        shares = {known: (1 - step) * share for known, share in shares.items()}
        shares[way] = shares.get(way, 0.0) + step
