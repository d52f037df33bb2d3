"""How fast the bot comes back, and how often it may begin a session."""

from __future__ import annotations

import asyncio

import pytest

from bot.reconnecting import APART, FREE, SLOWED, SPAN, Backoff, Sessions


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_pause_is_short_however_often_it_is_asked_for_and_differs() -> None:
    pauses = {Backoff().delay() for _ in range(200)} | {(backoff := Backoff()).delay() for _ in range(200)}
    assert min(pauses) >= 0.5
    assert max(pauses) <= 3.0
    assert max(backoff.delay() for _ in range(100)) <= 3.0
    assert len(pauses) > 300


async def test_sessions_begin_five_seconds_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    async def sleep(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr(asyncio, "sleep", sleep)
    sessions = Sessions(clock)
    await sessions.begin()
    assert clock.now == 100.0
    await sessions.begin()
    assert clock.now == 100.0 + APART
    clock.now += 60
    await sessions.begin()
    assert clock.now == 160.0 + APART


async def test_a_thousand_sessions_a_day_are_never_exceeded(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    async def sleep(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr(asyncio, "sleep", sleep)
    sessions = Sessions(clock)
    begun = []
    while clock.now < 100.0 + 86_400:
        await sessions.begin()
        begun.append(clock.now)
    assert len(begun) <= 1000
    assert FREE * SLOWED <= SPAN


async def test_shards_of_different_remainders_begin_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    async def sleep(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr(asyncio, "sleep", sleep)
    sessions = Sessions(clock)
    sessions.concurrency = 2
    for shard in range(4):
        await sessions.begin(shard)
    assert clock.now == 100.0 + APART
