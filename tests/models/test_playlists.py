"""The files of a catalogue: the notebook's and untidy ones. Nothing is lost silently."""

from __future__ import annotations

import bz2
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.failures import ModelError
from models.results import Song
from models.songs.counts import CatalogueCount
from models.songs.playlists import matched, read_playlists, read_songs, read_tags
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


FEW = b"1\tAlien Love\tThe Foo\n2\tBlue Sky\tBar\n3\tEcho\tBaz\n"


@pytest.mark.parametrize(
    ("content", "looks_like"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n", "a Git LFS pointer"),
        (b"<!DOCTYPE html>\n<html lang=en>\n<body>cannot scan</body>", "a web page"),
        (b"  \n<HTML><p>no", "a web page"),
        (b'<?xml version="1.0"?><plist>', "XML"),
        (b'{\n "info": {},\n "playlists": []}', "JSON"),
        (b'[{"a": 1}]', "JSON"),
        (b"1,2,3\n1,2,4\n", "a table with the columns 1, 2, 3"),
        (b"size;colour\n1;2\n1;3\n", "a table with the columns size, colour"),
        (bytes(range(1, 32)) * 40, "a binary file"),
    ],
)
def test_what_is_no_list_of_ids_is_called_by_its_name(content: bytes, looks_like: str) -> None:
    with pytest.raises(ModelError, match=f"lists.txt contains no playlists.*{looks_like}"):
        read_playlists(content, "lists.txt")
    if "table" not in looks_like:
        with pytest.raises(ModelError, match=f"songs.txt is not a table of songs.*{looks_like}"):
            read_songs(content, "songs.txt")


@pytest.mark.parametrize(
    "content",
    [
        b"track_id\ttrack_name\tartist_name\n" + FEW,
        b"id,title,artist\n1,Alien Love,The Foo\n2,Blue Sky,Bar\n3,Echo,Baz\n",
        b"1,Alien Love,The Foo\n2,Blue Sky,Bar\n3,Echo,Baz\n",
        b'Artist Name(s);Track URI;Album;Track Name\nThe Foo;1;x;"Alien Love"\nBar;2;x;Blue Sky\nBaz;3;x;Echo\n',
        b"key\tlabel\tband\n" + FEW,
        gzip.compress(FEW, mtime=0),
        bz2.compress(FEW),
    ],
    ids=["header", "commas", "commas alone", "exported", "word in front", "gzip", "bzip2"],
)
def test_a_table_is_read_by_its_columns(content: bytes) -> None:
    songs = read_songs(content).songs
    assert [(song.id, song.title, song.artist) for song in songs] == [
        ("1", "Alien Love", "The Foo"),
        ("2", "Blue Sky", "Bar"),
        ("3", "Echo", "Baz"),
    ]


def test_ids_that_a_program_made_into_fractions_meet_the_table() -> None:
    table = read_songs(FEW)
    assert matched(read_playlists(b"1.0 2.0\n2.0 3.0\n"), table).lists == [["1", "2"], ["2", "3"]]
    assert matched(read_playlists(b"1 2\n2 3.0\n"), table).lists == [["1", "2"], ["2", "3"]]
    same = read_playlists(b"1 2\n2 3\n")
    assert matched(same, table) is same


def test_two_files_without_a_common_id_are_an_error() -> None:
    with pytest.raises(ModelError, match="no id in common"):
        matched(read_playlists(b"a b\nb c\n"), read_songs(FEW))


def test_packed_playlists_are_opened_and_damaged_ones_are_not() -> None:
    packed = gzip.compress(b"1 2\n2 3\n")
    assert read_playlists(packed).lists == [["1", "2"], ["2", "3"]]
    with pytest.raises(ModelError, match="cannot be read"):
        read_playlists(packed[:-6], "lists.gz")
