"""A stop request ends the process regardless of the state of the connection to Discord."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from sandbox import Sandbox
from tests.wire.test_generate import has_button

ROOT = Path(__file__).resolve().parents[2]
START, STOP = 60, 12
"""Seconds until the process is ready, and until it is gone."""

Start = Callable[..., Coroutine[Any, Any, asyncio.subprocess.Process]]


class Gateway:
    """A gateway in front of the sandbox's own that can hang: it accepts connections but sends nothing."""

    def __init__(self, behind: str) -> None:
        self._behind = behind
        self.silent = False
        self.refused = False
        """Whether every connection is refused."""
        self.attempts = 0
        """Connections that were refused."""
        self.met = asyncio.Event()
        """Set when a client connects to the silent gateway."""

    async def connected(self, request: web.Request) -> web.WebSocketResponse:
        if self.refused:
            self.attempts += 1
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if self.silent:
            self.met.set()
            async for _ in socket:
                pass
            return socket
        url = f"{self._behind}?{request.query_string}"
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as other:
            await asyncio.gather(_pipe(socket, other), _pipe(other, socket))
        return socket


async def _pipe(source: Any, target: Any) -> None:
    async for message in source:
        send = target.send_str if message.type is aiohttp.WSMsgType.TEXT else target.send_bytes
        await send(message.data)
    await target.close()


@pytest.fixture
async def gateway(box: Sandbox) -> AsyncIterator[tuple[Gateway, str]]:
    gateway = Gateway(box.gateway_url)
    app = web.Application()
    app.router.add_get("/", gateway.connected)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield gateway, f"ws://127.0.0.1:{port}/"
    await runner.cleanup()


@pytest.fixture
async def start(box: Sandbox, tiny_config: Path, tmp_path: Path) -> AsyncIterator[Start]:
    """A function that starts `python -m bot run` with additional environment variables."""
    running: list[asyncio.subprocess.Process] = []
    environment = os.environ | {
        "DISCORD_TOKEN": box.token,
        "TOKENWISE_DISCORD__API_URL": box.api_url,
        "TOKENWISE_DISCORD__GATEWAY_URL": box.gateway_url,
        "TOKENWISE_DATA_DIR": str(tmp_path / "data"),
        "OMP_NUM_THREADS": "1",
    }
    with (tmp_path / "log.txt").open("wb") as log:

        async def start(**more: str) -> asyncio.subprocess.Process:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "run", "--config", str(tiny_config),
                cwd=ROOT, env=environment | more, stdout=log, stderr=log,
            )  # fmt: skip
            running.append(process)
            return process

        yield start
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def stopped(process: asyncio.subprocess.Process, number: int = signal.SIGTERM) -> int:
    process.send_signal(number)
    return await asyncio.wait_for(process.wait(), STOP)


async def test_after_an_invalid_session(box: Sandbox, start: Start) -> None:
    process = await start()
    await box.ready(START)
    await box.commands_synced(START)
    box.invalidate()
    await box.until(lambda box: not box.gateway._connections)
    assert await stopped(process) == 0


async def test_while_a_gateway_that_accepts_says_nothing(
    box: Sandbox, start: Start, gateway: tuple[Gateway, str]
) -> None:
    silent, url = gateway
    silent.silent = True
    process = await start(TOKENWISE_DISCORD__GATEWAY_URL=url)
    await asyncio.wait_for(silent.met.wait(), START)
    assert await stopped(process) == 0
    assert box.requests("GET", "/users/@me")


async def test_while_it_reconnects_to_a_gateway_that_fell_silent(
    box: Sandbox, start: Start, gateway: tuple[Gateway, str]
) -> None:
    silent, url = gateway
    process = await start(TOKENWISE_DISCORD__GATEWAY_URL=url)
    await box.ready(START)
    await box.commands_synced(START)
    silent.silent = True
    await box.drop()
    await asyncio.wait_for(silent.met.wait(), START)
    assert await stopped(process) == 0


async def test_while_discord_is_down_at_login(box: Sandbox, start: Start) -> None:
    box.fail("GET", "/users/@me", 503, times=1000)
    process = await start()
    await box.until(lambda box: box.requests("GET", "/users/@me"), START)
    assert await stopped(process, signal.SIGHUP) == 0


async def test_a_second_signal_waits_for_nothing(box: Sandbox, start: Start) -> None:
    process = await start(TOKENWISE_LIMITS__DRAIN_SECONDS="600")
    await box.ready(START)
    await box.commands_synced(START)
    answer = box.send("/generate prompt:engineer is temperature:2 max_new_tokens:1400")
    await answer.until(has_button, START)
    process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.2)  # simultaneous signals may be delivered as one
    assert await stopped(process) in {0, -signal.SIGTERM}  # the latter if it had almost exited
