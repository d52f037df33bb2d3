"""Songs found by what people type."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.results import Song
from models.songs.playlists import read_songs
from models.songs.search import Search, searchable
from tests.models.catalogue import TABLE

SONGS = read_songs(TABLE.encode()).songs
PLAYS = {"10": 90, "5": 60, "4": 50, "9": 40, "3": 20}
ORDER = sorted(range(len(SONGS)), key=lambda place: -PLAYS.get(SONGS[place].id, 0))


@pytest.fixture(scope="module")
def search() -> Search:
    return Search(SONGS, np.array(ORDER))


def found(search: Search, text: str, limit: int = 25) -> list[Song]:
    return [SONGS[place] for place in search.find(text, limit)]


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
def test_the_first_song_is_the_one_that_was_meant(search: Search, typed: str, first: str) -> None:
    assert found(search, typed)[0].id == first


def test_equals_come_most_played_first(search: Search) -> None:
    assert [song.id for song in found(search, "queen")] == ["10", "5", "4"]
    assert [song.id for song in found(search, "halo")] == ["9", "3"]
    assert [song.id for song in found(search, "qeen")] == ["10", "5", "4"]


def test_an_artist_that_is_loved_comes_before_a_title_that_nobody_plays() -> None:
    songs = [
        Song("1", "Queen", "Nobody"),
        Song("2", "Bohemian Rhapsody", "Queen"),
        Song("3", "Queen Bee", "X"),
    ]
    places = Search(songs, np.array([2, 1, 0])).find("queen", 3)
    assert [songs[it].id for it in places] == ["2", "1", "3"]


@pytest.mark.parametrize("typed", ["", "  ", "???", "zzzqqqxxx", "\0", "\ud800", "x" * 5000, "a b " * 500])
def test_searches_without_an_answer(search: Search, typed: str) -> None:
    assert isinstance(search.find(typed, 25), list)
    assert search.find("queen", 0) == []
    assert len(search.find("e", 2)) <= 2


def test_a_catalogue_without_songs_finds_nothing() -> None:
    assert Search([], np.array([], np.int64)).find("queen", 5) == []


@given(st.text(max_size=30), st.integers(1, 20))
def test_whatever_is_typed_finds_different_songs(typed: str, limit: int) -> None:
    places = Search(SONGS, np.array(ORDER)).find(typed, limit)
    assert len(places) == len(set(places)) <= limit


@given(st.text(st.characters(codec="ascii"), max_size=20))
def test_folding_knows_no_difference_between_alphabets(text: str) -> None:
    # The accented letter keeps the text from the short way that ASCII takes.
    assert searchable(f"a{text} \u00e9") == f"{searchable(f'a{text}')} e"
    assert searchable(searchable(text)) == searchable(text)


def test_folding() -> None:
    assert searchable("  Beyoncé – ‘Déjà Vu’ (feat. JAY‐Z)") == "beyonce deja vu feat jay z"
    assert searchable("Straße") == "strasse"
