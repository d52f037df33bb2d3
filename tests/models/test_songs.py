"""Songs: the notebook's files and untidy ones, training and its cache, search, and what goes with what."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from gensim.models import Word2Vec

from models import training
from models.answers import Song
from models.failures import BadInput, ModelError, NotThere, UnknownSong
from models.playlists import read_playlists, read_songs
from models.search import fold
from models.songs import SongCatalogue
from models.specs import SongsSpec
from tests.models.tiny import DATA

LINES = [
    "0 \tGucci Time (w\\/ Swizz Beatz)\tGucci Mane",
    "1 \tHighway To Hell\tAC\\/DC",
    "2 \tFade To Black\tMetallica",
    "3 \tHalo\tBeyonc\u00e9",
    "4 \tBohemian Rhapsody\tQueen",
    "5 \tDon't Stop Me Now\tQueen",
    "6 \tStart Me Up\tThe Rolling Stones",
    '7 \t"Heroes"\tDavid Bowie',
    "8 \tNA\tNone",
    "9 \tHalo\tDepeche Mode",
    "10 \tQueen\tPerfume Genius",
    "11 \tรักแรกพบ\tTattoo Colour",
    "12 \tNever Played\tNobody",
    "13 \tOne Girl / One Boy\t!!!",
]
TABLE = "\n".join(LINES)
ROCK, POP = ["1", "2", "4", "5", "6"], ["0", "3", "9", "10", "11"]


def playlists(count: int = 60) -> str:
    """Two kinds of playlists that share song 7."""
    chance = random.Random(1)
    lines = [" ".join(chance.sample(kind, 4)) for kind in (ROCK, POP) for _ in range(count)]
    lines += ["7 2 7 5", "7 3", "8 0"]
    return "\n".join(["0 1 2 3 ", "5 5 5 5 ", *lines])


def spec(folder: Path, table: str = TABLE, lists: str | None = None, **parameters: Any) -> SongsSpec:
    (folder / "songs.tsv").write_text(table, encoding="utf-8")
    (folder / "playlists.txt").write_text(playlists() if lists is None else lists, encoding="utf-8")
    settings: dict[str, Any] = {"vector_size": 8, "epochs": 3, "negative": 5}
    return SongsSpec(folder / "songs.tsv", folder / "playlists.txt", **settings | parameters)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> SongCatalogue:
    return SongCatalogue.load(spec(tmp_path_factory.mktemp("songs")))


def ids(found: Any) -> list[str]:
    return [it.song.id for it in found.songs]


# Reading ---------------------------------------------------------------------------------------------------


def test_the_notebooks_table() -> None:
    table = read_songs(TABLE.encode())
    found, report = table.songs, table.report
    assert found[0] == Song("0", "Gucci Time (w/ Swizz Beatz)", "Gucci Mane")
    assert found[1].artist == "AC/DC"
    assert found[7].title == '"Heroes"'
    assert found[8] == Song("8", "NA", "None")
    assert report["songs"] == len(found) == 14
    assert sum(report.values()) == 14


def test_an_untidy_table_loses_nothing_silently() -> None:
    data = (
        b"\xef\xbb\xbfid\ttitle\tartist\r\n"
        b"1\tOne\tA\r\n"
        b"\r\n"
        b"1\tOne again\tA\r\n"
        b" 2 \t\tB\r\n"
        b"3\tThree\r\n"
        b"\tNo id\tC\r\n"
        b'4\tBroken "quote\tD\r\n'
        b"5\tFour fields\tE\tF\r\n"
        b"6\tCaf\xe9\tG\r\n"
        b"song/seven\tNul\0\tH\r\n"
        b"8"
    )
    table = read_songs(data)
    found, report = table.songs, table.report
    assert found == [
        Song("1", "One", "A"),
        Song("2", "Song 2", "B"),
        Song("3", "Three", ""),
        Song("4", 'Broken "quote', "D"),
        Song("5", "Four fields", "E F"),
        Song("6", "Café", "G"),
        Song("song/seven", "Nul", "H"),
        Song("8", "Song 8", ""),
    ]
    assert report == {
        "songs": 8,
        "lines with a header": 1,
        "songs without an id, left out": 1,
        "songs with an id that was there before, left out": 1,
        "songs without a title": 2,
        "songs without an artist": 2,
        "songs file: undecodable bytes": 1,
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_with_and_without_a_mark(encoding: str) -> None:
    table = read_songs("1\tHalo\tBeyoncé\n".encode(encoding))
    found, report = table.songs, table.report
    assert found == [Song("1", "Halo", "Beyoncé")]
    assert report["songs file: undecodable bytes"] == 0


def test_an_empty_table_is_refused(tmp_path: Path) -> None:
    for table in ("", "\n\n", "\t\t\n"):
        with pytest.raises(ModelError, match="no songs"):
            SongCatalogue.load(spec(tmp_path, table))


def test_playlists_and_what_is_left_out() -> None:
    read = read_playlists(b"\xef\xbb\xbf0 1\r\n2 2\r\n1 2 \r\n\r\n3\r\n 4\t5  6\r\n")
    found, report = read.lists, read.report
    assert found == [["1", "2"], ["4", "5", "6"]]
    assert report["playlists"] == 2
    assert report["playlists of one song, left out"] == 1
    assert report["blank lines among the playlists"] == 1


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


# Searching -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("fade to black", "2"),
        ("FADE", "2"),
        ("metal", "2"),
        ("black metallica", "2"),
        ("Metallica - Fade To Black", "2"),
        ("metalica", "2"),
        ("fade too blak", "2"),
        ("beyonce", "3"),
        ("BEYONCÉ halo", "3"),
        ("halo depeche", "9"),
        ("acdc", "1"),
        ("ac/dc", "1"),
        ("dont stop", "5"),
        ("don’t stop", "5"),
        ("bohemian rapsody", "4"),
        ("bohemianrhapsody", "4"),
        ("heroes", "7"),
        ("queen", "10"),
        ("รัก", "11"),
        ("NA", "8"),
        ("never played", "12"),
        ("!!!", "13"),
    ],
)
def test_search(catalogue: SongCatalogue, typed: str, first: str) -> None:
    assert catalogue.search(typed)[0].id == first


def test_equals_come_most_played_first(catalogue: SongCatalogue) -> None:
    plays = playlists().split()
    both = sorted(("4", "5"), key=lambda it: -plays.count(it))
    assert [song.id for song in catalogue.search("queen")][1:3] == both


@pytest.mark.parametrize("typed", ["", "  ", "???", "zzzqqqxxx", "\0", "\ud800", "x" * 5000, "a b " * 500])
def test_searches_without_an_answer(catalogue: SongCatalogue, typed: str) -> None:
    assert isinstance(catalogue.search(typed), list)
    assert catalogue.search("queen", 0) == []
    assert len(catalogue.search("e", 2)) <= 2


def test_folding() -> None:
    assert fold("  Beyoncé – ‘Déjà Vu’ (feat. JAY‐Z)") == "beyonce deja vu feat jay z"
    assert fold("Straße") == "strasse"


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
