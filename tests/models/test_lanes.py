"""The executor: bounded, fair, cancellable, and never holding a place longer than its worker."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.settings.schema import Lane
from models import lanes as module
from models.failures import Busy, Cancelled, Late, Stopping
from models.lanes import Job, Lanes, Ticket
from tests.bot.conftest import until

SOON = 5.0


def lanes(**settings: dict[str, Any]) -> dict[str, Lane]:
    return {name: Lane(**values) for name, values in settings.items()}


class Gate:
    """Work that runs until it is let go, as a model does until it has its answer."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, job: Job) -> str:
        self.entered.set()
        while not self.opened.wait(0.005):
            if job.stop.is_set():
                return "stopped"
        return "answered"


@pytest.fixture
async def narrow() -> AsyncIterator[Lanes]:
    """One worker and two places to wait; four questions a person."""
    executor = Lanes(lanes(narrow={"workers": 1, "queue": 2, "timeout": 60.0}), per_user=4)
    yield executor
    await executor.close()


async def test_work_is_done_on_a_thread_and_its_value_comes_back(narrow: Lanes) -> None:
    ticket = narrow.admit("narrow", lambda _: threading.current_thread().name, user=1)
    assert (await ticket).startswith("lane-narrow")
    assert await ticket
    assert ticket.done
    assert ticket.run_seconds >= 0


async def test_a_failure_of_the_work_comes_back(narrow: Lanes) -> None:
    def fail(_: Job) -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        await narrow.admit("narrow", fail, user=1)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await narrow.admit("narrow", lambda _: next(iter(())), user=1)
    assert await narrow.admit("narrow", lambda _: 3, user=1) == 3


async def test_full_means_busy_at_once_and_positions_are_told(narrow: Lanes) -> None:
    gate = Gate()
    first = narrow.admit("narrow", gate, user=1)
    moves: list[int] = []
    second = narrow.admit("narrow", lambda _: "b", user=2)
    third = narrow.admit("narrow", lambda _: "c", user=3)
    third.on_position(moves.append)
    assert (first.position, second.position, third.position) == (0, 1, 2)
    with pytest.raises(Busy) as refusal:
        narrow.admit("narrow", gate, user=4)
    assert refusal.value.position == 3
    assert "2 requests are already waiting" in str(refusal.value)
    gate.opened.set()
    assert [await first, await second, await third] == ["answered", "b", "c"]
    assert moves == [1, 0]
    assert third.queue_seconds >= second.queue_seconds > 0


async def test_a_person_has_a_limit_over_all_lanes() -> None:
    executor = Lanes(lanes(a={"queue": 9}, b={"queue": 9}), per_user=2)
    gate = Gate()
    tickets = [executor.admit("a", gate, user=1), executor.admit("b", gate, user=1)]
    with pytest.raises(Busy, match="already have 2 requests"):
        executor.admit("a", gate, user=1)
    helper = executor.admit("a", gate, user=1, privileged=True)
    other = executor.admit("a", gate, user=2)
    gate.opened.set()
    await asyncio.gather(*tickets, helper, other)
    assert await executor.admit("a", lambda _: "again", user=1) == "again"
    assert not executor._held
    await executor.close()


async def test_lanes_do_not_wait_for_each_other() -> None:
    executor = Lanes(lanes(heavy={}, light={}), per_user=2)
    gate = Gate()
    heavy = executor.admit("heavy", gate, user=1)
    await until(gate.entered.is_set)
    assert await asyncio.wait_for(_value(executor.admit("light", lambda _: "light", user=2)), SOON) == "light"
    gate.opened.set()
    await heavy
    await executor.close()


async def _value(ticket: Ticket[Any]) -> Any:
    return await ticket


async def test_people_take_turns() -> None:
    executor = Lanes(lanes(one={"queue": 9}), per_user=9)
    gate, order = Gate(), list[str]()
    blocker = executor.admit("one", gate, user=9)

    def note(what: str) -> Callable[[Job], None]:
        return lambda _: order.append(what)

    greedy = [executor.admit("one", note(f"greedy {number}"), user=1) for number in range(3)]
    modest = executor.admit("one", note("modest"), user=2)
    assert [ticket.position for ticket in (*greedy, modest)] == [1, 3, 4, 2]
    gate.opened.set()
    await asyncio.gather(blocker, *greedy, modest)
    assert order == ["greedy 0", "modest", "greedy 1", "greedy 2"]
    await executor.close()


async def test_cancelling_a_job_that_waits_frees_its_place_at_once(narrow: Lanes) -> None:
    gate = Gate()
    running = narrow.admit("narrow", gate, user=1)
    waiting = [narrow.admit("narrow", gate, user=user) for user in (2, 3)]
    waiting[0].cancel()
    with pytest.raises(Cancelled):
        await waiting[0]
    assert waiting[0].started.is_set()
    assert waiting[1].position == 1
    narrow.admit("narrow", gate, user=4)
    gate.opened.set()
    await running


async def test_a_running_job_ends_in_its_own_way_when_it_is_cancelled(narrow: Lanes) -> None:
    gate = Gate()
    ticket = narrow.admit("narrow", gate, user=1)
    await until(gate.entered.is_set)
    ticket.cancel()
    assert await ticket == "stopped"


async def test_cancelling_whoever_awaits_stops_the_work_but_the_place_is_held_until_it_ends(
    narrow: Lanes,
) -> None:
    seen, release = threading.Event(), threading.Event()

    def stubborn(job: Job) -> None:
        job.stop.wait(SOON)
        seen.set()
        release.wait(SOON)

    ticket = narrow.admit("narrow", stubborn, user=1)
    asker = asyncio.create_task(_value(ticket))
    await ticket.started.wait()
    await asyncio.sleep(0)
    asker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asker
    assert await asyncio.to_thread(seen.wait, SOON)
    assert narrow.status["narrow"].running == 1
    release.set()
    await asyncio.wait_for(narrow.idle(), SOON)
    assert narrow.status["narrow"].running == 0
    assert not narrow._held


async def test_the_deadline_counts_the_time_in_the_queue(narrow: Lanes) -> None:
    gate = Gate()
    running = narrow.admit("narrow", gate, user=1)
    began = time.monotonic()
    with pytest.raises(Late, match="too long in the queue"):
        await narrow.admit("narrow", gate, user=2, timeout=0.05)
    assert 0.04 < time.monotonic() - began < SOON
    assert narrow.status["narrow"].waiting == 0
    gate.opened.set()
    await running


async def test_a_worker_may_show_what_it_has_at_the_deadline(narrow: Lanes) -> None:
    def reads_its_deadline(job: Job) -> str:
        while job.remaining > 0:
            time.sleep(0.005)
        with pytest.raises(Late):
            job.check()
        return "partial"

    assert await narrow.admit("narrow", reads_its_deadline, user=1, timeout=0.05) == "partial"


async def test_a_worker_that_ignores_its_deadline_is_not_waited_for(
    narrow: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GRACE", 0.05)
    release = threading.Event()
    ticket = narrow.admit("narrow", lambda _: release.wait(SOON), user=1, timeout=0.02)
    with pytest.raises(Late, match="too long"):
        await asyncio.wait_for(_value(ticket), SOON)
    assert narrow.status["narrow"].running == 1, "the place is taken while the thread runs"
    release.set()
    await asyncio.wait_for(narrow.idle(), SOON)


async def test_a_failing_callback_does_not_reach_the_books(narrow: Lanes) -> None:
    gate, failures = Gate(), list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    running = narrow.admit("narrow", gate, user=1)
    waiting = narrow.admit("narrow", lambda _: "done", user=2)
    waiting.on_position(lambda _: 1 / 0)  # type: ignore[arg-type]
    gate.opened.set()
    assert await running == "answered"
    assert await waiting == "done"
    assert [type(context["exception"]) for context in failures] == [ZeroDivisionError]


async def test_stopping_tells_those_who_wait_and_lets_the_rest_end(narrow: Lanes) -> None:
    gate = Gate()
    running = narrow.admit("narrow", gate, user=1)
    waiting = narrow.admit("narrow", gate, user=2)
    narrow.stop_admitting()
    with pytest.raises(Stopping):
        await waiting
    with pytest.raises(Stopping):
        narrow.admit("narrow", gate, user=3)
    assert not running.done
    asyncio.get_running_loop().call_later(0.02, gate.opened.set)
    assert await narrow.drain(SOON)
    assert await running == "answered"


async def test_draining_stops_what_takes_too_long(narrow: Lanes) -> None:
    ticket = narrow.admit("narrow", Gate(), user=1)
    narrow.stop_admitting()
    assert await narrow.drain(0.02)
    assert await ticket == "stopped"


async def test_a_stuck_worker_hangs_neither_draining_nor_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE", 0.02)
    executor = Lanes(lanes(stuck={}), per_user=1)
    release = threading.Event()
    ticket = executor.admit("stuck", lambda _: release.wait(SOON), user=1)
    await ticket.started.wait()
    assert not await executor.drain(0.02)
    with pytest.raises(Stopping):
        await ticket
    await asyncio.wait_for(executor.close(), SOON)
    release.set()
    await asyncio.wait_for(executor.idle(), SOON)


async def test_nobody_waits_for_background_work() -> None:
    executor = Lanes(lanes(loading={}, light={}), per_user=1, background={"loading"})
    gate = Gate()
    load = executor.admit("loading", gate, user=0, timeout=math.inf, privileged=True)
    await until(gate.entered.is_set)
    await asyncio.wait_for(executor.idle(), SOON)
    executor.stop_admitting()
    with pytest.raises(Stopping):
        await load
    assert await executor.drain(SOON)
    gate.opened.set()
    await executor.close()


async def test_closing_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    executor = Lanes(lanes(a={"workers": 3}, b={}), per_user=9)
    await asyncio.gather(*(executor.admit(lane, lambda _: None, user=1) for lane in "aaab"))
    await executor.close()
    assert set(threading.enumerate()) <= before


class Story:
    """What people do to one lane, step by step, with a look at its books after each."""

    def __init__(self, workers: int, queue: int, per_user: int) -> None:
        self.workers, self.queue, self.per_user = workers, queue, per_user
        self.executor = Lanes(lanes(x={"workers": workers, "queue": queue}), per_user=per_user)
        self.tickets: list[Ticket[str]] = []
        self.gates: list[Gate] = []
        self.lock = threading.Lock()
        self.together = self.most = 0

    def work(self, gate: Gate, job: Job) -> str:
        with self.lock:
            self.together += 1
            self.most = max(self.most, self.together)
        try:
            return gate(job)
        finally:
            with self.lock:
                self.together -= 1

    async def ask(self, user: int) -> None:
        gate = Gate()
        before, held = self.executor.status["x"], self.executor._held[user]
        full = before.running == self.workers and before.waiting == self.queue
        try:
            self.tickets.append(self.executor.admit("x", partial(self.work, gate), user=user))
        except Busy:
            assert full or held == self.per_user
        else:
            assert not full
            self.gates.append(gate)

    async def finish(self, number: int) -> None:
        ticket = self.tickets[number % len(self.tickets)]
        self.gates[number % len(self.gates)].opened.set()
        if ticket.started.is_set():
            await asyncio.wait({asyncio.ensure_future(_value(ticket))}, timeout=SOON)

    async def cancel(self, number: int) -> None:
        self.tickets[number % len(self.tickets)].cancel()

    async def leave(self, number: int) -> None:
        """The awaiting task goes away."""
        asker = asyncio.create_task(_value(self.tickets[number % len(self.tickets)]))
        await asyncio.sleep(0)
        asker.cancel()
        await asyncio.gather(asker, return_exceptions=True)

    def look(self) -> None:
        status = self.executor.status["x"]
        assert status.running <= self.workers
        assert status.waiting <= self.queue
        assert status.waiting == 0 or status.running == self.workers, "nobody waits beside a free worker"
        positions = sorted(ticket.position for ticket in self.tickets if not ticket.started.is_set())
        assert positions == list(range(1, status.waiting + 1))
        assert all(count <= self.per_user for count in self.executor._held.values())

    async def end(self) -> None:
        for gate in self.gates:
            gate.opened.set()
        waiting = asyncio.gather(*map(_value, self.tickets), return_exceptions=True)
        for outcome in await asyncio.wait_for(waiting, SOON):
            assert outcome in {"answered", "stopped"} or isinstance(
                outcome, Cancelled | asyncio.CancelledError
            )
        await asyncio.wait_for(self.executor.idle(), SOON)
        assert self.most <= self.workers
        assert not +self.executor._held
        await self.executor.close()


@settings(max_examples=50, deadline=None)
@given(
    workers=st.integers(1, 3),
    queue=st.integers(0, 4),
    per_user=st.integers(1, 4),
    steps=st.lists(
        st.tuples(st.sampled_from(["ask", "ask", "finish", "cancel", "leave"]), st.integers(0, 9)),
        max_size=40,
    ),
)
def test_whatever_happens_the_books_are_right(
    workers: int, queue: int, per_user: int, steps: list[tuple[str, int]]
) -> None:
    """Never more running or waiting than there are places; consistent positions; every ticket resolves."""

    async def tell() -> None:
        story = Story(workers, queue, per_user)
        for step, number in steps:
            if step == "ask" or story.tickets:
                await getattr(story, step)(number)
            story.look()
        await story.end()

    asyncio.run(tell())
