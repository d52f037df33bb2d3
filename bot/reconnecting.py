"""Coming back after Discord's gateway was away: soon after it returns, and within Discord's limits.

A connection that is refused costs nothing, so it is tried again every few seconds. What Discord counts are the sessions
that are begun (IDENTIFY): one at a time in 5 seconds, and 1,000 a day.
https://discord.com/developers/docs/events/gateway#rate-limiting
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable

from discord import shard

APART = 5.0
"""Seconds between two sessions that are begun."""
SPAN, FREE = 3600.0, 40
"""So many sessions in so many seconds are begun without a pause; 1,000 a day are 41 an hour."""
SLOWED = 90.0
"""Seconds between sessions beyond that."""
SHORTEST, LONGEST = 0.5, 3.0
"""Seconds between two attempts to connect, drawn anew each time so that many bots do not come back at once."""


class Backoff:
    """Stands in for discord.py's own, whose pauses double up to a quarter of an hour."""

    def delay(self) -> float:
        return random.uniform(SHORTEST, LONGEST)


def use() -> None:
    """Have every shard wait as here."""
    # The library has no setting for it.
    shard.ExponentialBackoff = Backoff  # type: ignore[assignment, attr-defined]


class Sessions:
    """When sessions were begun, and so how long the next one has to wait. For one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun: deque[float] = deque(maxlen=FREE)
        self._last: dict[int, float] = {}
        self._turns: dict[int, asyncio.Lock] = {}
        self.concurrency = 1
        """How many sessions Discord lets a bot begin at once: shards of different remainders by this number."""

    def pause(self, shard_id: int = 0) -> float:
        """Seconds until the session of a shard may be begun."""
        now = self._clock()
        busy = len(self._begun) == FREE and now - self._begun[0] < SPAN
        waits = [self._last[key] + APART - now] if (key := shard_id % self.concurrency) in self._last else []
        if busy:
            waits.append(self._begun[-1] + SLOWED - now)
        return max([0.0, *waits])

    async def begin(self, shard_id: int = 0) -> None:
        """Wait for the turn, and take it."""
        key = shard_id % self.concurrency
        async with self._turns.setdefault(key, asyncio.Lock()):
            await asyncio.sleep(self.pause(shard_id))
            self._last[key] = self._clock()
            self._begun.append(self._last[key])
