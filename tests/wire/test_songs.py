"""/recommend, /likes and /privacy."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
import threading
from pathlib import Path

import pytest

from models.results import Recommendation, Recommendations, Song
from models.service import Basis, SongList, SongMatch
from sandbox import Answer, Member, rules
from sandbox.state import Button, Message
from tests.wire.conftest import Launch, Live
from tests.wire.test_generate import has_button


async def like(live: Live, *titles: str) -> None:
    for title in titles:
        answer = await live.box.ask(f"/likes add song:{title}")
        assert answer.ephemeral
        assert " like **" in answer.text


def titles(answer: Answer) -> list[str]:
    """The titles of the songs in a list, next to their buttons."""
    assert answer.message is not None
    sections = [part for part in rules.walk(answer.message.components) if part["type"] == rules.SECTION]
    return [section["components"][0]["content"].split("**")[1] for section in sections]


def like_buttons(message: Message | None) -> list[Button]:
    assert message is not None
    return [button for button in message.buttons if button.custom_id.startswith("like:")]


async def press_like(
    live: Live, message: Message | None, number: int = 1, member: Member | None = None
) -> Answer:
    """Press the like button of a song in a list."""
    assert message is not None
    return await live.box.press(message, like_buttons(message)[number - 1].custom_id, member=member)


async def act(
    live: Live, message: Message | None, action: str, number: int = 1, member: Member | None = None
) -> Answer:
    """Choose an action for a song in a list: "more" or "never"."""
    assert message is not None
    song = like_buttons(message)[number - 1].custom_id.removeprefix("like:")
    return await live.box.select(message, "song-actions", [f"{action}:{song}"], member=member)


async def listed(live: Live) -> list[str]:
    answer = await live.box.ask("/likes list")
    assert answer.ephemeral
    return titles(answer)


async def test_songs_complete_by_title_and_artist_in_spite_of_typos(live: Live) -> None:
    choices = await live.box.autocomplete("/recommend song:Song Alpah")
    assert choices[0]["name"].startswith("Song Alpha")
    with live.hub.lease("songs") as songs:
        assert songs.get(choices[0]["value"]).title == "Song Alpha"
    assert await live.box.autocomplete("/recommend song:Artist 3")
    assert await live.box.autocomplete("/recommend song:")


async def test_a_chosen_song_leads_to_others(live: Live) -> None:
    (choice, *_) = await live.box.autocomplete("/recommend song:Song Alpha")
    answer = await live.box.ask_command("recommend", {"song": choice["value"], "n": 10, "same_artist": True})
    assert not answer.ephemeral
    assert "Goes with Song Alpha" in answer.text
    assert "Song Alpha" not in titles(answer)
    assert answer.message is not None
    labels = [button.label for button in answer.message.buttons]
    assert labels == [*["Like"] * 10, "Next ▶", "Map", "Compare with vectors"]
    assert len(titles(answer)) == 10


async def test_a_typed_title_is_taken_to_mean_its_best_match(live: Live) -> None:
    answer = await live.box.ask("/recommend song:song alpah")
    assert "Goes with Song Alpha" in answer.text
    assert "I took “song alpah” to mean **Song Alpha**" in answer.text
    refused = await live.box.ask("/recommend song:qqqqqqqqqqqqqqqq")
    assert refused.ephemeral
    assert "I found no song like" in refused.text


async def test_without_likes_popular_songs_and_a_hint(live: Live) -> None:
    answer = await live.box.ask("/recommend")
    assert "Popular songs" in answer.text
    assert f"</likes add:{live.box.commands['likes'].id}>" in answer.text


async def test_likes_lead_to_songs_that_say_where_they_came_from(live: Live) -> None:
    await like(live, "Song Alpha", "Song Delta")
    answer = await live.box.ask("/recommend n:10")
    assert answer.ephemeral
    assert "From the songs you like" in answer.text
    assert "because you liked Song" in answer.text
    assert not {"Song Alpha", "Song Delta"} & set(titles(answer))
    beside = await live.box.ask("/recommend song:Song Beta n:10")
    assert not {"Song Alpha", "Song Delta"} & set(titles(beside))


async def test_a_song_is_answered_by_the_best_way_and_the_reasons_can_be_counted(live: Live) -> None:
    answer = await live.box.ask("/recommend song:Song Alpha n:4 same_artist:True")
    with live.hub.lease("songs") as songs:
        alpha = songs.search("Song Alpha", 1)[0].id
        best = songs.recommend([alpha], 4, per_artist=None)
        nearest = songs.similar([alpha], 4)
    assert titles(answer) == [one.song.title for one in best.songs]
    reason = best.songs[0].reasons[0]
    assert f"in {reason.shared} of the {reason.playlists} playlists with Song Alpha" in answer.text
    by_vectors = await live.box.ask("/recommend song:Song Alpha n:4 by:vectors")
    assert titles(by_vectors) == [one.song.title for one in nearest.songs]
    assert "playlists with" not in by_vectors.text
    refused = await live.box.ask("/recommend by:vectors")
    assert refused.ephemeral
    assert "so that I know whose vector" in refused.text


async def test_both_lists_stand_side_by_side(live: Live) -> None:
    answer = await live.box.ask("/recommend song:Song Alpha n:3")
    assert answer.message is not None
    both = await live.box.press(answer.message, "Compare with vectors", member=live.box.admin)
    assert both.ephemeral
    assert both.message is not None
    left, right = both.message.embeds[0]["fields"]
    assert (left["name"], right["name"]) == ("From playlists", "Nearest vectors")
    assert left["inline"]
    assert right["inline"]
    assert len(left["value"].splitlines()) == len(right["value"].splitlines()) == 10


async def test_songs_like_some_and_unlike_another(live: Live) -> None:
    answer = await live.box.ask("/recommend like:Song Alpha unlike:Song Beta n:5")
    assert not answer.ephemeral
    assert "Goes with Song Alpha" in answer.text
    assert "not with Song Beta" in answer.text
    assert not {"Song Alpha", "Song Beta"} & set(titles(answer))
    with live.hub.lease("songs") as songs:
        like_id, unlike_id = (songs.search(f"Song {name}", 1)[0].id for name in ("Alpha", "Beta"))
        found, after = (songs.recommend([like_id], 5, unlike=[unlike_id], skip=skip) for skip in (0, 5))
    first = titles(answer)
    assert first == [one.song.title for one in found.songs]
    assert answer.message is not None
    await live.box.press(answer.message, "Next ▶")
    await answer.until(lambda it: titles(it) != first)
    assert titles(answer) == [one.song.title for one in after.songs]


async def test_own_likes_unlike_a_song_stay_private(live: Live) -> None:
    await like(live, "Song Alpha")
    answer = await live.box.ask("/recommend unlike:Song Beta")
    assert answer.ephemeral
    assert "without what goes with Song Beta" in answer.text


async def test_a_map_on_demand_with_words_for_who_cannot_see_it(live: Live) -> None:
    await like(live, "Song Alpha", "Song Delta")
    answer = await live.box.ask("/recommend n:5")
    assert answer.message is not None
    drawn = await live.box.press(answer.message, "Map")
    assert drawn.ephemeral
    assert drawn.message is not None
    (picture,) = drawn.message.attachments
    assert picture.filename == "map.png"
    assert "Orange: Song" in (picture.description or "")
    for title in titles(answer):
        assert title in (picture.description or "")


async def test_a_like_button_works_for_everybody_and_after_a_restart(live: Live, launch: Launch) -> None:
    answer = await live.box.ask("/recommend song:Song Alpha n:3")
    first, second, third = titles(answer)
    pressed = await press_like(live, answer.message)
    assert pressed.ephemeral
    assert f"You now like **{first}**" in pressed.text
    assert f"</likes list:{live.box.commands['likes'].id}>" in pressed.text
    again = await press_like(live, answer.message)
    assert again.ephemeral
    assert f"no longer like **{first}**" in again.text
    assert answer.message is not None
    assert answer.message.edits == 0, "everybody sees it, so it does not show what one person likes"
    await live.stop()
    live = await launch()
    for number, member in ((2, live.box.admin), (3, None)):
        pressed = await press_like(live, answer.message, number, member)
        assert pressed.ephemeral
        assert "You now like" in pressed.text
    assert await listed(live) == [third]
    assert second in (await live.box.ask("/likes list", member=live.box.admin)).text


async def test_a_list_for_one_person_shows_what_they_like(live: Live, launch: Launch) -> None:
    answer = await live.box.ask("/recommend n:10")
    assert answer.ephemeral
    ids = [button.custom_id for button in like_buttons(answer.message)]
    pressed = [live.box.send_press(answer.message, ids[number]) for number in (0, 1, 2)]  # type: ignore[arg-type]
    await answer.until(lambda it: [one.label for one in like_buttons(it.message)][:3] == ["Liked"] * 3)
    assert not any(one.followups for one in pressed)
    assert len(await live.bot.store.likes.list(live.box.student.id)) == 3
    await live.stop()
    live = await launch()
    await press_like(live, answer.message, 2)
    await answer.until(lambda it: like_buttons(it.message)[1].label == "Like")
    assert [one.label for one in like_buttons(answer.message)][:3] == ["Liked", "Like", "Liked"]
    assert len(await live.bot.store.likes.list(live.box.student.id)) == 2


async def test_two_presses_at_once_are_a_like_and_its_end(live: Live) -> None:
    song, user = Song("1", "Title", "Artist"), live.box.student.id
    store = live.bot.store.likes
    for count in (2, 5):
        now = await asyncio.gather(*(store.toggle(user, song) for _ in range(count)))
        assert sorted(now) == [False] * (count // 2) + [True] * (count - count // 2)
        assert len(await store.list(user)) == count % 2


async def test_a_like_in_the_list_of_likes_is_taken_back_and_given_again(live: Live) -> None:
    await like(live, "Song Alpha", "Song Beta")
    answer = await live.box.ask("/likes list")
    assert [one.label for one in like_buttons(answer.message)] == ["Liked", "Liked"]
    await press_like(live, answer.message, 1)
    await answer.until(lambda it: like_buttons(it.message)[0].label == "Like")
    assert await listed(live) == ["Song Beta"]
    await press_like(live, answer.message, 1)
    await answer.until(lambda it: like_buttons(it.message)[0].label == "Liked")
    assert await listed(live) == ["Song Beta", "Song Alpha"]


EARLIER = {
    "embeds": [
        {"title": "Goes with", "description": "1. **Song Alpha** by Artist 0\n2. **Song \\[Beta\\]**"}
    ],
    "components": [
        {
            "type": 1,
            "components": [
                {"type": 2, "style": 2, "label": f"{word} {number}", "custom_id": f"{name}:{number - 1}"}
                for word, name in (("Like", "like"), ("Dislike", "dislike"))
                for number in (1, 2)
            ],
        }
    ],
}
"""A list as earlier versions sent it."""


async def test_the_buttons_of_earlier_versions_still_work(live: Live) -> None:
    message = live.box.world.create_message(live.box.channel, EARLIER, {})
    pressed = await live.box.press(message, "Like 1")
    assert "You now like **Song Alpha** by Artist 0" in pressed.text
    assert "no longer like **Song Alpha**" in (await live.box.press(message, "Like 1")).text
    assert "I will not recommend **Song \\[Beta\\]**" in (await live.box.press(message, "Dislike 2")).text


async def test_odd_ids_fit_into_buttons_or_have_none(launch: Launch) -> None:
    odd = [Song("a b/c:d\n", "Odd", "x"), Song("x" * 95, "Long", "x"), Song("y" * 96, "Too long", "x")]

    class Odd:
        name = "odd"
        memory = 0
        device = dtype = detail = ""

        def get(self, song_id: str) -> Song | None:
            return next((song for song in odd if song.id == song_id), None)

        def match(self, text: str) -> SongMatch | None:
            return next((SongMatch(song, guessed=True) for song in odd if text in song.label), None)

        def page_for(self, *_: object, **__: object) -> SongList:
            songs = Recommendations("odd", tuple(Recommendation(song) for song in odd), ())
            return SongList(Basis.POPULAR_NO_LIKES, songs)

        def probe(self) -> None:
            return

    live = await launch(loaders={"songs": lambda *_: Odd()})
    answer = await live.box.ask("/recommend")
    assert answer.message is not None
    assert "Too long" in answer.text
    assert titles(answer) == ["Odd", "Long"]
    assert len(like_buttons(answer.message)) == 2
    for number in (1, 2):
        await press_like(live, answer.message, number)
    await answer.until(lambda it: all(one.label == "Liked" for one in like_buttons(it.message)))
    await like(live, "Too long")
    likes = await live.bot.store.likes.list(live.box.student.id)
    assert [like.song.title for like in likes] == ["Odd", "Long", "Too long"]
    assert "Too long" in (await live.box.ask("/likes list")).text
    choices = await live.box.autocomplete("/likes remove song:Too")
    assert "no longer" in (await live.box.ask_command("likes remove", {"song": choices[0]["value"]})).text
    await live.stop()
    live = await launch()
    for section in rules.walk(
        answer.message.components
    ):  # neither the list nor the catalogue names the songs
        if section["type"] == rules.TEXT:
            section["content"] = "?"
    answer.message.components[0]["components"][0]["content"] = "?"
    gone = await press_like(live, answer.message)
    await gone.until(lambda it: "no longer in my catalogue" in it.text)
    assert gone.ephemeral
    assert "no longer in my catalogue" in gone.text


async def test_a_slow_like_is_acknowledged_in_time(live: Live, tmp_path: Path) -> None:
    answer = await live.box.ask("/recommend song:Song Alpha")
    assert answer.message is not None
    locked = sqlite3.connect(tmp_path / "data" / "tokenwise.db", isolation_level=None)
    try:
        locked.execute("BEGIN IMMEDIATE")  # the database is busy: the press cannot be answered yet
        pressed = live.box.send_press(answer.message, like_buttons(answer.message)[0].custom_id)
        await pressed.until(lambda it: it.deferred)
        locked.execute("ROLLBACK")
    finally:
        locked.close()
    await pressed.until(lambda it: "You now like" in it.text)
    assert pressed.ephemeral


async def test_a_like_waits_for_no_model(live: Live) -> None:
    answer = await live.box.ask("/recommend song:Song Alpha")
    assert answer.message is not None
    with live.hub.lease("songs"):
        for pressed in (await press_like(live, answer.message), await act(live, answer.message, "never", 2)):
            assert pressed.ephemeral
            assert not pressed.deferred
    assert await listed(live) == titles(answer)[:1]


@pytest.mark.parametrize("missing", [False, True])
async def test_a_thumb_works_while_songs_load_or_are_missing(launch: Launch, *, missing: bool) -> None:
    live = await launch()
    answer = await live.box.ask("/recommend song:Song Alpha n:3")
    assert answer.message is not None
    first, second, _ = titles(answer)
    await live.stop()
    never = threading.Event()
    live = await launch(
        {"limits.per_user": 1} | ({"songs": None} if missing else {}),
        loaders={"songs": lambda *_: never.wait(30)},
    )
    try:
        live.pace.hold()
        text = await live.box.send("/generate prompt:engineer is").until(has_button)
        assert f"👍 You now like **{first}**" in (await press_like(live, answer.message)).text
        disliked = await act(live, answer.message, "never", 2)
        assert f"I will not recommend **{second}**" in disliked.text
        likes = await live.bot.store.likes.list(live.box.student.id)
        assert [(like.song.title, like.song.artist[:6]) for like in likes] == [(first, "Artist")]
        assert "tokens/s" not in text.text, "the one question that may be under way still is"
    finally:
        never.set()


async def test_likes_are_kept_in_order_and_can_be_taken_back(live: Live) -> None:
    await like(live, "Song Beta", "Song Alpha", "Song Beta", "Song Gamma")
    assert await listed(live) == ["Song Beta", "Song Alpha", "Song Gamma"]
    own = await live.box.autocomplete("/likes remove song:alpha")
    assert [choice["name"] for choice in own] == ["Song Alpha - Artist 0"]
    removed = await live.box.ask_command("likes remove", {"song": own[0]["value"]})
    assert removed.ephemeral
    assert "no longer like **Song Alpha**" in removed.text
    assert "**Song Beta**" in (await live.box.ask("/likes remove song:beta")).text
    assert "None of the songs" in (await live.box.ask("/likes remove song:nothing")).text
    assert await listed(live) == ["Song Gamma"]
    other = await live.box.ask("/likes list", member=live.box.admin)
    assert "No songs yet" in other.text


async def test_a_long_list_has_pages(live: Live) -> None:
    for number in range(20):
        await live.bot.store.likes.add(live.box.student.id, Song(f"id {number}", f"Title {number}", "Artist"))
    answer = await live.box.ask("/likes list")
    assert "page 1 of 2" in answer.text
    assert answer.message is not None
    await live.box.press(answer.message, "Page 2")
    await answer.until(lambda it: "page 2 of 2" in it.text)
    assert titles(answer)[-1] == "Title 19"
    assert [button.label for button in answer.message.buttons][10:] == ["Page 1"]


async def test_clearing_asks_first(live: Live) -> None:
    await like(live, "Song Beta")
    asked = await live.box.ask("/likes clear")
    assert asked.ephemeral
    assert asked.message is not None
    await live.box.press(asked.message, "Keep")
    await asked.until(lambda it: "Nothing was changed" in it.text)
    assert await listed(live) == ["Song Beta"]
    asked = await live.box.ask("/likes clear")
    assert asked.message is not None
    await live.box.press(asked.message, "Remove all")
    await asked.until(lambda it: "1 like removed" in it.text)
    assert asked.message.buttons == []
    nothing = await live.box.ask("/likes clear")
    assert "nothing to remove" in nothing.text


@pytest.mark.parametrize("name", ["likes clear", "privacy delete"])
async def test_the_buttons_of_somebody_else_are_refused(live: Live, name: str) -> None:
    await like(live, "Song Beta")
    asked = await live.box.ask_command(name)
    assert asked.message is not None
    asked.message.flags = 0  # as if it were visible to everyone
    refused = await live.box.press(asked.message, asked.message.buttons[0].custom_id, member=live.box.admin)
    assert refused.ephemeral
    assert "someone else" in refused.text
    assert await listed(live) == ["Song Beta"]


async def test_likes_are_exported(live: Live) -> None:
    await like(live, "Song Beta", "Song Alpha")
    answer = await live.box.ask("/likes export")
    assert answer.ephemeral
    assert answer.message is not None
    records = json.loads(answer.message.attachments[0].bytes)
    assert [record["title"] for record in records] == ["Song Beta", "Song Alpha"]
    table = await live.box.ask("/likes export file_format:csv")
    assert table.message is not None
    rows = list(csv.DictReader(io.StringIO(table.message.attachments[0].bytes.decode())))
    assert rows == records


async def test_everything_about_a_person_can_be_seen_and_deleted(live: Live, tmp_path: Path) -> None:
    await like(live, "Song Beta", "Song Alpha")
    await live.box.ask("/likes dislike song:Song Nu")
    await live.box.ask("/privacy share allowed:True")
    shown = (await live.box.ask("/privacy show")).text
    assert "2 songs you like and 1 song you do not" in shown
    assert "Others may name you" in shown
    export = await live.box.ask("/privacy export")
    assert export.ephemeral
    assert export.message is not None
    data = json.loads(export.message.attachments[0].bytes)
    assert data["user_id"] == str(live.box.student.id)
    assert [like["title"] for like in data["likes"]] == ["Song Beta", "Song Alpha"]
    assert [song["title"] for song in data["dislikes"]] == ["Song Nu"]
    assert data["shares_likes"] is True
    asked = await live.box.ask("/privacy delete")
    assert asked.ephemeral
    assert asked.message is not None
    await live.box.press(asked.message, "Delete everything")
    await asked.until(lambda it: "4 records" in it.text)
    with sqlite3.connect(tmp_path / "data" / "tokenwise.db") as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = database.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - our own names
            assert str(live.box.student.id) not in json.dumps(rows)
    database.close()
    assert "0 songs you like and 0 songs you do not" in (await live.box.ask("/privacy show")).text
