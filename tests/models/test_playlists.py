"""The files of a catalogue: the notebook's and untidy ones. Nothing is lost silently."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.results import Song
from models.songs.playlists import CatalogueCount, read_playlists, read_songs, read_tags
from tests.models.catalogue import TABLE

ID = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=4)


def test_the_notebooks_table() -> None:
    table = read_songs(TABLE.encode())
    found, report = table.songs, table.report
    assert found[0] == Song("0", "Gucci Time (w/ Swizz Beatz)", "Gucci Mane")
    assert found[1].artist == "AC/DC"
    assert found[7].title == '"Heroes"'
    assert found[8] == Song("8", "NA", "None")
    assert report[CatalogueCount.SONGS] == len(found) == 14
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
    assert report[CatalogueCount.UNDECODABLE_IN_SONGS] == 0


def test_playlists_and_what_is_left_out() -> None:
    read = read_playlists(b"\xef\xbb\xbf0 1\r\n2 2\r\n1 2 \r\n\r\n3\r\n 4\t5  6\r\n")
    found, report = read.lists, read.report
    assert found == [["1", "2"], ["4", "5", "6"]]
    assert report[CatalogueCount.PLAYLISTS] == 2
    assert report[CatalogueCount.SINGLE_SONG_PLAYLISTS] == 1
    assert report[CatalogueCount.BLANK_PLAYLISTS] == 1


def test_lines_of_songs_count_from_the_first_song() -> None:
    table = read_songs(b"song_id\ttitle\tartist\n7\tOne\tA\n\n7\tAgain\tA\n9\tTwo\tB\n")
    assert [song.id for song in table.songs] == ["7", "9"]
    assert table.lines == [0, 3]


HEADERS = {
    "the notebook's": ("0 1 2 \n3 1 2 \n", {"0": 3, "1": 1, "2": 2}),
    "of a part of the songs": ("0 1\n2 2\n", {"0": 2, "1": 2}),
    "as a placeholder": ("0\n0\n", {"0": 0}),
    "none": ("", {}),
    "playlists of the same length": ("7 8 9\n10 11 12\n", {}),
    "playlists of different lengths": ("0 1 2\n1 2\n", {}),
    "ids that are no numbers": ("a b\nc d\n", {}),
    "a song twice": ("0 0 1\n1 1 1\n", {}),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_is_told_from_playlists(name: str) -> None:
    head, plays = HEADERS[name]
    body = "0 1 2\n2 1 0 2\n"
    found = read_playlists((head + body).encode())
    assert found.plays == plays
    assert found.report[CatalogueCount.PLAYLIST_HEADERS] == (2 if plays else 0)
    expected = body if plays else head + body
    assert found.lists == [line.split() for line in expected.splitlines()]


@given(st.lists(st.lists(ID, min_size=2, max_size=6), min_size=3, max_size=8))
def test_every_line_is_a_playlist_a_header_or_counted(lists: list[list[str]]) -> None:
    found = read_playlists("\n".join(" ".join(it) for it in lists).encode())
    assert found.lists == lists[found.report[CatalogueCount.PLAYLIST_HEADERS] :]


def test_files_of_all_kinds_of_dirt() -> None:
    for data in (b"", b"\n\n", b"\0", b"\xff\xfe", b"1", b"1\n2", b"\r\r1 2\r3 4\r5 6"):
        assert isinstance(read_playlists(data).lists, list)
    assert read_playlists(b"1 2\r3 4\r5 6").lists == [["1", "2"], ["3", "4"], ["5", "6"]]
    assert read_playlists("1 2\n".encode("utf-16")).lists == [["1", "2"]]
    broken = read_playlists(b"caf\xe9 2\n")
    assert broken.lists == [["caf\xe9", "2"]]
    assert broken.report[CatalogueCount.UNDECODABLE_IN_PLAYLISTS] == 1


def test_tags_by_the_lines_of_the_table() -> None:
    found, report = read_tags(b"0 2\n#\n1 9\n2\n", b"0, rock\n1, hip hop, old\n2,\n", 3)
    assert found == [("rock", "2"), (), ("hip hop, old", "9")]
    assert report == {
        "songs with tags": 2,
        "songs that the tags file has no line for": 0,
        "lines of the tags file beyond the songs, left out": 1,
    }
    assert read_tags(b"0\n", None, 2) == (
        [("0",), ()],
        {
            "songs with tags": 1,
            "songs that the tags file has no line for": 1,
            "lines of the tags file beyond the songs, left out": 0,
        },
    )
