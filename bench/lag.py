"""How late an event loop runs: the extra time a timer takes to fire."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field


@dataclass
class LagSampler:
    """Sleeps `interval` seconds repeatedly; records when (wall clock, seconds) and how late (ms) it woke."""

    interval: float = 0.01
    samples: list[tuple[float, float]] = field(default_factory=list)

    async def run(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(self.interval)
            self.samples.append((time.time(), (time.perf_counter() - before - self.interval) * 1000))


def percentile(values: list[float], share: float) -> float:
    """Nearest-rank percentile; `share` in (0, 1]. NaN if there are no values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def as_felt(late: list[float], interval: float = 10.0) -> list[float]:
    """The lags (ms) that events arriving every `interval` ms would have experienced.

    A loop that is blocked for seconds misses hundreds of ticks but records only one, so that the worst moments
    would hardly count (Gil Tene's "coordinated omission").
    """
    return [lag - step * interval for lag in late for step in range(max(1, math.ceil(lag / interval)))]
