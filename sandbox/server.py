"""The server: one aiohttp application on loopback that combines the world, the HTTP API and the gateway."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from types import TracebackType
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.clock import Clock, SystemClock
from sandbox.gateway import Gateway, Session
from sandbox.interactions import Interactions
from sandbox.log import EventLog
from sandbox.ratelimits import Limits
from sandbox.rest import Rest
from sandbox.state import Channel, Guild, Interaction, Member
from sandbox.world import World

HOST = "127.0.0.1"
PORT = 8087
"""The default for people; tests take a free port."""
TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAwMA.SANDBX.a-stand-in-for-Discord-has-no-secrets-x"  # noqa: S105
"""Of the shape of Discord's, an id in Base64 first, since some clients look into it."""
IDLE = 100.0
"""Seconds that a connection may be without a request. Idle ones that had one are closed by aiohttp after 75."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Server:
    """Speaks Discord's protocol on `http://127.0.0.1:PORT` from `start()` until `stop()`.

    `port` 0 selects a free port. `clock` drives deadlines and rate limits (tests pass a `ManualClock`). `privileged`
    grants privileged intents; a client must identify with at least `shards` shards. With `max_concurrency`, that many
    of them may start a session within 5 seconds, and any further one gets an invalid session; without it, a value of 1
    is announced but not enforced, so that a bot can be restarted immediately. Further routes may be added to `app`
    before `start()`.
    """

    def __init__(
        self,
        port: int = 0,
        token: str = TOKEN,
        limits: Limits | None = None,
        *,
        clock: Clock | None = None,
        bot_name: str = "Sandboxed Bot",
        privileged: bool = False,
        shards: int = 1,
        max_concurrency: int | None = None,
    ) -> None:
        self.port = port
        self.token = token
        self.limits = limits or Limits()
        self.clock = clock or SystemClock()
        self.log = EventLog()
        self.world = World(self.clock, self.log, bot_name)
        self.gateway = Gateway(
            self.world,
            self.clock,
            self.limits,
            token,
            privileged=privileged,
            shards=shards,
            concurrency=max_concurrency,
        )
        self.interactions = Interactions(self.world, self.limits, self._deliver)
        self.rest = Rest(self.world, self.gateway, self.interactions, self.limits, token)
        self.app = web.Application(middlewares=[_loopback_only], client_max_size=1 << 28)
        self._runner: web.AppRunner | None = None
        self._reaper: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/v10"

    @property
    def gateway_url(self) -> str:
        return f"ws://{HOST}:{self.port}/gateway"

    @property
    def guild(self) -> Guild:
        return self.world.guild

    @property
    def channel(self) -> Channel:
        return self.world.channel

    @property
    def admin(self) -> Member:
        return self.world.admin

    @property
    def student(self) -> Member:
        return self.world.student

    @property
    def bot(self) -> Member:
        return self.world.bot

    @property
    def sessions(self) -> list[Session]:
        """Gateway sessions that are connected or could resume."""
        return self.gateway.sessions

    async def start(self) -> None:
        self.app.router.add_get("/gateway", self.gateway.handle)
        self.rest.install(self.app)
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self.port)
        await site.start()
        self._reaper = asyncio.create_task(self._reap(self._runner), name="sandbox-reaper")
        self.port = self._runner.addresses[0][1]
        self.world.base_url = self.url
        self.gateway.url = self.gateway_url

    async def stop(self) -> None:
        self.interactions.close()
        if self._reaper is not None:
            self._reaper.cancel()
        await self.gateway.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @staticmethod
    async def _reap(runner: web.AppRunner) -> None:
        """Close connections on which no complete request arrives; aiohttp itself would wait for one forever."""
        waiting: dict[object, float] = {}
        while runner.server is not None:
            await asyncio.sleep(IDLE / 4)
            now = time.monotonic()
            idle = [one for one in runner.server.connections if one._current_request is None]  # noqa: SLF001
            waiting = {one: waiting.get(one, now) for one in idle}
            for one in idle:
                if now - waiting[one] > IDLE:
                    one.force_close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _deliver(self, interaction: Interaction) -> None:
        guild = interaction.channel.guild
        permissions = self.world.app_permissions(interaction.channel)
        payload = interaction.payload(permissions, self.limits.attachment_bytes)
        self.gateway.dispatch("INTERACTION_CREATE", payload, guild=guild.id if guild else None)


def available(port: int) -> int:
    """`port` if nothing listens on it, otherwise 0, which selects a free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return 0
    return port


@web.middleware
async def _loopback_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse other host names and the pages of other sites, so that no website reaches the sandbox through a
    browser.
    """
    origin = request.headers.get("Origin")
    if not _is_loopback(request.host) or (origin and not _is_loopback(origin.partition("://")[2])):
        raise web.HTTPMisdirectedRequest(text="The sandbox answers to loopback names only.\n")
    return await handler(request)


def _is_loopback(host: str) -> bool:
    return re.sub(r":\d+$", "", host).lower() in LOOPBACK
