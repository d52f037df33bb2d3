"""The arithmetic that the benchmarks rest on."""

from __future__ import annotations

import asyncio
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.lag import LagSampler, as_felt, percentile


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.001, 1))
def test_a_percentile_is_one_of_the_values_and_leaves_its_share_below(
    values: list[float], share: float
) -> None:
    chosen = percentile(values, share)
    assert chosen in values
    assert sum(value <= chosen for value in values) >= share * len(values) - 1e-6 * len(values)


def test_the_percentile_of_nothing_is_no_number() -> None:
    assert math.isnan(percentile([], 0.99))


def test_a_standstill_counts_for_every_tick_it_swallowed() -> None:
    assert as_felt([1.0, 30.0], interval=10.0) == [1.0, 30.0, 20.0, 10.0]


@given(st.lists(st.floats(-5, 500)))
def test_short_lags_stay_as_they_are(late: list[float]) -> None:
    felt = as_felt(late)
    assert len(felt) >= len(late)
    assert [lag for lag in late if lag <= 10] == as_felt([lag for lag in late if lag <= 10])


async def test_the_sampler_sees_a_blocked_loop() -> None:
    sampler = LagSampler()
    sampling = asyncio.create_task(sampler.run())
    await asyncio.sleep(0)  # lets the sampler begin its first tick
    asyncio.get_running_loop().call_soon(time.sleep, 0.1)  # blocks the loop
    await asyncio.sleep(sampler.interval)  # due after the sampler's own timer, so it has woken by then
    sampling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sampling
    assert max(late for _, late in sampler.samples) > 50
