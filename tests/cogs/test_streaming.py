from __future__ import annotations

import asyncio
import time
from typing import Any
from unittest.mock import Mock

import aiohttp
import discord
import pytest

from cogs.shared import streaming
from cogs.shared.streaming import Editor


class Message:
    """Accepts edits, with delays and failures controlled by the test."""

    def __init__(self) -> None:
        self.edits: list[tuple[float, dict[str, Any]]] = []
        self.failures: list[Exception] = []
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.began = asyncio.Event()
        self.changed = asyncio.Event()

    @property
    def contents(self) -> list[Any]:
        return [parts.get("content") for _, parts in self.edits]

    async def edit(self, **parts: Any) -> None:
        self.began.set()
        await self.may_end.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.edits.append((time.monotonic(), parts))
        self.changed.set()

    async def sent(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.edits) < count:
                self.changed.clear()
                await self.changed.wait()


def http_error(status: int, headers: dict[str, str] | None = None) -> discord.HTTPException:
    kind = {404: discord.NotFound, 503: discord.DiscordServerError}.get(status, discord.HTTPException)
    return kind(Mock(status=status, reason="", headers=headers or {}), "")


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "GRACE", 0.0)


async def test_the_latest_wins_and_the_last_is_sent() -> None:
    message = Message()
    editor = Editor(message.edit, interval=0.05)
    editor.start()
    for number in range(1000):
        editor.show(content=str(number))
        await asyncio.sleep(0)
    await editor.finish(lambda: {"content": "end"})
    assert message.contents[-1] == "end"
    assert len(message.edits) < 10
    assert [text for text in message.contents[:-1] if text] == sorted(message.contents[:-1], key=int)


async def test_edits_keep_their_distance_unless_something_must_not_wait() -> None:
    message = Message()
    editor = Editor(message.edit, interval=0.1)
    editor.start()
    editor.show(content="first")
    await message.sent(1)
    editor.show(content="second")
    await message.sent(2)
    editor.show(content="at once", at_once=True)
    await message.sent(3)
    await editor.close()
    first, second, third = (moment for moment, _ in message.edits)
    assert second - first >= 0.1
    assert third - second < 0.1


async def test_nothing_is_sent_before_there_is_a_message() -> None:
    message = Message()
    editor = Editor(message.edit)
    editor.show(content="early", view="buttons")
    await asyncio.sleep(0)
    assert message.edits == []
    editor.show(content="later")
    editor.start()
    await asyncio.wait_for(message.began.wait(), 5)
    await editor.close()
    assert message.edits[0][1] == {"content": "later", "view": "buttons"}


async def test_an_end_that_comes_at_once_needs_no_message_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "GRACE", 30.0)
    message = Message()
    editor = Editor(message.edit)
    editor.show(content="waiting")
    editor.start()
    await editor.finish(lambda: {"content": "end"})
    assert message.contents == ["end"]


async def test_the_last_edit_waits_for_the_one_under_way() -> None:
    message = Message()
    message.may_end.clear()
    editor = Editor(message.edit)
    editor.start()
    editor.show(content="slow")
    await asyncio.wait_for(message.began.wait(), 5)
    end = asyncio.create_task(editor.finish(lambda: {"content": "end"}))
    await asyncio.sleep(0)
    message.may_end.set()
    await end
    assert message.contents == ["slow", "end"]


async def test_parts_of_a_failed_edit_come_with_the_next() -> None:
    message = Message()
    message.failures = [http_error(429, {"Retry-After": "0.01"})]
    editor = Editor(message.edit, interval=0.01)
    editor.show(content="old", view="buttons")
    editor.start()
    editor.show(content="new")
    await message.sent(1)
    await editor.close()
    assert message.edits[0][1] == {"content": "new", "view": "buttons"}


@pytest.mark.parametrize(
    "failure", [http_error(429, {"Retry-After": "0.01"}), aiohttp.ServerDisconnectedError(), OSError()]
)
async def test_the_last_edit_is_tried_again_with_new_files(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "_LONGEST_PAUSE", 0.01)
    message = Message()
    message.failures = [failure, failure]
    made: list[object] = []

    def last() -> dict[str, Any]:
        made.append(object())
        return {"attachments": made[-1:]}

    await Editor(message.edit).finish(last)
    assert len(made) == 3
    assert message.edits[0][1]["attachments"] == [made[-1]]


async def test_a_message_that_is_gone_ends_the_work() -> None:
    message = Message()
    message.failures = [http_error(404), http_error(404)]
    gone = asyncio.Event()

    async def on_gone() -> None:
        gone.set()

    editor = Editor(message.edit, on_gone=on_gone, interval=0.01)
    editor.start()
    editor.show(content="text")
    await asyncio.wait_for(gone.wait(), 5)
    editor.show(content="more")
    with pytest.raises(discord.NotFound):
        await editor.finish(lambda: {"content": "end"})
    assert message.edits == []


async def test_an_edit_that_changes_nothing_is_not_sent() -> None:
    message = Message()
    editor = Editor(message.edit, interval=0.01)
    editor.start()
    editor.show(content="one", view="Stop")
    await message.sent(1)
    editor.show(content="one")
    editor.show(content="two")
    editor.show(content="one")
    await asyncio.sleep(0)
    editor.show(content="two", view="Stop")
    await message.sent(2)
    await editor.close()
    assert [parts for _, parts in message.edits] == [{"content": "one", "view": "Stop"}, {"content": "two"}]
