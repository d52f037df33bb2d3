"""Who may ask, over all processes of the bot: the books of the lanes, kept in one place.

They say what `models.lanes` says of one process: a question gets a place at once or a refusal, people take turns, and each
has a limit over all lanes. A place belongs to the process that asked, and is free again when that has gone.
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
    """Its place among those that wait for room in a replica; 0 if it does not."""
    told: int = 0


@dataclass(eq=False)
class _Lane:
    capacity: int
    queue: int
    running: dict[tuple[str, str], _Entry] = field(default_factory=dict)
    waiting: FairQueue[_Entry] = field(default_factory=FairQueue)

    def place(self) -> int:
        """The position that one more would get; 0 if it could begin."""
        return 0 if len(self.running) < self.capacity else 1 + len(self.waiting)


class _Client:
    """A process of the bot: its questions, and those whose place has changed since it asked."""

    def __init__(self) -> None:
        self.entries: dict[str, _Entry] = {}
        self.moved: dict[str, int] = {}
        self.changed = asyncio.Event()


class Admission:
    """The lanes of all slots. Everything here belongs to one event loop."""

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
        """How many may be answered at once, and how many may wait."""
        lane = self._lanes.setdefault(name, _Lane(capacity, queue))
        lane.capacity, lane.queue = capacity, queue
        self._advance(lane)

    def has_lane(self, name: str) -> bool:
        return name in self._lanes

    def join(self, client: str) -> None:
        self._clients.setdefault(client, _Client())

    def knows(self, client: str) -> bool:
        return client in self._clients

    def admit(self, question: Question) -> int:
        """The place of a question, 0 if it begins; AlreadyAsking or LaneFull if it gets none."""
        lane = self._lanes[question.lane]
        known = self._clients.get(question.client)
        if known and question.key in known.entries:  # it asks again because it did not hear the answer
            return known.entries[question.key].told
        if not question.privileged and self._held[question.user] >= question.per_user:
            raise AlreadyAsking(lane.place(), question.per_user)
        if (place := lane.place()) > lane.queue:
            raise LaneFull(place, place - 1)
        return self._enter(question)

    def attach(self, client: str, questions: tuple[Question, ...]) -> None:
        """Take over what a process was promised before: what has begun runs, what waits waits."""
        self.leave(client)
        self.join(client)
        for question in questions:
            if question.lane in self._lanes:
                self._enter(question)
                # How they stand may differ from what they were told.
                entry = self._clients[client].entries[question.key]
                self._clients[client].moved[question.key] = entry.told

    def move_in_engine(self, client: str, key: str, place: int) -> None:
        """A question that was let in waits there once more, or does not any longer."""
        known = self._clients.get(client)
        if known and (entry := known.entries.get(key)):
            entry.in_engine = place
            self._tell_all(self._lanes[entry.question.lane])

    def release(self, client: str, key: str) -> None:
        """A question has ended, or is not asked any more."""
        known = self._clients.get(client)
        if known is None or (entry := known.entries.pop(key, None)) is None:
            return
        known.moved.pop(key, None)
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
        """A process has gone: nobody waits for its questions."""
        if known := self._clients.get(client):
            for key in list(known.entries):
                self.release(client, key)
            del self._clients[client]
            known.changed.set()

    def running(self, lane: str) -> set[tuple[str, str]]:
        """The questions that have begun, by client and key."""
        return set(self._lanes[lane].running) if lane in self._lanes else set()

    def moved(self, client: str) -> dict[str, int]:
        """The questions of a process that have moved since it asked, and their places."""
        known = self._clients[client]
        moved, known.moved = known.moved, {}
        known.changed.clear()
        return moved

    def changes(self, client: str) -> asyncio.Event:
        """Set as soon as there is something to tell a process."""
        return self._clients[client].changed

    def wake(self) -> None:
        """Have all processes look at the news."""
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
        # It is the answer to whoever asked, and no news.
        self._clients[question.client].moved.pop(question.key, None)
        return entry.told

    def _advance(self, lane: _Lane) -> None:
        while lane.waiting and len(lane.running) < lane.capacity:
            entry = lane.waiting.pop()
            lane.running[entry.question.client, entry.question.key] = entry
        self._tell_all(lane)

    def _tell_all(self, lane: _Lane) -> None:
        """Note for everybody whose place has changed. Who waits for a replica is behind all who wait for room in one."""
        ahead = sum(entry.in_engine > 0 for entry in lane.running.values())
        places = [(entry, entry.in_engine) for entry in lane.running.values()]
        places += [(entry, ahead + position) for position, entry in enumerate(lane.waiting, 1)]
        for entry, place in places:
            if place != entry.told:
                entry.told = place
                client = self._clients[entry.question.client]
                client.moved[entry.question.key] = place
                client.changed.set()
