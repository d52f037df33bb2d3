"""Recommendations that respect people's opinions: thumbs down, pages, similar songs, several people together."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from models.failures import LaneFull, SongGone
from models.service import SongList
from models.songs.catalogue import SongCatalogue
from sandbox import Answer, Member, rules
from tests.models import catalogue
from tests.wire.conftest import Launch, Live
from tests.wire.test_songs import act, like, listed, titles


def labels(answer: Answer) -> list[str]:
    assert answer.message is not None
    return [button.label for button in answer.message.buttons]


async def turn(answer: Answer, live: Live, label: str) -> None:
    """Turn to another page, and wait until it is shown."""
    assert answer.message is not None
    before = answer.text
    await live.box.press(answer.message, label)
    await answer.until(lambda it: it.text != before)


async def like_as(live: Live, member: Member, title: str) -> None:
    assert "You now like" in (await live.box.ask(f"/likes add song:{title}", member=member)).text


# Thumbs down


async def test_what_got_a_thumb_down_is_never_recommended_again(live: Live, launch: Launch) -> None:
    await like(live, "Song Alpha")
    answer = await live.box.ask("/recommend n:10")
    assert answer.message is not None
    unwanted = titles(answer)[0]
    pressed = await act(live, answer.message, "never")
    assert pressed.ephemeral
    assert f"I will not recommend **{unwanted}**" in pressed.text
    assert "already leaving" in (await act(live, answer.message, "never")).text
    await live.stop()
    live = await launch()
    for command in ("/recommend n:10", "/recommend song:Song Alpha n:10"):
        assert unwanted not in titles(await live.box.ask(command))
    await like_as(live, live.box.admin, "Song Alpha")
    assert unwanted in titles(await live.box.ask("/recommend n:10", member=live.box.admin)), "theirs to say"


async def test_a_thumb_down_can_be_taken_back_by_command_or_by_a_like(live: Live) -> None:
    await like(live, "Song Alpha")
    answer = await live.box.ask("/likes dislike song:Song Beta")
    assert answer.ephemeral
    assert "I will not recommend **Song Beta**" in answer.text
    assert "Song Alpha" in (await live.box.ask("/likes dislike song:song alpah")).text
    assert await listed(live) == [], "a dislike takes the like back"
    shown = await live.box.ask("/likes list")
    assert "Not recommended to you: 2 songs" in shown.text
    choices = await live.box.autocomplete("/likes undislike song:beta")
    assert [choice["name"] for choice in choices] == ["Song Beta - Artist 1"]
    undone = await live.box.ask_command("likes undislike", {"song": choices[0]["value"]})
    assert undone.ephemeral
    assert "to you again" in undone.text
    assert "None of the songs" in (await live.box.ask("/likes undislike song:beta")).text
    await like(live, "Song Alpha")
    shown = await live.box.ask("/likes list")
    assert "Not recommended" not in shown.text
    await live.box.ask("/likes dislike song:Song Beta")
    shown = await live.box.ask("/likes list")
    assert shown.message is not None
    (menu,) = (part for part in rules.walk(shown.message.components) if part["type"] == rules.SELECT)
    await live.box.select(shown.message, menu["custom_id"], [menu["options"][0]["value"]])
    await shown.until(lambda it: "Not recommended" not in it.text)
    assert await live.bot.store.likes.dislikes(live.box.student.id) == ()


async def test_versions_of_what_got_a_thumb_down_do_not_go_with_a_song_either(
    launch: Launch, tmp_path: Path
) -> None:
    table = f"{catalogue.TABLE}\n14\tDon't Stop Me Now (Live)\tQueen"
    lists = "\n".join(["0", "0", *["4 5 14 6 1"] * 30, *["4 14 2 5 6"] * 30])
    songs = SongCatalogue.load(catalogue.spec(tmp_path, table, lists))
    live = await launch(loaders={"songs": lambda *_: songs})
    command = "/recommend song:Bohemian Rhapsody n:10"
    both = {"Don't Stop Me Now", "Don't Stop Me Now (Live)"}
    plain = {title.replace("\\", "") for title in titles(await live.box.ask(command))}
    assert both & plain
    await live.box.ask("/likes dislike song:Don't Stop Me Now")
    plain = {title.replace("\\", "") for title in titles(await live.box.ask(command))}
    assert plain
    assert not both & plain


# Pages


async def test_a_page_after_the_last_says_so(live: Live) -> None:
    """Likes added in the meantime shorten the list."""
    await like(live, "Song Alpha")
    answer = await live.box.ask("/recommend n:10 same_artist:True")
    for title in titles(answer)[:6]:
        await like(live, title)
    await turn(answer, live, "Next ▶")
    assert "No more songs" in answer.text
    assert "opinion on every song" not in answer.text
    await turn(answer, live, "◀ Back")
    assert "because you liked" in answer.text


async def test_pages_lead_to_the_end_and_back_and_show_no_song_twice(live: Live) -> None:
    await like(live, "Song Alpha")
    answer = await live.box.ask("/recommend n:4")
    first = answer.text
    assert "◀ Back" not in labels(answer)
    seen = titles(answer)
    assert len(seen) == 4
    while "Next ▶" in labels(answer):
        await turn(answer, live, "Next ▶")
        assert titles(answer), "no page is empty"
        assert f"\n{len(seen) + 1}. " in answer.text, "numbers go on"
        seen += titles(answer)
    assert len(seen) == len(set(seen))
    assert "Song Alpha" not in seen
    while "◀ Back" in labels(answer):
        await turn(answer, live, "◀ Back")
    assert answer.text == first


async def test_pages_of_songs_that_go_with_a_song(live: Live, launch: Launch) -> None:
    answer = await live.box.ask("/recommend song:Song Alpha n:3")
    first = titles(answer)
    await live.stop()
    live = await launch()
    await turn(answer, live, "Next ▶")
    assert "Goes with Song Alpha" in answer.text
    assert not set(first) & set(titles(answer))


async def test_somebody_else_cannot_turn_the_pages(live: Live) -> None:
    answer = await live.box.ask("/recommend song:Song Alpha n:3")
    assert answer.message is not None
    before = answer.text
    refused = await live.box.press(answer.message, "Next ▶", member=live.box.admin)
    assert refused.ephemeral
    assert "Only the person who asked" in refused.text
    assert answer.text == before


# Similar songs


async def test_more_like_one_of_the_songs(live: Live) -> None:
    answer = await live.box.ask("/recommend song:Song Alpha n:3")
    assert answer.message is not None
    wanted = titles(answer)[1]
    (menu,) = (part for part in rules.walk(answer.message.components) if part["type"] == rules.SELECT)
    assert [option["label"] for option in menu["options"]] == [
        f"{action} {number}. {title}"
        for action in ("More like", "Never recommend")
        for number, title in enumerate(titles(answer), 1)
    ]
    asked = await act(live, answer.message, "more", 2, live.box.admin)
    await asked.until(lambda it: f"Goes with {wanted}" in it.text)
    assert wanted not in titles(asked)
    assert asked.ephemeral
    assert "Like" in labels(asked)


async def test_songs_that_left_the_catalogue_lead_nowhere(live: Live, launch: Launch) -> None:
    answer = await live.box.ask("/recommend song:Song Alpha n:3")
    await live.stop()

    class Empty:
        name = "empty"
        memory = 0
        device = dtype = detail = ""

        def page_like(self, *_: object, **__: object) -> SongList:
            raise SongGone

        def probe(self) -> None:
            return

    live = await launch(loaders={"songs": lambda *_: Empty()})
    chose = await act(live, answer.message, "more")
    await chose.until(lambda it: "no longer in my catalogue" in it.text)
    assert chose.ephemeral


async def test_a_song_that_left_the_catalogue_is_not_taken_for_another(
    launch: Launch, loaded: dict[str, Any]
) -> None:
    class Shrinking:
        gone = ""

        def __getattr__(self, name: str) -> Any:
            return getattr(loaded["songs"], name)

        def page_like(self, like: Sequence[str], *options: Any, **more: Any) -> SongList:
            if self.gone in like:
                raise SongGone
            found: SongList = loaded["songs"].page_like(like, *options, **more)
            return found

    songs = Shrinking()
    live = await launch(loaders={"songs": lambda *_: songs})
    answer = await live.box.ask("/recommend song:Song Alpha n:3")
    assert answer.message is not None
    songs.gone = loaded["songs"].search("Song Alpha", 1)[0].id
    refused = await live.box.press(answer.message, "Next ▶")
    await refused.until(lambda it: "no longer in my catalogue" in it.text)
    assert refused.ephemeral
    assert "Goes with Song Alpha" in answer.text


# A person's first songs


async def test_three_favourites_to_begin_with(live: Live) -> None:
    answer = await live.box.ask("/recommend")
    assert answer.message is not None
    assert "Popular songs" in answer.text
    opened = live.box.send_press(answer.message, "Name three favourites")
    await opened.until(lambda it: it.modal)
    done = await live.box.submit(
        opened.modal,
        {"A song": "song alpah", "Another song": "qqqqqqqqqqqq", "And one more": "Delta Artist 3"},
    )
    await done.until(lambda it: "because you liked Song" in it.text)
    assert done.ephemeral
    assert "“song alpah”: 👍 **Song Alpha**" in done.text
    assert "“qqqqqqqqqqqq”: I found no song like it" in done.text
    assert await listed(live) == ["Song Alpha", "Song Delta"]


async def test_favourites_that_nobody_knows_are_refused(live: Live) -> None:
    answer = await live.box.ask("/recommend")
    assert answer.message is not None
    opened = live.box.send_press(answer.message, "Name three favourites")
    await opened.until(lambda it: it.modal)
    refused = await live.box.submit(opened.modal, {"A song": "@everyone qqqqqq"})
    assert refused.ephemeral
    assert "I found no song like it" in refused.text
    assert await listed(live) == []


async def test_favourites_of_blanks_are_refused(live: Live) -> None:
    answer = await live.box.ask("/recommend")
    assert answer.message is not None
    opened = live.box.send_press(answer.message, "Name three favourites")
    await opened.until(lambda it: it.modal)
    refused = await live.box.submit(opened.modal, {"A song": "   "})
    assert refused.ephemeral
    assert "at least one song" in refused.text


async def test_favourites_are_confirmed_although_no_songs_can_be_shown(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await live.box.ask("/recommend")
    assert answer.message is not None
    opened = live.box.send_press(answer.message, "Name three favourites")
    await opened.until(lambda it: it.modal)

    async def busy(*_: object, **__: object) -> None:
        raise LaneFull(4, 3)

    monkeypatch.setattr(sys.modules["cogs.songs.lists"], "show_songs", busy)
    done = await live.box.submit(opened.modal, {"A song": "Song Alpha"})
    await done.until(lambda it: any("I am busy" in message.content for message in it.messages))
    assert any("You now like these" in message.content for message in done.messages)


async def test_a_form_that_was_open_while_the_bot_restarted_is_answered(live: Live, launch: Launch) -> None:
    answer = await live.box.ask("/recommend")
    assert answer.message is not None
    opened = live.box.send_press(answer.message, "Name three favourites")
    await opened.until(lambda it: it.modal)
    assert not live.bot._connection._view_store._modals, "nobody waits for a form that may never be sent"
    await live.stop()
    live = await launch()
    done = await live.box.submit(opened.modal, {"A song": "Song Alpha"})
    await done.until(lambda it: "Because you liked Song Alpha" in it.text)
    assert await listed(live) == ["Song Alpha"]


# One artist


async def test_at_most_two_songs_by_one_artist_unless_asked(live: Live) -> None:
    await like(live, "Song Alpha")
    mixed = await live.box.ask("/recommend n:10")
    artists = [line.partition(" by ")[2] for line in mixed.text.splitlines() if "** by " in line]
    assert max(map(artists.count, artists)) == 2
    any_number = await live.box.ask("/recommend n:10 same_artist:True")
    artists = [line.partition(" by ")[2] for line in any_number.text.splitlines() if "** by " in line]
    assert len(artists) == 10
    assert max(map(artists.count, artists)) > 2


# Several people


async def test_likes_of_others_count_only_if_they_allow_it(live: Live) -> None:
    await like_as(live, live.box.admin, "Song Alpha")
    refused = await live.box.ask("/recommend with:@admin")
    assert refused.ephemeral
    assert f"<@{live.box.admin.id}> has not allowed" in refused.text
    allowed = await live.box.ask("/privacy share allowed:True", member=live.box.admin)
    assert allowed.ephemeral
    assert "Others may name you" in allowed.text
    answer = await live.box.ask("/recommend with:@admin n:10")
    assert answer.ephemeral, "the asker's own likes stay theirs"
    assert "because of Song Alpha" in answer.text
    assert f"Nothing is based on <@{live.box.student.id}>, who likes no songs yet" in answer.text
    await live.box.ask("/privacy share allowed:False", member=live.box.admin)
    assert "has not allowed" in (await live.box.ask("/recommend with:@admin")).text


async def test_a_blend_of_people_who_all_allow_it_is_for_everybody(live: Live) -> None:
    third = live.box.add_member("third")
    await like(live, "Song Alpha")
    for member, title in ((live.box.admin, "Song Delta"), (third, "Song Nu")):
        await like_as(live, member, title)
    await live.box.ask("/likes dislike song:Song Beta", member=third)
    for member in (live.box.student, live.box.admin, third):
        await live.box.ask("/privacy share allowed:True", member=member)
    answer = await live.box.ask("/recommend with:@admin and:@third n:5")
    assert not answer.ephemeral
    assert "songs you like together" in answer.text
    assert not {"Song Alpha", "Song Delta", "Song Nu", "Song Beta"} & set(titles(answer))
    await live.box.ask("/privacy share allowed:False", member=third)
    assert answer.message is not None
    refused = await live.box.press(answer.message, "Next ▶")
    await refused.until(lambda it: "has not allowed" in it.text)
    assert refused.ephemeral


async def test_a_database_that_keeps_everybody_waiting_does_not_keep_discord_waiting(
    live: Live, tmp_path: Path
) -> None:
    locked = sqlite3.connect(tmp_path / "data" / "tokenwise.db", isolation_level=None)
    try:
        locked.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(live.bot.store.consents.share(live.box.student.id, allowed=True))
        answer = await live.box.ask("/recommend with:@admin")
        assert answer.ephemeral
        assert "took too long" in answer.text
        locked.execute("ROLLBACK")
        await writing
    finally:
        locked.close()


async def test_who_takes_it_back_shows_no_more_of_their_likes_to_everybody(live: Live) -> None:
    await like(live, "Song Alpha")
    await like_as(live, live.box.admin, "Song Delta")
    for member in (live.box.student, live.box.admin):
        await live.box.ask("/privacy share allowed:True", member=member)
    answer = await live.box.ask("/recommend with:@admin n:3")
    assert not answer.ephemeral
    assert answer.message is not None
    before = answer.text
    await live.box.ask("/privacy share allowed:False")
    refused = await live.box.press(answer.message, "Next ▶")
    await refused.until(lambda it: "no longer share your likes" in it.text)
    assert refused.ephemeral
    assert answer.text == before


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/recommend with:@student", "your own likes always count"),
        ("/recommend song:Song Alpha with:@admin", "either a song or people"),
    ],
)
async def test_people_that_make_no_sense_are_refused(live: Live, command: str, why: str) -> None:
    answer = await live.box.ask(command)
    assert answer.ephemeral
    assert why in answer.text


async def test_in_a_private_message_there_is_nobody_else(live: Live) -> None:
    channel = live.box.direct(live.box.student)
    answer = await live.box.ask_command("recommend", {"with": live.box.admin}, channel=channel)
    assert "only in a server" in answer.text


async def test_who_has_an_opinion_on_every_song_reads_so(live: Live) -> None:
    await live.bot.service.loaded()
    with live.hub.lease("songs") as songs:
        every = [songs.get(it.song.id) for it in songs.popular(100, per_artist=None).songs]
    for number, song in enumerate(every):
        if number % 2:
            await live.bot.store.likes.add(live.box.student.id, song)
        else:
            await live.bot.store.likes.dislike(live.box.student.id, song)
    answer = await live.box.ask("/recommend")
    assert "You have already liked or disliked every song I know" in answer.text
    assert "Like" not in labels(answer)
