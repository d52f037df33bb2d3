"""What whoever runs the cluster does with it: start the models there, look at them, end them."""

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
"""Seconds for an answer of the coordinator."""
POLL = 0.5

Watch = Callable[[News], object]


@contextmanager
def connected(address: str) -> Iterator[None]:
    """A connection to the cluster for as long as the block; NoCluster if it cannot be reached."""
    try:
        join(address)
    except Exception as error:
        raise NoCluster(address) from error
    try:
        yield
    finally:
        ray.shutdown()


def deploy(plan: Plan, watch: Watch) -> News:
    """Have the cluster run the models of a plan; how they stand once each is ready or has failed.

    What runs already and is as planned stays; what is otherwise is exchanged while it serves.
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
    """How the models stand; NotDeployed if nobody started them."""
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
    """End the models and their coordinator. What else runs on the cluster stays."""
    _end_coordinator()
    for name in serve.status().applications:
        if parsed(name):
            serve.delete(name)


def _end_coordinator() -> None:
    """Return once its name is free."""
    until = time.monotonic() + SOON
    with contextlib.suppress(ValueError):
        ray.kill(ray.get_actor(COORDINATOR))
        while time.monotonic() < until:
            ray.get_actor(COORDINATOR)
            time.sleep(POLL / 5)
