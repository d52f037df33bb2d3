"""A queue that takes turns between people, so that somebody's second question waits for everybody else's first."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from itertools import zip_longest
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Items in the order of their turns; iteration gives that order, so the first item is "1st in line".

    Not for several threads at once.
    """

    def __init__(self) -> None:
        self._queues: dict[Hashable, deque[T]] = {}
        """What each person has waiting; the order of the keys is the order of the turns."""

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def __iter__(self) -> Iterator[T]:
        rounds = zip_longest(*self._queues.values(), fillvalue=None)
        return (item for turn in rounds for item in turn if item is not None)

    def push(self, user: Hashable, item: T) -> None:
        self._queues.setdefault(user, deque()).append(item)

    def pop(self) -> T:
        """Take the item whose turn it is; its person's next one waits until the others had theirs. IndexError if empty."""
        if not self._queues:
            raise IndexError("pop from an empty queue")
        user = next(iter(self._queues))
        queue = self._queues.pop(user)
        item = queue.popleft()
        if queue:
            self._queues[user] = queue
        return item

    def remove(self, user: Hashable, item: T) -> bool:
        """Take an item out of its place; whether it was there."""
        queue = self._queues.get(user)
        if not queue or item not in queue:
            return False
        queue.remove(item)
        if not queue:
            del self._queues[user]
        return True
