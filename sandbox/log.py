"""The log of everything that happens; drivers, tests and pages read it and subscribe to it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, overload

logger = logging.getLogger(__name__)

KEPT_ENTRIES = 50_000
"""A sandbox that runs for days drops the oldest entries."""


Direction = Literal["sent", "received"]


@dataclass(frozen=True, slots=True)
class Request:
    """A REST call and how it was answered. `time` is when it came in (seconds since 1970), `duration` in seconds.

    `route` is the path with named parameters (`/channels/{channel_id}/messages`), empty for unknown paths. `body` is
    the parsed JSON (`payload_json` of a multipart body); `files` has the name and the size in bytes of each upload.
    `headers` does not contain Authorization.
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
    """A gateway payload, `sent` to the bot or `received` from it (without its token)."""

    time: float
    direction: Direction
    session: str
    op: int
    name: str | None
    sequence: int | None
    data: Any


@dataclass(frozen=True, slots=True)
class Change:
    """A change in the world: `kind` says what happened, `subject` is the changed object itself.

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
    """Read-only except for `append`, which calls the subscribers immediately, in the order in which they subscribed.

    A subscriber that raises is logged and stays subscribed; the others are still called.
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
        if len(self._entries) > KEPT_ENTRIES:
            del self._entries[: KEPT_ENTRIES // 10]
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(entry)
            except Exception:
                logger.exception("%r failed", subscriber)

    def subscribe(self, callback: Callable[[Entry], None]) -> Callable[[], None]:
        """Call `callback` with every entry from now on; returns a function that ends the subscription."""
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

    async def until(self, predicate: Callable[[], object], timeout: float) -> None:
        """Return once `predicate()` is true, which is checked now and at every entry, so that no state is missed.

        Raises TimeoutError after `timeout` seconds, and whatever the predicate raises.
        """
        if predicate():
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def check(_: Entry) -> None:
            if done.done():
                return
            try:
                if predicate():
                    done.set_result(None)
            except Exception as error:  # noqa: BLE001 - raised where the predicate is awaited
                done.set_exception(error)

        unsubscribe = self.subscribe(check)
        try:
            async with asyncio.timeout(timeout):
                await done
        finally:
            unsubscribe()
