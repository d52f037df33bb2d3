# ruff: noqa: PLC0415 - a hub imports what the models in its slots need, and not before they are loaded
"""The models that everybody shares: loaded once, lent to jobs, exchanged while they serve."""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from models import memory
from models.failures import BadInput, ModelError, NotReady
from models.results import Memory, Reload, SlotStatus, State
from models.slots import SLOTS
from models.specs import EncoderSpec, LanguageSpec, Progress, SongsSpec, Spec, TokenizersSpec

log = logging.getLogger(__name__)

Loader: TypeAlias = Callable[[Any, Progress | None], Any]
"""Makes a model of a spec. The model has name, memory, device, dtype, detail and probe(), and `concurrent` if several
threads may use it at once.
"""
Listener: TypeAlias = Callable[[str, SlotStatus], object]
Fits: TypeAlias = Callable[[Spec, SlotStatus], bool]
"""Whether a model of a spec fits into memory beside the one that is there."""

DRAIN = 900.0
"""Seconds that the jobs of a model have to end before it is replaced; those of the bot have shorter deadlines."""
ROOM = 1.15
"""How much more than its weights a model takes while it is loaded."""


LOADERS: Mapping[str, Loader] = {name: slot.load for name, slot in SLOTS.items()}


@dataclass(eq=False)
class _Held:
    """A model in a slot, with what lets one job at a time use it (or all), and the number that want to."""

    model: Any
    turn: AbstractContextManager[Any] = field(init=False)
    leases: int = 0

    def __post_init__(self) -> None:
        self.turn = nullcontext() if getattr(self.model, "concurrent", False) else threading.Lock()


@dataclass(eq=False)
class _Slot:
    spec: Spec
    status: SlotStatus
    held: _Held | None = None
    loading: bool = False
    draining: bool = False
    """Whether no new job may begin, because the model is about to go."""


class Hub:
    """Slots with a model each. Every method may be called from any thread."""

    def __init__(
        self,
        specs: Mapping[str, Spec],
        loaders: Mapping[str, Loader] | None = None,
        fits: Fits | None = None,
    ) -> None:
        """`specs` say what each slot is to hold; nothing is loaded yet. `loaders` and `fits` replace the usual ones."""
        self._loaders: dict[str, Loader] = {**LOADERS, **(loaders or {})}
        self._fits = fits or _fits
        self._slots = {
            slot: _Slot(spec, SlotStatus(slot, _shown(spec), State.EMPTY)) for slot, spec in specs.items()
        }
        self._changed = threading.Condition()
        self._listeners: list[Listener] = []
        self._closed = False

    @property
    def slots(self) -> list[str]:
        return list(self._slots)

    def listen(self, callback: Listener) -> None:
        """Have `callback(slot, status)` called, on the loading thread, whenever a slot's state changes."""
        self._listeners.append(callback)

    def load(self, slot: str, progress: Progress | None = None, spec: Spec | None = None) -> SlotStatus:
        """Fill a slot, with what `spec` says or the same as before; blocks until that is done.

        The new model is loaded and tried beside the old one, which serves until they are exchanged; jobs
        that began with the old one end with it. If the new one fails, the old one stays and ModelError says
        why. Where two do not fit into memory, no new job begins, those that run end, and the old model goes
        before the new one comes; if that fails, the old one is loaded again. A slot that is being loaded already
        is refused.
        """
        return self.reload(slot, progress, spec).status

    def reload(self, slot: str, progress: Progress | None = None, spec: Spec | None = None) -> Reload:
        """As `load`; also the memory before and after, and whether the old model had to go first."""
        place = self._slot(slot)
        with self._changed:
            self._check_open()
            if place.loading:
                raise NotReady(f"The {slot} slot is being loaded already. Wait for that to end.")
            place.loading = True
            if place.held is None:
                self._set(place, state=State.LOADING, detail="Being loaded.")
            else:
                self._set(place, detail="Serving while a new one is loaded.")
        wanted = spec or place.spec
        before = self._memory()
        drained = False
        try:
            self._tell(slot)
            if place.held is not None and not self._fits(wanted, place.status):
                self._drain(slot, progress)
                drained = True
                self._replace(slot, wanted, progress)
            else:
                self._fill(slot, wanted, progress)
        except BaseException as error:
            with self._changed:
                why = str(error) if isinstance(error, ModelError) else "Loading was broken off."
                if place.held is None:
                    self._set(place, state=State.FAILED, detail=why)
                else:
                    kept = f"The last reload failed and the model before it serves on: {why}"
                    self._set(place, detail=kept)
            raise
        finally:
            with self._changed:
                place.loading = place.draining = False
                self._changed.notify_all()
            self._tell(slot)
        return Reload(self.status(slot)[0], before, self._memory(), drained)

    @contextmanager
    def lease(self, slot: str) -> Iterator[Any]:
        """The model of a slot until the block is left: for this thread alone, whose turn is waited for, unless it is `concurrent`.

        The model stays alive that long even if another takes its place meanwhile. NotReady if the slot
        holds none.
        """
        place = self._slot(slot)
        with self._changed:
            self._check_open()
            held = place.held
            if held is None or place.draining:
                raise NotReady(self._why_not(place))
            held.leases += 1
        try:
            with held.turn:
                yield held.model
        finally:
            with self._changed:
                held.leases -= 1
                retired = held is not place.held and not held.leases
                # Before anybody learns that the lease ended, so that nothing keeps a model that is to go.
                del held
                self._changed.notify_all()
            if retired:
                _sweep()

    def wait(self, slot: str, timeout: float) -> None:
        """Block until the slot is ready, `timeout` seconds at most. NotReady if it failed or is not yet."""
        place = self._slot(slot)
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or place.status.state in {State.READY, State.FAILED}, timeout
            )
            self._check_open()
            if place.status.state is not State.READY:
                raise NotReady(self._why_not(place))

    def status(self, slot: str | None = None) -> list[SlotStatus]:
        """How the slots stand, or the one named. Never waits for a model."""
        places = list(self._slots.values()) if slot is None else [self._slot(slot)]
        with self._changed:
            return [self._status(place) for place in places]

    def close(self) -> None:
        """Let go of all models. Jobs that use one keep it until they end; whoever waits gets NotReady."""
        with self._changed:
            self._closed = True
            for place in self._slots.values():
                place.held = None
                self._set(place, state=State.EMPTY, device="", dtype="", memory=0, detail="Closed.")
            self._changed.notify_all()
        _sweep()

    def _fill(self, slot: str, spec: Spec, progress: Progress | None) -> None:
        began = time.monotonic()
        model = self._made(slot, spec, progress)
        self._exchange(slot, spec, model, time.monotonic() - began)

    def _drain(self, slot: str, progress: Progress | None) -> None:
        """Let the jobs of the old model end, begin no new ones, and let go of it."""
        place = self._slots[slot]
        until = time.monotonic() + DRAIN
        with self._changed:
            place.draining = True
            self._set(place, state=State.LOADING, detail="Two copies do not fit into memory; draining.")
        self._tell(slot)
        while True:
            with self._changed:
                self._check_open()
                left = place.held.leases if place.held else 0
                if not left:
                    place.held = None
                    self._set(place, memory=0, detail="Being replaced: two copies do not fit into memory.")
                    break
                if time.monotonic() > until:
                    self._set(place, state=State.READY)
                    raise ModelError("Questions that do not end hold the old model, and two do not fit.")
            if progress:
                progress(
                    f"waiting for {left} question{'s' * (left != 1)} to end: two copies do not fit", None
                )
            with self._changed:
                self._changed.wait(1.0)
        _sweep()

    def _replace(self, slot: str, spec: Spec, progress: Progress | None) -> None:
        """Fill a slot that was drained; if that fails, with what was there before."""
        try:
            self._fill(slot, spec, progress)
        except ModelError as error:
            with self._changed:
                self._check_open()
            if progress:
                progress("loading the old one again", None)
            _sweep()
            try:
                self._fill(slot, self._slots[slot].spec, progress)
            except ModelError as second:
                raise ModelError(f"{error} Nor could the one before it be loaded again: {second}") from error
            raise

    def _memory(self) -> Memory:
        return Memory(memory.process(), sum(it.memory for it in self.status()))

    def _made(self, slot: str, spec: Spec, progress: Progress | None) -> Any:
        try:
            model = self._loaders[slot](spec, progress)
            if progress:
                progress("trying it", None)
            model.probe()
        except ModelError:
            raise
        except Exception as error:
            log.exception("%s could not be loaded", slot)
            raise ModelError(f"{_shown(spec)} could not be loaded ({type(error).__name__}).") from error
        return model

    def _exchange(self, slot: str, spec: Spec, model: Any, seconds: float) -> None:
        place = self._slots[slot]
        facts = SlotStatus(
            slot=slot,
            name=model.name,
            state=State.READY,
            device=model.device,
            dtype=model.dtype,
            memory=model.memory,
            load_seconds=seconds,
            detail=model.detail,
            generation=place.status.generation + 1,
        )
        with self._changed:
            self._check_open()
            replaced = place.held is not None
            place.held, place.spec, place.status = _Held(model), spec, facts
            self._changed.notify_all()
        if replaced:
            _sweep()

    def _slot(self, slot: str) -> _Slot:
        if (place := self._slots.get(slot)) is None:
            raise BadInput(f"There is no slot called {slot}; there are: {', '.join(self._slots) or 'none'}.")
        return place

    def _check_open(self) -> None:
        if self._closed:
            raise NotReady("I am stopping, so no model answers any more.")

    def _why_not(self, place: _Slot) -> str:
        if place.loading:
            return f"{place.status.name} is still loading. Ask again in a minute."
        if place.status.state is State.FAILED:
            return f"{place.status.name} is not available: {place.status.detail}"
        return f"{place.status.name} is not loaded."

    def _set(self, place: _Slot, **changes: Any) -> None:
        place.status = replace(place.status, **changes)

    def _status(self, place: _Slot) -> SlotStatus:
        if place.held is None:
            return place.status
        # What a model says of this moment, such as how full its cache is.
        now = getattr(place.held.model, "now", "")
        detail = (
            f"{place.status.detail}; {now}"
            if now and place.status.state is State.READY
            else place.status.detail
        )
        return replace(place.status, leases=place.held.leases, detail=detail)

    def _tell(self, slot: str) -> None:
        status = self.status(slot)[0]
        for listener in self._listeners:
            try:
                listener(slot, status)
            except Exception:
                log.exception("somebody who listens to the hub failed")


def _fits(spec: Spec, there: SlotStatus) -> bool:
    """Whether the weights of another model fit beside the one there; what is not known is taken to be as large."""
    device, size = there.device, there.memory
    if isinstance(spec, LanguageSpec | EncoderSpec):
        from models.files.finding import weight

        try:
            device, size = weight(spec)
        except ModelError:
            return True  # it cannot be loaded at all, so the old one had better stay
    return size * ROOM <= memory.free(device)


def _shown(spec: Spec) -> str:
    """What a slot is called before its model is there."""
    from models.files.finding import catalogue_label, label

    match spec:
        case TokenizersSpec():
            return ", ".join(map(label, spec.names))
        case SongsSpec():
            return catalogue_label(spec.songs)
        case _:
            return label(spec.needs()[0].name)


def _sweep() -> None:
    """Give back the memory of a model that nothing holds any more; modules hold themselves in cycles."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
