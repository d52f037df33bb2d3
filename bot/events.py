"""What happens in the bot, as one stream: whoever logs, counts or reports reads it here.

An event is a frozen dataclass; `models.service.JobDone` is one too. Listeners are called on the event loop and must not wait.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from models.service import JobDone

log = logging.getLogger(__name__)

EventT = TypeVar("EventT")

ANSWERED = "answered"
REMEMBERED = 1000
"""Interactions whose times are kept until they are logged."""


@dataclass(frozen=True, slots=True)
class CommandBegan:
    """A slash command arrived. The id of its interaction is that of its requests to the models, too."""

    interaction_id: str
    at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class CommandDone:
    """An interaction was answered, or failed: `outcome` is "answered" or the name of the failure.

    `name` is the command as people type it, or the kind of the interaction.
    """

    interaction_id: str
    name: str
    outcome: str
    at: float = field(default_factory=time.monotonic)


class Events:
    """Listeners by the type of event that they want."""

    def __init__(self) -> None:
        self._listeners: dict[type[Any], list[Callable[[Any], object]]] = {}

    def subscribe(self, kind: type[EventT], listener: Callable[[EventT], object]) -> None:
        self._listeners.setdefault(kind, []).append(listener)

    def emit(self, event: object) -> None:
        """Call the listeners in the order in which they subscribed. One that fails does not keep the others from it."""
        for listener in self._listeners.get(type(event), ()):
            try:
                listener(event)
            except Exception:
                log.exception("a listener failed on %s", type(event).__name__)


@dataclass(slots=True)
class _Command:
    began: float
    queue_seconds: float = 0.0
    run_seconds: float = 0.0


class CommandLog:
    """One line for each command: which, how it ended, and how long it took; not who, nor what was said."""

    def __init__(self, events: Events) -> None:
        self._open: dict[str, _Command] = {}
        events.subscribe(CommandBegan, self._began)
        events.subscribe(JobDone, self._job_done)
        events.subscribe(CommandDone, self._done)

    def _began(self, event: CommandBegan) -> None:
        self._open[event.interaction_id] = _Command(event.at)

    def _job_done(self, event: JobDone) -> None:
        # Buttons and forms begin without notice, and only those that fail are logged: most are forgotten again.
        began = time.monotonic() - event.queue_seconds - event.run_seconds
        command = self._open.setdefault(event.request_id, _Command(began))
        command.queue_seconds += event.queue_seconds
        command.run_seconds += event.run_seconds
        while len(self._open) > REMEMBERED:
            del self._open[next(iter(self._open))]

    def _done(self, event: CommandDone) -> None:
        command = self._open.pop(event.interaction_id, None) or _Command(event.at)
        log.info(
            "%s: %s, latency %.3f s, queue %.3f s, run %.3f s",
            event.name,
            event.outcome,
            event.at - command.began,
            command.queue_seconds,
            command.run_seconds,
        )
