"""The Apps menu of a message, private answers, and the places where the bot is available as a user app."""

from __future__ import annotations

import discord
import pytest

from sandbox import Member, Sandbox
from sandbox.state import Message, Permission
from tests.wire.conftest import Launch, Live
from tests.wire.test_generate import finished, has_button


def posted(box: Sandbox, **body: object) -> Message:
    """Another bot's message, as in its API request."""
    message = box.world.create_message(box.channel, body, {}, author=box.student.user)
    box.world.announce("message.create", message)
    return message


EMBED = {"title": "A title", "description": "an engineer", "fields": [{"name": "field", "value": "value"}]}
LAYOUT = [{"type": 17, "components": [{"type": 10, "content": "king and queen"}]}]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"content": "engineer is"}, "engineer is"),
        ({"content": "said", "embeds": [EMBED]}, "said"),
        ({"embeds": [EMBED]}, "A title\nan engineer\nfield\nvalue"),
        ({"components": LAYOUT, "flags": 1 << 15}, "king and queen"),
    ],
)
async def test_a_message_is_continued(live: Live, body: dict[str, object], text: str) -> None:
    answer = await live.box.use_menu("Continue this", posted(live.box, **body))
    await answer.until(finished)
    assert not answer.ephemeral
    assert live.pace.calls[0]["prompt"] == text


async def test_the_tokens_of_a_message_are_for_whoever_asks(live: Live) -> None:
    message = live.box.say("CAPITALIZATION", member=live.box.admin)
    answer = await live.box.use_menu("Tokens", message)
    assert answer.ephemeral
    asked = await live.box.ask("/tokens text:CAPITALIZATION")
    assert not asked.ephemeral
    assert answer.text == asked.text


async def test_a_message_without_text_is_told_apart(live: Live) -> None:
    picture = live.box.say("x")
    picture.content = ""
    for name in ("Tokens", "Continue this"):
        answer = await live.box.use_menu(name, picture)
        assert answer.ephemeral
        assert answer.text == "That message has no text to read. Choose one that has."


async def test_a_message_that_is_too_long_is_refused_as_a_prompt_would_be(launch: Launch) -> None:
    live = await launch({"limits.prompt_characters": 10, "limits.text_characters": 10})
    for name in ("Tokens", "Continue this"):
        answer = await live.box.use_menu(name, live.box.say("engineer is it"))
        assert answer.ephemeral
        assert "at most 10 characters" in answer.text


@pytest.mark.parametrize(
    "line", ["/tokens text:hello", "/similar word:king", "/embed text:hello", "/embed text:a song other:song"]
)
async def test_an_answer_is_private_if_asked(live: Live, line: str) -> None:
    assert (await live.box.ask(f"{line} private:True")).ephemeral
    assert not (await live.box.ask(line)).ephemeral


async def test_a_look_behind_a_private_answer_leaves_it_there(live: Live) -> None:
    answer = await live.box.ask("/tokens text:hello private:True")
    assert answer.message is not None
    before = answer.message.edits
    behind = await live.box.press(answer.message, "Bytes")
    assert behind.ephemeral
    assert behind.message is not answer.message
    assert answer.message.edits == before


# Where the bot is available


async def test_every_command_may_be_brought_along(live: Live) -> None:
    """Servers and people can install it; it answers in servers, in its direct messages and in private channels."""
    registered = [command.body for command in live.box.world.commands.values()]
    assert {"tokens", "likes", "Tokens", "Continue this"} <= {body["name"] for body in registered}
    for body in registered:
        assert body["integration_types"] == [0, 1], body["name"]
        assert body["contexts"] == [0, 1, 2], body["name"]


async def test_an_application_that_people_cannot_install_registers_nothing_for_that(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.registration import payload_of

    application = live.bot.application
    assert application is not None
    monkeypatch.setattr(application, "_integration_types_config", {"0": {}})
    for body in payload_of(live.bot.tree):
        assert body["integration_types"] == [0]
        assert body["contexts"] == [0, 1]
    monkeypatch.setattr(application, "_integration_types_config", {})
    assert payload_of(live.bot.tree)[0]["integration_types"] == [0, 1], "it does not say"


async def test_who_has_installed_the_bot_brings_it_along(live: Live) -> None:
    box = live.box
    elsewhere = box.add_guild("Elsewhere", with_bot=False).channels[0]
    group = box.add_group(box.student, box.admin)
    for place in (elsewhere, group):
        assert not box.world.visible_commands(box.student, place)
    box.install(box.student)
    for place in (elsewhere, group, box.direct(box.student)):
        answer = await box.ask("/tokens text:hello", channel=place)
        assert not answer.ephemeral
        assert answer.message is not None
        assert answer.message.channel is place
        assert (await box.press(answer.message, "Bytes")).ephemeral
        menu = await box.use_menu("Tokens", box.say("hello", channel=place))
        assert menu.text == answer.text
    assert not box.world.visible_commands(box.admin, elsewhere), "the others have not installed it"


async def test_a_text_grows_where_the_bot_is_not(live: Live) -> None:
    box = live.box
    box.install(box.student)
    place = box.add_guild("Elsewhere", with_bot=False).channels[0]
    answer = box.send("/generate prompt:engineer is max_new_tokens:5", channel=place)
    await answer.until(finished)
    assert answer.message is not None
    again = await box.press(answer.message, "Again")
    await again.until(finished)


def quiet(box: Sandbox) -> Member:
    """The student, in a server that makes all answers of user apps private."""
    box.install(box.student)
    guild = box.add_guild("Quiet", with_bot=False)
    guild.everyone.permissions &= ~Permission.USE_EXTERNAL_APPS
    return guild.members[box.student.id]


async def test_where_answers_are_always_private_none_is_overwritten(live: Live) -> None:
    who = quiet(live.box)
    place = who.guild.channels[0]
    answer = await live.box.ask("/tokens text:hello", channel=place)
    assert answer.ephemeral
    assert answer.message is not None
    assert (await live.box.press(answer.message, "Bytes")).message is not answer.message
    text = live.box.send("/generate prompt:engineer is the max_new_tokens:5", channel=place)
    await text.until(finished)
    assert text.message is not None
    shown = text.text
    why = await live.box.press(text.message, "What mattered")
    await why.until(lambda it: it.message is not None and it.message.attachments)
    assert text.text == shown


async def test_likes_go_where_a_person_goes(live: Live) -> None:
    who = quiet(live.box)
    assert (
        "You now like"
        in (await live.box.ask("/likes add song:Song Alpha", channel=who.guild.channels[0])).text
    )
    assert "Song Alpha" in (await live.box.ask("/likes list")).text


async def test_nobody_reloads_models_from_a_server_without_the_bot(live: Live) -> None:
    box = live.box
    box.install(box.admin)
    place = box.add_guild("Elsewhere", with_bot=False).channels[0]
    answer = await box.ask("/models reload slot:words", member=box.admin, channel=place)
    assert answer.ephemeral
    assert "Only the people who run this bot" in answer.text


# Threads


async def test_an_answer_stands_in_the_thread(live: Live) -> None:
    thread = live.box.add_thread("homework")
    answer = await live.box.ask("/tokens text:hello", channel=thread)
    assert answer.message is not None
    assert answer.message.channel is thread
    menu = await live.box.use_menu("Continue this", live.box.say("engineer is", channel=thread))
    await menu.until(finished)
    assert menu.message is not None
    assert menu.message.channel is thread


async def test_a_text_in_a_thread_that_is_closed_meanwhile_stops(
    live: Live, caplog: pytest.LogCaptureFixture
) -> None:
    thread = live.box.add_thread("homework")
    live.pace.hold()
    answer = live.box.send("/generate prompt:engineer is max_new_tokens:50", channel=thread)
    await answer.until(has_button)
    thread.archived = True
    live.pace.allow(20)
    await live.box.until(lambda box: any(one.status == 400 for one in box.requests("PATCH")))
    live.pace.run()
    await live.bot.idle()
    assert "unforeseen" not in caplog.text


def test_a_closed_thread_is_told_in_one_sentence() -> None:
    from bot import errors

    class Response:
        status, reason = 400, "Bad Request"

    error = discord.HTTPException(Response(), {"code": 50083, "message": "Thread is archived"})  # type: ignore[arg-type]
    assert errors.sentence(error) == (
        "This thread is archived, so I cannot answer here. Open it again, or ask in another channel."
    )
