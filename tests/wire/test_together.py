"""Several people's texts generated in one batch."""

from __future__ import annotations

import pytest

from cogs.shared.text import harmless, unfenced
from sandbox import Answer
from tests.wire.conftest import Launch, Live
from tests.wire.test_generate import finished, has_button, text_of

QUESTIONS = [
    "prompt:engineer is",
    "prompt:the king and the queen temperature:0.8 seed:1",
    "prompt:a temperature:1.5 top_p:0.7 seed:2",
    "prompt:music with many words of different lengths before it",
    "prompt:engineers are temperature:0.8 seed:1",
    "prompt:the man temperature:0.3 seed:9",
]


@pytest.fixture
async def live(launch: Launch) -> Live:
    live = await launch({"lanes.language.workers": 4, "lanes.language.queue": 16})
    await live.bot.service.loaded()
    return live


def send(live: Live, number: int, tokens: int = 24) -> Answer:
    line = f"/generate {QUESTIONS[number % len(QUESTIONS)]} max_new_tokens:{tokens}"
    return live.box.send(line, member=live.box.add_member(f"person {number}"))


async def test_each_text_is_the_same_as_alone(live: Live) -> None:
    asked = [send(live, number) for number in range(len(QUESTIONS))]
    for answer in asked:
        await answer.until(finished, 60)
    for call in live.pace.calls:
        options = {name: call[name] for name in ("max_new_tokens", "sampling")}
        alone = live.pace._model.generate(call["prompt"], **options)
        (answer,) = (it for it in asked if f"**{call['prompt']}**" in it.text)
        assert text_of(answer).strip() == unfenced(harmless(alone.text)).strip()


async def test_four_write_and_the_fifth_waits_until_one_is_stopped(live: Live) -> None:
    live.pace.hold()
    first = [send(live, number, 60) for number in range(4)]
    for answer in first:
        await answer.until(lambda it: "Reading the prompt" in it.text)
    fifth = send(live, 4, 8)
    await fifth.until(lambda it: "You are 1st in line" in it.text)
    assert (await live.box.ask("/tokens text:meanwhile")).message is not None
    assert await live.box.autocomplete("/similar word:eng")
    assert first[0].message is not None
    await live.box.press(first[0].message, "Stop")
    await first[0].until(lambda it: not has_button(it))
    await fifth.until(lambda it: "in line" not in it.text)
    live.pace.run()
    for answer in (*first[1:], fifth):
        await answer.until(finished, 60)


async def test_the_status_tells_how_much_of_the_cache_is_taken(live: Live) -> None:
    status = await live.box.ask("/models status")
    assert "of 16,384 tokens" in status.text
