"""Autocompletion: fast or empty, whatever else is running."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from typing import Any

import pytest

from tests.wire.conftest import Launch, Live

SOON = 0.5
LINES = ("/similar word:kin", "/recommend song:Song", "/tokens text:x tokenizer:t", "/likes add song:Song")


async def completed(live: Live, line: str) -> list[Any]:
    began = time.monotonic()
    choices = await live.box.autocomplete(line)
    assert time.monotonic() - began < SOON + 1  # the machine may be busy
    return choices


class Held:
    """A model whose answers wait for the test; lookups do not."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.go = threading.Event()
        self.begun = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def ask(self, *arguments: Any, **options: Any) -> Any:
        self.begun.set()
        self.go.wait(20)
        return self._model.ask(*arguments, **options)


async def test_they_do_not_wait_for_a_job_that_runs(launch: Launch, loaded: dict[str, Any]) -> None:
    held = Held(loaded["words"])
    live = await launch(loaders={"words": lambda *_: held})
    await live.bot.service.loaded()
    asked = live.box.send("/similar word:king")
    await asyncio.to_thread(held.begun.wait, 10)
    assert await completed(live, "/similar word:kin")
    held.go.set()
    await asked.until(lambda answer: answer.text)


async def test_they_work_while_pictures_are_drawn_and_models_reloaded(live: Live) -> None:
    await live.bot.service.loaded()
    asked = [live.box.send("/similar word:king", member=live.box.admin) for _ in range(2)]
    reload = live.box.send("/models reload slot:words", member=live.box.admin)
    for line in LINES:
        assert await completed(live, line)
    await reload.until(lambda answer: "words" in answer.text)
    for answer in asked:
        await answer.until(lambda answer: answer.text)


async def test_a_model_that_is_not_there_completes_nothing(launch: Launch) -> None:
    def never(*_: object) -> Any:
        raise OSError("gone")

    live = await launch(loaders={"words": never, "songs": never})
    for line in LINES[:2]:
        assert await completed(live, line) == []


async def test_a_slow_model_completes_nothing(launch: Launch, loaded: dict[str, Any]) -> None:
    go = threading.Event()

    class Slow(Held):
        def suggest(self, *_: object) -> list[str]:
            go.wait(20)
            return ["late"]

    live = await launch(loaders={"words": lambda *_: Slow(loaded["words"])})
    await live.bot.service.loaded()
    assert await completed(live, "/similar word:kin") == []
    go.set()


async def test_a_busy_database_completes_nothing(live: Live) -> None:
    (file,) = live.bot.settings.data_dir.rglob("tokenwise.db")
    locked = sqlite3.connect(file, isolation_level=None)
    locked.execute("BEGIN EXCLUSIVE")
    await completed(live, "/likes remove song:a")
    locked.execute("ROLLBACK")
    locked.close()


async def test_a_completion_that_discord_forgot_is_no_error(
    live: Live, caplog: pytest.LogCaptureFixture
) -> None:
    from bot import logs

    await live.bot.service.loaded()
    fault = live.box.fail(
        "POST", "/callback", 404, body='{"code": 10062, "message": "Unknown interaction"}', times=3
    )
    for line in LINES[:3]:
        live.box.send_autocomplete(line.partition(" ")[0][1:], *_option(line))
    await live.box.until(lambda _: fault.hits == 3)
    await live.bot.idle()
    for record in caplog.records:
        assert not (record.exc_info and logs.wanted(record))


def _option(line: str) -> tuple[Any, ...]:
    name, _, value = line.rpartition(" ")[2].partition(":")
    values = {"text": "x"} if line.startswith("/tokens") else {}
    return (values | {name: value}, name)
