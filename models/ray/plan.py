"""What the bot, its bridge, the coordinator and the replicas tell each other: plain values, without Ray."""

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
"""The name of the coordinator among the actors of NAMESPACE."""
INSIDE = "inside"
"""The lane of views into the models. A replica computes one at a time."""
INSIDE_QUEUE = 32


@dataclass(frozen=True, slots=True)
class SlotPlan:
    """How a slot is deployed. `ongoing` are the questions that one replica answers at once, `queued` those that may wait over
    all replicas; `seconds` is the time for an answer. Up to `most` replicas are started where many ask.
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
        """The same for plans that are the same."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:8]

    def holding(self, spec: Spec) -> SlotPlan:
        return replace(self, spec=spec)


Plan = tuple[SlotPlan, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question that wants a place in a lane. `key` is its name in the process of the bot that asks, `client`.

    `begun` and `in_engine` say how it stood before the coordinator forgot about it.
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
    """A place in a lane, and the application that answers those that begin now."""

    position: int
    app: str


@dataclass(frozen=True, slots=True)
class Report:
    """How a replica is: its name, where it runs, how its slot stands, and the bytes that its process takes."""

    replica: str
    slot: str
    version: int
    node: str
    status: SlotStatus
    memory: int
    running: int
    ended: int
    """Jobs that it has answered or given up since it began."""

    @property
    def ready(self) -> bool:
        return self.status.state is State.READY


@dataclass(frozen=True, slots=True)
class News:
    """What a process of the bot learns about twice a second, or as soon as it changes.

    `places` are those of its own questions that have moved, by key. `apps` are the applications of a slot that still answer,
    a version each; the first is the one to ask.
    """

    places: Mapping[str, int]
    slots: tuple[SlotStatus, ...]
    lanes: Mapping[str, LaneStatus]
    apps: Mapping[str, tuple[str, ...]]
    rolling: tuple[str, ...] = ()
    """The slots that another version is being started for."""


@dataclass(frozen=True, slots=True)
class Roll:
    """How far a rollout is: `done` with `failure`, or without one."""

    slot: str
    what: str = ""
    share: float | None = None
    serving: bool = False
    done: bool = False
    failure: Failure | None = None
    before: int = 0
    """Bytes of the models before it."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What a call to another process came to: a value, or the failure to raise."""

    value: T | None = None
    failure: Failure | None = field(default=None)
    broken: str = ""
    """The kind of an exception that nobody foresaw; its traceback is in the log of the process where it was raised."""


def app_name(plan: SlotPlan, version: int) -> str:
    """What Ray Serve calls a version of a slot: its slot, its number, and what it was made from."""
    return f"tokenwise-{plan.slot}-{version}-{plan.fingerprint}"


def parsed(app: str) -> tuple[str, int, str] | None:
    """Slot, version and fingerprint from the name of an application; None for those of others."""
    match app.split("-"):
        case ["tokenwise", slot, version, fingerprint] if version.isdecimal():
            return slot, int(version), fingerprint
    return None
