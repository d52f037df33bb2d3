"""What a stock discord.py bot can answer, and how a member sees it."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp
import discord
import pytest

from sandbox import (
    Answer,
    CommandLineError,
    Event,
    Limits,
    ManualClock,
    Permission,
    Sandbox,
    SandboxError,
    Upload,
)
from tests.sandbox import openapi
from tests.sandbox.client import PNG, StudyBot, running


async def test_an_answer_with_what_was_typed(box: Sandbox, bot: StudyBot) -> None:
    answer = await box.ask("/echo text:CAPITALIZATION and other stuff times:2")
    assert answer.text == "CAPITALIZATION and other stuff CAPITALIZATION and other stuff"
    assert answer.acknowledged_after is not None
    assert 0 <= answer.acknowledged_after < 3
    assert not answer.deferred
    assert not answer.ephemeral
    interaction = bot.seen[0]
    assert interaction.user.id == box.student.id
    assert interaction.guild_id == box.guild.id
    assert interaction.channel is not None
    assert interaction.channel.id == box.channel.id
    assert interaction.filesize_limit == 10 * 1024 * 1024
    assert interaction.permissions.value == box.student.permissions
    assert interaction.app_permissions.send_messages
    assert interaction.context.guild
    assert abs((interaction.created_at - discord.utils.utcnow()).total_seconds()) < 60
    stored = await interaction.original_response()
    assert stored.content == answer.text
    assert stored.interaction_metadata is not None
    assert stored.interaction_metadata.id == interaction.id


async def test_locale_and_member_are_passed_on(box: Sandbox, bot: StudyBot) -> None:
    teacher = box.add_member("Teacher", permissions=Permission.MANAGE_GUILD, roles=["Staff"])
    await box.ask("/echo text:hi", member=teacher, locale="de")
    user = bot.seen[0].user
    assert isinstance(user, discord.Member)
    assert bot.seen[0].locale is discord.Locale.german
    assert bot.seen[0].permissions.manage_guild
    assert not bot.seen[0].permissions.administrator
    assert {role.id for role in teacher.roles} == set(user._roles)


def shows(text: str) -> Callable[[Answer], bool]:
    return lambda answer: answer.text == text


async def test_deferred_answers_grow_by_edits(box: Sandbox, bot: StudyBot) -> None:
    answer = box.send("/stream")
    await answer.until(lambda now: now.deferred)
    assert answer.text == ""
    for text in ("one", "one two"):
        bot.gate.put_nowait(text)
        await answer.until(shows(text))
    bot.gate.put_nowait("end")
    assert [version.message.content for version in answer.history] == ["", "one", "one two"]
    assert answer.history[0].message.loading
    assert answer.message is not None
    assert answer.message.edits == 1


async def test_a_private_deferral_stays_private(box: Sandbox, bot: StudyBot) -> None:
    bot.gate.put_nowait("secret")
    bot.gate.put_nowait("end")
    answer = await box.ask("/stream private:yes")
    assert answer.text == "secret"
    assert answer.ephemeral


@pytest.mark.usefixtures("bot")
async def test_first_follow_up_takes_the_place_of_the_deferral(box: Sandbox) -> None:
    answer = box.send("/several private:no")
    await answer.until(lambda now: now.interaction.original and now.interaction.original.deleted)
    contents = [(version.message.content, version.message.ephemeral) for version in answer.history]
    # "first" asked to be private, but the deferral before it was public.
    assert contents == [("", False), ("first", False), ("second", True), ("first", False)]
    assert answer.message is None
    assert [message.content for message in answer.followups] == ["second"]
    assert answer.text == "second"


@pytest.mark.usefixtures("bot")
async def test_pictures_are_kept_and_served(box: Sandbox) -> None:
    answer = await box.ask("/picture")
    assert answer.message is not None
    picture, page = answer.message.attachments
    assert (picture.filename, picture.bytes, picture.content_type) == ("map.png", PNG, "image/png")
    assert page.filename == "my_page.html"
    embed = answer.message.embeds[0]
    assert embed["image"]["url"] == picture.url
    assert (embed["image"]["width"], embed["image"]["height"]) == (1, 1)
    assert answer.text == "A map\n**bold** `code`\nLeft\n1\nRight\n2\nthe foot"
    async with aiohttp.ClientSession() as session:
        async with session.get(picture.url) as response:
            assert await response.read() == PNG
            assert response.headers["Content-Type"] == "image/png"
        async with session.get(page.url) as response:
            assert response.headers["Content-Type"] == "application/octet-stream"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.usefixtures("bot")
async def test_buttons_and_menus(box: Sandbox) -> None:
    answer = await box.ask("/choose")
    message = answer.message
    assert message is not None
    assert [(button.label, button.disabled, button.emoji) for button in message.buttons] == [
        ("Private", False, "🔒"),
        ("Off", True, ""),
    ]
    pressed = await box.press(message, "Private")
    assert pressed.text == "for you alone"
    assert pressed.ephemeral
    assert pressed.message is not None
    with pytest.raises(SandboxError, match="does not see"):
        await box.press(pressed.message, "x", member=box.admin)
    with pytest.raises(SandboxError, match="cannot be pressed"):
        await box.press(message, "Off")
    with pytest.raises(SandboxError, match="no button 'Nothing'; buttons there: 'Private', 'Off'"):
        await box.press(message, "Nothing")
    with pytest.raises(SandboxError, match="does not offer 'x'"):
        await box.select(message, "animals", ["x"])
    with pytest.raises(SandboxError, match="1 to 2 values"):
        await box.select(message, "animals", [])
    assert (await box.select(message, "people", [box.admin])).text == "chose Admin"
    chosen = await box.select(message, "animals", ["c", "d"])
    assert chosen.text == "chose c, d"
    assert message.content == "chose c, d"
    assert chosen.message is message


async def test_dynamic_buttons_survive_a_restart_of_the_bot(box: Sandbox) -> None:
    async with running(box):
        answer = await box.ask("/count private:yes")
    message = answer.message
    assert message is not None
    assert box.sessions == []
    async with running(box):
        await box.press(message, "Count 0")
        await box.press(message, "count:1")
        assert message.button("Count 2").custom_id == "count:2"
        assert message.ephemeral
    ids = [[command["id"] for command in request.answer] for request in box.requests("PUT", "/commands")]
    # Registered again, a command keeps its id.
    assert ids[0] == ids[1]


@pytest.mark.usefixtures("bot")
async def test_modals(box: Sandbox) -> None:
    opened = await box.ask("/form")
    assert opened.modal is not None
    assert [(field.label, field.required, field.max_length) for field in opened.modal.fields] == [
        ("Your name", True, 20),
        ("More", False, 4000),
    ]
    for values, complaint in (
        ({}, "must be filled in"),
        ({"Your name": "x" * 21}, "20"),
        ({"z": ""}, "no field"),
    ):
        with pytest.raises(SandboxError, match=complaint):
            await box.submit(opened.modal, values)
    with pytest.raises(SandboxError, match="open for Student"):
        await box.submit(opened.modal, {}, member=box.admin)
    answer = await box.submit(opened.modal, {"Your name": "Ada", "More": "engines"})
    assert answer.text == "thank you, Ada: engines"


@pytest.mark.usefixtures("bot")
async def test_autocomplete(box: Sandbox) -> None:
    assert await box.autocomplete("/song year:1984 title:jump") == [
        {"name": "jump 1 (1984)", "value": "jump1"},
        {"name": "jump 2 (1984)", "value": "jump2"},
    ]
    assert (await box.autocomplete("/song title:x year:19", focused="title"))[0]["name"] == "x 1 (19)"
    with pytest.raises(SandboxError, match="no option text with autocomplete"):
        await box.autocomplete("/echo text:a")


@pytest.mark.usefixtures("bot")
async def test_members_roles_and_channels_are_resolved(box: Sandbox) -> None:
    answer = await box.ask(f"/meet member:@admin role:<@&{box.admin.roles[0].id}> place:#general loud:on")
    assert answer.text == "Admin Admin general True"
    structured = await box.ask_command("meet", {"member": box.admin, "loud": False})
    assert structured.text == "Admin None None False"


@pytest.mark.usefixtures("bot")
async def test_files_as_options_and_context_menus(box: Sandbox) -> None:
    answer = await box.ask_command("read", {"file": Upload("a.txt", b"inside")})
    assert answer.text == "a.txt: inside"
    assert answer.message is not None
    assert (await box.use_menu("Quote", answer.message)).text == "> a.txt: inside"
    assert (await box.use_menu("Who is this", box.admin)).text == "Admin"
    with pytest.raises(SandboxError, match="no Quote"):
        await box.use_menu("Quote", box.admin)


@pytest.mark.usefixtures("bot")
async def test_sub_commands(box: Sandbox) -> None:
    assert (await box.ask("/likes add song:Jump n:1")).text == "liked Jump n:1"
    assert (await box.ask_command("likes list")).text == "none"
    with pytest.raises(CommandLineError, match="/likes add, /likes list"):
        await box.ask("/likes")


@pytest.mark.usefixtures("bot")
async def test_commands_are_hidden_from_those_who_may_not(box: Sandbox) -> None:
    with pytest.raises(CommandLineError, match="no command /manage"):
        await box.ask("/manage")
    assert (await box.ask("/manage", member=box.admin)).text == "managed"


async def test_mentions_that_would_ping(box: Sandbox, bot: StudyBot) -> None:
    assert bot.allowed_mentions is not None
    mention = box.admin.mention
    answer = await box.ask_command("echo", {"text": f"{mention} @everyone <@&{box.admin.roles[0].id}>"})
    assert answer.message is not None
    assert answer.message.mentions.users == (box.admin.id,)
    # The bot lacks the permission to mention everyone, and the role is not mentionable.
    assert not answer.message.mentions.everyone
    assert answer.message.mentions.roles == ()
    channel = bot.get_channel(box.channel.id)
    assert isinstance(channel, discord.TextChannel)
    await channel.send(f"hello {mention}")
    assert box.sent_messages[-1].mentions.users == ()


async def test_what_discord_refuses_reaches_the_bot_as_an_error(box: Sandbox, bot: StudyBot) -> None:
    answer = await box.ask_command("echo", {"text": "x" * 2001})
    assert answer.text == "refused: 50035"
    error = bot.errors[0]
    assert isinstance(error, discord.HTTPException)
    assert error.status == 400
    assert "In data.content: Must be 2000 or fewer in length." in error.text
    # Blanks alone are an empty message.
    assert (await box.ask_command("echo", {"text": "  "})).text == "refused: 50006"


async def test_second_answers_are_refused(box: Sandbox, bot: StudyBot) -> None:
    await box.ask("/echo text:once")
    interaction = bot.seen[0]
    interaction.response._response_type = None
    with pytest.raises(discord.HTTPException) as caught:
        await interaction.response.send_message("twice")
    assert (caught.value.status, caught.value.code) == (400, 40060)


async def test_deleted_messages_are_gone(box: Sandbox, bot: StudyBot) -> None:
    await box.ask("/echo text:once")
    interaction = bot.seen[0]
    await interaction.delete_original_response()
    with pytest.raises(discord.NotFound) as caught:
        await interaction.edit_original_response(content="again")
    assert caught.value.code == 10008


class TestTime:
    async def test_three_seconds_to_the_first_answer_and_fifteen_minutes_in_all(self) -> None:
        clock = ManualClock()
        async with Sandbox(limits=Limits.without_rates(), clock=clock) as box, running(box) as bot:
            answer = box.send("/silent")
            await box.until(lambda box: box.requests("POST", "/typing"))
            clock.advance(2.9)
            assert not answer.done
            clock.advance(0.2)
            assert answer.failed == "The application did not respond"
            assert (await answer.visible(0)) is answer
            with pytest.raises(discord.NotFound) as late:
                await bot.seen[0].response.send_message("late")
            assert late.value.code == 10062
            with pytest.raises(discord.NotFound) as unknown:
                await bot.seen[0].followup.send("later")
            assert unknown.value.code == 10015

            await box.ask("/echo text:hi")
            clock.advance(899)
            await bot.seen[1].edit_original_response(content="just in time")
            clock.advance(2)
            with pytest.raises(discord.HTTPException) as expired:
                await bot.seen[1].edit_original_response(content="too late")
            assert (expired.value.status, expired.value.code) == (401, 50027)

            thinking = box.send("/stream")
            await thinking.until(lambda now: now.deferred)
            clock.advance(901)
            assert thinking.failed == "The application did not respond"

    async def test_autocomplete_without_choices(self) -> None:
        clock = ManualClock()
        async with Sandbox(clock=clock) as box, running(box):

            def late(entry: object) -> None:
                if isinstance(entry, Event) and entry.name == "INTERACTION_CREATE":
                    clock.advance(4)

            unsubscribe = box.log.subscribe(late)
            with pytest.raises(TimeoutError, match="no choices for title"):
                await box.autocomplete("/song title:silence")
            unsubscribe()

    @pytest.mark.usefixtures("bot")
    async def test_an_answer_that_never_comes_says_where_it_stands(self, box: Sandbox) -> None:
        answer = box.send("/stream")
        with pytest.raises(TimeoutError, match="still thinking"):
            await answer.visible(0.05)


async def test_direct_messages(box: Sandbox, bot: StudyBot) -> None:
    direct = box.direct(box.student)
    assert (await box.ask("/echo text:psst", channel=direct)).text == "psst"
    assert bot.seen[0].guild_id is None
    assert isinstance(bot.seen[0].user, discord.User)
    assert bot.seen[0].context.dm_channel
    user = await bot.fetch_user(box.student.id)
    await user.send("hello")
    assert box.sent_messages[-1].channel is direct


def test_the_description_of_the_api_is_held_against_bodies() -> None:
    openapi.require()
    openapi.validate("POST", "/api/v10/channels/1/messages", {"content": "hi", "attachments": [{"id": 0}]})
    with pytest.raises(AssertionError, match="content"):
        openapi.validate("POST", "/api/v10/channels/1/messages", {"content": "x" * 4001})
    assert (
        openapi.described("/webhooks/1/t/messages/@original")
        == "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
    )
    with pytest.raises(AssertionError, match="no /nowhere"):
        openapi.validate("GET", "/nowhere", None)
