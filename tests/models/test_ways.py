"""Each way against its formula on dense arrays, and how much of each is heard."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from models.songs import mixing, ways
from models.songs.mixing import DEFAULT, LIKES, WAYS, Mix, learn, mix_for
from models.songs.ways import (
    Paths,
    Plays,
    Regression,
    Scorer,
    Together,
    Way,
    leaders,
    regressors,
    way_as_list,
    way_from_list,
)


def made_up(songs: int, playlists: int) -> NDArray[np.float32]:
    """Counts, (songs, playlists), every song in one playlist at least."""
    random = np.random.default_rng(1)
    counts = (random.random((songs, playlists)) < 0.3) * random.integers(1, 4, (songs, playlists))
    counts[np.arange(songs), random.integers(playlists, size=songs)] = 1
    return counts.astype(np.float32)


def asked(counts: NDArray[np.float32], way: Way, likes: list[int]) -> NDArray[np.float32]:
    plays = Plays(sparse.csr_array(counts))
    return np.asarray(Scorer(plays, [way], regressors(plays, [way])).scores(np.array(likes), [way])[0])


def in_unit(scores: NDArray[np.float64], likes: list[int]) -> NDArray[np.float64]:
    scores = scores.copy()
    scores[likes] = 0
    return np.asarray(np.maximum(scores, 0) / np.sort(scores)[-ways.TOP :].mean())


def evidence(likes: list[int]) -> NDArray[np.float64]:
    return np.asarray(0.5 ** (np.arange(len(likes))[::-1] / ways.HALF_LIFE))


@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (25, 25)])
@pytest.mark.parametrize("scale", [0.0, 0.25])
def test_ease_is_the_closed_form_of_the_paper(shape: tuple[int, int], scale: float) -> None:
    """Steck's own, songs by songs, whichever of songs and playlists are fewer."""
    counts = made_up(*shape)
    played = counts > 0
    known = played.sum(axis=1).astype(float)
    z = played.T * known**-scale
    plays = Plays(sparse.csr_array(counts))
    ridge = 2.0 * ways.Eigenvectors.of(plays, scale).mean
    inverse = np.linalg.inv(z.T @ z + ridge * np.eye(len(known)))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    likes = [1, 4, 7]
    given = np.zeros(len(known))
    given[likes] = evidence(likes) * known[likes] ** -scale
    expected = (given @ weights) * known**scale
    assert asked(counts, Regression(scale, 2.0), likes) == pytest.approx(in_unit(expected, likes), abs=1e-5)


@pytest.mark.parametrize("shape", [(60, 40), (40, 60)])
def test_few_eigenvectors_are_nearly_as_good(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    counts = made_up(*shape)
    exact = asked(counts, Regression(0.0, 3.0), [1, 4])
    for name, value in (("EXACT", 10), ("RANK", 20), ("SPARE", 10)):
        monkeypatch.setattr(ways, name, value)
    nearly = asked(counts, Regression(0.0, 3.0), [1, 4])
    assert np.corrcoef(exact, nearly)[0, 1] > 0.97
    assert not np.array_equal(exact, nearly)


def test_rp3beta_by_hand() -> None:
    """Three steps of a random walk, each probability to the power alpha, divided by popularity to the power beta."""
    counts = made_up(12, 9)
    played = (counts > 0).astype(float)
    alpha, beta = 0.8, 0.4
    to_playlist = (played / played.sum(axis=1, keepdims=True)) ** alpha
    to_song = (played / played.sum(axis=0, keepdims=True)).T ** alpha
    walk = np.where(played > 0, to_playlist, 0) @ np.where(played.T > 0, to_song, 0)
    likes = [0, 5]
    expected = (evidence(likes) @ walk[likes]) / played.sum(axis=1) ** beta
    assert asked(counts, Paths(alpha, alpha, beta), likes) == pytest.approx(
        in_unit(expected, likes), rel=1e-5
    )


def test_together_is_the_posterior_over_playlists() -> None:
    counts = made_up(14, 10)
    likes = [0, 3]
    plays = np.sqrt(counts.T.astype(float))
    sizes, music = plays.sum(axis=1), plays.sum(axis=0) / plays.sum()
    smoothing = ways.SMOOTHING * sizes.mean()
    chances = (plays + smoothing * music) / (sizes + smoothing)[:, None]
    odds = (evidence(likes) * np.log(chances[:, likes] / music[likes])).sum(axis=1)
    posterior = np.exp(odds * evidence(likes).sum() ** -ways.CAUTION)
    expected = (posterior / posterior.sum() / np.sqrt(sizes)) @ plays / (counts > 0).sum(axis=1) ** 0.3
    assert asked(counts, Together(0.3), likes) == pytest.approx(in_unit(expected, likes), rel=1e-4)


def test_leaders_hold_the_highest() -> None:
    random = np.random.default_rng(0)
    for scores in (random.random(5000), random.random(5000) * (random.random(5000) < 0.01), np.zeros(5000)):
        found = leaders(scores.astype(np.float32), 10)
        best = np.argsort(-scores)[:10]
        assert set(best[scores[best] > 0]) <= set(found.tolist())


def test_ways_are_kept_as_json() -> None:
    assert [way_from_list(way_as_list(way)) for way in WAYS] == list(WAYS)
    wrong: tuple[list[str | float], ...] = (["nothing", 1.0], ["paths", 1.0], ["together", "much"])
    for bad in wrong:
        with pytest.raises((KeyError, TypeError, ValueError)):
            way_from_list(bad)


def test_a_mix_is_interpolated() -> None:
    mixes: list[Mix] = [{Together(0.0): 1.0}, {Paths(1, 1, 0): 1.0}, {Regression(0, 3): 1.0}]
    assert mix_for(mixes, 5) == pytest.approx({Together(0.0): mixing.LEAST_TOGETHER, Paths(1, 1, 0): 1.0})
    between = mix_for(mixes, 2)
    assert between[Paths(1, 1, 0)] == pytest.approx(np.log(2) / np.log(5))
    assert mix_for(mixes, 500)[Regression(0, 3)] == 1


def test_what_finds_most_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two ways, one of which is asked about other likes."""
    random = np.random.default_rng(2)
    counts = np.zeros((60, 150), np.float32)
    for playlist in range(150):
        counts[random.choice(np.arange(10) + playlist % 6 * 10, 7, replace=False), playlist] = 1
    monkeypatch.setattr(mixing, "WAYS", (Together(0.0), Paths(1, 1, 0)))
    original = Paths.weights

    def astray(self: Paths, plays: Plays, likes: ways.Likes) -> NDArray[np.float64]:
        return np.roll(original(self, plays, likes), 1)

    monkeypatch.setattr(Paths, "weights", astray)
    assert learn(sparse.csr_array(counts))[0] == {Together(0.0): 1.0}


@pytest.mark.parametrize("playlists", [0, 1, 3])
def test_too_few_playlists_teach_nothing(playlists: int) -> None:
    counts = sparse.csr_array(made_up(8, 3)[:, :playlists])
    assert learn(counts) == (DEFAULT,) * len(LIKES)
