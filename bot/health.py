"""The health endpoint, HTTP on loopback: liveness, readiness, and metrics."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

import texts
from bot import __version__
from bot.failures import AddressTaken
from models.results import SlotStatus, State
from models.service import LaneStatus, ServiceStatus

if TYPE_CHECKING:
    from bot.client import Tokenwise

TICK = 0.25
"""Seconds between two measurements."""
SPAN = 60
"""The reported lag is the worst of this many seconds."""


class LoopLag:
    """The event loop's lag: how late its timers fire when something blocks it."""

    def __init__(self, observe: Callable[[float], object]) -> None:
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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The bot's state at one moment: the models, the lanes (including drawing), and the connection to Discord.

    `problems` has a sentence for everything that keeps it from being ready; `latencies` are seconds by shard, NaN for
    a shard without a heartbeat.
    """

    status: ServiceStatus
    lanes: Mapping[str, LaneStatus]
    connected: bool
    stopping: bool
    problems: tuple[str, ...]
    servers: int
    latencies: Mapping[int, float]
    shard_count: int | None
    database: bool
    uptime: float

    @classmethod
    async def of(cls, bot: Tokenwise) -> Self:
        status = await bot.service.status()
        stopping = bot.stopping.is_set()
        return cls(
            status,
            {**status.lanes, **bot.drawing.status},
            bot.connected,
            stopping,
            tuple(_problems(status, connected=bot.connected, stopping=stopping)),
            len(bot.guilds),
            dict(bot.latencies),
            bot.shard_count,
            bot.store.reachable,
            bot.uptime,
        )

    @property
    def ready(self) -> bool:
        return not self.problems

    def report(self) -> dict[str, Any]:
        """JSON values for /healthz, without personal data or secrets."""
        known = [latency for latency in self.latencies.values() if math.isfinite(latency)]
        return {
            "live": True,  # a process that answers is live
            "ready": self.ready,
            "problems": list(self.problems),
            "connected": self.connected,
            "stopping": self.stopping,
            "version": __version__,
            "uptime_seconds": round(self.uptime),
            "latency_seconds": round(sum(known) / len(known), 4) if known else None,
            "shards": len(self.latencies),
            "shard_ids": sorted(self.latencies),
            "shard_count": self.shard_count,
            "database": self.database,
            "servers": self.servers,
            "slots": [
                {
                    "slot": slot.slot,
                    "name": slot.name,
                    "state": slot.state,
                    "generation": slot.generation,
                    "leases": slot.leases,
                    "failure": str(slot.failure) if slot.failure else None,
                    "replicas": [asdict(replica) for replica in slot.replicas],
                }
                for slot in self.status.slots
            ],
            "lanes": {name: asdict(lane) for name, lane in self.lanes.items()},
        }


def _problems(status: ServiceStatus, *, connected: bool, stopping: bool) -> list[str]:
    """Why the bot is not ready, one sentence each."""
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
    """Answers GET /livez, /readyz and /healthz with the bot's `Snapshot` as JSON, and GET /metrics.

    The status is 503 at /readyz and /healthz while the bot is not ready, and 200 otherwise.
    """

    def __init__(self, bot: Tokenwise) -> None:
        from bot.metrics import Metrics  # noqa: PLC0415 - slow to import, and often not needed

        self._bot = bot
        self._metrics = Metrics(bot.events)
        self._runner: web.AppRunner | None = None
        self.lag = LoopLag(self._metrics.observe_lag)
        self.observe_transaction = self._metrics.observe_transaction

    async def start(self, host: str, port: int) -> None:
        """Start listening. Raises StartupError if the address is not available."""
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
        content = await self._bot.health()
        content["loop_lag_seconds"] = round(self.lag.worst, 4)
        return web.json_response(content, status=200 if content[key] else 503)

    async def _figures(self, _: web.Request) -> web.Response:
        kind, content = self._metrics.exposition(await Snapshot.of(self._bot))
        return web.Response(body=content, headers={"Content-Type": kind})
