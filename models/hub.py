"""The hub of shared models: loaded once, leased to jobs, and replaced while they serve."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import texts
from models import memory
from models.failures import (
    AlreadyLoading,
    HubClosed,
    LoadFailed,
    LoadInterrupted,
    ModelError,
    ModelLoading,
    ModelNotLoaded,
    ModelUnavailable,
    NeitherLoads,
    NotReady,
    QuestionsDoNotEnd,
    UnknownSlot,
)
from models.progress import Progress
from models.results import Memory, Reload, SlotStatus, State
from models.slots import SLOTS, Model
from models.specs import Spec

log = logging.getLogger(__name__)

Loader: TypeAlias = Callable[[Any, Progress | None], Model]
"""Loads a model from a spec."""
Listener: TypeAlias = Callable[[str, SlotStatus], object]
Fits: TypeAlias = Callable[[Spec, SlotStatus], bool]
"""Whether a spec's model fits into memory together with the current one."""

DRAIN = 900.0
"""Seconds for a model's jobs to finish before it is replaced; the bot's jobs have shorter deadlines."""
ROOM = 1.15
"""A model's memory while loading, as a multiple of its weights."""


@dataclass(eq=False)
class _SharedModel:
    """A model, its lock, and the number of jobs that use it or wait for it."""

    model: Model
    turn: AbstractContextManager[object] = field(init=False)
    leases: int = 0

    def __post_init__(self) -> None:
        self.turn = nullcontext() if getattr(self.model, "concurrent", False) else threading.Lock()


@dataclass(eq=False)
class _Slot:
    spec: Spec
    status: SlotStatus
    shared: _SharedModel | None = None
    loading: bool = False
    draining: bool = False
    """Whether new jobs are rejected, because the model is about to be freed."""

    @property
    def name(self) -> str:
        return self.status.slot

    def update(self, **changes: Any) -> None:
        """Change parts of the status."""
        self.status = replace(self.status, **changes)


class Hub:
    """Slots with one model each. All methods are thread-safe."""

    def __init__(
        self,
        specs: Mapping[str, Spec],
        loaders: Mapping[str, Loader] | None = None,
        fits: Fits | None = None,
    ) -> None:
        """`specs` describe each slot's model; nothing is loaded yet. `loaders` and `fits` replace the defaults."""
        self._loaders: dict[str, Loader] = {name: slot.load for name, slot in SLOTS.items()}
        self._loaders.update(loaders or {})
        self._fits = fits or _fits
        self._slots = {
            name: _Slot(spec, SlotStatus(name, spec.label, State.EMPTY)) for name, spec in specs.items()
        }
        self._changed = threading.Condition()
        self._listeners: list[Listener] = []
        self._closed = False

    @property
    def slots(self) -> list[str]:
        return list(self._slots)

    def listen(self, callback: Listener) -> None:
        """Call `callback(slot, status)` on the loading thread whenever a slot's state changes."""
        self._listeners.append(callback)

    def load(self, slot: str, progress: Progress | None = None, spec: Spec | None = None) -> SlotStatus:
        """Load a slot, from `spec` or the same spec as before; blocks until it is done.

        The new model is loaded and tested while the old one serves; jobs that started with the old one finish
        with it. If the new model fails, the old one stays and ModelError is raised. If two do not fit into memory,
        new jobs wait, running jobs finish, and the old model is freed before the new one loads; if that fails, the
        old one is loaded again. Raises an error if the slot is already loading.
        """
        return self.reload(slot, progress, spec).status

    def reload(self, slot: str, progress: Progress | None = None, spec: Spec | None = None) -> Reload:
        """Like `load`; returns the memory before and after, and whether the old model was freed first."""
        entry = self._slot(slot)
        with self._changed:
            self._check_open()
            if entry.loading:
                raise AlreadyLoading(slot)
            entry.loading = True
            if entry.shared is None:
                entry.update(state=State.LOADING, detail=texts.say("slot-loading"), failure=None)
            else:
                entry.update(detail=texts.say("slot-loading-beside"), failure=None)
        wanted = spec or entry.spec
        before = self._memory()
        drained = False
        try:
            self._notify(entry)
            if entry.shared is not None and not self._fits(wanted, entry.status):
                self._drain(entry, progress)
                drained = True
                self._replace(entry, wanted, progress)
            else:
                self._load(entry, wanted, progress)
        except BaseException as error:
            with self._changed:
                self._note_failure(entry, error)
            raise
        finally:
            with self._changed:
                entry.loading = entry.draining = False
                self._changed.notify_all()
            self._notify(entry)
        return Reload(self.status(slot)[0], before, self._memory(), drained)

    @contextmanager
    def lease(self, slot: str, *, in_turn: bool = True) -> Iterator[Any]:
        """Lease a slot's model for the block, exclusively for this thread (after waiting its turn) unless it is `concurrent`.

        The model stays alive for the block even if it is replaced meanwhile. Raises NotReady if the slot has no
        model. Without `in_turn`, only read immutable data.
        """
        entry = self._slot(slot)
        with self._changed:
            self._check_open()
            shared = entry.shared
            if shared is None or entry.draining:
                raise _why_not(entry)
            shared.leases += 1
        try:
            with shared.turn if in_turn else nullcontext():
                yield shared.model
        finally:
            with self._changed:
                shared.leases -= 1
                retired = None if shared is entry.shared or shared.leases else shared.model
                # Before the lease ends, so that no reference keeps a replaced model alive.
                del shared
                self._changed.notify_all()
            if retired is not None:
                memory.give_back(retired)
                del retired
                memory.collect()

    def wait(self, slot: str, timeout: float) -> None:
        """Block until the slot is ready, for at most `timeout` seconds. Raises NotReady if it failed or is not ready."""
        entry = self._slot(slot)
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or entry.status.state in {State.READY, State.FAILED}, timeout
            )
            self._check_open()
            if entry.status.state is not State.READY:
                raise _why_not(entry)

    def status(self, slot: str | None = None) -> list[SlotStatus]:
        """The status of all slots, or of the named one. Never waits for a model."""
        entries = list(self._slots.values()) if slot is None else [self._slot(slot)]
        with self._changed:
            return [_current_status(entry) for entry in entries]

    def close(self) -> None:
        """Release all models. Running jobs keep theirs until they finish; waiting ones get NotReady."""
        with self._changed:
            self._closed = True
            for entry in self._slots.values():
                entry.shared = None
                entry.update(
                    state=State.EMPTY,
                    device="",
                    dtype="",
                    memory=0,
                    detail=texts.say("slot-closed"),
                    failure=None,
                )
            self._changed.notify_all()
        memory.collect()

    def _drain(self, entry: _Slot, progress: Progress | None) -> None:
        """Let the old model's jobs finish, start no new ones, and free the model."""
        until = time.monotonic() + DRAIN
        with self._changed:
            entry.draining = True
            entry.update(state=State.LOADING, detail=texts.say("slot-draining"))
        self._notify(entry)
        while True:
            with self._changed:
                self._check_open()
                left = entry.shared.leases if entry.shared else 0
                if not left:
                    retired = entry.shared.model if entry.shared else None
                    entry.shared = None
                    entry.update(memory=0, detail=texts.say("slot-drained"))
                    break
                if time.monotonic() > until:
                    entry.update(state=State.READY)
                    raise QuestionsDoNotEnd
            if progress:
                progress(texts.say("progress-draining", count=left), None)
            with self._changed:
                self._changed.wait(1.0)
        memory.give_back(retired)
        del retired
        memory.collect()

    def _replace(self, entry: _Slot, spec: Spec, progress: Progress | None) -> None:
        """Load a drained slot; if that fails, reload the previous model."""
        try:
            self._load(entry, spec, progress)
        except ModelError as error:
            with self._changed:
                self._check_open()
            if progress:
                progress(texts.say("progress-restoring"), None)
            memory.collect()
            try:
                self._load(entry, entry.spec, progress)
            except ModelError as second:
                raise NeitherLoads(error, second) from error
            raise

    def _load(self, entry: _Slot, spec: Spec, progress: Progress | None) -> None:
        """Load a model, test it, and replace the current one."""
        began = time.monotonic()
        try:
            model = self._loaders[entry.name](spec, progress)
            if progress:
                progress(texts.say("progress-probing"), None)
            model.probe()
        except ModelError:
            raise
        except Exception as error:
            log.exception("%s could not be loaded", entry.name)
            raise LoadFailed(spec.label, type(error).__name__) from error
        status = SlotStatus(
            slot=entry.name,
            name=model.name,
            state=State.READY,
            device=model.device,
            dtype=model.dtype,
            memory=model.memory,
            load_seconds=time.monotonic() - began,
            detail=model.detail,
            window=getattr(model, "context", None),
            generation=entry.status.generation + 1,
        )
        with self._changed:
            self._check_open()
            before = entry.shared
            retired = None if before is None or before.leases else before.model
            replaced = before is not None
            del before
            entry.shared, entry.spec, entry.status = _SharedModel(model), spec, status
            self._changed.notify_all()
        if replaced:
            memory.give_back(retired)
            del retired
            memory.collect()

    def _note_failure(self, entry: _Slot, error: BaseException) -> None:
        # A copy: the original's traceback would keep the partially loaded model alive.
        failure = copy.deepcopy(error) if isinstance(error, ModelError) else LoadInterrupted()
        if entry.shared is None:
            entry.update(state=State.FAILED, detail=failure.sentence, failure=failure)
        else:
            detail = texts.say("slot-reload-failed", reason=failure.sentence)
            entry.update(detail=detail, failure=failure)

    def _memory(self) -> Memory:
        return Memory(memory.process(), sum(status.memory for status in self.status()))

    def _slot(self, slot: str) -> _Slot:
        if (entry := self._slots.get(slot)) is None:
            raise UnknownSlot(slot, ", ".join(self._slots))
        return entry

    def _check_open(self) -> None:
        if self._closed:
            raise HubClosed

    def _notify(self, entry: _Slot) -> None:
        """Report a slot's status to the listeners."""
        status = self.status(entry.name)[0]
        for listener in self._listeners:
            try:
                listener(entry.name, status)
            except Exception:
                log.exception("a listener of the hub failed")


def _why_not(entry: _Slot) -> NotReady:
    """Why a slot has no model to lease."""
    status = entry.status
    if entry.loading:
        return ModelLoading(status.name)
    if status.failure is not None and status.state is State.FAILED:
        return ModelUnavailable(status.name, status.failure)
    return ModelNotLoaded(status.name)


def _current_status(entry: _Slot) -> SlotStatus:
    if entry.shared is None:
        return entry.status
    figures = getattr(entry.shared.model, "figures", {})
    status = replace(entry.status, leases=entry.shared.leases, figures=figures)
    now = getattr(entry.shared.model, "now", "")
    if now and status.state is State.READY:
        status = replace(status, detail=f"{status.detail}; {now}")
    return status


def _fits(spec: Spec, there: SlotStatus) -> bool:
    """Whether another model's weights fit next to the current model; unknown sizes are assumed to be equal."""
    try:
        device, size = spec.weight() or (there.device, there.memory)
    except ModelError:
        return True  # it cannot be loaded at all, so keep the old one
    return size * ROOM <= memory.free(device)
