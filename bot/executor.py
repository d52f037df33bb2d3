"""Admission of jobs: a lane per model kind, so that a light question never waits behind a long generation.

A lane is a thread pool with a bounded queue. Its books are kept on the event loop alone, so they need no
lock; a worker thread sees nothing but its `Job`. A job gets a permit or a clear refusal at once, and the
permit lives until the worker thread has really ended, however impatient the asker was meanwhile.

Between people a lane is fair: it takes turns, so that somebody's second question waits until everybody
else who is waiting had a first one.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Generic, Protocol, TypeVar

from bot.errors import Busy, Cancelled, Late, Stopping, TokenwiseError

T = TypeVar("T")

GRACE = 5.0
"""Seconds that a worker has, after its deadline or its stop event, to hand over what it has."""


class LaneSettings(Protocol):
    """How wide and how long a lane is: threads, places in the queue, seconds from admission to answer."""

    @property
    def workers(self) -> int: ...
    @property
    def queue(self) -> int: ...
    @property
    def timeout(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker thread knows of its job. `deadline` is in `time.monotonic()` seconds."""

    deadline: float
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def remaining(self) -> float:
        """Seconds to the deadline; negative once it has passed."""
        return self.deadline - time.monotonic()

    def check(self) -> None:
        """Raise `Cancelled` or `Late` if the work is no longer wanted. Call it between steps of long work."""
        if self.stop.is_set():
            raise Cancelled
        if self.remaining <= 0:
            raise Late


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """A lane's books at one moment: jobs running and waiting, and the places there are for each."""

    running: int
    waiting: int
    workers: int
    queue: int


class Ticket(Generic[T]):
    """A permit. Await it for the result; cancelling the task that awaits it cancels the job as well."""

    def __init__(
        self, lane: _Lane, work: Callable[[Job], T], user: int, timeout: float, *, privileged: bool
    ) -> None:
        loop = asyncio.get_running_loop()
        self.user = user
        self.privileged = privileged
        self.job = Job(time.monotonic() + timeout)
        self.started = asyncio.Event()
        """Set when the work starts, or when it is settled that it never will."""
        self._lane = lane
        self._work = work
        self._result: asyncio.Future[T] = loop.create_future()
        self._result.add_done_callback(self._settled)
        self._position = -1
        self._callbacks: list[Callable[[int], None]] = []
        self._alarm = None if math.isinf(timeout) else loop.call_later(timeout, lane.overdue, self)
        self._admitted = time.monotonic()
        self._began: float | None = None
        self._ended: float | None = None

    def __await__(self) -> Generator[Any, None, T]:
        return self._result.__await__()

    @property
    def done(self) -> bool:
        """Whether there is a result or a failure. The worker may still be busy, see `InferenceExecutor`."""
        return self._result.done()

    @property
    def position(self) -> int:
        """0 while it runs (and after), 1 for the next to run, and so on."""
        return max(0, self._position)

    def on_position(self, callback: Callable[[int], None]) -> None:
        """Have `callback(position)` called on the loop whenever the position changes; 0 is the last call."""
        self._callbacks.append(callback)

    @property
    def queue_seconds(self) -> float:
        """Seconds it waited for a worker, so far or altogether."""
        return (self._began or self._ended or time.monotonic()) - self._admitted

    @property
    def run_seconds(self) -> float:
        """Seconds a worker spent on it, so far or altogether."""
        return 0.0 if self._began is None else (self._ended or time.monotonic()) - self._began

    def cancel(self) -> None:
        """Say that the work is no longer wanted.

        A job that waits fails with `Cancelled` and leaves the queue at once. One that runs sees its stop
        event and ends in its own way: a generation returns what it has.
        """
        self.job.stop.set()
        self._lane.withdraw(self, Cancelled())

    def _settled(self, result: asyncio.Future[T]) -> None:
        self.started.set()
        if self._alarm is not None:
            self._alarm.cancel()
        if result.cancelled():
            self.cancel()
        else:
            result.exception()  # a failure that nobody awaits is no news for the loop's own log

    def _resolve(self, outcome: T | BaseException, *, failed: bool) -> None:
        if self._result.done():
            return
        if not failed:
            self._result.set_result(outcome)  # type: ignore[arg-type]
        elif isinstance(outcome, StopIteration):  # which a future refuses
            self._result.set_exception(RuntimeError("the work raised StopIteration"))
        else:
            self._result.set_exception(outcome)  # type: ignore[arg-type]

    def _move(self, position: int) -> None:
        if position == self._position:
            return
        self._position = position
        for callback in self._callbacks:
            callback(position)


class _Lane:
    """One lane's books. Everything here runs on the event loop except `_run`."""

    def __init__(self, name: str, settings: LaneSettings, settle: Callable[[Ticket[Any]], None]) -> None:
        self.settings = settings
        self.running: set[Ticket[Any]] = set()
        self._waiting: dict[int, deque[Ticket[Any]]] = {}
        """The queue of each person; the order of the keys is the order of the turns."""
        self._settle = settle
        self._pool = ThreadPoolExecutor(settings.workers, thread_name_prefix=f"lane-{name}")

    @property
    def waiting(self) -> list[Ticket[Any]]:
        """Those that wait, in the order in which they will run."""
        turns = zip_longest(*self._waiting.values())
        return [ticket for turn in turns for ticket in turn if ticket is not None]

    def place(self) -> int:
        """The position that the next job would get."""
        return 0 if len(self.running) < self.settings.workers else 1 + len(self.waiting)

    def enter(self, ticket: Ticket[Any]) -> None:
        self._waiting.setdefault(ticket.user, deque()).append(ticket)
        self._advance()

    def withdraw(self, ticket: Ticket[Any], why: TokenwiseError) -> None:
        """Take a job that waits out of the queue; one that runs is left alone."""
        queue = self._waiting.get(ticket.user, ())
        if ticket not in queue:
            return
        queue.remove(ticket)  # type: ignore[union-attr]
        if not queue:
            del self._waiting[ticket.user]
        ticket._ended = time.monotonic()
        ticket._resolve(why, failed=True)
        self._settle(ticket)
        self._advance()

    def overdue(self, ticket: Ticket[Any]) -> None:
        """The deadline has passed. A worker reads its own; it has a little longer to show what it has."""
        if ticket in self.running:
            ticket._alarm = asyncio.get_running_loop().call_later(GRACE, self._give_up, ticket, Late())
        else:
            self.withdraw(
                ticket, Late("It was too long until it was your turn. Ask again when less is going on.")
            )

    def stop(self) -> None:
        """Ask whatever runs to end."""
        for ticket in self.running:
            ticket.job.stop.set()

    def abandon(self, why: TokenwiseError) -> None:
        """Stop waiting for whatever runs: the askers are told `why`, the threads are left to themselves."""
        for ticket in tuple(self.running):
            self._give_up(ticket, why)

    def shut(self) -> None:
        # An idle thread ends at once; one that is stuck in a model must not be waited for.
        self._pool.shutdown(wait=not self.running, cancel_futures=True)

    def _give_up(self, ticket: Ticket[Any], why: TokenwiseError) -> None:
        ticket.job.stop.set()
        ticket._resolve(why, failed=True)

    def _advance(self) -> None:
        """Start what can start, then tell everybody their new place."""
        while self._waiting and len(self.running) < self.settings.workers:
            user, queue = next(iter(self._waiting.items()))
            ticket = queue.popleft()
            del self._waiting[user]
            if queue:
                self._waiting[user] = queue  # to the end of the row
            self.running.add(ticket)
            ticket._began = time.monotonic()
            ticket.started.set()
            ticket._move(0)
            loop = asyncio.get_running_loop()
            self._pool.submit(ticket._work, ticket.job).add_done_callback(
                lambda future, ticket=ticket: self._report(loop, ticket, future)  # type: ignore[misc]
            )
        for position, ticket in enumerate(self.waiting, 1):
            ticket._move(position)

    def _report(self, loop: asyncio.AbstractEventLoop, ticket: Ticket[Any], future: Future[Any]) -> None:
        """On the worker thread: carry the outcome over to the loop."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(self._leave, ticket, future)

    def _leave(self, ticket: Ticket[Any], future: Future[Any]) -> None:
        self.running.discard(ticket)
        ticket._ended = time.monotonic()
        error = Stopping() if future.cancelled() else future.exception()
        ticket._resolve(future.result() if error is None else error, failed=error is not None)
        self._settle(ticket)
        self._advance()


class InferenceExecutor:
    """The lanes, and how much one person may ask for at once over all of them.

    Every method but the workers' own belongs to the event loop's thread.
    """

    def __init__(
        self, lanes: Mapping[str, LaneSettings], per_user: int, *, background: Collection[str] = ()
    ) -> None:
        """`background` lanes do work, such as loading models, that a shutdown does not wait for."""
        self._foreground = [name for name in lanes if name not in background]
        self._lanes = {name: _Lane(name, settings, self._settle) for name, settings in lanes.items()}
        self._per_user = per_user
        self._held: Counter[int] = Counter()
        self._open = True
        self._idle = asyncio.Event()
        self._idle.set()

    def admit(
        self,
        lane: str,
        work: Callable[[Job], T],
        *,
        user: int,
        timeout: float | None = None,
        privileged: bool = False,
    ) -> Ticket[T]:
        """A permit for `work`, or `Busy` or `Stopping` at once.

        `timeout` is in seconds from now, time in the queue included; the lane's own unless given.
        `privileged` work does not count against the person's limit. KeyError for a lane that is not there.
        """
        books = self._lanes[lane]
        if not self._open:
            raise Stopping
        if not privileged and self._held[user] >= self._per_user:
            count = "a question" if self._per_user == 1 else f"{self._per_user} questions"
            raise Busy(
                f"You already have {count} with me. Ask again when one of them is answered.",
                position=books.place(),
            )
        if (place := books.place()) > books.settings.queue:
            raise Busy(f"I am busy: {place - 1} are waiting already. Try again in a minute.", position=place)
        seconds = books.settings.timeout if timeout is None else timeout
        ticket = Ticket(books, work, user, seconds, privileged=privileged)
        self._held[user] += not privileged
        books.enter(ticket)
        self._look()
        return ticket

    @property
    def lanes(self) -> dict[str, LaneStatus]:
        return {
            name: LaneStatus(len(lane.running), len(lane.waiting), lane.settings.workers, lane.settings.queue)
            for name, lane in self._lanes.items()
        }

    async def idle(self) -> None:
        """Return when no job waits and no worker runs, background lanes aside."""
        await self._idle.wait()

    def stop_admitting(self) -> None:
        """Admit nothing more, and tell those that wait (`Stopping`). What runs goes on."""
        self._open = False
        for name, lane in self._lanes.items():
            for ticket in lane.waiting:
                lane.withdraw(ticket, Stopping())
            if name not in self._foreground:
                lane.abandon(Stopping())

    async def drain(self, seconds: float) -> bool:
        """Wait until nothing runs, at most `seconds`; then set every stop event and wait a little longer.

        Whether every worker has ended. If not, those who wait for one have been told (`Stopping`).
        """
        if await self._quiet(seconds):
            return True
        for lane in self._lanes.values():
            lane.stop()
        if await self._quiet(GRACE):
            return True
        for lane in self._lanes.values():
            lane.abandon(Stopping())
        return False

    async def close(self) -> None:
        """Let the threads go. A worker that does not end keeps its thread; nobody waits for it."""
        self.stop_admitting()
        for lane in self._lanes.values():
            lane.stop()
            lane.abandon(Stopping())
            lane.shut()

    async def _quiet(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _settle(self, ticket: Ticket[Any]) -> None:
        """A job has left its lane: its person may ask again."""
        if not ticket.privileged:
            self._held[ticket.user] -= 1
            if not self._held[ticket.user]:
                del self._held[ticket.user]
        self._look()

    def _look(self) -> None:
        lanes = [self._lanes[name] for name in self._foreground]
        if any(lane.running or lane.waiting for lane in lanes):
            self._idle.clear()
        else:
            self._idle.set()


def torch_threads(cores: int, workers: int) -> int:
    """Threads for each torch operation, so that workers times threads do not exceed the cores."""
    return max(1, cores // max(1, workers))


def usable_cores() -> int:
    """Cores that this process may use, which in a container or under taskset are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
