"""The models in this process: lanes of threads over the hub of shared models."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import threading
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import texts
from models import answering, memory
from models.failures import Failure, Late, NoSuchSlot, NoTimeToFetch, NotReady, OtherModel, StillLoading
from models.files.fetching import fetch
from models.hub import Hub
from models.lanes import ANSWERED, Job, Lanes, LaneSettings, Ticket
from models.results import (
    Attention,
    Attribution,
    Contexts,
    Embedding,
    Explanation,
    Generation,
    Lens,
    Neighbourhood,
    NextToken,
    OddOne,
    Pair,
    Paths,
    Reload,
    Song,
    SongPoint,
    State,
    Surprise,
    Tokenization,
)
from models.service import (
    AskAttention,
    AskLens,
    AskNext,
    AskPaths,
    AskSurprise,
    AskWhy,
    AskWords,
    Caller,
    CompareContexts,
    CompareTokenizers,
    Comparison,
    Decode,
    Decoded,
    EmbedText,
    Explain,
    FindSongs,
    Generate,
    GenerationEvent,
    GetSongs,
    JobDone,
    ListTokenizers,
    LoadDone,
    LoadProgress,
    MapSongs,
    OneOf,
    Queued,
    ReloadModel,
    ServiceEvent,
    ServiceStatus,
    SongList,
    SongMatch,
    SongsFor,
    SongsLike,
    SuggestSongs,
    SuggestWords,
    Tokenize,
    Written,
)
from models.slots import EDITABLE, INSIDE, INSIDE_LANE, SLOTS, SUGGESTING, SUGGESTING_LANE, LaneLimits
from models.text_clock import TextClock
from models.threads import with_own_team

if TYPE_CHECKING:
    from models.language.model import LanguageModel

log = logging.getLogger(__name__)

T = TypeVar("T")

LOADING = "loading"
LOADING_QUEUE = 16
PATIENCE = 20.0
"""Seconds after which a load, which may hang, no longer delays the next one."""
POLL = 0.25
"""Seconds between a waiting worker's checks of its stop event."""


class LocalService:
    """`models.service.Service` in this process. Use it only on the event loop's thread."""

    shared = False

    def __init__(
        self,
        hub: Hub,
        lanes: Mapping[str, LaneSettings],
        per_user: int,
    ) -> None:
        """`lanes` has one for each slot of the hub; each user may have `per_user` requests in progress."""
        self.hub = hub
        # One thread per slot, so that a hanging load does not block others.
        loading = LaneLimits(workers=max(1, len(hub.slots)), queue=LOADING_QUEUE, timeout=EDITABLE)
        self.lanes = Lanes(
            {slot: lanes[slot] for slot in hub.slots}
            | {LOADING: loading, SUGGESTING: SUGGESTING_LANE}
            | {INSIDE: INSIDE_LANE},
            per_user,
            background={LOADING, SUGGESTING},
        )
        self.tokenizers = _Tokenizers(self)
        self.language = _Language(self)
        self.inside = _Inside(self)
        self.encoder = _Encoder(self)
        self.words = _Words(self)
        self.songs = _Songs(self)
        self._listeners: list[Callable[[ServiceEvent], object]] = []
        self._tickets: dict[str, Ticket[Any]] = {}
        self._begun_loads = {slot: threading.Event() for slot in hub.slots}
        self._first_loads = {slot: threading.Event() for slot in hub.slots}
        self._stopping = False

    @property
    def slots(self) -> tuple[str, ...]:
        return tuple(slot for slot in SLOTS if slot in self.hub.slots)

    def listen(self, listener: Callable[[ServiceEvent], object]) -> None:
        self._listeners.append(listener)

    def tell(self, event: ServiceEvent) -> None:
        """Tell the listeners."""
        for listener in self._listeners:
            listener(event)

    async def status(self) -> ServiceStatus:
        return ServiceStatus(tuple(self.hub.status()), self.lanes.status)

    async def settled(self, request_id: str) -> None:  # noqa: ARG002
        await asyncio.sleep(0)  # admission happens in the first step of the task

    async def cancel(self, request_id: str) -> bool:
        ticket = self._tickets.get(request_id)
        if ticket is not None:
            ticket.cancel()
        return ticket is not None

    async def connect(self) -> None:
        """Nothing to do: the models are in this process."""

    async def start(self) -> None:
        before = None
        for slot in self.slots:
            ticket = self.lanes.admit(
                LOADING, partial(self._load_first, slot, before), user=0, timeout=math.inf, privileged=True
            )
            ticket.on_done(partial(self._load_done, slot, ticket))
            before = slot

    async def loaded(self) -> None:
        while not all(event.is_set() for event in self._first_loads.values()):  # noqa: ASYNC110 - threads set them
            await asyncio.sleep(POLL)

    async def reload(self, request: ReloadModel) -> AsyncGenerator[LoadProgress | Reload, None]:
        if request.slot not in self.hub.slots:
            raise NoSuchSlot
        loop = asyncio.get_running_loop()
        items: asyncio.Queue[LoadProgress | None] = asyncio.Queue()

        def tell(what: str, share: float | None) -> None:
            serving = self.hub.status(request.slot)[0].state is State.READY
            loop.call_soon_threadsafe(items.put_nowait, LoadProgress(what, share, serving))

        def work(job: Job) -> Reload:
            if request.fetch:
                _fetch(request, job, tell)
            return with_own_team(self.hub.reload, request.slot, tell, request.spec)

        seconds = EDITABLE if request.caller.seconds is None else request.caller.seconds
        ticket = self.lanes.admit(LOADING, work, user=request.caller.user, timeout=seconds, privileged=True)
        ticket.on_done(lambda: loop.call_soon(items.put_nowait, None))
        ticket.on_done(partial(self._load_done, request.slot, ticket))
        try:
            tell("waiting for another load" if ticket.position else "beginning", None)
            while (item := await items.get()) is not None:
                yield item
            yield await ticket
        finally:
            ticket.cancel()

    async def idle(self) -> None:
        await self.lanes.idle()

    def stop_admitting(self) -> None:
        self._stopping = True
        self.lanes.stop_admitting()

    async def drain(self, seconds: float) -> bool:
        return await self.lanes.drain(seconds)

    async def close(self) -> None:
        self.stop_admitting()
        await self.lanes.close()
        self.hub.close()

    # Used by the slot services below

    async def run(self, slot: str, caller: Caller, work: Callable[[Any], T]) -> T:
        """Run `work(model)` on a worker thread with the slot's current model."""
        return await self.admit(slot, caller, lambda _, model: work(model))

    def admit(
        self, slot: str, caller: Caller, work: Callable[[Job, Any], T], lane: str | None = None
    ) -> Ticket[T]:
        """Admit `work(job, model)` to the slot's lane or another, or raise `Busy`, `Stopping` or `NoSuchSlot` at once.

        If the model is still loading, the job waits until its deadline.
        """
        if slot not in self._first_loads:
            raise NoSuchSlot

        def lent(job: Job) -> T:
            self._wait_for_model(slot, job)
            with self.hub.lease(slot) as model:
                job.check()
                answer = with_own_team(work, job, model) if SLOTS[slot].uses_torch else work(job, model)
                del model  # let the lease free a model that was replaced meanwhile
                return answer

        ticket = self.lanes.admit(
            lane or slot,
            lent,
            user=caller.user,
            timeout=caller.seconds,
            privileged=caller.typing,
            per_user=caller.questions,
        )
        self._tickets[caller.request_id] = ticket
        ticket.on_done(partial(self._done, slot, caller, ticket))
        return ticket

    async def look_up(self, slot: str, caller: Caller, work: Callable[[Any], T]) -> T:
        """Look up data in memory. Fails at once if the model is not loaded, or after SUGGESTING_LANE's timeout."""
        if slot not in self._first_loads:
            raise NoSuchSlot

        def lent(_job: Job) -> T:
            with self.hub.lease(slot, in_turn=False) as model:
                answer = work(model)
                del model
                return answer

        ticket = self.lanes.admit(SUGGESTING, lent, user=caller.user, privileged=True)
        try:
            async with asyncio.timeout(SUGGESTING_LANE.timeout):
                return await ticket
        except TimeoutError:
            raise Late from None

    def _done(self, slot: str, caller: Caller, ticket: Ticket[Any]) -> None:
        if self._tickets.get(caller.request_id) is ticket:
            del self._tickets[caller.request_id]
        self.tell(JobDone(caller.request_id, slot, ticket.outcome, ticket.queue_seconds, ticket.run_seconds))

    def _load_done(self, slot: str, ticket: Ticket[Any]) -> None:
        if self._stopping:
            return
        outcome = "loaded" if ticket.outcome == ANSWERED else ticket.outcome
        self.tell(LoadDone(slot, outcome, ticket.run_seconds))

    # On worker threads

    def _load_first(self, slot: str, before: str | None, job: Job) -> None:
        """Runs on a thread of the loading lane; `before` is the slot to load first."""
        try:
            if before is not None:
                self._wait_for_turn(before, job)
            self._begun_loads[slot].set()
            job.check()
            if SLOTS[slot].uses_torch:
                _use_all_cores()
            status = with_own_team(self.hub.load, slot)
            log.info("%s: %s is ready after %.1f s", slot, status.name, status.load_seconds)
        except Failure as error:
            # An interruption by shutdown is not a failure.
            log.log(logging.INFO if self._stopping else logging.ERROR, "%s: %s", slot, error)
            raise
        except Exception:
            log.exception("%s: loading failed", slot)
            raise
        finally:
            self._first_loads[slot].set()
            if all(loaded.is_set() for loaded in self._first_loads.values()):
                memory.settle()

    def _wait_for_turn(self, before: str, job: Job) -> None:
        """Wait until another slot has loaded or failed, or takes so long that it may hang."""
        while not self._begun_loads[before].wait(POLL):
            job.check()
        until = time.monotonic() + PATIENCE
        while not self._first_loads[before].wait(min(POLL, PATIENCE)) and time.monotonic() < until:
            job.check()

    def _wait_for_model(self, slot: str, job: Job) -> None:
        """Wait until the slot is no longer loading, at startup or after draining."""
        loaded = self._first_loads[slot]
        while not loaded.is_set() or self.hub.status(slot)[0].state is State.LOADING:
            if job.remaining <= 0:
                raise StillLoading
            job.check()
            pause = max(0.0, min(POLL, job.remaining))
            with contextlib.suppress(NotReady):  # the lease reports the failure
                self.hub.wait(slot, pause) if loaded.is_set() else loaded.wait(pause)


class _Tokenizers:
    """`models.service.TokenizerService`."""

    def __init__(self, service: LocalService) -> None:
        self._run = partial(service.run, "tokenizers")
        self._look_up = partial(service.look_up, "tokenizers")

    async def names(self, request: ListTokenizers) -> tuple[str, ...]:
        return await self._look_up(request.caller, lambda model: answering.tokenizer_names(model, request))

    async def compare(self, request: CompareTokenizers) -> Comparison:
        return await self._run(request.caller, lambda model: answering.compare_tokenizers(model, request))

    async def tokenize(self, request: Tokenize) -> OneOf[Tokenization]:
        return await self._run(request.caller, lambda model: answering.tokenize(model, request))

    async def explain(self, request: Explain) -> OneOf[Explanation]:
        return await self._run(request.caller, lambda model: answering.explain(model, request))

    async def decode(self, request: Decode) -> Decoded:
        return await self._run(request.caller, lambda model: answering.decode(model, request))


class _Encoder:
    """`models.service.EncoderService`."""

    def __init__(self, service: LocalService) -> None:
        self._run = partial(service.run, "encoder")

    async def embed(self, request: EmbedText) -> Embedding:
        return await self._run(request.caller, lambda model: answering.embed(model, request))

    async def contexts(self, request: CompareContexts) -> Contexts:
        return await self._run(request.caller, lambda model: answering.contexts(model, request))


class _Inside:
    """`models.service.InsideService`."""

    def __init__(self, service: LocalService) -> None:
        self._service = service

    async def next(self, request: AskNext) -> NextToken:
        return await self._run(
            request.caller, lambda job, model: answering.next_token(model, request, job.check)
        )

    async def lens(self, request: AskLens) -> Lens:
        return await self._run(request.caller, lambda job, model: answering.lens(model, request, job.check))

    async def surprise(self, request: AskSurprise) -> Surprise:
        return await self._run(
            request.caller, lambda job, model: answering.surprise(model, request, job.check)
        )

    async def attention(self, request: AskAttention) -> Attention:
        look = answering.encoder_attention if request.encoder else answering.attention
        slot = "encoder" if request.encoder else "language"
        return await self._run(request.caller, lambda job, model: look(model, request, job.check), slot)

    async def why(self, request: AskWhy) -> Attribution:
        return await self._run(request.caller, lambda job, model: answering.why(model, request, job.check))

    async def paths(self, request: AskPaths) -> Paths:
        return await self._run(request.caller, lambda job, model: answering.paths(model, request, job.check))

    async def _run(self, caller: Caller, work: Callable[[Job, Any], T], slot: str = "language") -> T:
        return await self._service.admit(slot, caller, work, INSIDE)


class _Words:
    """`models.service.WordService`."""

    def __init__(self, service: LocalService) -> None:
        self._run = partial(service.run, "words")
        self._look_up = partial(service.look_up, "words")

    async def ask(self, request: AskWords) -> Neighbourhood | Pair | OddOne:
        return await self._run(request.caller, lambda model: answering.ask_words(model, request))

    async def suggest(self, request: SuggestWords) -> tuple[str, ...]:
        return await self._look_up(request.caller, lambda model: answering.suggest_words(model, request))


class _Songs:
    """`models.service.SongService`."""

    def __init__(self, service: LocalService) -> None:
        self._run = partial(service.run, "songs")
        self._look_up = partial(service.look_up, "songs")

    async def get(self, request: GetSongs) -> tuple[Song, ...]:
        return await self._run(request.caller, lambda model: answering.get_songs(model, request))

    async def find(self, request: FindSongs) -> tuple[SongMatch | None, ...]:
        return await self._run(request.caller, lambda model: answering.find_songs(model, request))

    async def suggest(self, request: SuggestSongs) -> tuple[Song, ...]:
        return await self._look_up(request.caller, lambda model: answering.suggest_songs(model, request))

    async def like(self, request: SongsLike) -> SongList:
        return await self._run(request.caller, lambda model: answering.songs_like(model, request))

    async def map(self, request: MapSongs) -> tuple[SongPoint, ...]:
        return await self._run(request.caller, lambda model: answering.map_songs(model, request))

    async def recommend(self, request: SongsFor) -> SongList:
        return await self._run(request.caller, lambda model: answering.songs_for(model, request))


class _Language:
    """`models.service.LanguageService`.

    A text waits twice: in the lane for a worker, then in the engine for room in its cache. People see one queue: those
    in the lane are behind all those in the engine.
    """

    def __init__(self, service: LocalService) -> None:
        self._service = service
        self._streams: dict[int, _Stream] = {}
        """Texts in progress, by number."""
        self._count = 0

    async def generate(self, request: Generate) -> AsyncGenerator[GenerationEvent, None]:
        loop = asyncio.get_running_loop()
        stream = _Stream()

        def work(job: Job, model: LanguageModel) -> Generation:
            if (request.written or request.begun) and request.model != model.name:
                raise OtherModel
            return model.generate(
                request.prompt,
                written=request.written,
                begun=request.begun,
                max_new_tokens=request.max_new_tokens,
                sampling=request.sampling,
                stop=job.stop,
                deadline=job.deadline,
                user=request.caller.user,
                on_text=lambda text, tokens: loop.call_soon_threadsafe(
                    stream.put, Written(text, tuple(token.id for token in tokens), tokens)
                ),
                on_position=lambda place: loop.call_soon_threadsafe(self._move_in_engine, stream, place),
            )

        ticket = self._service.admit("language", request.caller, work)
        self._count += 1
        number = self._count
        self._streams[number] = stream
        ticket.on_position(lambda place: self._move_in_lane(stream, place))
        ticket.on_done(lambda: stream.put(None))
        try:
            stream.in_lane = ticket.position
            stream.told = self._place(stream)
            yield Queued(stream.told, self._loading())
            while (item := await stream.items.get()) is not None:
                yield item
            yield await ticket
        finally:
            ticket.cancel()
            del self._streams[number]
            self._tell_all()
            if stream.clock.tokens:
                self._service.tell(stream.clock.event)

    def _loading(self) -> bool:
        return self._service.hub.status("language")[0].state is State.LOADING

    def _move_in_lane(self, stream: _Stream, place: int) -> None:
        stream.in_lane = place
        self._tell_all()

    def _move_in_engine(self, stream: _Stream, place: int) -> None:
        stream.in_engine = place
        self._tell_all()

    def _place(self, stream: _Stream) -> int:
        if not stream.in_lane:
            return stream.in_engine
        return stream.in_lane + sum(other.in_engine > 0 for other in self._streams.values())

    def _tell_all(self) -> None:
        """Report changed queue positions."""
        for stream in self._streams.values():
            if (place := self._place(stream)) != stream.told:
                stream.told = place
                stream.put(Queued(place, self._loading()))


class _Stream:
    """A text in progress, with its positions in both queues."""

    def __init__(self) -> None:
        self.items: asyncio.Queue[Queued | Written | None] = asyncio.Queue()
        self.in_lane = 0
        self.in_engine = 0
        self.told = 0
        """The position that was reported last."""
        self.clock = TextClock()

    def put(self, item: Queued | Written | None) -> None:
        self.items.put_nowait(item)
        if isinstance(item, Written):
            self.clock.add(len(item.ids))


def _fetch(request: ReloadModel, job: Job, tell: Callable[[str, float | None], None]) -> None:
    def watch(what: str, done: int, total: int | None) -> None:
        if job.stop.is_set() or job.remaining <= 0:
            raise NoTimeToFetch
        if total:
            tell(texts.say("progress-downloading-of", name=what, done=done, total=total), done / total)
        else:
            tell(texts.say("progress-downloading", name=what, done=done), None)

    for item in request.spec.items(request.slot):
        tell(texts.say("progress-asking", name=item.label), None)
        fetch(item, watch, update=True)


def _use_all_cores() -> None:
    import torch  # noqa: PLC0415 - slow to import, so not on the event loop

    # OMP_NUM_THREADS already applies, and may be lower.
    torch.set_num_threads(min(torch.get_num_threads(), usable_cores()))


def usable_cores() -> int:
    """Cores that this process may use, which may be fewer than exist, for example in a container or under taskset."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
