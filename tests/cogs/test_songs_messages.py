from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.store import LikedSong
from cogs.songs import lists, messages
from cogs.songs.layout import songs_layout
from cogs.songs.query import PATTERN, SongQuery
from models.results import Reason, Recommendation, Recommendations, Song, SongPoint
from models.service import Basis, By, SongList
from sandbox import rules
from tests.cogs.drawing import obeys

SONG = st.builds(Song, st.text(min_size=1), st.text(max_size=300), st.text(max_size=300))
REASON = st.builds(Reason, SONG, st.integers(0, 10**6), st.integers(0, 10**6))
JUMP = Song("3", "Jump", "Van Halen")


def fits(listing: messages.Listing, songs: Sequence[Recommendation]) -> None:
    """Whether Discord accepts the message made from a list."""
    body = songs_layout(listing.above("an account " * 50), [one.song for one in songs]).to_components()
    for number, part in enumerate(rules.walk(body)):  # the same song may occur twice in a made-up list
        if "custom_id" in part:
            part["custom_id"] = str(number)
    rules.check_message({"components": body, "flags": rules.COMPONENTS_V2}, uploads={}, kept={})


def shown(listing: messages.Listing) -> str:
    return "\n".join((listing.head, *listing.entries))


@given(
    st.lists(
        st.builds(Recommendation, SONG, st.lists(REASON, max_size=5).map(tuple)), min_size=1, max_size=10
    ),
    st.text(max_size=100),
)
@settings(deadline=None)
def test_any_songs_keep_to_discords_limits(songs: list[Recommendation], hint: str) -> None:
    fits(messages.recommendations(Recommendations("m" * 300, tuple(songs), ()), "t" * 300, hint), songs)
    likes = [LikedSong(one.song, datetime.now(UTC)) for one in songs]
    fits(messages.liked_songs(likes, 0, "page 1 of 2"), songs)


def test_a_long_list_of_what_is_unwanted_ends_with_a_whole_song_and_how_many_more() -> None:
    unwanted = [Song(str(number), f"Title {number}", "An Artist") for number in range(60)]
    _, *songs, more = messages.unwanted_songs(unwanted).splitlines()
    assert all(line == f"👎 **Title {number}** by An Artist" for number, line in enumerate(songs))
    assert more == f"… and {60 - len(songs)} more"
    assert len(songs) > 15


def test_a_recommendation_says_where_it_came_from() -> None:
    seeds = (Song("1", "Africa", "Toto"), Song("2", "Take On Me", "a-ha"))
    reasons = (Reason(seeds[0], 31, 40), Reason(seeds[1], 1, 9))
    answer = messages.recommendations(
        Recommendations("songs", (Recommendation(JUMP, reasons),), seeds),
        "From likes",
        because="because-you-liked",
    )
    (entry,) = answer.entries
    assert entry == (
        "1. **Jump** by Van Halen\n-# because you liked Africa and Take On Me"
        " · in 31 of the 40 playlists with Africa"
    )
    one = messages.recommendations(
        Recommendations("songs", (Recommendation(JUMP, reasons[:1]),), seeds[:1]),
        "From likes",
        because="because-you-liked",
    )
    assert one.entries[0].endswith("because you liked Africa · in 31 of its 40 playlists")


def test_a_list_from_one_like_names_it_once() -> None:
    africa = Song("1", "Africa", "Toto")
    songs = tuple(Recommendation(Song(str(n), f"Song {n}", ""), (Reason(africa, n, 40),)) for n in (2, 3))
    found = SongList(Basis.LIKES, Recommendations("songs", songs, (africa,)))
    answer = messages.song_list(found)
    assert answer.head == "### Because you liked Africa"
    assert not any("because" in entry for entry in answer.entries)


def test_reasons_in_a_long_list_fit_on_a_line_of_a_phone() -> None:
    seeds = (Song("1", "A Title That Goes On And On", "Toto"), Song("2", "Take On Me", "a-ha"))
    reasons = tuple(Reason(seed, 31, 40) for seed in seeds)
    songs = tuple(Recommendation(Song(str(n), "Jump", ""), reasons) for n in range(10))
    answer = messages.recommendations(
        Recommendations("songs", songs, seeds), "From likes", because="because-you-liked"
    )
    assert {entry.splitlines()[1] for entry in answer.entries} == {
        "-# because you liked A Title That Goes O…"
    }


# A name that ends in an ellipsis of its own is taken for a clipped one: its song is looked up in the catalogue.
NAME = (
    st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), max_size=30)
    .map(lambda text: " ".join(text.split()))
    .filter(lambda text: not text.endswith("…"))
)


@given(
    st.lists(st.builds(Recommendation, st.builds(Song, st.just("id"), NAME, NAME)), min_size=1, max_size=5),
    st.integers(0, 30),
)
@settings(deadline=None)
def test_a_list_tells_the_names_of_its_songs(songs: list[Recommendation], first: int) -> None:
    """So that its buttons work without the catalogue."""
    answer = messages.recommendations(
        Recommendations("songs", tuple(songs), ()),
        "Title",
        "A hint",
        because="because-of",
        first=first,
        few=3,
    )
    found = messages.names_in(shown(answer))
    assert {number: (name.title, name.artist) for number, name in found.items()} == {
        number: (one.song.title, one.song.artist) for number, one in enumerate(songs, first + 1)
    }
    assert not any(name.cut for name in found.values())


def test_a_name_that_was_cut_is_known_to_be() -> None:
    long = Recommendation(Song("1", "t" * 200, "An Artist"))
    answer = messages.recommendations(Recommendations("songs", (long,), ()), "Title")
    assert messages.names_in(shown(answer))[1].cut


def told(
    basis: Basis,
    *,
    people: Sequence[int] = (),
    like: tuple[Song, ...] = (),
    unlike: tuple[Song, ...] = (),
    guesses: Sequence[tuple[str, Song]] = (),
) -> str:
    songs = Recommendations("songs", (Recommendation(JUMP, (Reason(JUMP),)),), ())
    found = SongList(basis, songs, like=like, unlike=unlike)
    without = people[1:] if basis is Basis.LIKES else people
    answer = messages.song_list(
        found, guesses=guesses, people=people, without_likes=without, add="`/likes add`"
    )
    fits(answer, found.songs.songs)
    return shown(answer)


@pytest.mark.parametrize("people", [(), (1, 2)])
@pytest.mark.parametrize("basis", Basis)
def test_every_list_says_what_it_is_made_from(basis: Basis, people: Sequence[int]) -> None:
    assert told(basis, people=people, like=(JUMP,) if basis is Basis.SONG else ())


def test_a_list_says_which_song_was_taken_for_what_was_typed() -> None:
    guesses = [("jum", JUMP)]
    found = told(Basis.SONG, like=(JUMP,), guesses=guesses)
    assert "### Goes with Jump – Van Halen\n" in found
    assert "I took “jum” to mean **Jump** by Van Halen." in found
    assert (
        "I took “jum” to mean **Jump** by Van Halen."
        " None of the playlists I learnt from shows what goes with **Jump** by Van Halen."
    ) in told(Basis.POPULAR_UNKNOWN, like=(JUMP,), guesses=guesses)


def test_a_list_says_what_it_is_unlike() -> None:
    africa = Song("1", "Africa", "Toto")
    assert "Goes with Jump – Van Halen, not with Africa – Toto\n" in told(
        Basis.SONG, like=(JUMP,), unlike=(africa,)
    )
    assert "From the songs you like, without what goes with Africa – Toto\n" in told(
        Basis.LIKES, unlike=(africa,)
    )


def test_two_lists_stand_side_by_side_with_what_they_share_marked() -> None:
    songs = [Song(str(number), f"Song {number}", "Toto") for number in range(4)]
    lists = [
        SongList(
            Basis.SONG, Recommendations("m", tuple(map(Recommendation, some)), (JUMP,)), like=(JUMP,), by=by
        )
        for by, some in ((By.PLAYLISTS, songs[:3]), (By.VECTORS, [songs[3], songs[1]]))
    ]
    answer = messages.side_by_side(*lists)
    obeys(answer)
    assert answer.embed is not None
    left, right = answer.embed.fields
    assert (left.inline, right.inline) == (True, True)
    assert (left.value or "").splitlines()[1] == "2. **Song 1** by Toto ●"
    assert (right.value or "").splitlines() == ["1. **Song 3** by Toto", "2. **Song 1** by Toto ●"]
    assert "1 of 3 are in both" in (answer.embed.description or "")


def test_a_map_can_be_read_without_seeing_it() -> None:
    points = [
        SongPoint(JUMP, 0.0, 0.0),
        SongPoint(Song("1", "Africa", "Toto"), 1.0, 1.0),
        SongPoint(Song("2", "Take On Me", "a-ha"), 0.1, 0.0),
    ]
    answer = messages.map_of(points, ["2"], 5)
    obeys(answer)
    assert (
        answer.alt["map.png"]
        == "A map of songs. Orange: Jump and Africa. Blue: 6. Take On Me, nearest to Jump."
    )
    (file,) = answer.message()["attachments"]
    assert file.description == answer.alt["map.png"]
    many = [SongPoint(Song(str(number), "x" * 200, ""), number, 0.0) for number in range(18)]
    (file,) = messages.map_of(many, [str(number) for number in range(10)], 0).message()["attachments"]
    assert 500 < len(file.description or "") <= 1024


def test_a_query_fits_into_a_button_whatever_the_ids_are() -> None:
    for query in (
        SongQuery(1),
        SongQuery(
            1, 3, 2, same_artist=True, people=(5, 6), like=("a:b", "\n"), unlike=("1.2",), by=By.VECTORS
        ),
        SongQuery(1, unlike=("7", "::")),
    ):
        match = re.fullmatch(PATTERN, str(query), re.DOTALL)
        assert match is not None
        assert SongQuery.parsed(match) == query


def test_a_list_for_several_names_them_and_those_who_like_nothing() -> None:
    text = told(Basis.LIKES, people=(1, 2, 3))
    assert text == (
        "### From the songs you like together\nFor <@1>, <@2> and <@3> together."
        " Nothing is based on <@2> and <@3>, who like no songs yet."
        "\n1. **Jump** by Van Halen\n-# because of Jump"
    )


def test_ten_songs_with_all_that_leads_on_keep_to_forty_components() -> None:
    songs = [Recommendation(Song(f"id {number}", f"Song {number}", "Toto")) for number in range(10)]
    found = SongList(
        Basis.SONG, Recommendations("songs", tuple(songs), (), more=True), like=(JUMP,), by=By.PLAYLISTS
    )
    query = SongQuery(1, 10, 3, like=("3",))
    listing = messages.song_list(found, first=query.skip)
    layout = songs_layout(listing, [one.song for one in songs], *lists._below(query, found))
    assert layout.total_children_count <= 40
    labels = [button["label"] for button in rules.walk(layout.to_components()) if button["type"] == 2]
    assert labels == [*["Like"] * 10, "◀ Back", "Next ▶", "Map", "Compare with vectors"]
