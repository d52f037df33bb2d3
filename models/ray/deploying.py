"""Operator commands for the cluster: deploy the models, inspect them, stop them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
from ray import serve

from models.failures import NoCluster, NotDeployed
from models.ray.coordinator import Coordinator
from models.ray.plan import COORDINATOR, News, Plan, parsed
from models.ray.reach import join
from models.results import State

SOON = 30.0
"""Seconds to wait for a reply from the coordinator."""
POLL = 0.5

Watch = Callable[[News], object]


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Connect to the cluster for the duration of the block; NoCluster if it cannot be reached."""
    try:
        join(address)
    except Exception as error:
        raise NoCluster(address) from error
    try:
        yield
    finally:
        ray.shutdown()


def deploy(plan: Plan, watch: Watch) -> News:
    """Deploy the models of a plan on the cluster; returns their state once each is ready or has failed.

    Models that already match the plan are left running; the others are replaced without interrupting service.
    """
    serve.start(proxy_location="Disabled")
    _end_coordinator()
    actor: Any = ray.remote(Coordinator)
    coordinator = actor.options(
        name=COORDINATOR, lifetime="detached", num_cpus=0, max_restarts=-1, max_concurrency=10_000
    ).remote(plan)
    while True:
        news = _ask(coordinator)
        watch(news)
        settled = {State.READY, State.FAILED}
        if not news.rolling and all(status.state in settled for status in news.slots):
            return news
        time.sleep(POLL)


def look() -> News:
    """The state of the models; NotDeployed if they have not been started."""
    try:
        coordinator = ray.get_actor(COORDINATOR)
    except ValueError:
        raise NotDeployed from None
    return _ask(coordinator)


def _ask(coordinator: Any) -> News:
    news: Any = ray.get(coordinator.look.remote(), timeout=SOON)
    found: News = news
    return found


def stop() -> None:
    """Stop the models and their coordinator. Everything else on the cluster keeps running."""
    _end_coordinator()
    for name in serve.status().applications:
        if parsed(name):
            serve.delete(name)


def _end_coordinator() -> None:
    """Kill the coordinator, and wait until its name is free."""
    until = time.monotonic() + SOON
    with contextlib.suppress(ValueError):
        ray.kill(ray.get_actor(COORDINATOR))
        while time.monotonic() < until:
            ray.get_actor(COORDINATOR)
            time.sleep(POLL / 5)
