"""Clocks, snowflakes, the log and rate limits: everything that counts or waits."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import Change, EventLog, Limits, ManualClock, SystemClock
from sandbox.log import KEPT_ENTRIES, Entry
from sandbox.ratelimits import KEPT_BUCKETS, RateLimiter
from sandbox.state import Snowflakes, lasting_snowflake


def test_a_manual_clock_runs_what_falls_due_in_order() -> None:
    clock = ManualClock(100)
    seen: list[tuple[str, float]] = []

    def record(name: str) -> None:
        seen.append((name, clock.time()))

    for delay, name in [(5, "b"), (1, "a"), (9, "never")]:
        clock.call_later(delay, partial(record, name))
    clock.call_later(2, lambda: seen.append(("cancelled", 0))).cancel()
    clock.advance(5)
    assert seen == [("a", 101), ("b", 105)]
    assert clock.time() == 105


async def test_the_system_clock_is_now() -> None:
    clock = SystemClock()
    assert abs(clock.time() - time.time()) < 1
    called = asyncio.Event()
    clock.call_later(0, called.set)
    await asyncio.wait_for(called.wait(), 1)


@given(st.lists(st.floats(0, 0.01), min_size=1, max_size=50))
def test_snowflakes_grow_and_tell_the_time(steps: list[float]) -> None:
    clock = ManualClock(1_700_000_000)
    make = Snowflakes(clock)
    numbers = []
    for step in steps:
        clock.advance(step)
        numbers.append(make())
    assert sorted(set(numbers)) == numbers
    assert abs((numbers[-1] >> 22) / 1000 + 1_420_070_400 - clock.time()) < 1


def test_people_keep_their_ids() -> None:
    assert (
        lasting_snowflake("member Ada") == lasting_snowflake("member Ada") != lasting_snowflake("member Bob")
    )
    assert lasting_snowflake("x") < Snowflakes(SystemClock())()


class TestLog:
    async def test_waiting_sees_every_state(self) -> None:
        log = EventLog()
        state = 0

        async def change() -> None:
            nonlocal state
            # Two changes in one turn of the loop: a waiter for the first must not miss it.
            for state in (1, 2):
                log.append(Change(0.0, "x", state))

        _, _ = await asyncio.gather(log.until(lambda: state == 1, 1), change())
        with pytest.raises(TimeoutError):
            await log.until(lambda: state == 3, 0.01)
        await log.until(lambda: state == 2, 0)

    async def test_a_predicate_may_fail(self) -> None:
        log = EventLog()

        def broken() -> bool:
            if len(log):
                raise LookupError
            return False

        asyncio.get_running_loop().call_soon(lambda: log.append(Change(0.0, "x", None)))
        with pytest.raises(LookupError):
            await log.until(broken, 1)

    def test_subscriptions_end_and_old_entries_go(self) -> None:
        log = EventLog()
        seen: list[Entry] = []
        end = log.subscribe(seen.append)
        for number in range(KEPT_ENTRIES + 1):
            log.append(Change(float(number), "x", None))
            if number == 1:
                end()
                end()
        assert len(seen) == 2
        assert KEPT_ENTRIES // 2 < len(log) <= KEPT_ENTRIES
        assert log[-1].time == KEPT_ENTRIES
        assert [entry.time for entry in log[-2:]] == [KEPT_ENTRIES - 1, KEPT_ENTRIES]


class TestRateLimits:
    @given(st.lists(st.floats(0, 3), max_size=60))
    def test_no_window_passes_more_than_its_rate(self, waits: list[float]) -> None:
        clock = ManualClock(0)
        limiter = RateLimiter(clock, Limits(rates={"GET /x": (3, 2.0)}, global_rate=None))
        passed: list[float] = []
        for wait in waits:
            clock.advance(wait)
            verdict = limiter.ask("GET", "/x", {}, authorized=True)
            if verdict.retry_after is None:
                passed.append(clock.time())
            else:
                assert 0 < verdict.retry_after <= 2.001
                clock.advance(verdict.retry_after)
                assert limiter.ask("GET", "/x", {}, authorized=True).retry_after is None
                passed.append(clock.time())
        for index in range(len(passed) - 3):
            # A fixed window lets twice its rate through around its edge, as Discord's do, but never more.
            assert sum(passed[index] <= moment < passed[index] + 2.0 for moment in passed) <= 6

    def test_major_parameters_have_buckets_of_their_own(self) -> None:
        limiter = RateLimiter(ManualClock(0), Limits(rates={"GET /c": (1, 9.0)}))
        for channel in "ab":
            assert limiter.ask("GET", "/c", {"channel_id": channel}, authorized=True).retry_after is None
        assert (
            limiter.ask("GET", "/c", {"channel_id": "a", "message_id": "1"}, authorized=True).retry_after
            == 9.0
        )

    def test_old_buckets_are_forgotten(self) -> None:
        clock = ManualClock(0)
        limiter = RateLimiter(clock, Limits(global_rate=None))
        for number in range(KEPT_BUCKETS + 10):
            clock.advance(1)
            limiter.ask("POST", "/w", {"webhook_token": str(number)}, authorized=False)
        assert len(limiter._buckets) < KEPT_BUCKETS
