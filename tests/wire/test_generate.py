from __future__ import annotations

import asyncio
import itertools
import re
import threading
import time
from typing import TYPE_CHECKING, cast

import discord
import pytest

from cogs.shared.text import harmless, unfenced
from sandbox import Answer, ManualClock, Sandbox
from tests.cogs.drawing import SGR
from tests.wire.conftest import Launch, Live

if TYPE_CHECKING:
    from cogs.generate.command import GenerateCommands


def has_button(answer: Answer) -> bool:
    """Whether the answer can be stopped."""
    return answer.message is not None and any(one.label == "Stop" for one in answer.message.buttons)


def finished(answer: Answer) -> bool:
    return " tokens/s" in answer.text and not has_button(answer)


async def writing(
    live: Live, line: str = "/generate prompt:engineer is max_new_tokens:60", **who: object
) -> Answer:
    """A generation that has shown its first text and waits for more tokens."""
    live.pace.hold()
    answer = live.box.send(line, **who)  # type: ignore[arg-type]
    await answer.until(has_button)
    live.pace.allow(3)
    return await answer.until(lambda it: "characters so far" in it.text)


def text_of(answer: Answer) -> str:
    found = re.search(r"```\n(.*)\n```", answer.text, re.DOTALL)
    assert found, answer.text
    return found[1]


async def test_a_prompt_is_continued_in_view_of_everybody(live: Live) -> None:
    answer = await writing(live)
    assert not answer.ephemeral
    assert answer.deferred
    assert "**engineer is**" in answer.text
    live.pace.run()
    await answer.until(finished)
    expected = live.pace.again()
    assert text_of(answer).strip() == unfenced(harmless(expected.text)).strip()
    for fact in (expected.model, f"{len(expected.output_ids)} new token", "tokens/s", "greedy", "base model"):
        assert fact in answer.text
    assert "seed" not in answer.text, "it plays no part"


async def test_edits_are_coalesced_and_the_last_is_sent(live: Live) -> None:
    answer = await live.box.ask("/generate prompt:engineer is max_new_tokens:60")
    await answer.until(finished)
    edits = [request for request in live.box.requests("PATCH", "@original") if request.status == 200]
    assert 1 <= len(edits) < 10
    assert "tokens/s" in edits[-1].body["content"]
    assert "Stop" not in str(edits[-1].body["components"])
    gaps = [later.time - sooner.time for sooner, later in itertools.pairwise(edits[1:-1])]
    assert all(gap > 1 for gap in gaps)


async def test_a_seed_gives_the_same_text_again_and_one_is_shown(live: Live) -> None:
    line = "/generate prompt:engineer is temperature:1.5 max_new_tokens:20"
    first = await (await live.box.ask(line)).until(finished)
    seed = re.search(r"seed (\d+)", first.text)
    assert seed
    again = await (await live.box.ask(f"{line} seed:{seed[1]}")).until(finished)
    other = await (await live.box.ask(f"{line} seed:{int(seed[1]) + 1}")).until(finished)
    assert text_of(again) == text_of(first)
    assert text_of(other) != text_of(first)


async def test_a_draw_among_the_likeliest_k_is_repeated_by_its_buttons(live: Live) -> None:
    """With top-k of one, only the most likely token remains."""
    line = "/generate prompt:engineer is max_new_tokens:12"
    greedy = await (await live.box.ask(line)).until(finished)
    drawn = await (await live.box.ask(f"{line} temperature:2 top_k:1")).until(finished)
    assert text_of(drawn) == text_of(greedy)
    again = await (await live.box.press(drawn.message, "Again")).until(finished)  # type: ignore[arg-type]
    assert text_of(again) == text_of(greedy)
    assert [call["sampling"].top_k for call in live.pace.calls] == [0, 1, 1]


async def test_a_long_text_becomes_a_file(live: Live) -> None:
    answer = await live.box.ask(
        "/generate prompt:engineer is max_new_tokens:1400 temperature:2 seed:1", timeout=60
    )
    await answer.until(finished, 60)
    assert answer.message is not None
    expected = live.pace.again().text
    assert len(expected) > 2000
    (file,) = answer.message.attachments
    assert file.filename == "generated.txt"
    assert file.bytes.decode() == "engineer is" + expected
    assert "in the file" in answer.text


@pytest.mark.parametrize("who", ["student", "admin"])
async def test_the_asker_and_admins_can_stop(live: Live, who: str) -> None:
    answer = await writing(live)
    assert answer.message is not None
    await live.box.press(answer.message, "Stop", member=getattr(live.box, who))
    await answer.until(finished)
    assert "stopped on request" in answer.text


async def test_nobody_else_can_stop(live: Live) -> None:
    answer = await writing(live)
    assert answer.message is not None
    other = live.box.add_member("other")
    refusal = await live.box.press(answer.message, "Stop", member=other)
    assert refusal.ephemeral
    assert "Only the person who asked" in refusal.text
    live.pace.run()
    await answer.until(finished)
    assert "stopped" not in answer.text.replace("stopped at max_new_tokens", "")


async def test_a_place_in_line_is_shown_moves_up_and_can_be_given_up(live: Live) -> None:
    other = live.box.add_member("other")
    first = await writing(live)
    second = live.box.send("/generate prompt:king is", member=live.box.admin)
    await second.until(lambda it: "You are 1st in line." in it.text and has_button(it))
    third = live.box.send("/generate prompt:queen is", member=other)
    await third.until(lambda it: "You are 2nd in line." in it.text and has_button(it))
    assert second.message is not None
    await live.box.press(second.message, "Stop")
    await second.until(
        lambda it: "Stopped before there was anything to show." in it.text and not has_button(it)
    )
    await third.until(lambda it: "You are 1st in line." in it.text)
    live.pace.run()
    await first.until(finished)
    await third.until(finished)


async def test_a_full_queue_says_so_at_once_and_in_private(launch: Launch) -> None:
    live = await launch({"lanes.language.queue": 1})
    other = live.box.add_member("other")
    first = await writing(live)
    second = live.box.send("/generate prompt:king is", member=live.box.admin)
    await second.until(has_button)
    refused = await live.box.ask("/generate prompt:queen is", member=other)
    assert refused.ephemeral
    assert "busy" in refused.text
    assert refused.acknowledged_after is not None
    assert refused.acknowledged_after < 1
    assert not refused.deferred
    live.pace.run()
    await first.until(finished)
    await second.until(finished)


async def test_one_person_cannot_take_every_place(launch: Launch) -> None:
    live = await launch({"limits.per_user": 1})
    first = await writing(live)
    refused = await live.box.ask("/generate prompt:king is")
    assert refused.ephemeral
    assert "already have a request" in refused.text
    live.pace.run()
    await first.until(finished)


async def test_nobody_waits_for_ever(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    live = await launch({"lanes.language.timeout": 1.0})
    await live.box.ask("/generate prompt:queen is max_new_tokens:1")
    hangs = threading.Event()
    monkeypatch.setattr(live.pace, "generate", lambda *_, **__: hangs.wait(30))
    served = live.box.send("/generate prompt:engineer is")
    in_line = live.box.send("/generate prompt:king is", member=live.box.admin)
    await in_line.until(lambda it: "too long in the queue" in it.text)
    await served.until(lambda it: "took too long" in it.text)
    hangs.set()
    for answer in (served, in_line):
        assert answer.ephemeral
        assert [message for message in answer.messages if not message.ephemeral] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prompt": "  \n "}, "prompt is empty"),
        ({"prompt": "x" * 2001}, "at most 2,000 characters"),
        ({"prompt": "engineer", "max_new_tokens": 1401}, "at most 1,400 tokens"),
        ({"prompt": "☃" * 2000}, "2,048"),  # only the model knows its context length
    ],
)
async def test_what_cannot_be_continued_is_refused_in_private(
    launch: Launch, options: dict[str, object], words: str
) -> None:
    live = await launch({"limits.prompt_characters": 2000})
    answer = live.box.send_command("generate", options)
    await answer.until(lambda it: words in it.text.replace("2048", "2,048"))
    assert answer.ephemeral
    assert all(
        version.message.ephemeral or version.message.loading or version.message.deleted
        for version in answer.history
    )


async def test_hostile_text_does_nothing(live: Live) -> None:
    hostile = "@everyone <@1> ```ansi\x1b[31m``` \u202e [link](http://example.org) \x00 **bold**"
    answer = await live.box.ask_command("generate", {"prompt": hostile, "max_new_tokens": 5})
    await answer.until(finished)
    assert answer.message is not None
    assert not answer.message.mentions.everyone
    assert not answer.message.mentions.users
    quoted = answer.text.splitlines()[0]
    assert "‹U+001B›" in quoted
    assert "‹U+202E›" in quoted
    assert "‹U+0000›" in quoted
    assert "\\*\\*bold\\*\\*" in quoted
    edits = live.box.requests("PATCH", "@original")
    assert edits
    for request in edits:
        assert request.body["allowed_mentions"] == {"parse": []}


async def test_a_dropped_gateway_does_not_touch_a_stream(live: Live) -> None:
    answer = await writing(live)
    resumed = len(live.box.events("RESUMED"))
    await live.box.drop()
    live.pace.allow(5)
    await live.box.until(lambda box: len(box.events("RESUMED")) > resumed, 20)
    live.pace.run()
    await answer.until(finished)
    again = await live.box.ask("/help")
    assert again.ephemeral


@pytest.mark.parametrize(("status", "applied"), [(500, False), (502, True), (429, False)])
async def test_a_failing_edit_in_mid_stream_is_made_up_for(live: Live, status: int, applied: bool) -> None:
    answer = await writing(live)
    fault = live.box.fail("PATCH", "@original", status, retry_after=0.2, applied=applied)
    live.pace.allow(12)
    await live.box.until(lambda _: fault.hits)
    live.pace.run()
    await answer.until(finished)


async def test_the_last_edit_survives_a_cut_connection(live: Live) -> None:
    answer = await writing(live)
    fault = live.box.fail("PATCH", "@original", cut=True, times=2)
    live.pace.run()
    await answer.until(finished)
    assert fault.hits == 2


async def test_a_text_ends_before_its_interaction_does(launch: Launch) -> None:
    """Discord accepts edits for 15 minutes; here the question is four seconds short of 14 minutes old."""
    async with Sandbox(clock=ManualClock(time.time() - 14 * 60 + 4)) as box:
        live = await launch(box=box)
        answer = await writing(live)
        await answer.until(finished)
        assert "out of time" in answer.text
        await live.stop()


async def test_a_text_whose_message_was_deleted_is_not_written_on(live: Live) -> None:
    answer = await writing(live)
    assert answer.message is not None
    live.box.world.delete_message(answer.message)
    live.pace.allow(12)
    await asyncio.wait_for(live.bot.idle(), 20)
    assert live.pace.calls[0]["stop"].is_set()
    assert not answer.messages


async def test_ten_people_at_once_all_get_their_answers(launch: Launch) -> None:
    live = await launch()
    people = [live.box.add_member(f"person {number}") for number in range(10)]
    asked = [
        live.box.send(f"/generate prompt:{person.name} is max_new_tokens:8", member=person)
        for person in people
    ]
    for answer in asked:
        await answer.until(finished, 60)
    for person, answer in zip(people, asked, strict=True):
        assert f"**{person.name} is**" in answer.text
    assert len({text_of(answer) for answer in asked}) > 1


async def told(live: Live, line: str = "/generate prompt:engineer is max_new_tokens:20") -> Answer:
    answer = await (await live.box.ask(line)).until(finished)
    assert answer.message is not None
    return answer


def buttons(answer: Answer) -> list[str]:
    assert answer.message is not None
    return [button.label for button in answer.message.buttons]


async def test_anybody_can_look_at_the_tokens(live: Live) -> None:
    answer = await told(live)
    expected = live.pace.again()
    seen = await live.box.press(answer.message, "Tokens", member=live.box.admin)  # type: ignore[arg-type]
    await seen.until(lambda it: "wrote" in it.text)
    assert seen.ephemeral
    for number in (*expected.input_ids, *expected.output_ids):
        assert re.search(rf"\b{number}\b", SGR.sub("", seen.text))
    assert f"read **{len(expected.input_ids)} tokens**" in seen.text
    assert "wrote **20 tokens**" in seen.text


async def test_each_token_is_shown_with_what_it_beat(live: Live) -> None:
    answer = await told(live)
    expected = live.pace.again()
    first = await live.box.press(answer.message, "Why this word")  # type: ignore[arg-type]
    await first.until(lambda it: "Tokens 1 to 8 of 20" in it.text)
    assert first.ephemeral
    assert buttons(first) == ["Next ▶"]
    assert "likeliest token was taken" in first.text
    assert first.message is not None
    picture, steps = first.message.attachments
    for step in expected.steps[:8]:
        shares = (f"{100 * step.chosen.probability:.{n}f}%" for n in (0, 1, 2))
        assert any(share in (picture.description or "") for share in shares)
    assert steps.filename == "why.csv"
    assert picture.filename == "why.png"
    assert picture.dimensions is not None
    second = await live.box.press(first.message, "Next")
    await second.until(lambda it: "Tokens 9 to 16 of 20" in it.text)
    assert second.message is first.message, "the page is turned, not added"
    assert buttons(second) == ["◀ Back", "Next ▶"]


async def test_a_text_is_continued_in_a_new_message(live: Live) -> None:
    answer = await told(live)
    first = live.pace.again()
    more = await live.box.press(answer.message, "Continue", member=live.box.admin)  # type: ignore[arg-type]
    await more.until(finished)
    assert not more.ephemeral
    assert more.message is not answer.message
    call = live.pace.calls[-1]
    assert call["written"] == first.output_ids
    assert text_of(more).strip().startswith(unfenced(harmless(first.text)).strip())
    assert len(text_of(more)) > len(text_of(answer))
    assert "base model" in answer.text, "the first answer stays as it was"


async def test_another_try_is_livelier_and_has_another_seed(live: Live) -> None:
    answer = await told(live)
    again = await (await live.box.press(answer.message, "Again")).until(finished)  # type: ignore[arg-type]
    assert "temperature 0.8" in again.text
    third = await (await live.box.press(again.message, "Again")).until(finished)  # type: ignore[arg-type]
    seeds = [re.search(r"seed (\d+)", it.text) for it in (again, third)]
    assert all(seeds)
    assert len({found[1] for found in seeds if found}) == 2


async def test_a_text_that_was_stopped_can_be_looked_into_and_continued(live: Live) -> None:
    answer = await writing(live)
    await live.box.press(answer.message, "Stop")  # type: ignore[arg-type]
    await answer.until(finished)
    assert buttons(answer) == ["Tokens", "Why this word", "What mattered", "Continue", "Again"]


async def test_why_leaves_a_text_alone_that_only_its_asker_sees(live: Live) -> None:
    """In servers where the bot is not installed, Discord shows all its answers only to the person who asked."""
    answer = await told(live)
    assert answer.message is not None
    answer.message.flags |= discord.MessageFlags(ephemeral=True).value
    before = answer.text
    why = await live.box.press(answer.message, "Why this word")
    await why.until(lambda it: "Tokens 1 to 8 of 20" in it.text)
    assert why.message is not answer.message
    assert answer.text == before


async def test_long_texts_make_room_for_new_ones(live: Live) -> None:
    recent = cast("GenerateCommands", live.bot.get_cog("GenerateCommands")).recent
    assert recent._most >= 10_000
    recent._most = 40
    answers = [await told(live) for _ in range(3)]
    assert len(recent._values) < 3
    for answer in answers:  # forgotten texts are regenerated from their messages
        there = await live.box.press(answer.message, "Tokens")  # type: ignore[arg-type]
        await there.until(lambda it: "wrote **20 tokens**" in it.text)


async def test_a_text_is_not_continued_by_another_model(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its token ids have another meaning there, or none."""
    answer = await told(live)
    monkeypatch.setattr(live.pace, "name", "another", raising=False)
    asked = len(live.pace.calls)
    refused = live.box.send_press(answer.message, "Continue")  # type: ignore[arg-type]
    await refused.until(lambda it: "has been replaced" in it.text)
    assert refused.ephemeral
    assert len(live.pace.calls) == asked
    again = await live.box.press(answer.message, "Again")  # type: ignore[arg-type]
    await again.until(finished)
