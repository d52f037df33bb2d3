"""A queue with turns between people: a person's second request waits until everyone else has had one."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from itertools import zip_longest
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Items in the order of their turns; iteration follows that order, so the first item is "1st in line".

    Not thread-safe.
    """

    def __init__(self) -> None:
        self._queues: dict[Hashable, deque[T]] = {}
        """Waiting items by person; the order of the keys is the order of the turns."""

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def __iter__(self) -> Iterator[T]:
        rounds = zip_longest(*self._queues.values(), fillvalue=None)
        return (item for turn in rounds for item in turn if item is not None)

    def push(self, user: Hashable, item: T) -> None:
        self._queues.setdefault(user, deque()).append(item)

    def pop(self) -> T:
        """Pop the next item; its person's next one waits until the others had a turn. Raises IndexError if empty."""
        if not self._queues:
            raise IndexError("pop from an empty queue")
        user = next(iter(self._queues))
        queue = self._queues.pop(user)
        item = queue.popleft()
        if queue:
            self._queues[user] = queue
        return item

    def remove(self, user: Hashable, item: T) -> bool:
        """Remove an item; whether it was there."""
        queue = self._queues.get(user)
        if not queue or item not in queue:
            return False
        queue.remove(item)
        if not queue:
            del self._queues[user]
        return True
