"""One cluster for all tests that need one."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from bot.client import make_service
from bot.settings.load import load
from models.ray.service import RayService
from models.service import Caller
from tests.models.ray import cluster as clusters
from tests.models.ray.cluster import Cluster

NUMBERS = itertools.count(1)

Connect = Callable[[], Awaitable[RayService]]


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[Cluster]:
    """A cluster with the small models, two replicas of the language model among them."""
    if reason := clusters.why_not():
        pytest.skip(reason)
    with clusters.running() as cluster:
        deployed = cluster.run("serve")
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        yield cluster


@pytest.fixture
async def connect(ray_cluster: Cluster) -> AsyncIterator[Connect]:
    """A function that connects as a process of the bot does."""
    services: list[RayService] = []

    async def connect() -> RayService:
        service = make_service(load(ray_cluster.config()))
        assert isinstance(service, RayService)
        services.append(service)
        await service.connect()
        await service.start()
        await service.loaded()
        return service

    yield connect
    for service in services:
        await service.close()


@pytest.fixture
async def remote(connect: Connect) -> RayService:
    return await connect()


def caller(user: int = 0, *, seconds: float | None = None, questions: int | None = None) -> Caller:
    """Somebody of their own, unless it is said who."""
    number = next(NUMBERS)
    return Caller(str(number), user or 1_000_000 + number, seconds, questions=questions)
