"""/healthz, on loopback, for whatever watches the process."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.failures import AddressTaken

TICK = 0.25
"""Seconds between two looks at the clock."""
SPAN = 60
"""Seconds that the reported lag looks back."""


class LoopLag:
    """How late the event loop is for its appointments: what people feel when something blocks it."""

    def __init__(self) -> None:
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


class HealthServer:
    """Answers GET /healthz with `report()` as JSON: 200 where its "ready" is true, else 503."""

    def __init__(self, report: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        self._report = report
        self._runner: web.AppRunner | None = None
        self.lag = LoopLag()

    async def start(self, host: str, port: int) -> None:
        """Listen. StartupError if the address cannot be had."""
        app = web.Application()
        app.router.add_get("/healthz", self._answer)
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

    async def _answer(self, _: web.Request) -> web.Response:
        content = await self._report() | {"loop_lag_seconds": round(self.lag.worst, 4)}
        return web.json_response(content, status=200 if content["ready"] else 503)


def finite(number: float) -> float | None:
    """JSON knows no NaN, which is discord.py's latency before the first heartbeat."""
    return round(number, 4) if math.isfinite(number) else None
