"""Admission of jobs: one lane per model kind, so that a quick request never waits behind a long generation.

A lane is a thread pool with a bounded queue. Its state is used only on the event loop, so it needs no lock;
a worker thread sees only its `Job`. A job is admitted or rejected at once, and its permit lasts until the
worker thread has actually finished, even if the asker no longer waits.

A lane is fair: people take turns, so a person's second request waits until everyone else who is waiting
has had a first one.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from models.failures import AlreadyAsking, Cancelled, Failure, LaneFull, Late, NotYourTurn, Stopping
from models.fair_queue import FairQueue
from models.service import LaneStatus

T = TypeVar("T")

ANSWERED = "answered"
"""The outcome of a job that did not fail."""
GRACE = 5.0
"""Seconds for a worker to return a partial result after its deadline or stop event."""


class LaneSettings(Protocol):
    """Size of a lane: threads, places in the queue, and seconds from admission to answer."""

    @property
    def workers(self) -> int: ...
    @property
    def queue(self) -> int: ...
    @property
    def timeout(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its worker thread sees it. `deadline` is in `time.monotonic()` seconds."""

    deadline: float
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def remaining(self) -> float:
        """Seconds to the deadline; negative once it has passed."""
        return self.deadline - time.monotonic()

    def check(self) -> None:
        """Raise `Cancelled` or `Late` if the work was stopped or is overdue. Call it between steps of long work."""
        if self.stop.is_set():
            raise Cancelled
        if self.remaining <= 0:
            raise Late


class _Entry(Generic[T]):
    """A job's entry in a lane, with its callbacks."""

    def __init__(self, user: int, work: Callable[[Job], T], timeout: float, *, privileged: bool) -> None:
        self.user = user
        self.work = work
        self.privileged = privileged
        self.job = Job(time.monotonic() + timeout)
        self.result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.started = asyncio.Event()
        self.position = 0
        self.callbacks: list[Callable[[int], None]] = []
        self.alarm: asyncio.TimerHandle | None = None
        self.admitted = time.monotonic()
        self.began: float | None = None
        self.ended: float | None = None

    def begin(self) -> None:
        self.began = time.monotonic()
        self.started.set()
        self.move(0)

    def move(self, position: int) -> None:
        if position != self.position:
            self.position = position
            loop = self.result.get_loop()
            for callback in self.callbacks:
                loop.call_soon(callback, position)  # a callback's failure must not affect the lane's state

    def fail(self, error: BaseException) -> None:
        self.started.set()
        if not self.result.done():
            # A future rejects StopIteration, which would end the awaiting coroutine.
            self.result.set_exception(
                RuntimeError(repr(error)) if isinstance(error, StopIteration) else error
            )

    def succeed(self, value: T) -> None:
        if not self.result.done():
            self.result.set_result(value)


class Ticket(Generic[T]):
    """A permit. Await it for the result; cancelling the awaiting task also cancels the job."""

    def __init__(self, lane: _Lane, entry: _Entry[T]) -> None:
        self._lane = lane
        self._entry = entry

    def __await__(self) -> Generator[Any, None, T]:
        return self._entry.result.__await__()

    @property
    def started(self) -> asyncio.Event:
        """Set when the work starts, or when it is certain that it never will."""
        return self._entry.started

    @property
    def done(self) -> bool:
        """Whether there is a result or a failure. Its worker may still be running."""
        return self._entry.result.done()

    @property
    def position(self) -> int:
        """0 while it runs and after, 1 for the next to run, and so on."""
        return self._entry.position

    def on_position(self, callback: Callable[[int], None]) -> None:
        """Call `callback(position)` on the loop whenever the position changes; 0 comes last."""
        self._entry.callbacks.append(callback)

    def on_done(self, callback: Callable[[], object]) -> None:
        """Call `callback()` on the loop when there is a result or a failure."""
        self._entry.result.add_done_callback(lambda _: callback())

    @property
    def outcome(self) -> str:
        """The outcome: "answered", or the name of the failure; "" until then."""
        result = self._entry.result
        if not result.done():
            return ""
        error = Cancelled() if result.cancelled() else result.exception()
        return type(error).__name__ if error else ANSWERED

    @property
    def queue_seconds(self) -> float:
        """Seconds it has waited for a worker."""
        entry = self._entry
        return (entry.began or entry.ended or time.monotonic()) - entry.admitted

    @property
    def run_seconds(self) -> float:
        """Seconds that a worker has spent on it."""
        entry = self._entry
        return (entry.ended or time.monotonic()) - entry.began if entry.began else 0.0

    def cancel(self) -> None:
        """Cancel the work.

        A waiting job fails with `Cancelled` and leaves the queue at once. A running job sees its stop event and
        ends in its own way: a generation returns its partial text.
        """
        self._lane.cancel(self._entry)


class _Lane:
    """The state of one lane. Everything here runs on the event loop, except `_report`."""

    def __init__(self, name: str, settings: LaneSettings, settle: Callable[[_Entry[Any]], None]) -> None:
        self.settings = settings
        self.running: set[_Entry[Any]] = set()
        self.waiting: FairQueue[_Entry[Any]] = FairQueue()
        self._settle = settle
        self._pool = ThreadPoolExecutor(settings.workers, thread_name_prefix=f"lane-{name}")

    def place(self) -> int:
        """The position that one more job would get at the end of the queue; 0 if it could start."""
        return 0 if len(self.running) < self.settings.workers else 1 + len(self.waiting)

    def enter(self, entry: _Entry[T]) -> Ticket[T]:
        self.waiting.push(entry.user, entry)
        if not math.isinf(entry.job.deadline):
            entry.alarm = asyncio.get_running_loop().call_later(entry.job.remaining, self._overdue, entry)
        entry.result.add_done_callback(lambda _: self._resolved(entry))
        self._advance()
        return Ticket(self, entry)

    def cancel(self, entry: _Entry[Any]) -> None:
        entry.job.stop.set()
        self.withdraw(entry, Cancelled())

    def withdraw(self, entry: _Entry[Any], why: Failure) -> None:
        """Remove a waiting job from the queue; a running one is not affected."""
        if not self.waiting.remove(entry.user, entry):
            return
        entry.ended = time.monotonic()
        entry.fail(why)
        self._settle(entry)
        self._advance()

    def stop(self) -> None:
        """Ask running jobs to stop."""
        for entry in self.running:
            entry.job.stop.set()

    def abandon(self, why: Failure) -> None:
        """Stop waiting for running jobs: the askers get `why`, and the threads are abandoned."""
        self.stop()
        for entry in self.running:
            entry.fail(why)

    def shut(self) -> None:
        # Idle threads end at once; do not wait for one that is stuck in a model.
        self._pool.shutdown(wait=not self.running, cancel_futures=True)

    def _overdue(self, entry: _Entry[Any]) -> None:
        """The deadline has passed. The worker sees it too and has a little longer to return a partial result."""
        if entry in self.running:
            entry.alarm = asyncio.get_running_loop().call_later(GRACE, self._give_up, entry)
        else:
            self.withdraw(entry, NotYourTurn())

    @staticmethod
    def _give_up(entry: _Entry[Any]) -> None:
        entry.job.stop.set()
        entry.fail(Late())

    def _resolved(self, entry: _Entry[Any]) -> None:
        entry.started.set()
        if entry.alarm is not None:
            entry.alarm.cancel()
        if entry.result.cancelled():
            self.cancel(entry)  # nobody awaits it any more
        else:
            entry.result.exception()  # keep asyncio from logging failures that nobody awaits

    def _advance(self) -> None:
        """Start jobs that can start, then report the new positions."""
        while self.waiting and len(self.running) < self.settings.workers:
            entry = self.waiting.pop()
            self.running.add(entry)
            entry.begin()
            future = self._pool.submit(entry.work, entry.job)
            future.add_done_callback(partial(self._report, asyncio.get_running_loop(), entry))
        for position, entry in enumerate(self.waiting, 1):
            entry.move(position)

    def _report(self, loop: asyncio.AbstractEventLoop, entry: _Entry[Any], future: Future[Any]) -> None:
        """On the worker's thread: hand the outcome to the event loop."""
        with contextlib.suppress(RuntimeError):  # the event loop is closed, so nobody is waiting
            loop.call_soon_threadsafe(self._leave, entry, future)

    def _leave(self, entry: _Entry[Any], future: Future[Any]) -> None:
        self.running.discard(entry)
        entry.ended = time.monotonic()
        if future.cancelled():
            entry.fail(Stopping())
        elif error := future.exception():
            entry.fail(error)
        else:
            entry.succeed(future.result())
        self._settle(entry)
        self._advance()


class Lanes:
    """All lanes, and the limit of one person's jobs across them.

    Call all methods on the event loop's thread.
    """

    def __init__(
        self, lanes: Mapping[str, LaneSettings], per_user: int, *, background: Collection[str] = ()
    ) -> None:
        """A shutdown does not wait for `background` lanes, such as the one that loads models."""
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
        per_user: int | None = None,
    ) -> Ticket[T]:
        """Return a permit for `work`, or raise `Busy` or `Stopping` at once.

        `timeout` is in seconds from now, including the time in the queue; by default the lane's own. `privileged` work
        does not count against the person's limit, which `per_user` may override. Raises KeyError for an unknown lane.
        """
        books = self._lanes[lane]
        if not self._open:
            raise Stopping
        limit = self._per_user if per_user is None else per_user
        if not privileged and self._held[user] >= limit:
            raise AlreadyAsking(books.place(), limit)
        if (place := books.place()) > books.settings.queue:
            raise LaneFull(place, place - 1)
        seconds = books.settings.timeout if timeout is None else timeout
        if not privileged:
            self._held[user] += 1
        ticket = books.enter(_Entry(user, work, seconds, privileged=privileged))
        self._update_idle()
        return ticket

    def under_way(self, user: int) -> int:
        """How many jobs of a person wait or run, privileged ones included."""
        return sum(
            entry.user == user for lane in self._lanes.values() for entry in (*lane.running, *lane.waiting)
        )

    @property
    def status(self) -> dict[str, LaneStatus]:
        return {
            name: LaneStatus(len(lane.running), len(lane.waiting), lane.settings.workers, lane.settings.queue)
            for name, lane in self._lanes.items()
        }

    async def idle(self) -> None:
        """Wait until no job is waiting or running, except in background lanes."""
        await self._idle.wait()

    def stop_admitting(self) -> None:
        """Stop admitting, and fail waiting jobs with `Stopping`. Running jobs continue."""
        self._open = False
        for name, lane in self._lanes.items():
            for entry in tuple(lane.waiting):
                lane.withdraw(entry, Stopping())
            if name not in self._foreground:
                lane.abandon(Stopping())

    async def drain(self, seconds: float) -> bool:
        """Wait until nothing is running, for at most `seconds`; then set every stop event and wait a little longer.

        Returns whether every worker has finished. If not, their askers got `Stopping`.
        """
        if await is_set_within(self._idle, seconds):
            return True
        for lane in self._lanes.values():
            lane.stop()
        if await is_set_within(self._idle, GRACE):
            return True
        for lane in self._lanes.values():
            lane.abandon(Stopping())
        return False

    async def close(self) -> None:
        """Shut down the threads without waiting for workers that do not finish."""
        self.stop_admitting()
        for lane in self._lanes.values():
            lane.abandon(Stopping())
            lane.shut()

    def _settle(self, entry: _Entry[Any]) -> None:
        """A job has left its lane and no longer counts against its person's limit."""
        if not entry.privileged:
            self._held[entry.user] -= 1
            if not self._held[entry.user]:
                del self._held[entry.user]
        self._update_idle()

    def _update_idle(self) -> None:
        lanes = [self._lanes[name] for name in self._foreground]
        if any(lane.running or lane.waiting for lane in lanes):
            self._idle.clear()
        else:
            self._idle.set()


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, at most so long; whether it came."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
