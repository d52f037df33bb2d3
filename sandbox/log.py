"""One log of everything that happens, which drivers, tests and pages read and subscribe to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, overload

logger = logging.getLogger(__name__)

KEPT = 50_000
"""Entries kept; a sandbox that runs for days drops the oldest."""


Direction = Literal["sent", "received"]


@dataclass(frozen=True, slots=True)
class Request:
    """A REST call and how it was answered. `time` is when it came in (seconds since 1970), `duration` in seconds.

    `route` is the path with its parameters still named (`/channels/{channel_id}/messages`), empty for unknown
    ones. `body` is the parsed JSON (`payload_json` of a multipart body); `files` its uploads as (name, bytes)
    sizes. `headers` carries no Authorization.
    """

    time: float
    method: str
    path: str
    route: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    files: Sequence[tuple[str, int]]
    status: int
    answer: Any
    duration: float


@dataclass(frozen=True, slots=True)
class Event:
    """A gateway payload, seen from the sandbox: `sent` to the bot or `received` from it (its token left out)."""

    time: float
    direction: Direction
    session: str
    op: int
    name: str | None
    sequence: int | None
    data: Any


@dataclass(frozen=True, slots=True)
class Change:
    """Something changed in the world: `kind` says what, `subject` is the changed object itself.

    Kinds: `message.create`, `message.update`, `message.delete`, `interaction.create`, `interaction.acknowledge`,
    `interaction.fail`, `commands.update`, `gateway.connect`, `gateway.ready`, `gateway.resume`,
    `gateway.disconnect`, `member.create`, `typing`.
    """

    time: float
    kind: str
    subject: Any
    interaction: int | None = field(default=None)


Entry = Request | Event | Change


class EventLog(Sequence[Entry]):
    """Append-only to its readers; subscribers are called at once, in the order in which they came.

    One that raises is reported and called again: what happened has happened, and the others must hear of it.
    """

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._subscribers: list[Callable[[Entry], None]] = []

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def append(self, entry: Entry) -> None:
        self._entries.append(entry)
        if len(self._entries) > KEPT:
            del self._entries[: KEPT // 10]
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(entry)
            except Exception:
                logger.exception("%r failed", subscriber)

    def subscribe(self, callback: Callable[[Entry], None]) -> Callable[[], None]:
        """Call `callback` with every entry from now on; returns what ends the subscription."""
        self._subscribers.append(callback)

        def unsubscribe() -> None:
            with contextlib.suppress(ValueError):
                self._subscribers.remove(callback)

        return unsubscribe

    def requests(self, method: str | None = None, path: str = "") -> list[Request]:
        """Requests so far whose path contains `path`, oldest first."""
        return [
            entry
            for entry in self._entries
            if isinstance(entry, Request) and method in {None, entry.method} and path in entry.path
        ]

    def events(self, name: str | None = None, op: int | None = None) -> list[Event]:
        """Gateway payloads so far, oldest first."""
        return [
            entry
            for entry in self._entries
            if isinstance(entry, Event) and name in {None, entry.name} and op in {None, entry.op}
        ]

    async def until(self, predicate: Callable[[], object], timeout: float) -> None:  # noqa: ASYNC109
        """Return once `predicate()` is true: it is asked now and at every entry, so no state is missed.

        Raises TimeoutError after `timeout` seconds, and whatever the predicate raises.
        """
        if predicate():
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def look(_: Entry) -> None:
            if done.done():
                return
            try:
                if predicate():
                    done.set_result(None)
            except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
                done.set_exception(error)

        unsubscribe = self.subscribe(look)
        try:
            async with asyncio.timeout(timeout):
                await done
        finally:
            unsubscribe()
