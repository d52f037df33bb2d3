"""Admission control across all bot processes: the state of every lane, kept in one place.

The rules are those of `models.lanes` for a single process: a request is queued or refused at once, users take turns,
and each user has a limit across all lanes. A place belongs to the requesting process and is freed when that process
ends.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from models.failures import AlreadyAsking, LaneFull
from models.fair_queue import FairQueue
from models.ray.plan import Question
from models.service import LaneStatus


@dataclass(eq=False)
class _Entry:
    question: Question
    in_engine: int = 0
    """The request's place among those waiting for room in a replica; 0 if it is not waiting there."""
    position: int = 0


@dataclass(eq=False)
class _Lane:
    capacity: int
    queue: int
    running: dict[tuple[str, str], _Entry] = field(default_factory=dict)
    waiting: FairQueue[_Entry] = field(default_factory=FairQueue)

    def place(self) -> int:
        """The position of the next request to join; 0 if it could start at once."""
        return 0 if len(self.running) < self.capacity else 1 + len(self.waiting)


class _Client:
    """A bot process and its requests."""

    def __init__(self) -> None:
        self.entries: dict[str, _Entry] = {}
        self.changed = asyncio.Event()


class Admission:
    """The lanes of all slots. Must be used from a single event loop."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._clients: dict[str, _Client] = {}
        self._held: Counter[int] = Counter()

    @property
    def status(self) -> dict[str, LaneStatus]:
        return {
            name: LaneStatus(len(lane.running), len(lane.waiting), lane.capacity, lane.queue)
            for name, lane in self._lanes.items()
        }

    def set_lane(self, name: str, capacity: int, queue: int) -> None:
        """Set how many requests may run at once and how many may wait."""
        lane = self._lanes.setdefault(name, _Lane(capacity, queue))
        lane.capacity, lane.queue = capacity, queue
        self._advance(lane)

    def join(self, client: str) -> None:
        self._clients.setdefault(client, _Client())

    def knows(self, client: str) -> bool:
        return client in self._clients

    def admit(self, question: Question) -> int:
        """The position of a request, 0 if it starts at once; AlreadyAsking or LaneFull if it is refused."""
        lane = self._lanes[question.lane]
        known = self._clients.get(question.client)
        if known and question.key in known.entries:  # a retry: the client did not receive the answer
            return known.entries[question.key].position
        if not question.privileged and self._held[question.user] >= question.per_user:
            raise AlreadyAsking(lane.place(), question.per_user)
        if (place := lane.place()) > lane.queue:
            raise LaneFull(place, place - 1)
        return self._enter(question)

    def attach(self, client: str, questions: tuple[Question, ...]) -> None:
        """Restore a client's earlier admissions: started requests keep running, and waiting ones keep waiting."""
        self.leave(client)
        self.join(client)
        for question in questions:
            if question.lane in self._lanes:
                self._enter(question)
        self._clients[client].changed.set()

    def move_in_engine(self, client: str, key: str, place: int) -> None:
        """Note that an admitted request is waiting in the replica again, or has stopped waiting."""
        known = self._clients.get(client)
        if known and (entry := known.entries.get(key)):
            entry.in_engine = place
            self._set_positions(self._lanes[entry.question.lane])

    def release(self, client: str, key: str) -> None:
        """Remove a request that has ended or was cancelled."""
        known = self._clients.get(client)
        if known is None or (entry := known.entries.pop(key, None)) is None:
            return
        question = entry.question
        lane = self._lanes[question.lane]
        if lane.running.pop((client, key), None) is None:
            lane.waiting.remove(question.user, entry)
        if not question.privileged:
            self._held[question.user] -= 1
            if not self._held[question.user]:
                del self._held[question.user]
        self._advance(lane)

    def leave(self, client: str) -> None:
        """Remove a process that has ended, with all its requests."""
        if known := self._clients.get(client):
            for key in list(known.entries):
                self.release(client, key)
            del self._clients[client]
            known.changed.set()

    def running(self, lane: str) -> set[tuple[str, str]]:
        """The requests that have started, by client and key."""
        return set(self._lanes[lane].running) if lane in self._lanes else set()

    def places(self, client: str) -> dict[str, int]:
        """The current position of each request of a process. All of them, since an earlier reply may have been lost."""
        known = self._clients[client]
        known.changed.clear()
        return {key: entry.position for key, entry in known.entries.items()}

    def changes(self, client: str) -> asyncio.Event:
        """An event that is set when a position has changed since `places`."""
        return self._clients[client].changed

    def wake(self) -> None:
        """Wake every process that is waiting for changes."""
        for client in self._clients.values():
            client.changed.set()

    def _enter(self, question: Question) -> int:
        lane, entry = self._lanes[question.lane], _Entry(question, question.in_engine)
        self.join(question.client)
        self._clients[question.client].entries[question.key] = entry
        if not question.privileged:
            self._held[question.user] += 1
        if question.begun:
            lane.running[question.client, question.key] = entry
        else:
            lane.waiting.push(question.user, entry)
        self._advance(lane)
        return entry.position

    def _advance(self, lane: _Lane) -> None:
        while lane.waiting and len(lane.running) < lane.capacity:
            entry = lane.waiting.pop()
            lane.running[entry.question.client, entry.question.key] = entry
        self._set_positions(lane)

    def _set_positions(self, lane: _Lane) -> None:
        """Update all positions. Requests waiting for a replica come after all those waiting for room inside one."""
        ahead = sum(entry.in_engine > 0 for entry in lane.running.values())
        places = [(entry, entry.in_engine) for entry in lane.running.values()]
        places += [(entry, ahead + position) for position, entry in enumerate(lane.waiting, 1)]
        for entry, place in places:
            if place != entry.position:
                entry.position = place
                self._clients[entry.question.client].changed.set()
