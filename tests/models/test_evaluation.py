"""The protocol: what is asked, what is right, and the figures, each against a count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.failures import ModelError
from models.results import Song
from models.songs.evaluation import (
    Evaluation,
    Row,
    cross_validate,
    evaluate,
)
from models.songs.recommender import count_plays
from models.songs.rivals import ItemItem, MeanVector, Popularity
from models.songs.training import word2vec
from tests.models.test_recommender import stations

SETTINGS = {
    "vector_size": 8,
    "window": 20,
    "negative": 5,
    "min_count": 1,
    "epochs": 3,
    "seed": 1,
    "workers": 1,
}


def row(found: Evaluation, name: str) -> Row:
    (one,) = (it for it in found.rows if it.name == name)
    return one


@pytest.fixture(scope="module")
def found() -> Evaluation:
    lists = stations()
    return evaluate(lists[:90], lists[90:], SETTINGS, draws=3)


def test_stations_are_told_apart(found: Evaluation) -> None:
    rivals = ["item-item", "RP3beta", "EASE", "SLIM", "iALS"]
    assert [it.name for it in found.rows] == ["recommender", *rivals, "notebook's Word2Vec", "popularity"]
    ours, popular = row(found, "recommender"), row(found, "popularity")
    assert ours.ndcg.value > 0.2
    assert ours.ndcg.low > popular.ndcg.high
    assert ours.coverage.value > popular.coverage.value
    assert popular.mean_popularity.value > ours.mean_popularity.value
    assert ours.ahead.value == pytest.approx(1)
    assert ours.lead.value == pytest.approx(0)
    assert popular.lead.value == pytest.approx(ours.ndcg.value - popular.ndcg.value)
    for rival in rivals:
        assert row(found, rival).ndcg.value > 2 * popular.ndcg.value
    assert popular.ahead.value == pytest.approx(ours.ndcg.value / popular.ndcg.value)
    for it in found.rows:
        assert it.ms_per_query > 0
        assert it.memory_bytes > 0
        for measured in (it.ndcg, it.hit_rate, it.precision, it.mean_popularity, it.coverage, it.ahead):
            assert measured.low <= measured.value + 1e-9
            assert measured.value <= measured.high + 1e-9


def test_figures_by_hand() -> None:
    """Popularity always says p, q, r; of each test playlist one of four songs is known."""
    train = [["p", "q", "r", "x"], ["p", "q", "r"], ["p", "q"], ["p", "y"]]
    test = [["x", "p", "y", "new"], ["x", "x", "y", "r"], ["p", "new"]]
    found = evaluate(train, test, SETTINGS, likes=2, k=2, draws=50)
    assert found.train == {"playlists": 4, "plays": 11, "songs": 5}
    assert found.test == {
        "playlists": 3,
        "playlists_used": 2,
        "playlists_too_short": 1,
        "playlists_in_training_too": 0,
        "songs_not_in_training": 1,
        "questions": 100,
    }
    popular = row(found, "popularity")
    # First playlist: p is right, and first, when it is the one not drawn (1 in 3), else nothing is. Second: never.
    assert popular.hit_rate.value == pytest.approx(1 / 6, abs=0.07)
    assert popular.ndcg.value == popular.hit_rate.value
    assert popular.precision.value == pytest.approx(popular.hit_rate.value / 2)
    assert popular.coverage.value == pytest.approx(3 / 5)
    assert 2.5 <= popular.mean_popularity.value <= 3.5


def test_the_same_seed_gives_the_same_figures() -> None:
    lists = stations(lists=40)
    first, again, other = (
        evaluate(lists[:30], lists[30:], SETTINGS, draws=1, seed=seed).rows for seed in (0, 0, 1)
    )
    assert [it.ndcg for it in again] == [it.ndcg for it in first]
    assert [it.coverage for it in again] == [it.coverage for it in first]
    assert [it.ndcg for it in other] != [it.ndcg for it in first]


def test_each_playlist_is_the_test_once() -> None:
    lists = stations(lists=60)
    songs = [Song(id_, id_, "One artist") for id_ in dict.fromkeys(it for one in lists for it in one)]
    found = cross_validate(lists, 2, SETTINGS, songs=songs, likes=2, draws=1)
    assert found.folds == 2
    assert found.test["playlists"] == found.test["playlists_used"] == 60
    assert found.train["playlists"] == 30
    varied = row(found, "recommender, 2 by one artist")
    assert varied.precision.value <= 0.2
    assert varied.ndcg.value < row(found, "recommender").ndcg.value
    for parts in (1, 61):
        with pytest.raises(ModelError, match="cannot be split"):
            cross_validate(lists, parts, SETTINGS)


def test_a_test_on_the_training_itself_is_said() -> None:
    lists = stations(lists=30)
    assert evaluate(lists, lists, SETTINGS, draws=1).test["playlists_in_training_too"] == 30


def test_a_test_of_strangers_is_refused() -> None:
    with pytest.raises(ModelError, match="fewer likes"):
        evaluate(stations(lists=20), [["u", "v", "w", "x", "y", "z"]], SETTINGS)


def test_item_item_is_the_cosine_with_shrinkage() -> None:
    lists = [["a", "b"], ["a", "b"], ["a", "c"]]
    scores = ItemItem(count_plays(lists, {"a": 0, "b": 1, "c": 2})).scores(np.array([0]))
    assert scores[1] == pytest.approx(2 / (3**0.7 * 2**0.3 + 5))
    assert scores[2] == pytest.approx(1 / (3**0.7 * 1 + 5))


def test_the_mean_vector_is_the_notebooks_way() -> None:
    lists = stations(lists=30)
    vectors = word2vec(lists, SETTINGS)
    ids = [*vectors.index_to_key, "never"]
    scores = MeanVector(vectors, ids).scores(np.array([3, len(ids) - 1]))
    near = [id_ for id_, _ in vectors.most_similar(positive=ids[3], topn=5)]
    assert [ids[it] for it in np.argsort(-scores)[1:6]] == near
    assert scores[-1] == -np.inf
    assert (MeanVector(vectors, ids).scores(np.array([len(ids) - 1])) == -np.inf).all()


def test_popularity_counts_playlists() -> None:
    assert Popularity(count_plays([["a", "b", "b", "b"], ["a"]], {"a": 0, "b": 1})).scores(
        np.array([])
    ).tolist() == [2, 1]
