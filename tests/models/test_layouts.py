"""Catalogues in the layouts that people have, each written as its data set writes it."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from models.failures import ModelError
from models.results import Song
from models.songs.catalogue import SongCatalogue
from models.songs.counts import CatalogueCount
from models.songs.layouts import archives
from models.songs.playlists import Playlists, Table, both_of, read_playlists, read_songs
from models.specs import Columns, Layout, SongsSpec

MBID = "8bfac288-ccc5-448d-9573-c33ea2aa5c30"
HETREC = "userID\tartistID\tweight\n2\t51\t13883\n2\t52\t11690\n3\t52\t228\n3\t51\t100\n"
EXTENDED = {"ts": "2023-01-01T10:00:00Z", "ms_played": 200_000, "master_metadata_album_artist_name": "Toto"}

LAYOUTS: Mapping[str, Mapping[str, str]] = {
    "CSV": {"likes.csv": "user_id,item_id,title,artist\nu1,a,Africa,Toto\nu1,b,\"Hello, It's Me\",Todd\nu2,b,,\nu2,a,,\n"},
    "TSV": {"likes.tsv": "user_id\titem_id\ttitle\nu1\ta\tAfrica\nu1\tb\tHello, It's Me\nu2\tb\t\nu2\ta\t\n"},
    "semicolons": {"likes.csv": "Customer;Product;Product name\nu1;a;Africa\nu1;b;Hello, It's Me\nu2;b;\nu2;a;\n"},
    "two tables": {
        "ratings.csv": "userId,movieId,rating,timestamp\n1,a,5.0,10\n1,b,4.0,20\n1,c,1.0,15\n2,b,4.5,1\n2,a,4.0,2\n",
        "movies.csv": 'movieId,title,genres\na,Africa,Drama|War\nb,"Hello, It\'s Me",(no genres listed)\nc,Bad,War\n',
    },
    "u.data": {
        "u.data": "1\t1\t5\t881250949\n1\t2\t4\t881250950\n1\t3\t1\t881250951\n2\t2\t4\t881250949\n2\t1\t5\t881250950\n",
        "u.item": "1|Africa|01-Jan-1995||http://x|" + "|".join("0" * 19) + "\n"
        "2|Hello, It's Me|01-Jan-1995||http://x|" + "|".join("1" + "0" * 18) + "\n"
        "3|Bad|01-Jan-1995||http://x|" + "|".join("0" * 19) + "\n",
        "u.user": "1|24|M|technician|85711\n",
        "README": "SUMMARY & USAGE LICENSE\n",
    },
    "ratings.dat": {
        "ratings.dat": "1::1::5::978300760\n1::2::4::978300761\n1::3::1::978300762\n2::2::4::978300760\n2::1::4::978300761\n",
        "movies.dat": "1::Africa::Drama|War\n2::Hello, It's Me::Comedy\n3::Bad::War\n",
        "users.dat": "1::F::1::10::48067\n",
    },
    "RecBole": {
        "ml.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\ta\t5\t10\n1\tb\t4\t20\n2\tb\t5\t1\n2\ta\t5\t2\n",
        "ml.item": "item_id:token\tmovie_title:token_seq\tclass:token_seq\na\tAfrica\tDrama\nb\tHello, It's Me\tWar\n",
    },
    "Last.fm 1K": {
        "userid-timestamp-artid-artname-traid-traname.tsv": "".join(
            f"user_00000{user}\t2009-05-0{day}T23:08:57Z\t{MBID}\tToto\t{track}\t{title}\n"
            for user, day, track, title in (
                (1, 2, "", "Hello, It's Me"), (1, 1, MBID, "Africa"), (2, 1, "", "Hello, It's Me"), (2, 2, MBID, "Africa"),
            )
        )
    },
    "Last.fm 360K": {
        "usersha1-artmbid-artname-plays.tsv": "".join(
            f"{user * 40}\t{mbid}\t{name}\t{plays}\n"
            for user, mbid, name, plays in (
                ("a", MBID, "Africa", 20), ("a", "", "Hello, It's Me", 3), ("b", "", "Hello, It's Me", 9), ("b", MBID, "Africa", 1),
            )
        )
    },
    "Last.fm hetrec": {"user_artists.dat": HETREC, "artists.dat": "id\tname\turl\n51\tAfrica\thttp://x\n52\tHello, It's Me\thttp://y\n"},
    "Million Playlist Dataset": {
        f"mpd.slice.{number}.json": json.dumps({
            "info": {"slice": number},
            "playlists": [{"name": "p", "pid": number, "tracks": [
                {"pos": pos, "track_uri": f"spotify:track:{id_}", "track_name": title, "artist_name": "Toto", "album_name": "IV"}
                for pos, (id_, title) in enumerate(tracks)
            ]}],
        })
        for number, tracks in ((0, [("a", "Africa"), ("b", "Hello, It's Me")]), (1000, [("b", "Hello, It's Me"), ("a", "Africa")]))
    },
    "Spotify's playlists": {
        "Playlist1.json": json.dumps({"playlists": [
            {"name": name, "items": [
                {"track": {"trackName": title, "artistName": "Toto", "albumName": "IV", "trackUri": f"spotify:track:{id_}"}, "addedDate": "2020-01-01"}
                for id_, title in tracks
            ] + [{"track": None, "episode": {"episodeName": "Talk"}}]}
            for name, tracks in (("one", [("a", "Africa"), ("b", "Hello, It's Me")]), ("two", [("b", "Hello, It's Me"), ("a", "Africa")]))
        ]}),
        "Userdata.json": json.dumps({"username": "x"}),
    },
    "Spotify's history": {
        "StreamingHistory_music_0.json": json.dumps([
            {"endTime": time, "artistName": "Toto", "trackName": title, "msPlayed": played}
            for time, title, played in (
                ("2023-01-01 10:00", "Africa", 200_000), ("2023-01-01 10:05", "Hello, It's Me", 200_000),
                ("2023-01-01 10:06", "Skipped", 2_000), ("2023-01-02 09:00", "Hello, It's Me", 90_000), ("2023-01-02 09:05", "Africa", 90_000),
            )
        ]),
    },
    "Spotify's extended history": {
        "Streaming_History_Audio_2023_1.json": json.dumps([
            {**EXTENDED, "ts": time, "master_metadata_track_name": title, "spotify_track_uri": f"spotify:track:{id_}"}
            for time, id_, title in (
                ("2023-01-01T10:00:00Z", "a", "Africa"), ("2023-01-01T10:04:00Z", "b", "Hello, It's Me"),
                ("2023-01-03T10:00:00Z", "b", "Hello, It's Me"), ("2023-01-03T10:04:00Z", "a", "Africa"),
            )
        ] + [{**EXTENDED, "ts": "2023-01-03T11:00:00Z", "master_metadata_track_name": None, "spotify_track_uri": None}]),
    },
    "Exportify": {
        f"{name}.csv": "Track URI,Track Name,Album Name,Artist Name(s),Release Date\n"
        + "".join(f'spotify:track:{id_},"{title}",IV,Toto,1982\n' for id_, title in tracks)
        for name, tracks in (("one", [("a", "Africa"), ("b", "Hello, It's Me")]), ("two", [("b", "Hello, It's Me"), ("a", "Africa")]))
    },
}  # fmt: skip


def write(folder: Path, files: Mapping[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def called(table: Table, playlists: Playlists) -> list[list[str]]:
    titles = {song.id: song.title for song in table.songs}
    return sorted([titles[id_] for id_ in playlist] for playlist in playlists.lists)


def read(path: Path, layout: Layout | None = None) -> tuple[Table, Playlists]:
    return both_of(archives.files_of(path), layout or Layout())


EXPECTED = [["Africa", "Hello, It's Me"], ["Hello, It's Me", "Africa"]]


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_read(name: str, tmp_path: Path) -> None:
    files = LAYOUTS[name]
    table, playlists = read(write(tmp_path / "set", files))
    assert called(table, playlists) == EXPECTED
    if len(files) == 1:
        (file,) = (tmp_path / "set").iterdir()
        assert called(*read(file)) == EXPECTED


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_read_from_an_archive(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file, text in LAYOUTS[name].items():
            archive.writestr(f"set/{file}", text)
            archive.writestr(f"__MACOSX/set/._{file}", b"\0\5\x16\7")
    assert called(*read(tmp_path / "set.zip")) == EXPECTED
    for mode in ("w", "w:gz", "w:xz"):
        with tarfile.open(tmp_path / "set.tar", mode) as tar:
            for file, text in LAYOUTS[name].items():
                info = tarfile.TarInfo(f"set/{file}")
                info.size = len(text.encode())
                tar.addfile(info, io.BytesIO(text.encode()))
        assert called(*read(tmp_path / "set.tar")) == EXPECTED


def test_packed_files_of_a_folder_are_opened(tmp_path: Path) -> None:
    for name, text in LAYOUTS["ratings.dat"].items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
    assert called(*read(tmp_path)) == EXPECTED


def test_a_catalogue_is_learnt_from_one_address(tmp_path: Path) -> None:
    write(tmp_path / "films", LAYOUTS["two tables"])
    made = SongsSpec(tmp_path / "films", "", vector_size=4, epochs=1, negative=2, cache=tmp_path / "kept")
    assert made.label == "films"
    for _ in range(2):
        found = SongCatalogue.load(made)
        assert found.get("a") == Song("a", "Africa", "")
        assert found.tags("a") == ("Drama", "War")
        assert [one.song.id for one in found.recommend(["a"]).songs] == ["b"]
        assert found.report[CatalogueCount.LOW_RATINGS] == 1
    assert len([*(tmp_path / "kept").iterdir()]) == 1
    (tmp_path / "films" / "ratings.csv").write_text("userId,movieId,rating\n1,a,5\n1,c,5\n2,a,4\n2,c,4\n")
    assert [one.song.id for one in SongCatalogue.load(made).recommend(["a"]).songs] == ["c"]


def test_lists_and_titles_may_be_two_addresses_of_any_layout(tmp_path: Path) -> None:
    write(tmp_path / "set", LAYOUTS["two tables"])
    made = SongsSpec(
        tmp_path / "set" / "movies.csv", tmp_path / "set" / "ratings.csv", vector_size=4, epochs=1, negative=2
    )
    assert [one.song.title for one in SongCatalogue.load(made).recommend(["b"]).songs] == ["Africa"]


# What the settings say -------------------------------------------------------------------------------------


def test_columns_go_by_the_names_that_the_settings_give(tmp_path: Path) -> None:
    text = "wer;was;heißt;sterne;wann\n1;a;Africa;5;2020-01-02\n1;b;Hello;5;2020-01-01\n1;c;Bad;5;2020-01-03\n2;a;;5;\n2;c;;1;\n"
    (tmp_path / "t.csv").write_text(text, encoding="cp1252")
    with pytest.raises(ModelError, match=r"the columns wer, was, .*, sterne, wann"):
        read(tmp_path / "t.csv")
    named = Columns(list="wer", item="was", title="heißt", rating="sterne", time="wann")
    table, playlists = read(tmp_path / "t.csv", Layout(named, encoding="cp1252"))
    assert [song.title for song in table.songs] == ["Africa", "Hello", "Bad"]
    assert playlists.lists == [["b", "a", "c"]]
    with pytest.raises(ModelError, match=r"The catalogue has no column “nobody”.*wer"):
        read(
            tmp_path / "t.csv",
            Layout(Columns(list="wer", item="was", title="heißt", rating="nobody"), encoding="cp1252"),
        )


@pytest.mark.parametrize(
    ("least", "expected"),
    [(None, [["a", "b"]]), (5.0, []), (1.0, [["a", "b", "c"]])],
)
def test_only_what_was_rated_well_counts(least: float | None, expected: list[list[str]]) -> None:
    data = b"user,item,rating\n1,a,5\n1,b,4\n1,c,2\n"
    assert read_playlists(data, "r.csv", Layout(min_rating=least)).lists == expected


def test_ratings_that_are_none_are_refused() -> None:
    with pytest.raises(ModelError, match=r"r.csv are not numbers: the first is “good”"):
        read_playlists(b"user,item,rating\n1,a,good\n1,b,bad\n", "r.csv")


@pytest.mark.parametrize(
    "times",
    ["3,1,2", "2020-01-03,2020-01-01,2020-01-02", "03 Jan 2020 10:00,01 Jan 2020 10:00,02 Jan 2020 10:00"],
)
def test_lists_are_in_the_order_of_time(times: str) -> None:
    rows = "".join(f"1,{item},{time}\n" for item, time in zip("abc", times.split(","), strict=True))
    assert read_playlists(f"user,item,timestamp\n{rows}".encode()).lists == [["b", "c", "a"]]


def test_rows_without_a_list_or_an_item_are_counted() -> None:
    found = read_playlists(b"user,item\n1,a\n1,b\n,c\n1,\n2,a\n")
    assert found.lists == [["a", "b"]]
    assert found.report[CatalogueCount.INCOMPLETE_ROWS] == 2
    assert found.report[CatalogueCount.SINGLE_SONG_PLAYLISTS] == 1


def test_a_list_of_any_length_is_whole() -> None:
    rows = "".join(f"1,{number},{number}\n" for number in range(25_000))
    (one,) = read_playlists(f"user,item,timestamp\n{rows}".encode()).lists
    assert one == [str(number) for number in range(25_000)]


# What is none of these -------------------------------------------------------------------------------------


@pytest.mark.parametrize("read", [read_songs, read_playlists])
@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (b'{"info": {}, "rows": [{"a": 1}]}', "JSON with the keys info, rows"),
        (b'[{"colour": "red", "size": 3}]', "JSON with the keys colour, size"),
        (b"[1, 2, 3]", "JSON"),
        (b"%PDF-1.4\n" + bytes(range(32)) * 30, "a binary file"),
        (b"SQLite format 3\0" + bytes(range(32)) * 30, "a binary file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n", "a Git LFS pointer"),
        (b"colour,size,price\nred,3,4\nblue,4,5\n", "a table with the columns colour, size, price"),
    ],
)
def test_what_is_no_catalogue_is_refused_with_what_was_seen(
    content: bytes, seen: str, read: Callable[[bytes, str], Table | Playlists]
) -> None:
    with pytest.raises(ModelError, match=f"x.txt .*{seen}"):
        read(content, "x.txt")


@pytest.mark.parametrize(
    "content", [b"PK\3\4broken", gzip.compress(b"1 2\n" * 99, mtime=0)[:-9], b"\xfd7zXZ\0broken"]
)
def test_a_damaged_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(ModelError, match=r"x.zip cannot be read"):
        read(tmp_path / "x.zip")


def test_an_empty_folder_and_ids_without_titles_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="contains no files"):
        read(tmp_path)
    (tmp_path / "lists.txt").write_text("1 2\n2 3\n")
    with pytest.raises(ModelError, match="no file says what they stand for"):
        read(tmp_path / "lists.txt")
