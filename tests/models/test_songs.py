"""The song catalogue: loading and what is kept of it, what goes with what, and the notebook's songs."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from gensim.models import Word2Vec

from models.failures import (
    AmbiguousSong,
    BadInput,
    ModelError,
    NoSuchSong,
    NotThere,
    SongGone,
)
from models.results import Song
from models.service import Basis, By, SongMatch
from models.songs import training
from models.songs.catalogue import SongCatalogue
from models.songs.counts import CatalogueCount
from models.songs.playlists import read_playlists
from models.specs import SongsSpec
from tests.models.catalogue import POP, ROCK, TABLE, ids, playlists, spec
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
    assert found.report[CatalogueCount.UNLISTED_SONGS] == 1
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

    def counted(*arguments: object, **parameters: object) -> Word2Vec:
        nonlocal trained
        trained += 1
        return Word2Vec(*arguments, **parameters)

    monkeypatch.setattr(training, "Word2Vec", counted)
    cache = tmp_path / "cache"
    told: list[str] = []
    first = SongCatalogue.load(spec(tmp_path, cache=cache), lambda what, _: told.append(what))
    again = SongCatalogue.load(spec(tmp_path, cache=cache))
    assert trained == 1
    assert any("training" in what for what in told)
    assert ids(first.similar(["2"], 9)) == ids(again.similar(["2"], 9))
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
        assert ids(repaired.similar(["2"], 9)) == ids(first.similar(["2"], 9))
        assert trained == before + 1


def test_old_trainings_are_thrown_away_and_a_full_disk_is_no_failure(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for seed in range(training.SAVED_TRAININGS + 2):
        SongCatalogue.load(spec(tmp_path, cache=cache, seed=seed))
    assert len(list(cache.iterdir())) == training.SAVED_TRAININGS
    (tmp_path / "file").write_text("not a folder")
    assert len(SongCatalogue.load(spec(tmp_path, cache=tmp_path / "file"))) == 14


# Recommending ----------------------------------------------------------------------------------------------


def test_similar_leaves_out_what_it_is_told_to(catalogue: SongCatalogue) -> None:
    every = ids(catalogue.similar(["2"], 50))
    assert "2" not in every
    assert ids(catalogue.similar([" 2 "], 3, exclude=[every[0], "2", "nobody"])) == every[1:4]
    assert [song.id for song in catalogue.similar(["2"], 1).seeds] == ["2"]


def test_vectors_of_several_songs_are_added_and_subtracted(catalogue: SongCatalogue) -> None:
    nearest = ids(catalogue.similar(["1", "2"], 2, unlike=["3"]))
    every = catalogue._vectors.most_similar(positive=["1", "2"], negative=["3"], topn=5)
    assert nearest == [id_ for id_, _ in every if id_ not in {"1", "2", "3"}][:2]


def test_similar_to_what_is_not_known(catalogue: SongCatalogue) -> None:
    for id_ in ("12", "4711"):
        found = catalogue.similar([id_])
        assert (found.songs, found.unknown) == ((), (id_,))


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
        lambda: catalogue.similar(["2"], n),
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


# Which song is meant ---------------------------------------------------------------------------------------

METALLICA = Song("2", "Fade To Black", "Metallica")


@pytest.mark.parametrize(
    ("text", "guessed"),
    [
        ("2", False),
        (" 2 ", False),
        ("fade to black", False),
        ("Fade To Black - Metallica ", False),
        ("fade to", True),
        ("metalica", True),
        ("fade too blak", True),
    ],
)
def test_a_song_is_matched_by_its_id_or_by_what_was_typed(
    catalogue: SongCatalogue, text: str, guessed: bool
) -> None:
    assert catalogue.match(text) == SongMatch(METALLICA, guessed)


@pytest.mark.parametrize("text", ["", " ", "qqqqqqqqqqqq", "4711"])
def test_nothing_matches_what_is_like_no_song(catalogue: SongCatalogue, text: str) -> None:
    assert catalogue.match(text) is None


@pytest.mark.parametrize(
    ("text", "guessed"),
    [
        ("2", False),
        ("FADE TO BLACK", False),
        ("fade to black metallica", True),
        ("Metallica Fade To Black", True),
        ("fade too black", True),
    ],
)
def test_a_song_is_identified_by_its_id_or_nearly_its_whole_title(
    catalogue: SongCatalogue, text: str, guessed: bool
) -> None:
    assert catalogue.identify(text) == SongMatch(METALLICA, guessed)


def test_part_of_a_title_identifies_no_song_but_names_the_nearest(catalogue: SongCatalogue) -> None:
    with pytest.raises(NoSuchSong) as caught:
        catalogue.identify("fade")
    assert caught.value.near == ("Fade To Black - Metallica (id 2)",)
    assert str(caught.value) == (
        "There is no song with the id or title 'fade'. "
        "Did you mean one of these: Fade To Black - Metallica (id 2)?"
    )
    with pytest.raises(NoSuchSong) as caught:
        catalogue.identify("qqqqqqqqqqqq")
    assert str(caught.value) == "There is no song with the id or title 'qqqqqqqqqqqq'."


def test_a_title_of_two_songs_is_ambiguous_unless_its_artist_is_named(catalogue: SongCatalogue) -> None:
    with pytest.raises(AmbiguousSong) as caught:
        catalogue.identify("halo")
    assert set(caught.value.songs) == {"Halo - Beyonc\u00e9 (id 3)", "Halo - Depeche Mode (id 9)"}
    assert "'halo' may be more than one song: Halo - " in str(caught.value)
    assert "; Halo - " in str(caught.value)
    assert str(caught.value).endswith("). Name one by its id.")
    assert catalogue.identify("halo depeche mode").song.id == "9"


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> SongCatalogue:
    """Song 14 is another version of song 5; both go with song 4."""
    table = f"{TABLE}\n14\tDon't Stop Me Now (Live)\tQueen"
    lists = "\n".join(["0", "0", *["4 5 14 6 1"] * 30, *["4 14 2 5 6"] * 30])
    return SongCatalogue.load(spec(tmp_path_factory.mktemp("versions"), table, lists))


def test_versions_of_one_song_are_not_ambiguous(versions: SongCatalogue) -> None:
    assert versions.identify("dont stop me now").song.id == "5"


# Pages -----------------------------------------------------------------------------------------------------


def test_a_page_of_songs_that_go_with_one(catalogue: SongCatalogue) -> None:
    page = catalogue.page_like(["2"], 3)
    assert page.basis is Basis.SONG
    assert page.like == (METALLICA,)
    assert page.songs == catalogue.recommend(["2"], 3)
    assert page.few == catalogue.few
    second = catalogue.page_like(["2"], 3, skip=3)
    assert ids(second.songs) == ids(catalogue.recommend(["2"], 6))[3:]
    by_vectors = catalogue.page_like(["2"], 3, by=By.VECTORS)
    assert by_vectors.songs == catalogue.similar(["2"], 3)
    assert by_vectors.few == 0


def test_what_goes_with_an_unlike_song_comes_later(catalogue: SongCatalogue) -> None:
    both = ids(catalogue.page_like(["2", "3"], 10, per_artist=None).songs)
    page = catalogue.page_like(["2", "3"], 10, unlike=["9"], per_artist=None)
    assert [song.id for song in page.unlike] == ["9"]
    rest = ids(page.songs)
    assert "9" in both
    assert "9" not in rest
    kinds = [id_ in ROCK for id_ in rest if id_ in ROCK + POP]
    assert kinds == sorted(kinds, reverse=True), "all of rock comes before all of pop"
    assert [id_ in ROCK for id_ in both if id_ in ROCK + POP] != kinds


def test_reasons_can_be_counted(catalogue: SongCatalogue) -> None:
    lists = read_playlists(playlists().encode()).lists
    for one in catalogue.recommend(["2", "3"], 10, per_artist=None).songs:
        for reason in one.reasons:
            with_it = [playlist for playlist in lists if reason.song.id in playlist]
            assert reason.playlists == len(with_it)
            assert reason.shared == sum(one.song.id in playlist for playlist in with_it)


def test_a_map_puts_songs_together_that_keep_the_same_company(catalogue: SongCatalogue) -> None:
    points = catalogue.map([*ROCK, "12", *POP, "2", "nobody"])
    assert [point.song.id for point in points] == [*ROCK, *POP], "once each, if any playlist plays them"
    place = {point.song.id: np.array([point.x, point.y]) for point in points}
    for kind, other in ((ROCK, POP), (POP, ROCK)):
        for song in kind:
            near = max(np.linalg.norm(place[song] - place[it]) for it in kind)
            assert near < min(np.linalg.norm(place[song] - place[it]) for it in other)
    assert catalogue.map(["12"]) == ()
    assert len(catalogue.map(["2"])) == 1


def test_an_id_that_is_gone_is_not_taken_for_another_song(catalogue: SongCatalogue) -> None:
    with pytest.raises(SongGone) as caught:
        catalogue.page_like(["metallica"], 3)
    assert str(caught.value) == ("That song is no longer in my catalogue. Ask for recommendations again.")


def test_known_songs_and_their_versions_do_not_go_with_a_song(versions: SongCatalogue) -> None:
    for by in By:
        assert {"5", "14"} & set(ids(versions.page_like(["4"], 10, by=by).songs))
        page = ids(versions.page_like(["4"], 10, by=by, known=["5", "nobody"]).songs)
        assert page
        assert not {"5", "14"} & set(page)


def test_popular_songs_stand_in_for_what_goes_with_a_song_that_nobody_plays(
    catalogue: SongCatalogue,
) -> None:
    page = catalogue.page_like(["12"], 3, known=["7"])
    assert page.basis is Basis.POPULAR_UNKNOWN
    assert [song.id for song in page.like] == ["12"]
    assert ids(page.songs) == ids(catalogue.popular(3, ["12", "7"]))
    assert not page.songs.more, "the next page would be one of songs that go with it"
    after = catalogue.page_like(["12"], 3, skip=3)
    assert (after.basis, after.songs.songs) == (Basis.SONG, ())


def test_pages_from_likes(catalogue: SongCatalogue) -> None:
    page = catalogue.page_for([["1"], ["2"], []], 3, dislikes=["4"], per_artist=None)
    assert page.basis is Basis.LIKES
    assert page.few == catalogue.few
    assert page.like == ()
    assert page.songs == catalogue.blend([["1"], ["2"], []], 3, dislikes=["4"], per_artist=None)
    second = catalogue.page_for([["1"], ["2"]], 2, skip=2)
    assert second.songs == catalogue.blend([["1"], ["2"]], 2, skip=2)


def test_a_page_that_later_likes_emptied(catalogue: SongCatalogue) -> None:
    page = catalogue.page_for([["1"]], 3, skip=100)
    assert (page.basis, page.songs.songs, page.few) == (Basis.SHORTER, (), 0)


@pytest.mark.parametrize("likes", [(), ((),), ((), ())])
def test_popular_songs_for_people_without_likes(
    catalogue: SongCatalogue, likes: tuple[tuple[str, ...], ...]
) -> None:
    page = catalogue.page_for(likes, 3, dislikes=["2"], per_artist=1)
    assert page.basis is Basis.POPULAR_NO_LIKES
    assert page.songs == catalogue.popular(3, ["2"], per_artist=1)
    second = catalogue.page_for(likes, 3, dislikes=["2"], skip=3)
    assert second.songs == catalogue.popular(3, ["2"], skip=3)


def test_popular_songs_where_the_likes_lead_nowhere(catalogue: SongCatalogue) -> None:
    page = catalogue.page_for([["12", "4711"]], 3)
    assert page.basis is Basis.POPULAR_UNKNOWN
    assert page.songs == catalogue.popular(3, ["12"])
    assert catalogue.page_for([["12"]], 3, skip=3).basis is Basis.POPULAR_UNKNOWN


def test_nothing_is_left_for_who_has_an_opinion_on_every_song(catalogue: SongCatalogue) -> None:
    every = [song.id for song in catalogue.songs]
    for likes, dislikes in ((every, []), (every[::2], every[1::2]), ([], every)):
        page = catalogue.page_for([likes], 5, dislikes=dislikes)
        assert (page.basis, page.songs.songs) == (Basis.NOTHING_LEFT, ())


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
    assert real.report[CatalogueCount.SONGS] == 75262
    assert real.report[CatalogueCount.PLAYLISTS] == 800
    assert len(real.similar(["2172"], 10).songs) == 10


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
