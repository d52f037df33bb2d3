"""The bot's events as one stream, for logging, metrics and the audit log.

An event is a frozen dataclass; `models.service.JobDone` is one too. Listeners run on the event loop and must not block.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from models.service import JobDone

log = logging.getLogger(__name__)

EventT = TypeVar("EventT")

ANSWERED = "answered"
REMEMBERED = 1000
"""Most interactions whose jobs are kept until they are logged."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An interaction was acknowledged or answered. `kind` is discord.py's name for its type; the time counts from its
    arrival.
    """

    kind: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CommandDone:
    """An interaction was answered, or failed: `outcome` is "answered" or the name of the failure.

    `name` is the command as people type it, or the class of the button, menu or form. The interaction's id is also the
    id of its requests to the models. `server` is None in direct messages.
    """

    interaction_id: str
    name: str
    outcome: str
    seconds: float
    user: int
    server: int | None
    channel: int | None


@dataclass(frozen=True, slots=True)
class RestDone:
    """A request to Discord's REST API finished; `status` is "error" if there was no response."""

    status: str
    seconds: float


@dataclass(frozen=True, slots=True)
class GatewayChanged:
    """A shard's connection: "connected" with a new session, "resumed", or "disconnected"."""

    what: str


class Events:
    """Listeners by event type."""

    def __init__(self) -> None:
        self._listeners: dict[type[Any], list[Callable[[Any], object]]] = {}

    def subscribe(self, kind: type[EventT], listener: Callable[[EventT], object]) -> None:
        self._listeners.setdefault(kind, []).append(listener)

    def emit(self, event: object) -> None:
        """Call the listeners in the order in which they subscribed. If one fails, the others are still called."""
        for listener in self._listeners.get(type(event), ()):
            try:
                listener(event)
            except Exception:
                log.exception("a listener failed on %s", type(event).__name__)


class CommandLog:
    """One line per command: its name, outcome and duration; neither the person nor the text."""

    def __init__(self, events: Events) -> None:
        self._jobs: dict[str, tuple[float, float]] = {}
        """Seconds that an interaction's jobs waited and ran."""
        events.subscribe(JobDone, self._job_done)
        events.subscribe(CommandDone, self._done)

    def _job_done(self, event: JobDone) -> None:
        waited, ran = self._jobs.get(event.request_id, (0.0, 0.0))
        self._jobs[event.request_id] = waited + event.queue_seconds, ran + event.run_seconds
        # Some jobs belong to no interaction, or finish after it.
        while len(self._jobs) > REMEMBERED:
            del self._jobs[next(iter(self._jobs))]

    def _done(self, event: CommandDone) -> None:
        waited, ran = self._jobs.pop(event.interaction_id, (0.0, 0.0))
        log.info(
            "%s: %s, latency %.3f s, queue %.3f s, run %.3f s",
            event.name,
            event.outcome,
            event.seconds,
            waited,
            ran,
        )
