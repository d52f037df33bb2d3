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
        self._turn = asyncio.Lock()

    def pause(self) -> float:
        """Seconds until a session may be begun."""
        if not self._begun:
            return 0.0
        now = self._clock()
        busy = len(self._begun) == FREE and now - self._begun[0] < SPAN
        return max(0.0, self._begun[-1] + (SLOWED if busy else APART) - now)

    async def begin(self) -> None:
        """Wait for the turn, and take it."""
        async with self._turn:
            await asyncio.sleep(self.pause())
            self._begun.append(self._clock())
