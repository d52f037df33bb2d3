"""Reconnecting after a gateway outage: soon after it ends, and within Discord's limits.

A refused connection costs nothing, so the bot retries every few seconds. Discord counts started sessions
(IDENTIFY): one per 5 seconds, and 1,000 per day.
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
"""Seconds between the starts of two sessions."""
MARGIN = 0.25
"""Extra seconds between two processes, because network delays vary."""
SPAN, FREE = 3600.0, 40
"""This many sessions per this many seconds start without a delay; 1,000 a day are 41 an hour."""
SLOWED = 90.0
"""Seconds between further sessions."""
DAILY = 1000
"""The daily limit that these values are for; Discord allows more for large bots."""
SHORTEST, LONGEST = 0.5, 3.0
"""Range of the random delay between connection attempts, in seconds, so that many bots do not reconnect at once."""


class Backoff:
    """Replaces discord.py's backoff, whose delays double up to a quarter of an hour."""

    def delay(self) -> float:
        return random.uniform(SHORTEST, LONGEST)


def use() -> None:
    """Make every shard use this backoff."""
    # The library has no setting for this.
    shard.ExponentialBackoff = Backoff  # type: ignore[assignment, attr-defined]


class Sessions:
    """When this process started sessions, and therefore how long the next one must wait.

    `limits` are Discord's limits for the whole bot; a process gets the share of its shards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun: deque[float] = deque(maxlen=FREE)
        self._slowed = SLOWED
        self._last: dict[int, float] = {}
        self._turns: dict[int, asyncio.Lock] = {}
        self.concurrency = 1
        """Discord's max_concurrency: shards with different remainders modulo this number may start at once."""

    def allow(self, concurrency: int, daily: int, shards: int, of: int) -> None:
        """Apply Discord's limits: concurrent sessions and sessions per day, for `of` shards in total.

        All shards of this process may always start one session each with only Discord's own delay.
        """
        self.concurrency = max(1, concurrency)
        share = max(1.0, daily * shards / max(1, of))
        self._slowed = SLOWED * DAILY / share
        free = max(shards, int(FREE * share / DAILY))
        self._begun = deque(self._begun, maxlen=free)

    def key(self, shard_id: int) -> int:
        """Shards with the same key start their sessions one after the other, across all processes."""
        return shard_id % self.concurrency

    def pause(self, shard_id: int = 0) -> float:
        """Seconds until a shard may start its session."""
        now = self._clock()
        free = self._begun.maxlen or 1
        busy = len(self._begun) == free and now - self._begun[0] < free * self._slowed
        waits = [self._last[key] + APART - now] if (key := self.key(shard_id)) in self._last else []
        if busy:
            waits.append(self._begun[-1] + self._slowed - now)
        return max([0.0, *waits])

    async def begin(self, shard_id: int = 0) -> None:
        """Wait until the session may start, and record it."""
        key = self.key(shard_id)
        async with self._turns.setdefault(key, asyncio.Lock()):
            await asyncio.sleep(self.pause(shard_id))
            self._last[key] = self._clock()
            self._begun.append(self._last[key])
