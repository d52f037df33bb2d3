"""The models of a Ray cluster, as seen by a bot process.

The cluster's coordinator decides which requests are admitted (`models.ray.admission`), and its replicas answer them.
This module handles failures: it retries a request whose replica is lost, and resumes generated text after its last
token.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import logging
import random
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from models.failures import (
    Cancelled,
    ClusterAway,
    Failure,
    LaneFull,
    Late,
    ModelNotLoaded,
    ModelUnavailable,
    NoCluster,
    NoReplica,
    NoSuchSlot,
    NotDeployed,
    NotYourTurn,
    RayMissing,
    Stopping,
)
from models.lanes import ANSWERED, GRACE, is_set_within
from models.ray import kinds
from models.ray.link import Link, LostError, NotConnected
from models.ray.plan import Admitted, Answer, News, Question, Roll
from models.results import (
    Generation,
    Memory,
    Reload,
    SlotStatus,
    State,
)
from models.service import (
    Caller,
    Generate,
    GenerationEvent,
    JobDone,
    LoadDone,
    LoadProgress,
    Queued,
    ReloadModel,
    ServiceEvent,
    ServiceStatus,
    Written,
)
from models.slots import EDITABLE, INSIDE, INSIDE_LANE, SLOTS, SUGGESTING_LANE
from models.specs import Spec
from models.text_clock import TextClock

log = logging.getLogger(__name__)

ADMITTED_WITHIN = 0.5
"""Seconds after which callers stop waiting to learn whether a request was admitted."""
SILENCE = 8.0
"""Seconds without news after which the cluster is considered unreachable."""
RETURNS_WITHIN = 20.0
"""Seconds that the coordinator has to restart elsewhere before requests are refused."""
FIRST_RETRY, LONGEST_RETRY = 0.5, 10.0
"""Seconds between attempts to reconnect to the cluster."""
POLL = 0.5
LOST_PAUSE = 0.1
"""Seconds before retrying a request whose replica was lost."""


class WorkerFailed(Exception):
    """An unexpected error occurred in a replica; details are in the replica's log."""


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """What a bot process knows about a slot before it connects: its model, and the time limit for an answer."""

    spec: Spec
    seconds: float


@dataclass(eq=False)
class _Job:
    """A request in progress: its place in the cluster's lanes, and its progress and outcome."""

    question: Question
    slot: str
    request_id: str
    until: float
    position: int = 0
    in_engine: int = 0
    """Its position in its replica, once it has started."""
    app: str = ""
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the request is cancelled or the bot stops."""
    why: Failure | None = None
    """The failure to raise if it is stopped before it starts."""
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    asked: float = field(default_factory=time.monotonic)
    began: float | None = None
    outcome: str = ANSWERED

    @property
    def remaining(self) -> float:
        return self.until - time.monotonic()


class RayService:
    """`models.service.Service` over a Ray cluster. Must be used from the event loop's thread."""

    shared = True

    def __init__(self, address: str, slots: Mapping[str, SlotLimits], per_user: int) -> None:
        """`address` is the cluster's, as for `ray.init`; each user may have `per_user` requests in progress."""
        self._address = address
        self._limits = {slot: slots[slot] for slot in SLOTS if slot in slots}
        self._per_user = per_user
        self._client = uuid.uuid4().hex
        self._numbers = itertools.count()
        self._link: Link | None = None
        self._news: News | None = None
        self._heard = -RETURNS_WITHIN
        self._away: Failure = ClusterAway()
        self._here = asyncio.Event()
        """Set while the cluster answers."""
        self._jobs: dict[str, _Job] = {}
        self._asking: dict[str, asyncio.Event] = {}
        """By request ID, an event that is set once the request is admitted or refused."""
        self._suggestions = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False
        self._keeping: asyncio.Task[None] | None = None
        self._listeners: list[Callable[[ServiceEvent], object]] = []
        self._errands: set[asyncio.Task[Any]] = set()
        self.tokenizers = kinds.Tokenizers(self)
        self.language = kinds.Language(self)
        self.inside = kinds.Inside(self)
        self.encoder = kinds.Encoder(self)
        self.words = kinds.Words(self)
        self.songs = kinds.Songs(self)

    @property
    def slots(self) -> tuple[str, ...]:
        return tuple(self._limits)

    def listen(self, listener: Callable[[ServiceEvent], object]) -> None:
        self._listeners.append(listener)

    def tell(self, event: ServiceEvent) -> None:
        """Notify the listeners."""
        for listener in self._listeners:
            listener(event)

    async def status(self) -> ServiceStatus:
        if self._news is None or not (self._here.is_set() or self._returns()):
            return ServiceStatus(tuple(map(self._unreachable, self._limits)), {})
        known = {status.slot: status for status in self._news.slots}
        slots = tuple(known.get(slot) or self._missing(slot) for slot in self._limits)
        return ServiceStatus(slots, self._news.lanes)

    def _unreachable(self, slot: str) -> SlotStatus:
        label, failure = self._limits[slot].spec.label, self._away
        return SlotStatus(slot, label, State.FAILED, detail=failure.sentence, failure=failure)

    def _missing(self, slot: str) -> SlotStatus:
        failure = NotDeployed()
        label = self._limits[slot].spec.label
        return SlotStatus(slot, label, State.FAILED, detail=failure.sentence, failure=failure)

    async def settled(self, request_id: str) -> None:
        await asyncio.sleep(0)  # admission starts in the task's first step
        if event := self._asking.get(request_id):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), ADMITTED_WITHIN)

    async def cancel(self, request_id: str) -> bool:
        jobs = [job for job in self._jobs.values() if job.request_id == request_id]
        for job in jobs:
            self._stop(job, Cancelled())
        return bool(jobs)

    def _stop(self, job: _Job, why: Failure) -> None:
        """Stop a request: at once if it is waiting, otherwise through its replica; generated text ends where it is."""
        job.why = why
        job.stopped.set()
        job.moved.set()
        if job.began is not None:
            self._keep(self._cancel_in_replica(job))

    async def _cancel_in_replica(self, job: _Job) -> None:
        """Repeat the cancellation until the request has ended: it may not have reached its replica yet."""
        while job.question.key in self._jobs:
            with contextlib.suppress(LostError, TimeoutError):
                async with asyncio.timeout(SILENCE):
                    await self._call("cancel", job.slot, job.app, job.request_id)
            await asyncio.sleep(POLL)

    async def connect(self) -> None:
        """Connect to the cluster, without retrying; RayMissing or NoCluster if that fails."""
        if importlib.util.find_spec("ray") is None:
            raise RayMissing
        await self._connect()

    async def start(self) -> None:
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep_connected(), name="tokenwise-ray")

    async def loaded(self) -> None:
        while True:
            settled = {State.READY, State.FAILED}
            if self._here.is_set() and all(slot.state in settled for slot in (await self.status()).slots):
                return
            await asyncio.sleep(POLL)

    async def idle(self) -> None:
        await self._idle.wait()

    def stop_admitting(self) -> None:
        self._stopping = True
        for job in list(self._jobs.values()):
            if job.began is None:
                self._stop(job, Stopping())

    async def drain(self, seconds: float) -> bool:
        if await is_set_within(self._idle, seconds):
            return True
        for job in list(self._jobs.values()):
            self._stop(job, Stopping())
        return await is_set_within(self._idle, GRACE)

    async def close(self) -> None:
        self.stop_admitting()
        for job in list(self._jobs.values()):
            self._stop(job, Stopping())
        if self._keeping:
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
        if link := self._link:
            self._lose()
            await link.close()  # this also notifies the coordinator

    async def reload(self, request: ReloadModel) -> AsyncGenerator[LoadProgress | Reload, None]:
        if request.slot not in self._limits:
            raise NoSuchSlot
        began = time.monotonic()
        seconds = EDITABLE if request.caller.seconds is None else request.caller.seconds
        outcome = "loaded"
        try:
            async with asyncio.timeout(seconds):
                answer = await self._ask_coordinator("roll", request.slot, request.spec, request.fetch)
                number = _value(answer)
                said: LoadProgress | None = None
                while not (roll := await self._progress(request.slot, number)).done:
                    progress = LoadProgress(roll.what or "beginning", roll.share, roll.serving)
                    if progress != said:
                        said = progress
                        yield progress
                    await asyncio.sleep(POLL)
            if roll.failure is not None:
                raise roll.failure
            yield await self._rolled(request.slot, roll)
        except TimeoutError:
            outcome = Late.__name__
            raise Late from None
        except Failure as failure:
            outcome = type(failure).__name__
            raise
        finally:
            self.tell(LoadDone(request.slot, outcome, time.monotonic() - began))

    async def _progress(self, slot: str, number: int) -> Roll:
        roll: Roll = await self._ask_coordinator("progress", slot, number)
        return roll

    async def _rolled(self, slot: str, roll: Roll) -> Reload:
        news = await self._ask_coordinator("look")
        status = next(status for status in news.slots if status.slot == slot)
        process = sum(replica.memory for replica in status.replicas)
        return Reload(status, Memory(process, roll.before), Memory(process, status.memory))

    # Used by the slot services below

    async def ask(self, slot: str, errand: str, request: Any, lane: str = "") -> Any:
        """A replica's answer to a request, retried if the replica is lost."""
        async with self._admitted(slot, request.caller, lane or slot) as job:
            await self._turn(job)
            while True:
                self._check(job)
                asked = replace(request, caller=self._for_replica(job, request.caller))
                try:
                    async with asyncio.timeout(job.remaining + GRACE):
                        answer = await self._unless_stopped(
                            job, self._call("answer", slot, job.app, errand, asked)
                        )
                    return _value(answer)
                except TimeoutError:
                    raise Late from None
                except LostError:
                    await self._found_again(job)

    async def write(self, request: Generate) -> AsyncGenerator[GenerationEvent, None]:
        """Stream generated text. If its replica is lost, another one resumes after the last token."""
        if not request.sampling.greedy and request.sampling.seed is None:
            # A replica that resumes the text must sample the same tokens.
            seed = random.randrange(2**32)
            request = replace(request, sampling=replace(request.sampling, seed=seed))
        done = TextClock()
        async with self._admitted("language", request.caller, "language") as job:
            try:
                yield Queued(job.position, self._loading("language"))
                async for position in self._places(job):
                    yield Queued(position, self._loading("language"))
                begun = request.begun
                while True:
                    self._check(job, begun=bool(begun))
                    asked = replace(
                        request, caller=self._for_replica(job, request.caller), begun=begun,
                        model=request.model or (self._model_name("language") if begun else ""),
                    )  # fmt: skip
                    try:
                        async for event in self._written(job, asked):
                            if isinstance(event, Written):
                                begun = (*begun, *event.tokens)
                                done.add(len(event.ids))
                            elif isinstance(event, Queued):
                                job.in_engine = event.position
                                self._tell_coordinator(
                                    "move_in_engine", self._client, job.question.key, event.position
                                )
                            yield event
                            if isinstance(event, Generation):
                                return
                    except LostError:
                        pass
                    await self._found_again(job)
            finally:
                if done.tokens:
                    self.tell(done.event)

    async def _written(self, job: _Job, request: Generate) -> AsyncGenerator[GenerationEvent, None]:
        link = self._link
        if link is None:
            raise LostError
        async with aclosing(link.stream("write", "language", job.app, request)) as items:
            while True:
                try:
                    async with asyncio.timeout(job.remaining + GRACE):
                        item = await anext(items, None)
                except TimeoutError:
                    raise Late from None
                if item is None or (item.last and item.value is None):
                    return
                if isinstance(item.value, Answer):
                    _value(item.value)
                yield item.value

    async def look_up(self, slot: str, errand: str, request: Any) -> Any:
        """Look up data in a replica's memory. Fails at once if the model is not loaded, or after a short timeout."""
        self._check_here(slot)
        most = SUGGESTING_LANE.queue
        if self._suggestions >= most:
            raise LaneFull(most + 1, most)
        if not (apps := self._apps(slot)):
            raise ModelNotLoaded(self._model_name(slot))
        self._suggestions += 1
        try:
            async with asyncio.timeout(SUGGESTING_LANE.timeout):
                caller = replace(request.caller, seconds=SUGGESTING_LANE.timeout)
                answer = await self._call("answer", slot, apps[0], errand, replace(request, caller=caller))
            return _value(answer)
        except (TimeoutError, LostError):
            raise Late from None
        finally:
            self._suggestions -= 1

    @asynccontextmanager
    async def _admitted(self, slot: str, caller: Caller, lane: str) -> AsyncIterator[_Job]:
        """Hold a place in a lane for the duration of the block; Busy, Stopping or NoSuchSlot if refused."""
        self._check_here(slot)
        seconds = self._seconds(slot, lane) if caller.seconds is None else caller.seconds
        per_user = self._per_user if caller.questions is None else caller.questions
        question = Question(
            str(next(self._numbers)), self._client, lane, caller.user, caller.typing, per_user
        )
        job = _Job(question, slot, caller.request_id, time.monotonic() + seconds)
        settled = self._asking[caller.request_id] = asyncio.Event()
        self._jobs[question.key] = job
        self._idle.clear()
        refused = False
        try:
            try:
                admitted = await self._admission(job)
            except Failure:
                refused = True
                raise
            if job.began is None:  # else the news that it has started came first
                job.position, job.app = admitted.position, admitted.app
                if not job.position:
                    job.began = time.monotonic()
            settled.set()
            yield job
        except BaseException as error:
            given_up = isinstance(error, asyncio.CancelledError | GeneratorExit)
            job.outcome = Cancelled.__name__ if given_up else type(error).__name__
            raise
        finally:
            settled.set()
            if self._asking.get(caller.request_id) is settled:
                del self._asking[caller.request_id]
            del self._jobs[question.key]
            if not self._jobs:
                self._idle.set()
            # Also if it was refused here: the coordinator may have admitted it, and its answer come too late.
            self._tell_coordinator("release", self._client, question.key)
            if not refused:
                ended = time.monotonic()
                began = job.began or ended
                self.tell(JobDone(job.request_id, slot, job.outcome, began - job.asked, ended - began))

    async def _admission(self, job: _Job) -> Admitted:
        """Have a request admitted, waiting for the coordinator if it is restarting."""
        while True:
            try:
                async with asyncio.timeout(min(SILENCE, max(0.0, job.remaining))):
                    await self._here.wait()
                    admitted: Admitted = _value(
                        await self._call("coordinator", "admit", job.question, job.slot)
                    )
                    return admitted
            except (LostError, TimeoutError):
                if job.stopped.is_set():
                    raise (job.why or Cancelled()) from None
                if job.remaining <= 0 or not self._returns():
                    raise ClusterAway from None
                await asyncio.sleep(LOST_PAUSE)

    def _check_here(self, slot: str) -> None:
        if slot not in self._limits:
            raise NoSuchSlot
        if self._stopping:
            raise Stopping
        if not self._here.is_set() and not self._returns():
            raise self._away

    def _returns(self) -> bool:
        """Whether the bridge is up and news so recent that at most the coordinator is restarting."""
        return self._link is not None and time.monotonic() - self._heard < RETURNS_WITHIN

    def _seconds(self, slot: str, lane: str) -> float:
        return INSIDE_LANE.timeout if lane == INSIDE else self._limits[slot].seconds

    async def _turn(self, job: _Job) -> None:
        async for _ in self._places(job):
            pass

    async def _places(self, job: _Job) -> AsyncIterator[int]:
        """The positions of a waiting request, until it starts. Raises whatever prevents that."""
        while job.position:
            told = job.position
            try:
                async with asyncio.timeout(job.remaining):
                    await job.moved.wait()
            except TimeoutError:
                raise NotYourTurn from None
            job.moved.clear()
            if job.stopped.is_set():
                raise job.why or Cancelled()
            if job.position != told:
                yield job.position

    def _check(self, job: _Job, *, begun: bool = False) -> None:
        """Raise the reason why a request cannot be sent now: it was stopped, or its model is unavailable."""
        if job.stopped.is_set() and not begun:
            raise job.why or Cancelled()
        status = self._slot(job.slot)
        if status is not None and status.state is State.FAILED and self._here.is_set():
            if status.failure is not None:
                raise ModelUnavailable(status.name, status.failure)
            raise ModelNotLoaded(status.name)

    async def _found_again(self, job: _Job) -> None:
        """Wait until a request whose replica was lost may be retried."""
        await asyncio.sleep(LOST_PAUSE)
        try:
            async with asyncio.timeout(job.remaining):
                await self._unless_stopped(job, self._here.wait())
        except TimeoutError:
            raise NoReplica from None
        # A job stays on the version it started on for as long as that version exists.
        apps = self._apps(job.slot)
        if apps and job.app not in apps:
            job.app = apps[0]

    async def _unless_stopped(self, job: _Job, work: Any) -> Any:
        """The result of an awaitable; raises the job's failure if it is stopped first."""
        working, stopped = asyncio.ensure_future(work), asyncio.ensure_future(job.stopped.wait())
        try:
            if not working.done():
                await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise job.why or Cancelled()
            return working.result()
        finally:
            working.cancel()
            stopped.cancel()

    def _for_replica(self, job: _Job, caller: Caller) -> Caller:
        return replace(caller, seconds=max(0.0, job.remaining), questions=None, typing=True)

    def _loading(self, slot: str) -> bool:
        status = self._slot(slot)
        return status is None or status.state is State.LOADING

    def _model_name(self, slot: str) -> str:
        status = self._slot(slot)
        return status.name if status else self._limits[slot].spec.label

    def _slot(self, slot: str) -> SlotStatus | None:
        """The latest state of a slot; None if it is not deployed or nothing is known yet."""
        return (
            next((status for status in self._news.slots if status.slot == slot), None) if self._news else None
        )

    def _apps(self, slot: str) -> tuple[str, ...]:
        return self._news.apps.get(slot, ()) if self._news else ()

    # Connection

    async def _call(self, method: str, *arguments: Any) -> Any:
        if self._link is None:
            raise LostError
        return await self._link.call(method, *arguments)

    async def _ask_coordinator(self, method: str, *arguments: Any) -> Any:
        """Call the coordinator; ClusterAway if it does not answer."""
        try:
            async with asyncio.timeout(SILENCE):
                answer = await self._call("coordinator", method, *arguments)
        except (LostError, TimeoutError):
            raise ClusterAway from None
        if isinstance(answer, Answer) and answer.broken:
            raise WorkerFailed(answer.broken)
        return answer

    def _tell_coordinator(self, method: str, *arguments: Any) -> None:
        """Send the coordinator a message without waiting for a reply; messages arrive in order."""
        if self._link:
            with contextlib.suppress(LostError):
                self._link.tell("coordinator", method, *arguments)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _connect(self) -> Link:
        try:
            self._link = await Link.connect(self._address, self._client)
        except NotConnected as error:
            raise NoCluster(self._address) from error
        return self._link

    async def _keep_connected(self) -> None:
        """Connect to the cluster, reconnect whenever it is lost, and receive its news."""
        pause = FIRST_RETRY
        while True:
            try:
                link = self._link or await self._connect()
            except NoCluster:
                await asyncio.sleep(pause * random.uniform(1.0, 1.2))
                pause = min(2 * pause, LONGEST_RETRY)
                continue
            pause = FIRST_RETRY
            try:
                await self._follow()
            except ClusterAway:
                log.warning("the Ray cluster does not answer; connecting again")
            self._lose()
            await link.close()

    def _lose(self) -> None:
        self._link = None
        self._away = ClusterAway()
        self._here.clear()

    async def _follow(self) -> None:
        """Receive news until none arrive; then raise ClusterAway."""
        news: object = None
        while True:
            try:
                async with asyncio.timeout(SILENCE):
                    if not isinstance(news, News):
                        # The coordinator is new, or messages may have been lost with the previous bridge.
                        open_ = tuple(map(self._as_it_stands, self._jobs.values()))
                        await self._call("coordinator", "attach", self._client, open_)
                    news = await self._call("coordinator", "news", self._client, not self._here.is_set())
            except (LostError, TimeoutError):
                news = None
                if self._link is None or self._link.ended.is_set():
                    raise ClusterAway from None
                # The cluster is up but has no coordinator: nothing is deployed, or it is restarting.
                self._away = NotDeployed()
                self._here.clear()
                await asyncio.sleep(POLL)
                continue
            if isinstance(news, News):
                self._hear(news)

    def _as_it_stands(self, job: _Job) -> Question:
        return replace(job.question, begun=job.began is not None, in_engine=job.in_engine)

    def _hear(self, news: News) -> None:
        before = self._news
        self._news = news
        self._heard = time.monotonic()
        self._here.set()
        for slot, apps in news.apps.items():
            if apps and self._link:
                self._link.give_up(slot, apps)
        for key, place in news.places.items():
            job = self._jobs.get(key)
            if job and job.began is None:
                self._move(job, place)
        self._tell_of_loads(before, news)

    def _move(self, job: _Job, place: int) -> None:
        job.position = place
        if not place:
            job.began = time.monotonic()
            job.app = next(iter(self._apps(job.slot)), job.app)
        job.moved.set()

    def _tell_of_loads(self, before: News | None, news: News) -> None:
        """Notify the listeners of models that the cluster has loaded, including the first ones."""
        known = {status.slot: status for status in before.slots} if before else {}
        for status in news.slots:
            old = known.get(status.slot)
            if old and old.state is State.LOADING and status.state is State.READY:
                self.tell(LoadDone(status.slot, "loaded", status.load_seconds))


def _value(answer: Answer[Any]) -> Any:
    """The value of an answer, or raises its failure."""
    if answer.failure is not None:
        raise answer.failure
    if answer.broken:
        raise WorkerFailed(answer.broken)
    return answer.value
