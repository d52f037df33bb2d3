"""Lists of songs as people get them: pages, artists, versions, thumbs down, several people, tags."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.results import Recommendations
from models.songs.catalogue import SongCatalogue
from tests.models.catalogue import POP, ROCK, ids, spec

ARTISTS = 6
SONGS = 40
VERSIONS = [
    "100 \tHalo (Live at Wembley)\tSinger",
    "101 \thalo\tSinger",
    "102 \tHalo (w\\/ A Guest)\tSinger",
    "103 \tHalo - 2009 Remaster\tThe Singer",
    "104 \tHalo (Club Remix)\tSinger",
    "105 \tHalo\tSomebody Else",
    "106 \tAlone\tNobody",
]
"""Four versions of one song, and what is none; the last is only ever alone in a playlist."""


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> SongCatalogue:
    chance = random.Random(3)
    rows = [f"{it} \tSong {it}\tArtist {it % ARTISTS}" for it in range(SONGS)]
    kinds = [list(map(str, range(SONGS // 2))), list(map(str, range(SONGS // 2, SONGS)))]
    halo = [str(it) for it in range(100, 106)]
    lists = [" ".join(chance.sample(kind, 6)) for kind in kinds for _ in range(60)]
    lists += [" ".join([*halo, *chance.sample(kinds[0], 3)]) for _ in range(10)] + ["106"]
    folder = tmp_path_factory.mktemp("lists")
    return SongCatalogue.load(spec(folder, "\n".join(rows + VERSIONS), "\n".join(lists)))


def artists(found: Recommendations) -> Counter[str]:
    return Counter(it.song.artist for it in found.songs)


def asks(catalogue: SongCatalogue) -> dict[str, Callable[..., Recommendations]]:
    return {
        "recommend": lambda n, **more: catalogue.recommend(["1", "2"], n, **more),
        "blend": lambda n, **more: catalogue.blend([["1"], ["2", "30"]], n, **more),
        "popular": catalogue.popular,
        "similar": lambda n, skip=0, **_: catalogue.similar(["1"], n, skip=skip),
    }


@pytest.mark.parametrize("name", ["recommend", "blend", "popular", "similar"])
@given(n=st.integers(1, 12), per_artist=st.none() | st.integers(1, 3))
def test_pages_show_every_song_once_and_then_end(
    catalogue: SongCatalogue, name: str, n: int, per_artist: int | None
) -> None:
    ask = asks(catalogue)[name]
    whole = set(ids(ask(1000, per_artist=None)))
    seen: list[str] = []
    while True:
        page = ask(n, skip=len(seen), per_artist=per_artist)
        assert len(page.songs) <= n
        assert page.songs, "a page that was announced holds songs"
        if per_artist is not None and name != "similar":
            assert max(artists(page).values()) <= per_artist
        seen += ids(page)
        if not page.more:
            break
    assert len(seen) == len(set(seen))
    assert set(seen) == whole
    assert ask(n, skip=len(seen), per_artist=per_artist).songs == ()


def test_two_songs_by_one_artist_unless_asked(catalogue: SongCatalogue) -> None:
    likes = [str(it) for it in range(0, 20, ARTISTS)]
    assert max(artists(catalogue.recommend(likes, 10)).values()) <= 2
    assert max(artists(catalogue.recommend(likes, 10, per_artist=1)).values()) == 1
    alone = catalogue.recommend(["0"], 40, per_artist=None)
    assert max(artists(alone).values()) > 2


def test_versions_are_one_song(catalogue: SongCatalogue) -> None:
    assert catalogue.same("101") == {"100", "101", "102", "103"}
    assert catalogue.same("104") == {"104"}, "a remix is another song"
    assert catalogue.same("4711") == {"4711"}
    found = ids(catalogue.recommend(["102"], 100, per_artist=None))
    assert not {"100", "101", "102", "103"} & set(found)
    assert {"104", "105"} <= set(found)
    beside = ids(catalogue.similar(["100"], 100))
    assert not {"101", "102", "103"} & set(beside)
    among = ids(catalogue.recommend(["1", "2"], 100, per_artist=None))
    assert len({"100", "101", "102", "103"} & set(among)) == 1, "one version stands for all"


def test_what_got_a_thumb_down_never_comes_again_nor_do_its_versions(catalogue: SongCatalogue) -> None:
    before = ids(catalogue.recommend(["1", "2"], 100, per_artist=None))
    after = ids(catalogue.recommend(["1", "2"], 100, per_artist=None, dislikes=["101", "3", "4711"]))
    assert set(before) - set(after) == {"3", *({"100", "101", "102", "103"} & set(before))}


def test_somebody_with_few_likes_counts_as_much_as_somebody_with_many(catalogue: SongCatalogue) -> None:
    many, few = [str(it) for it in range(12)], ["30", "31"]
    first = ids(catalogue.blend([many, few], 10, per_artist=None))
    kinds = Counter("many" if int(it) < 20 or int(it) >= 100 else "few" for it in first)
    assert min(kinds["many"], kinds["few"]) >= 3
    one = ids(catalogue.recommend([*many, *few], 10, per_artist=None))
    assert sum(20 <= int(it) < 100 for it in one) < kinds["few"]


def test_a_blend_with_somebody_who_likes_nothing_is_the_others(catalogue: SongCatalogue) -> None:
    assert ids(catalogue.blend([["1", "2"], []], 10)) == ids(catalogue.recommend(["1", "2"], 10))
    assert catalogue.blend([[], []], 10).songs == ()


def test_who_likes_everything_gets_nothing(catalogue: SongCatalogue) -> None:
    every = [song.id for song in catalogue.songs]
    found = catalogue.recommend(every, 10)
    assert (found.songs, found.more) == ((), False)
    assert catalogue.popular(10, exclude=every).songs == ()


def test_a_song_that_is_only_ever_alone_leads_nowhere(catalogue: SongCatalogue) -> None:
    found = catalogue.recommend(["106"], 10)
    assert found.songs == ()
    assert found.unknown == ("106",)
    assert catalogue.recommend(["106", "1"], 5).songs


def test_a_song_of_few_playlists_is_known_as_such(catalogue: SongCatalogue) -> None:
    known = {it.song.id: it.playlists for it in catalogue.popular(100, per_artist=None).songs}
    assert known["105"] == 10 >= catalogue.few
    assert known["106"] < catalogue.few


def test_popular_songs_come_from_each_big_tag_in_turn(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("0, rock\n1, pop\n", encoding="utf-8")
    tags = ["1" if str(it) in POP else "0" if str(it) in ROCK else "#" for it in range(14)]
    (tmp_path / "tags.txt").write_text("\n".join(tags) + "\n", encoding="utf-8")
    lists = ["1 2 4 5 6"] * 20 + ["0 3 9 10 11"] * 2 + ["7 8"]
    made = spec(
        tmp_path, lists="\n".join(lists), tags=tmp_path / "tags.txt", tag_names=tmp_path / "names.txt"
    )
    found = SongCatalogue.load(made)
    assert found.tags("1") == ("rock",)
    assert found.tags("7") == found.tags("4711") == ()
    first = ids(found.popular(4, per_artist=None))
    assert [it in ROCK for it in first].count(True) == 2
    assert [it in POP for it in first].count(True) == 2
