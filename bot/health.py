"""What the bot tells whatever watches it, over HTTP on loopback: whether it is live, whether it is ready, and figures."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aiohttp import web

import texts
from bot.failures import AddressTaken
from models.results import SlotStatus, State
from models.service import ServiceStatus

TICK = 0.25
"""Seconds between two looks at the clock."""
SPAN = 60
"""Seconds that the reported lag looks back."""


class LoopLag:
    """How late the event loop is for its appointments: what people feel when something blocks it."""

    def __init__(self, observe: Callable[[float], object] = lambda _: None) -> None:
        """`observe` is called with each lag, in seconds."""
        self._observe = observe
        self._late: deque[float] = deque(maxlen=int(SPAN / TICK))
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._watch(), name="tokenwise-loop-lag")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @property
    def worst(self) -> float:
        """The largest lag of the last minute, in seconds."""
        return max(self._late, default=0.0)

    async def _watch(self) -> None:
        while True:
            due = time.monotonic() + TICK
            await asyncio.sleep(TICK)
            self._late.append(max(0.0, time.monotonic() - due))
            self._observe(self._late[-1])


def problems(status: ServiceStatus, *, connected: bool, stopping: bool) -> list[str]:
    """Why the bot is not ready, a sentence each: nothing where it is."""
    lines = []
    if stopping:
        lines.append(texts.say("health-stopping"))
    elif not connected:
        lines.append(texts.say("health-not-connected"))
    return lines + [_problem(slot) for slot in status.slots if slot.state is not State.READY]


def _problem(slot: SlotStatus) -> str:
    if slot.failure is not None:
        return texts.say("health-failed", slot=slot.slot, reason=str(slot.failure))
    return texts.say(
        "health-loading" if slot.state is State.LOADING else "health-not-loaded",
        slot=slot.slot,
        name=slot.name,
    )


class HealthServer:
    """Answers GET /livez, /readyz and /healthz with `report()` as JSON, and GET /metrics with `metrics()`.

    The status is 503 at /livez where "live" is false, at the other two where "ready" is, and else 200.
    """

    def __init__(
        self,
        report: Callable[[], Awaitable[dict[str, Any]]],
        metrics: Callable[[], Awaitable[tuple[str, bytes]]],
    ) -> None:
        """`metrics` returns the type of the content, and the content."""
        self._report = report
        self._metrics = metrics
        self._runner: web.AppRunner | None = None
        self.lag = LoopLag()

    async def start(self, host: str, port: int) -> None:
        """Listen. StartupError if the address cannot be had."""
        app = web.Application()
        app.router.add_get("/livez", partial(self._answer, "live"))
        for path in ("/readyz", "/healthz"):
            app.router.add_get(path, partial(self._answer, "ready"))
        app.router.add_get("/metrics", self._figures)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            raise AddressTaken(host, str(port), error.strerror or str(error)) from error
        self.lag.start()

    async def close(self) -> None:
        await self.lag.close()
        if self._runner:
            await self._runner.cleanup()

    async def _answer(self, key: str, _: web.Request) -> web.Response:
        content = await self._report() | {"loop_lag_seconds": round(self.lag.worst, 4)}
        return web.json_response(content, status=200 if content[key] else 503)

    async def _figures(self, _: web.Request) -> web.Response:
        kind, content = await self._metrics()
        return web.Response(body=content, headers={"Content-Type": kind})


def finite(number: float) -> float | None:
    """JSON knows no NaN, which is discord.py's latency before the first heartbeat."""
    return round(number, 4) if math.isfinite(number) else None
