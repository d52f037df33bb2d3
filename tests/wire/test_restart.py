"""Buttons from before a restart: either the message contains everything needed, or one sentence says how to ask
again.
"""

from __future__ import annotations

import pytest

from sandbox import Answer
from sandbox.state import Message
from tests.wire.conftest import Launch, Live
from tests.wire.test_generate import finished, text_of
from tests.wire.test_inside import menu, shows

TEXT = "The engineer plays a song"
FORGOTTEN = "I no longer have the data behind this answer."


async def asked(live: Live, *lines: str) -> list[Message]:
    found = []
    for line in lines:
        answer = live.box.send(line)
        await answer.until(finished if line.startswith("/generate") else lambda it: it.message is not None)
        assert answer.message is not None
        found.append(answer.message)
    return found


async def again(live: Live, launch: Launch) -> Live:
    await live.stop()
    return await launch()


async def test_views_go_on_with_the_text_that_their_message_quotes(live: Live, launch: Launch) -> None:
    odd = "*a* [b](c) | “d” @everyone \\"
    one, two, lens, paths, attention, other = await asked(
        live,
        f"/surprise text:{TEXT}",
        f"/surprise text:{TEXT} other:a king",
        f"/lens text:{TEXT} and more of it",
        f"/paths text:{TEXT}",
        f"/attention text:{TEXT}",
        f"/surprise text:{odd}",
    )
    focus = menu(Answer(live.box, attention.interaction), "attention-layer")  # type: ignore[arg-type]
    live = await again(live, launch)
    for message in (one, two, other):
        await (await live.box.press(message, "Layers")).until(shows("lens.png"))
    await changed(live, lens, live.box.send_press(lens, "◀ Earlier tokens"))
    await changed(live, paths, live.box.send_press(paths, "Draw again"))
    await changed(live, attention, live.box.send_select(attention, focus["custom_id"], ["0"]))


async def changed(live: Live, message: Message, pressed: Answer) -> None:
    """Wait for an edit of the message after a press."""
    edits = message.edits
    await live.box.until(lambda _: message.edits > edits or pressed.followups, 15)
    assert not pressed.followups, pressed.text


async def test_tokens_are_looked_behind(live: Live, launch: Launch) -> None:
    every, one = await asked(
        live, f"/tokens text:{TEXT}", f"/tokens text:{TEXT} tokenizer:{await name(live)}"
    )
    before = {
        label: (await live.box.press(one, label)).text
        for label in ("Bytes", "Special tokens", "How it works")
    }
    live = await again(live, launch)
    for label, text in before.items():
        assert (await live.box.press(one, label)).text == text
    assert "What it costs" in (await live.box.press(every, "Cost")).text


async def name(live: Live) -> str:
    """The second tokenizer."""
    choices = await live.box.autocomplete("/tokens text:x tokenizer:")
    return str(choices[1]["value"])


@pytest.mark.parametrize("how", ["", "temperature:0.8 seed:7 top_k:20 top_p:0.9"])
async def test_a_text_is_written_again_for_its_buttons(live: Live, launch: Launch, how: str) -> None:
    line = f"/generate prompt:{TEXT} max_new_tokens:6 {how}"
    message, other = await asked(live, line, line)
    assert ("top_k 20" in message.content) == ("top_p 0.9" in message.content) == bool(how)
    shown = [await live.box.press(message, "Why this word"), await live.box.press(message, "Tokens")]
    for answer in shown:
        await answer.until(lambda it: it.message is not None)
    continued = await live.box.press(message, "Continue")
    await continued.until(finished)
    live = await again(live, launch)
    for label, answer in zip(("Why this word", "Tokens"), shown, strict=True):
        anew = await live.box.press(message, label)
        await anew.until(lambda it: it.message is not None)
        assert anew.text == answer.text
    on = await live.box.press(other, "Continue")
    await on.until(finished)
    assert text_of(on) == text_of(continued)
    tried = await live.box.press(other, "Again")
    await tried.until(finished)
    assert "temperature 0.8" in tried.text


async def test_what_cannot_be_told_is_said_in_one_sentence(live: Live, launch: Launch) -> None:
    long = "king " * 60
    text, tokens, view, short = await asked(
        live,
        f"/generate prompt:{'king ' * 120} max_new_tokens:3",
        f"/tokens text:{long}",
        f"/surprise text:{long}",
        f"/generate prompt:{TEXT} max_new_tokens:3",
    )
    short.content = short.content.replace("```\n", "```\nsomething else", 1)
    live = await again(live, launch)
    for message, labels in (
        (text, ["Tokens", "Why this word", "What mattered", "Continue", "Again"]),
        (tokens, ["Ids and CSV", "Bytes", "Special tokens", "How it works", "Cost"]),
        (view, ["Layers", "Next token"]),
        (short, ["Tokens"]),
    ):
        for label in labels:
            answer = await live.box.press(message, label)
            await answer.until(lambda it: FORGOTTEN in it.text)
            assert answer.ephemeral
            assert "\n" not in answer.text
