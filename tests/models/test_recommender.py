"""Scores from likes: what they are by hand, what they may never be, and what is learnt."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from models.songs import recommender
from models.songs.mixing import LIKES
from models.songs.recommender import Recommender, count_plays, ndcg, top_songs

LISTS = [["a", "b", "c", "c"], ["a", "b"], ["c", "d"], ["e"]]
PLACES = {id_: place for place, id_ in enumerate("abcdef")}


@pytest.fixture
def model() -> Recommender:
    return Recommender(count_plays(LISTS, PLACES))


def test_plays_are_counted(model: Recommender) -> None:
    assert model.counts.toarray().tolist() == [
        [1, 1, 0, 0],
        [1, 1, 0, 0],
        [2, 0, 1, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 0],
    ]
    assert model.playlists.tolist() == [2, 2, 2, 1, 1, 0]
    assert model.memory > 0


def test_reasons_weigh_likes_by_how_known_they_are(model: Recommender) -> None:
    likes = np.array([0, 2])
    assert model.shared(likes, np.array([1, 3])).tolist() == [[2, 0], [1, 1]]
    assert model.reasons(likes, np.array([1, 3])) == [
        (recommender.Reason(0, 2, 2), recommender.Reason(2, 1, 2)),
        (recommender.Reason(2, 1, 2),),
    ]


def test_more_plays_in_a_playlist_say_more() -> None:
    counts = count_plays(
        [["like", "often", "often", "often", "once"], ["x", "y"]] * 3,
        {"like": 0, "often": 1, "once": 2, "x": 3, "y": 4},
    )
    scores = Recommender(counts).scores(np.array([0]))
    assert scores[1] > scores[2] > scores[3]


def test_recent_likes_say_more() -> None:
    lists = [["old", "oldies"], ["new", "news"], ["a", "b"]] * 5
    places = {id_: at for at, id_ in enumerate(dict.fromkeys(it for one in lists for it in one))}
    model = Recommender(count_plays(lists, places))
    scores = model.scores(np.array([places["old"], places["new"]]))
    assert scores[places["news"]] > scores[places["oldies"]]


def test_reasons_count_playlists(model: Recommender) -> None:
    assert model.shared(np.array([0, 2]), np.array([1, 3])).tolist() == [[2, 0], [1, 1]]
    found = model.recommend(np.array([0]), n=5)
    reasons = {it.song: [(why.like, why.shared, why.playlists) for why in it.reasons] for it in found}
    assert reasons[1] == [(0, 2, 2)]  # b is in both playlists with a
    assert reasons[2] == [(0, 1, 2)]
    assert reasons[4] == []  # e shares none
    assert [it.score for it in found] == sorted((it.score for it in found), reverse=True)


def test_unliked_songs_and_their_kind_fall() -> None:
    lists = [["like", "tango", "x"], ["like", "waltz", "x"], ["not", "tango"], ["not", "y"], ["waltz", "z"]]
    places = {id_: at for at, id_ in enumerate(dict.fromkeys(it for one in lists for it in one))}
    model = Recommender(count_plays(lists, places))
    like, unlike = np.array([places["like"]]), np.array([places["not"]])
    before, after = model.scores(like), model.scores(like, unlike)
    assert after[places["tango"]] / before[places["tango"]] < after[places["waltz"]] / before[places["waltz"]]
    assert (after <= before).all()
    found = {it.song for it in model.recommend(like, unlike=unlike, exclude=np.array([places["x"]]), n=9)}
    assert found == {places["tango"], places["waltz"], places["y"], places["z"]}


def test_nobody_and_nothing() -> None:
    empty = Recommender(sparse.csr_array((0, 0)))
    assert empty.scores(np.array([], np.int64)).tolist() == []
    assert Recommender.fit(sparse.csr_array((3, 0))).scores(np.array([], np.int64)).tolist() == [0, 0, 0]


PLAYLISTS = st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=6), min_size=1, max_size=12)


@settings(deadline=None)
@given(PLAYLISTS, st.data())
def test_scores_are_never_negative_nor_of_a_like(lists: list[list[str]], data: st.DataObject) -> None:
    played = sorted({it for one in lists for it in one})
    places = {id_: at for at, id_ in enumerate([*played, "never"])}
    liked = data.draw(st.lists(st.sampled_from(played), unique=True, min_size=1))
    likes = np.array([places[it] for it in liked])
    scores = Recommender(count_plays(lists, places)).scores(likes)
    assert np.isfinite(scores).all()
    assert (scores >= 0).all()
    assert (scores[likes] == 0).all()
    assert scores[places["never"]] == 0
    others = np.setdiff1d(np.arange(len(played)), likes)
    assert (scores[others] > 0).all()


@settings(deadline=None)
@given(PLAYLISTS, st.randoms(use_true_random=False))
def test_the_order_of_playlists_and_within_them_does_not_matter(
    lists: list[list[str]], chance: random.Random
) -> None:
    places = {id_: at for at, id_ in enumerate("abcdefgh")}
    likes = np.array([places[lists[0][0]]])
    before = Recommender(count_plays(lists, places)).scores(likes)
    shuffled = [chance.sample(it, len(it)) for it in chance.sample(lists, len(lists))]
    assert Recommender(count_plays(shuffled, places)).scores(likes) == pytest.approx(before)


def stations(kinds: int = 6, lists: int = 120) -> list[list[str]]:
    """Playlists of stations that share no song."""
    chance = np.random.default_rng(2)
    return [[f"{at % kinds}-{it}" for it in chance.choice(40, 12)] for at in range(lists)]


def test_the_same_seed_learns_the_same() -> None:
    lists = stations()
    places = {id_: at for at, id_ in enumerate(dict.fromkeys(it for one in lists for it in one))}
    one, other = (Recommender.fit(count_plays(lists, places), seed=3) for _ in range(2))
    assert one.mixes == other.mixes
    assert len(one.mixes) == len(LIKES)
    for mix in one.mixes:
        assert sum(mix.values()) == pytest.approx(1)
    likes = np.array([0, 5])
    assert (one.scores(likes) == other.scores(likes)).all()


def test_first_and_gain() -> None:
    scores = np.array([0.5, 3.0, 1.0, 1.0, 2.0])
    assert top_songs(scores, np.array([1]), 3).tolist() == [4, 2, 3]
    assert top_songs(scores, np.array([1]), 99).tolist() == [4, 2, 3, 0]
    assert ndcg(np.array([4, 2]), np.array([4, 2, 9]), 2) == 1
    assert ndcg(np.array([7, 4]), np.array([4]), 2) == pytest.approx(1 / np.log2(3))
    assert ndcg(np.array([7]), np.array([4]), 2) == 0
