"""The song catalogue: loading and what is kept of it, what goes with what, and the notebook's songs."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from gensim.models import Word2Vec

from models.failures import BadInput, ModelError, NotThere, UnknownSong
from models.results import Song
from models.songs import training
from models.songs.catalogue import SongCatalogue
from models.songs.playlists import read_playlists
from models.specs import SongsSpec
from tests.models.catalogue import POP, ROCK, ids, playlists, spec
from tests.models.tiny import DATA


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> SongCatalogue:
    return SongCatalogue.load(spec(tmp_path_factory.mktemp("songs")))


# Loading -----------------------------------------------------------------------------------------------------


def test_an_empty_table_is_refused(tmp_path: Path) -> None:
    for table in ("", "\n\n", "\t\t\n"):
        with pytest.raises(ModelError, match="no songs"):
            SongCatalogue.load(spec(tmp_path, table))


def test_no_playlists_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no playlist"):
        SongCatalogue.load(spec(tmp_path, lists="0 1\n1 1\n5\n"))


def test_files_that_are_not_here(tmp_path: Path) -> None:
    made = spec(tmp_path)
    (tmp_path / "playlists.txt").unlink()
    with pytest.raises(NotThere, match=r"playlists\.txt") as caught:
        SongCatalogue.load(made)
    assert str(tmp_path) not in str(caught.value)


def test_a_song_that_only_a_playlist_knows_is_kept_and_counted(tmp_path: Path) -> None:
    found = SongCatalogue.load(spec(tmp_path, lists=playlists() + "\n777 1\n"))
    assert found.report["songs played but not in the table"] == 1
    assert found.get("777") == Song("777", "Song 777", "")


def test_what_was_left_out_is_told(tmp_path: Path) -> None:
    table = "1\tA song\tSomebody\n1\tThe same id\tSomebody\n\tNo id\tNobody\n2\tAnother\tSomebody"
    found = SongCatalogue.load(spec(tmp_path, table, "1 2\n\n1\n2 1 99\n"))
    assert found.detail == (
        "3 songs, 2 playlists, 8 numbers each; songs without an id, left out: 1; "
        "songs with an id that was there before, left out: 1; playlists of one song, left out: 1; "
        "songs played but not in the table: 1"
    )


def test_min_count_above_everything_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        SongCatalogue.load(spec(tmp_path, min_count=10_000))


# Training --------------------------------------------------------------------------------------------------


def test_vectors_are_word2vecs_and_the_same_every_time(tmp_path: Path) -> None:
    made = spec(tmp_path, seed=5)
    lists = read_playlists(playlists().encode()).lists
    expected = Word2Vec(
        lists, vector_size=8, window=20, negative=5, min_count=1, epochs=3, seed=5, workers=1
    ).wv
    for _ in range(2):
        found = SongCatalogue.load(made)
        for id_ in ("2", "7", "8"):
            assert ids(found.similar(id_, 5)) == [it for it, _ in expected.most_similar(positive=id_, topn=5)]


def test_a_training_is_kept_until_something_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = 0

    class Counted(Word2Vec):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **parameters: Any) -> None:
            nonlocal trained
            trained += 1
            super().__init__(*arguments, **parameters)

    monkeypatch.setattr(training, "Word2Vec", Counted)
    cache = tmp_path / "cache"
    told: list[str] = []
    first = SongCatalogue.load(spec(tmp_path, cache=cache), lambda what, _: told.append(what))
    again = SongCatalogue.load(spec(tmp_path, cache=cache))
    assert trained == 1
    assert any("training" in what for what in told)
    assert ids(first.similar("2", 9)) == ids(again.similar("2", 9))
    SongCatalogue.load(spec(tmp_path, cache=cache, seed=2))
    SongCatalogue.load(spec(tmp_path, cache=cache, lists=playlists(61)))
    assert trained == 3
    for entry in cache.iterdir():
        assert {file.suffix for file in entry.iterdir()} == {".npy", ".txt", ".json"}
    for name in ("vectors.npy", "words.txt", "plays.npy", "indptr.npy", "indices.npy", "facts.json"):
        before = trained
        for one in cache.iterdir():
            (one / name).write_bytes(b"\x80")
        repaired = SongCatalogue.load(spec(tmp_path, cache=cache))
        assert ids(repaired.similar("2", 9)) == ids(first.similar("2", 9))
        assert trained == before + 1


def test_old_trainings_are_thrown_away_and_a_full_disk_is_no_failure(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for seed in range(training.KEPT_TRAININGS + 2):
        SongCatalogue.load(spec(tmp_path, cache=cache, seed=seed))
    assert len(list(cache.iterdir())) == training.KEPT_TRAININGS
    (tmp_path / "file").write_text("not a folder")
    assert len(SongCatalogue.load(spec(tmp_path, cache=tmp_path / "file"))) == 14


# Recommending ----------------------------------------------------------------------------------------------


def test_similar_leaves_out_what_it_is_told_to(catalogue: SongCatalogue) -> None:
    every = ids(catalogue.similar("2", 50))
    assert "2" not in every
    assert ids(catalogue.similar(" 2 ", 3, exclude=[every[0], "2", "nobody"])) == every[1:4]
    found = catalogue.similar("2", 1)
    assert [song.id for song in found.seeds] == ["2"]
    assert found.songs[0].because == found.seeds


def test_similar_to_what_is_not_known(catalogue: SongCatalogue) -> None:
    with pytest.raises(UnknownSong):
        catalogue.similar("4711")
    found = catalogue.similar("12")
    assert (found.songs, found.unknown) == ((), ("12",))


def test_likes_of_a_kind_bring_more_of_that_kind(catalogue: SongCatalogue) -> None:
    found = catalogue.recommend(["1", "2"], 3)
    assert set(ids(found)) == {"4", "5", "6"}
    assert {seed.id for it in found.songs for seed in it.because} <= {"1", "2"}
    assert all(it.because for it in found.songs)
    assert set(ids(catalogue.recommend(["0", "3"], 3))) == {"9", "10", "11"}


def test_each_song_comes_from_the_like_that_goes_with_it(catalogue: SongCatalogue) -> None:
    found = catalogue.recommend(["1", "2", "3", "9"], 6)
    for it in found.songs:
        kind = ROCK if it.song.id in ROCK else POP
        if it.song.id in ROCK + POP:
            assert it.because[0].id in kind


def test_what_is_liked_or_excluded_is_never_recommended(catalogue: SongCatalogue) -> None:
    likes = ["1", "2", "7"]
    found = ids(catalogue.recommend(likes, 100, exclude=["4", "nobody"]))
    assert found
    assert not {*likes, "4"} & set(found)
    assert len(found) == len(set(found))


def test_likes_that_nobody_plays_are_named(catalogue: SongCatalogue) -> None:
    found = catalogue.recommend(["1", "12", "4711", "1", " 2"], 2)
    assert found.unknown == ("12", "4711")
    assert [song.id for song in found.seeds] == ["1", "2"]
    nothing = catalogue.recommend(["4711"], 2)
    assert (nothing.songs, nothing.seeds, nothing.unknown) == ((), (), ("4711",))
    assert catalogue.recommend([], 2).songs == ()


def test_popular_songs_are_those_that_are_played(catalogue: SongCatalogue) -> None:
    lines = playlists().split("\n")[2:]
    plays = {song: " ".join(["", *lines, ""]).split().count(song) for song in ROCK + POP + ["7", "8"]}
    most = ids(catalogue.popular(5))
    assert [plays[it] for it in most] == sorted(plays.values(), reverse=True)[:5]
    assert ids(catalogue.popular(3, exclude=most[:2])) == most[2:5]
    assert all(not it.because for it in catalogue.popular(3).songs)
    assert len(ids(catalogue.popular(100, per_artist=None))) == 14


@pytest.mark.parametrize("n", [0, -1])
def test_less_than_one_song_is_refused(catalogue: SongCatalogue, n: int) -> None:
    for ask in (
        lambda: catalogue.similar("2", n),
        lambda: catalogue.recommend(["2"], n),
        lambda: catalogue.popular(n),
    ):
        with pytest.raises(BadInput):
            ask()


def test_get(catalogue: SongCatalogue) -> None:
    assert catalogue.get("2 ") == Song("2", "Fade To Black", "Metallica")
    assert catalogue.get("4711") is None
    catalogue.probe()
    assert catalogue.memory > 0
    assert "14 songs" in catalogue.detail


# The notebook's songs --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> SongCatalogue:
    folder = DATA / "yes-radio"
    if not folder.is_dir():
        pytest.skip("the notebook's playlists are not beside the project")
    made = SongsSpec(folder / "song_hash.txt", folder / "train.txt", epochs=1, cache=None)
    return SongCatalogue.load(made)


def test_the_notebooks_songs(real: SongCatalogue) -> None:
    assert real.get("2172") == Song("2172", "Fade To Black", "Metallica")
    assert real.get("842") == Song("842", "California Love (w/ Dr. Dre & Roger Troutman)", "2Pac")
    assert real.report["songs"] == 75262
    assert real.report["playlists"] == 800
    assert len(real.similar("2172", 10).songs) == 10


def test_recommending_beats_popularity_by_far(tmp_path: Path) -> None:
    """Five songs of playlists that were put aside, and how many of the first ten are among their others."""
    folder = DATA / "yes-radio"
    if not folder.is_dir():
        pytest.skip("the notebook's playlists are not beside the project")
    lines = (folder / "train.txt").read_text().splitlines()
    (tmp_path / "train.txt").write_text("\n".join(lines[:642]))
    made = SongsSpec(folder / "song_hash.txt", tmp_path / "train.txt", epochs=1, negative=5)
    found = SongCatalogue.load(made)
    chance = random.Random(0)
    hits = {"recommended": 0, "popular": 0}
    for line in lines[642:]:
        unseen = list(dict.fromkeys(line.split()))
        if len(unseen) < 10:
            continue
        chance.shuffle(unseen)
        seeds, right = unseen[:5], set(unseen[5:])
        hits["recommended"] += len(right & set(ids(found.recommend(seeds))))
        hits["popular"] += len(right & set(ids(found.popular(10, exclude=seeds))))
    assert hits["recommended"] > 4 * hits["popular"] > 0
