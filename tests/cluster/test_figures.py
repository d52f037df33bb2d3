"""What is read off the bots' health endpoints."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from cluster import figures
from cluster.figures import Replica
from cluster.ray import free_ports

METRICS = """
# TYPE tokenwise_commands_total counter
tokenwise_commands_total{command="/tokens",outcome="answered"} 3.0
tokenwise_commands_total{command="/tokens",outcome="Busy"} 9.0
tokenwise_commands_total{command="/likes list",outcome="answered"} 1.0
"""
HEALTH = {
    "ready": False,
    "slots": [
        {"slot": "words", "replicas": [{"name": "a", "node": "n1", "ended": 4}]},
        {"slot": "songs", "replicas": []},
    ],
}


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async def health(_: web.Request) -> web.Response:
        return web.json_response(HEALTH, status=503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text=METRICS)

    app = web.Application()
    app.router.add_get("/healthz", health)
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def test_answers_are_counted_by_command_and_by_replica(port: int) -> None:
    assert await figures.commands(port) == {"/tokens": 3, "/likes list": 1}
    assert await figures.answers(port) == {Replica("words", "a", "n1"): 4}


async def test_a_bot_that_is_not_ready_says_so_and_one_that_is_not_there_says_nothing(port: int) -> None:
    assert await figures.health(port) == HEALTH
    (free,) = free_ports(1)
    assert await figures.health(free) is None
    assert await figures.commands(free) == {}
    assert await figures.answers(free) == {}
