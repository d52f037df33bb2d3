"""Calls to Discord whose response is cut off, unreadable, or a page from another server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox import Sandbox
from tests.wire.conftest import Launch, Live
from tests.wire.test_generate import has_button
from tests.wire.test_songs import press_like

ACKNOWLEDGED = 40060


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    """A Discord that refuses only second acknowledgements, and in which every interaction must be completed."""
    async with Sandbox() as box:
        yield box
        refused = [request.answer for request in box.requests() if request.status == 400]
        assert all(str(ACKNOWLEDGED) in str(answer) for answer in refused)


CUT: dict[str, Any] = {"cut": True}
BROKEN: dict[str, Any] = {"body": '{"interaction": {"id": "12'}
PAGE: dict[str, Any] = {"body": "<html>Bad gateway</html>", "content_type": "text/html"}
LOST = {"cut": CUT, "broken": BROKEN, "page": PAGE, "502": {"status": 502}}

COMMANDS = (
    "/tokens text:hello",
    "/embed text:engineer",
    "/similar word:king",
    "/generate prompt:engineer is max_new_tokens:3",
    "/recommend song:Song Alpha",
    "/likes add song:Song Alpha",
    "/likes list",
    "/likes export",
    "/privacy show",
    "/privacy export",
    "/privacy delete",
    "/models status",
    "/help",
    "/learn",
    "/recommend",
)


@pytest.mark.parametrize("how", LOST)
async def test_an_acknowledgement_whose_answer_is_lost_is_one(live: Live, how: str) -> None:
    await live.bot.service.loaded()
    for line in COMMANDS:
        fault = live.box.fail("POST", "/callback", applied=True, **LOST[how])
        answer = await live.box.ask(line)
        await answer.until(lambda answer: answer.text or answer.messages)
        assert fault.hits == 1
        assert answer.failed is None
    await live.bot.idle()


async def test_an_acknowledgement_that_never_arrived_is_sent_again(live: Live) -> None:
    fault = live.box.fail("POST", "/callback", cut=True, times=2)
    assert "hello" in (await live.box.ask("/tokens text:hello")).text
    assert fault.hits == 2


@pytest.mark.parametrize("how", ["cut", "broken", "page"])
async def test_buttons_go_on_too(live: Live, how: str) -> None:
    answer = await live.box.ask("/recommend song:Song Alpha")
    assert answer.message is not None
    live.box.fail("POST", "/callback", applied=True, **LOST[how])
    liked = await press_like(live, answer.message)
    await liked.until(lambda answer: answer.text)
    shown = await live.box.ask("/tokens text:hello")
    assert shown.message is not None
    live.box.fail("POST", "/callback", applied=True, **LOST[how])
    ids = await live.box.press(shown.message, "Ids and CSV")
    await ids.until(lambda answer: answer.message or answer.followups)


@pytest.mark.parametrize("how", ["cut", "broken", "page"])
@pytest.mark.parametrize(
    "line", ["/tokens text:hello", "/similar word:king", "/likes list", "/privacy export"]
)
async def test_an_edit_whose_answer_is_lost_is_made_again(live: Live, line: str, how: str) -> None:
    await live.bot.service.loaded()
    fault = live.box.fail("PATCH", "@original", times=2, **LOST[how])
    answer = await live.box.ask(line)
    await answer.until(lambda answer: answer.text or answer.messages)
    assert fault.hits == 2
    assert not any(file.size == 0 for message in answer.messages for file in message.attachments)


async def test_an_edit_that_is_limited_by_somebody_on_the_way_is_made_again(live: Live) -> None:
    fault = live.box.fail("PATCH", "@original", 429, **PAGE)
    answer = await live.box.ask("/tokens text:hello")
    assert "hello" in answer.text
    assert fault.hits == 1


async def test_a_stream_survives_pages_of_html(live: Live) -> None:
    answer = live.box.send("/generate prompt:engineer is max_new_tokens:12")
    live.box.fail("PATCH", "@original", times=2, **PAGE)
    await answer.until(lambda answer: "tokens/s" in answer.text)


@pytest.mark.parametrize("how", ["broken", "page"])
@pytest.mark.parametrize("path", ["/users/@me", "/oauth2/applications/@me", "/gateway/bot"])
async def test_a_login_that_meets_a_page_is_tried_again(
    launch: Launch,
    box: Sandbox,
    path: str,
    how: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.client.FIRST_RETRY", 0.02)
    fault = box.fail("GET", path, times=2, **LOST[how])
    live = await launch()
    assert fault.hits == 2
    assert "hello" in (await live.box.ask("/tokens text:hello")).text
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_ban_at_login_is_waited_out(
    launch: Launch, box: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.client.LONGEST_RETRY", 0.2)
    fault = box.fail("GET", "/users/@me", 429, times=2, **PAGE)
    live = await launch()
    assert fault.hits == 2
    assert not live.task.done()
    assert caplog.text.count("trying again") == 2


@pytest.mark.parametrize("how", ["broken", "page"])
async def test_commands_that_were_not_registered_are_not_remembered(
    launch: Launch, box: Sandbox, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.transport.PAUSES", (0.01,))
    box.fail("PUT", "/commands", times=2, **LOST[how])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(launch(), 3)
    assert not box.commands


async def test_the_answer_of_another_process_is_left_alone(live: Live) -> None:
    """If an interaction is already acknowledged on the first attempt, a second bot with the same token was faster."""
    fault = live.box.fail("POST", "/callback", 400, body='{"code": 40060, "message": "acknowledged"}')
    answer = live.box.send("/tokens text:hello")
    await live.box.until(lambda _: fault.hits)
    await live.bot.idle()
    assert answer.acknowledged_after is None
    assert not answer.messages
    await live.box.ask("/tokens text:hello")


async def test_generation_begins_after_a_lost_acknowledgement(live: Live) -> None:
    live.pace.hold()
    live.box.fail("POST", "/callback", applied=True, **CUT)
    answer = live.box.send("/generate prompt:engineer is max_new_tokens:5")
    live.pace.run()
    await answer.until(lambda answer: "tokens/s" in answer.text)
    assert answer.message is None or not has_button(answer) or answer.text
