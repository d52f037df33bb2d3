"""Limits of roles and channels, and channels without commands: each refusal is a single private sentence."""

from __future__ import annotations

from bot.settings.schema import OwnLimits
from sandbox import Sandbox
from sandbox.driver import Answer
from sandbox.state import Channel, Member, Message
from tests.wire.conftest import Launch, Live
from tests.wire.test_generate import finished


def refused(answer: Answer, part: str) -> None:
    assert answer.ephemeral
    assert part in answer.text
    assert "\n" not in answer.text


# Channels where commands are answered


async def test_commands_elsewhere_are_refused_and_say_where(launch: Launch, box: Sandbox) -> None:
    bots, elsewhere = box.add_channel("bots"), box.add_channel("elsewhere")
    await launch({"discord.channel_ids": [bots.id]})
    refused(await box.ask("/tokens text:hello"), "I do not answer in this channel; ask me in \\#bots.")
    assert "hello" in (await box.ask("/tokens text:hello", channel=bots)).text
    refused(
        await box.ask("/tokens text:hello", channel=box.add_thread("a thread", elsewhere)),
        "ask me in \\#bots.",
    )
    assert "hello" in (await box.ask("/tokens text:hello", channel=box.add_thread("a thread", bots))).text
    refused(await box.ask("/help", channel=box.direct(box.student)), "I do not answer in this channel.")
    assert "Under your Discord id I keep" in (await box.ask("/privacy show")).text


async def test_the_people_who_run_the_bot_may_ask_anywhere(launch: Launch, box: Sandbox) -> None:
    keeper = box.add_member("keeper", roles=["models"])
    await launch({"discord.channel_ids": [1], "discord.admin_role_ids": [keeper.roles[0].id]})
    answer = await box.ask("/tokens text:hello", member=keeper)
    assert "hello" in answer.text
    refused(await box.ask("/help"), "I do not answer in this channel.")


async def test_a_button_does_not_ask_where_commands_may_not(launch: Launch, box: Sandbox) -> None:
    keeper = box.add_member("keeper", roles=["models"])
    live = await launch({"discord.channel_ids": [1], "discord.admin_role_ids": [keeper.roles[0].id]})
    text = await written(live, "/generate prompt:king is max_new_tokens:3", member=keeper)
    refused(await box.press(text, "Again", member=box.student), "I do not answer in this channel.")
    assert (await box.press(text, "Again", member=keeper)).text


# Limits


async def written(
    live: Live, line: str, *, member: Member | None = None, channel: Channel | None = None
) -> Message:
    answer = live.box.send(line, member=member, channel=channel)
    await answer.until(finished)
    assert answer.message is not None
    return answer.message


async def test_a_role_may_have_more_questions_under_way(launch: Launch, box: Sandbox) -> None:
    tutor = box.add_member("tutor", roles=["tutors", "early"])
    roles = {role.id: OwnLimits(per_user=count) for role, count in zip(tutor.roles, (3, 1), strict=True)}
    live = await launch({"limits.per_user": 1, "limits.roles": roles})
    live.pace.hold()
    questions = [live.box.send("/generate prompt:king is", member=tutor) for _ in range(3)]
    for question in questions:
        await question.until(lambda answer: answer.deferred)
    refused(
        await box.ask("/generate prompt:king is", member=tutor), "You already have 3 requests in progress."
    )
    first = box.send("/generate prompt:king is")
    await first.until(lambda answer: answer.deferred)
    refused(await box.ask("/generate prompt:king is"), "You already have a request in progress.")


async def test_a_channel_has_a_pace_of_its_own(launch: Launch, box: Sandbox) -> None:
    quiet, tutor = box.add_channel("quiet"), box.add_member("tutor", roles=["tutors"])
    await launch(
        {
            "limits.channels": {quiet.id: OwnLimits(commands=1, seconds=600)},
            "limits.roles": {tutor.roles[0].id: OwnLimits(commands=50)},
        }
    )
    places = (quiet, box.add_thread("a thread", quiet))
    assert "hello" in (await box.ask("/tokens text:hello", channel=places[0])).text
    for place in places:
        refused(await box.ask("/tokens text:hello", channel=place), "Slow down: try again in ")
    assert "hello" in (await box.ask("/tokens text:hello")).text, "elsewhere the general pace holds"
    for _ in range(3):
        assert "hello" in (await box.ask("/tokens text:hello", channel=quiet, member=tutor)).text


async def test_texts_and_prompts_and_tokens_have_limits_of_their_own(launch: Launch, box: Sandbox) -> None:
    terse, tutor = box.add_channel("terse"), box.add_member("tutor", roles=["tutors"])
    own = OwnLimits(max_new_tokens=2, prompt_characters=10, text_characters=5)
    live = await launch(
        {
            "limits.channels": {terse.id: own},
            "limits.roles": {tutor.roles[0].id: OwnLimits(max_new_tokens=1500, prompt_characters=30)},
        }
    )
    for place in (terse, box.add_thread("a thread", terse)):
        refused(await box.ask("/tokens text:hello world", channel=place), "5")
        refused(await box.ask("/embed text:hello world", channel=place), "5")
        refused(await box.ask("/next text:hello world", channel=place), "5")
        refused(await box.ask("/generate prompt:hello world, king", channel=place), "10")
        refused(await box.ask("/generate prompt:king is max_new_tokens:3", channel=place), "2")
        await written(live, "/generate prompt:king is", channel=place)
    assert [call["max_new_tokens"] for call in live.pace.calls] == [2, 2], "the usual number is too many here"
    wordy = "/generate prompt:hello world, king max_new_tokens:1450"
    refused(await box.ask(wordy), "1,400")
    answer = box.send(wordy, channel=terse, member=tutor)
    await answer.until(lambda answer: answer.deferred)
    assert await live.bot.service.cancel(str(answer.id))


async def test_a_button_goes_on_with_no_more_tokens_than_its_presser_may(
    launch: Launch, box: Sandbox
) -> None:
    tutor = box.add_member("tutor", roles=["tutors"])
    live = await launch(
        {
            "limits.roles": {tutor.roles[0].id: OwnLimits(max_new_tokens=30)},
            "limits.channels": {box.channel.id: OwnLimits(max_new_tokens=4)},
        }
    )
    text = await written(live, "/generate prompt:king is max_new_tokens:20", member=tutor)
    await (await box.press(text, "Continue", member=box.student)).until(finished)
    assert [call["max_new_tokens"] for call in live.pace.calls] == [20, 4]
