"""The shutdown comes to its end whatever its steps do."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from bot import shutdown
from bot.shutdown import Shutdown, Step


class Steps:
    """Steps that note what they did."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def step(self, name: str, seconds: float = 5.0) -> Step:
        async def run() -> None:
            self.done.append(name)

        return Step(name, run, seconds)


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_step_that_never_ends_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    steps = Steps()
    ending = Shutdown([steps.step("a"), Step("stuck", forever, 0.05), steps.step("b")])
    await asyncio.wait_for(ending.run(), 5)
    assert steps.done == ["a", "b"]
    assert "gave up on stuck" in caplog.text


async def test_a_step_that_ignores_its_cancellation_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutdown, "IN_A_HURRY", 0.05)
    steps = Steps()
    over = asyncio.Event()

    async def deaf() -> None:
        while not over.is_set():
            with contextlib.suppress(asyncio.CancelledError):  # as discord.py does while it reconnects
                await over.wait()

    ending = Shutdown([Step("deaf", deaf, 0.05), steps.step("b")])
    await asyncio.wait_for(ending.run(), 5)
    assert steps.done == ["b"]
    over.set()


async def test_a_step_that_fails_is_told_and_the_others_run(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("broken")

    steps = Steps()
    await Shutdown([Step("bad", fail, 5.0), steps.step("b")]).run()
    assert steps.done == ["b"]
    assert "bad failed" in caplog.text


async def test_who_asks_twice_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutdown, "IN_A_HURRY", 0.05)
    steps = Steps()
    ending = Shutdown([Step("long", forever, 600.0), Step("longer", forever, 600.0), steps.step("b")])
    running = asyncio.create_task(ending.run())
    ending.request()
    await asyncio.sleep(0)
    ending.request()
    await asyncio.wait_for(running, 5)
    assert steps.done == ["b"]
