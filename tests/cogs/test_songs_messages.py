from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.store import LikedSong
from cogs.shared.reply import Reply
from cogs.songs import messages
from models.results import Recommendation, Recommendations, Song
from models.service import Basis, SongList, SongMatch
from tests.cogs.drawing import obeys

SONG = st.builds(Song, st.text(min_size=1), st.text(max_size=300), st.text(max_size=300))
JUMP = Song("3", "Jump", "Van Halen")


@given(
    st.lists(st.builds(Recommendation, SONG, st.lists(SONG, max_size=5).map(tuple)), min_size=1, max_size=10),
    st.text(max_size=100),
)
@settings(deadline=None)
def test_any_songs_keep_to_discords_limits(songs: list[Recommendation], hint: str) -> None:
    obeys(messages.recommendations(Recommendations("m" * 300, tuple(songs), ()), "t" * 300, hint))
    likes = [LikedSong(one.song, datetime.now(UTC)) for one in songs]
    obeys(Reply(embed=messages.liked_songs(likes, 0, len(likes))))


def test_a_long_list_of_what_is_unwanted_ends_with_a_whole_song_and_how_many_more() -> None:
    unwanted = [Song(str(number), f"Title {number}", "An Artist") for number in range(60)]
    embed = messages.liked_songs([], 0, 0, unwanted)
    obeys(Reply(embed=embed))
    *songs, more = (embed.fields[0].value or "").splitlines()
    assert all(line == f"👎 **Title {number}** by An Artist" for number, line in enumerate(songs))
    assert more == f"… and {60 - len(songs)} more"
    assert len(songs) > 20


def test_a_recommendation_says_where_it_came_from() -> None:
    seeds = (Song("1", "Africa", "Toto"), Song("2", "Take On Me", "a-ha"))
    answer = messages.recommendations(
        Recommendations("songs", (Recommendation(JUMP, seeds),), seeds),
        "From likes",
        because="because-you-liked",
    )
    assert answer.embed is not None
    assert answer.embed.description == "1. **Jump** by Van Halen\n-# because you liked Africa and Take On Me"


NAME = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), max_size=30).map(
    lambda text: " ".join(text.split())
)


@given(
    st.lists(st.builds(Recommendation, st.builds(Song, st.just("id"), NAME, NAME)), min_size=1, max_size=5),
    st.integers(0, 30),
)
@settings(deadline=None)
def test_a_list_tells_the_names_of_its_songs(songs: list[Recommendation], first: int) -> None:
    """So that a thumb under it works without the catalogue."""
    answer = messages.recommendations(
        Recommendations("songs", tuple(songs), ()),
        "Title",
        "A hint",
        because="because-of",
        first=first,
        few=3,
    )
    assert answer.embed is not None
    found = messages.names_in(answer.embed.description or "")
    assert {number: (name.title, name.artist) for number, name in found.items()} == {
        number: (one.song.title, one.song.artist) for number, one in enumerate(songs, first + 1)
    }
    assert not any(name.cut for name in found.values())


def test_a_name_that_was_cut_is_known_to_be() -> None:
    long = Recommendation(Song("1", "t" * 200, "An Artist"))
    answer = messages.recommendations(Recommendations("songs", (long,), ()), "Title")
    assert answer.embed is not None
    assert messages.names_in(answer.embed.description or "")[1].cut


def told(basis: Basis, *, people: Sequence[int] = (), match: SongMatch | None = None) -> str:
    found = SongList(basis, Recommendations("songs", (Recommendation(JUMP, (JUMP,)),), ()), match=match)
    without = people[1:] if basis is Basis.LIKES else people
    answer = messages.song_list(found, typed="jum", people=people, without_likes=without, add="`/likes add`")
    obeys(answer)
    assert answer.embed is not None
    return f"{answer.embed.title}: {answer.embed.description}"


@pytest.mark.parametrize("people", [(), (1, 2)])
@pytest.mark.parametrize("basis", Basis)
def test_every_list_says_what_it_is_made_from(basis: Basis, people: Sequence[int]) -> None:
    match = SongMatch(JUMP, guessed=False) if basis is Basis.SONG else None
    assert told(basis, people=people, match=match)


def test_a_list_says_which_song_was_taken_for_what_was_typed() -> None:
    guessed = SongMatch(JUMP, guessed=True)
    assert "Goes with Jump - Van Halen: " in told(Basis.SONG, match=guessed)
    assert "I took “jum” to mean **Jump** by Van Halen." in told(Basis.SONG, match=guessed)
    assert told(Basis.POPULAR_UNKNOWN, match=guessed).endswith(
        "I took “jum” to mean **Jump** by Van Halen."
        " No playlist that I learnt from tells me what goes with **Jump** by Van Halen."
    )


def test_a_list_for_several_names_them_and_those_who_like_nothing() -> None:
    text = told(Basis.LIKES, people=(1, 2, 3))
    assert text.startswith("From the songs you like together: 1. **Jump** by Van Halen\n-# because of Jump")
    assert text.endswith(
        "For <@1>, <@2> and <@3> together. Nothing comes from <@2> and <@3>, who like no songs yet."
    )
