"""Plain values exchanged by the bot, its bridge, the coordinator and the replicas. Does not use Ray."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from models.failures import Failure
from models.results import SlotStatus, State
from models.service import LaneStatus
from models.specs import Spec

T = TypeVar("T")

NAMESPACE = "tokenwise"
COORDINATOR = "coordinator"
"""The name of the coordinator's actor in NAMESPACE."""


@dataclass(frozen=True, slots=True)
class SlotPlan:
    """How a slot is deployed. `ongoing` is the number of requests that one replica handles at once, `queued` the number
    that may wait across all replicas, and `seconds` the time limit for an answer. Under load, up to `most` replicas are
    started.
    """

    slot: str
    spec: Spec
    replicas: int = 1
    most: int = 1
    cpus: float = 1.0
    gpus: float = 0.0
    ongoing: int = 1
    queued: int = 32
    seconds: float = 20.0

    @property
    def fingerprint(self) -> str:
        """A fingerprint that is equal for equal plans."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:8]

    def holding(self, spec: Spec) -> SlotPlan:
        return replace(self, spec=spec)


Plan = tuple[SlotPlan, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A request for a place in a lane. `key` identifies it within the bot process `client`.

    `begun` and `in_engine`, its place among those waiting for room in a replica, give its state before the coordinator
    was restarted.
    """

    key: str
    client: str
    lane: str
    user: int
    privileged: bool
    per_user: int
    begun: bool = False
    in_engine: int = 0


@dataclass(frozen=True, slots=True)
class Admitted:
    """A place in a lane, and the application that handles requests that start now."""

    position: int
    app: str


@dataclass(frozen=True, slots=True)
class Report:
    """The state of a replica: its name, its location, the state of its slot and the memory of its process in bytes."""

    replica: str
    slot: str
    version: int
    node: str
    status: SlotStatus
    memory: int
    running: int
    ended: int
    """Jobs completed or abandoned since the replica started."""

    @property
    def ready(self) -> bool:
        return self.status.state is State.READY


@dataclass(frozen=True, slots=True)
class News:
    """The state that a bot process receives about twice a second, or as soon as it changes.

    `places` are the positions of its own requests, by key. `apps` are the applications of each slot that still
    answer, one for each version; the first one receives new requests.
    """

    places: Mapping[str, int]
    slots: tuple[SlotStatus, ...]
    lanes: Mapping[str, LaneStatus]
    apps: Mapping[str, tuple[str, ...]]
    rolling: tuple[str, ...] = ()
    """The slots for which a new version is being started."""


@dataclass(frozen=True, slots=True)
class Roll:
    """The progress of a rollout; when `done`, it has failed if `failure` is set."""

    slot: str
    what: str = ""
    share: float | None = None
    serving: bool = False
    done: bool = False
    failure: Failure | None = None
    before: int = 0
    """Size of the previous models in bytes."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """The outcome of a call to another process: a value, or the failure to raise."""

    value: T | None = None
    failure: Failure | None = field(default=None)
    broken: str = ""
    """The type of an unexpected exception; the traceback is in the log of the process that raised it."""


def app_name(plan: SlotPlan, version: int) -> str:
    """The Ray Serve application name of a version: its slot, its number and the fingerprint of its plan."""
    return f"tokenwise-{plan.slot}-{version}-{plan.fingerprint}"


def parsed(app: str) -> tuple[str, int, str] | None:
    """Slot, version and fingerprint from an application name; None if it is not one of ours."""
    match app.split("-"):
        case ["tokenwise", slot, version, fingerprint] if version.isdecimal():
            return slot, int(version), fingerprint
    return None
