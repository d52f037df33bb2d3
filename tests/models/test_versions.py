"""Titles that are one song to a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.results import Song
from models.songs.versions import group, plain_artist, plain_title

SAME = [
    ("Gucci Time (w/ Swizz Beatz)", "gucci time"),
    ("Umbrella (feat. JAY-Z)", "UMBRELLA"),
    ("Umbrella [ft. Jay-Z]", "Umbrella featuring Jay-Z"),
    ("Layla (Live)", "Layla"),
    ("Layla (Live; Unplugged)", "Layla"),
    ("Layla (Live At The Fillmore)", "Layla"),
    ("Layla - Live at the Fillmore", "Layla"),
    ("Layla (Acoustic)", "Layla (BBC Live)"),
    ("Help! - Remastered 2009", "Help!"),
    ("Help! - 2009 Remaster", "Help!"),
    ("Help! (2009 Digital Remaster)", "Help!"),
    ("Help! (Remastered)", "Help! - Mono"),
    ("One More Time (Radio Edit)", "One More Time"),
    ("One More Time - Album Version", "One More Time (Single Version)"),
    ("Déjà Vu", "Deja Vu"),
]
DIFFERENT = [
    ("Ignition", "Ignition (Remix)"),
    ("Layla", "Layla (Part 2)"),
    ("Live and Let Die", "And Let Die"),
    ("Born to Live", "Born to"),
    ("Live", "Live Forever"),
    ("Clean", "Mono"),
    ("(Live)", "(Acoustic)"),
    ("Left", "Le"),
    ("Swift", "Swi"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_marks_of_a_version_make_no_other_song(one: str, other: str) -> None:
    assert plain_title(one) == plain_title(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_other_songs_stay_apart(one: str, other: str) -> None:
    assert plain_title(one) != plain_title(other)


def test_artists_without_guests_and_articles() -> None:
    assert plain_artist("The Beatles") == plain_artist("Beatles") == "beatles"
    assert plain_artist("Rihanna feat. JAY-Z") == "rihanna"
    assert plain_artist("The The") == "the"
    assert plain_artist("!!!") == "!!!"


def test_works_and_artists_are_numbered() -> None:
    songs = [
        Song("1", "Halo", "Beyoncé"),
        Song("2", "Halo", "Depeche Mode"),
        Song("3", "HALO (Live)", "beyonce"),
        Song("4", "Song 4", ""),
        Song("5", "Song 4", ""),
    ]
    works, artists = group(songs)
    assert works.tolist() == [0, 1, 0, 2, 3]
    assert artists.tolist() == [0, 1, 0, 2, 3]
    assert [it.tolist() for it in group([])] == [[], []]


@given(st.text(max_size=40))
def test_every_title_has_a_name(title: str) -> None:
    assert bool(plain_title(title)) == bool(title.split())
