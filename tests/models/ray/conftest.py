"""One cluster shared by all tests that need one."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import pytest_asyncio

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
    """A cluster with the small models, including two replicas of the language model."""
    if reason := clusters.why_not():
        pytest.skip(reason)
    with clusters.running() as cluster:
        deployed = cluster.run("serve")
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        yield cluster


# Connecting takes as long as importing Ray, so most tests share a connection, and therefore an event loop.


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def remote(ray_cluster: Cluster) -> AsyncIterator[RayService]:
    """The models as seen by a process of the bot."""
    service = await connected(ray_cluster)
    yield service
    await service.close()


async def connected(cluster: Cluster) -> RayService:
    service = make_service(load(cluster.config()))
    assert isinstance(service, RayService)
    await service.connect()
    await service.start()
    await service.loaded()
    return service


@pytest_asyncio.fixture(loop_scope="session")
async def connect(ray_cluster: Cluster) -> AsyncIterator[Connect]:
    """A function that connects as a process of the bot does."""
    services: list[RayService] = []

    async def connect() -> RayService:
        service = await connected(ray_cluster)
        services.append(service)
        return service

    yield connect
    for service in services:
        await service.close()


def caller(user: int = 0, *, seconds: float | None = None, questions: int | None = None) -> Caller:
    """A new caller, unless one is given."""
    number = next(NUMBERS)
    return Caller(str(number), user or 1_000_000 + number, seconds, questions=questions)
