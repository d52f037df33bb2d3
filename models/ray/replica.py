"""A copy of one slot's model on a machine of the cluster: a local service behind Ray Serve."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import ray
from ray import serve
from ray.serve.config import RequestRouterConfig

from models import memory
from models.failures import Failure, LoadInterrupted
from models.files.fetching import fetch
from models.hub import Hub
from models.local import LocalService
from models.ray import errands
from models.ray.plan import COORDINATOR, NAMESPACE, Answer, Report, SlotPlan
from models.ray.routing import PreferPrevious
from models.results import SlotStatus, State
from models.service import Generate, GenerationEvent, JobDone, ServiceEvent
from models.slots import LaneLimits

log = logging.getLogger(__name__)

REPORT_EVERY = 1.0
"""Seconds between reports to the coordinator."""
NO_LIMIT = 1_000_000
"""Requests per user: the coordinator has already enforced the limit."""

EXTRA = 32
"""Requests that a replica accepts beyond its lane: views, suggestions and cancellations."""
BUSY = 0.75
"""The share of its capacity at which a replica counts as busy, so that another is started."""


class Replica:
    """Handles the requests of one slot. Ray Serve sends none before the model is loaded and tested."""

    # Ray Serve awaits an asynchronous constructor.
    async def __init__(  # type: ignore[misc]
        self, plan: SlotPlan, version: int, to_fetch: bool
    ) -> None:
        """ModelError if there is no usable model. `to_fetch`: download missing or newer files first."""
        memory.use_few_arenas()
        self._plan, self._version = plan, version
        self._coordinator: Any = None
        self._name = serve.get_replica_context().replica_id.unique_id
        self._node = ray.get_runtime_context().get_node_id()[:8]
        slot = plan.slot
        hub = Hub({slot: plan.spec})
        lane = LaneLimits(workers=plan.ongoing, queue=NO_LIMIT, timeout=plan.seconds)
        self._service = LocalService(hub, {slot: lane}, per_user=NO_LIMIT)
        self._ended = 0
        self._service.listen(self._count)
        self._methods = errands.methods(self._service, slot)
        reporting = asyncio.create_task(self._report_forever())
        try:
            if to_fetch:
                await asyncio.to_thread(self._fetch)
            await self._service.start()
            await self._service.loaded()
            await self._report()
            _check(hub.status(slot)[0])
        except BaseException:
            reporting.cancel()
            raise
        self._reporting = reporting

    def _count(self, event: ServiceEvent) -> None:
        self._ended += isinstance(event, JobDone)

    async def answer(self, errand: str, request: Any) -> Answer[Any]:
        """Call the method `errand` with a request."""
        return await errands.answered(self._methods[errand](request))

    async def write(self, request: Generate) -> AsyncGenerator[GenerationEvent | Answer[None], None]:
        """Stream the generated text; if an error cut it short, that comes last."""
        try:
            async with contextlib.aclosing(self._service.language.generate(request)) as events:
                await anext(events)  # its place in this lane: the coordinator has already queued it
                async for event in events:
                    yield event
        except Failure as failure:
            yield Answer(failure=failure)
        except Exception as error:
            log.exception("a text failed")
            yield Answer(broken=type(error).__name__)

    async def cancel(self, request_id: str) -> bool:
        return await self._service.cancel(request_id)

    async def __del__(self) -> None:
        # Ray Serve calls it even if the constructor did not finish.
        if hasattr(self, "_reporting"):
            self._reporting.cancel()
            await self._service.close()

    def _fetch(self) -> None:
        for item in self._plan.spec.items(self._plan.slot):
            fetch(item, lambda *_: None, update=True)

    async def _report_forever(self) -> None:
        while True:
            with contextlib.suppress(Exception):  # the coordinator may be restarting on another machine
                await self._report()
            await asyncio.sleep(REPORT_EVERY)

    async def _report(self) -> None:
        status = await self._service.status()
        report = Report(
            self._name,
            self._plan.slot,
            self._version,
            self._node,
            status.slots[0],
            memory.process(),
            sum(lane.running for lane in status.lanes.values()),
            self._ended,
        )
        if self._coordinator is None:
            self._coordinator = await asyncio.to_thread(ray.get_actor, COORDINATOR, NAMESPACE)
        try:
            await self._coordinator.report.remote(report)
        except ray.exceptions.RayError:
            self._coordinator = None  # there may be a new one by now
            raise


def _check(status: SlotStatus) -> None:
    """Fail Ray Serve's health check if there is no usable model."""
    if status.state is not State.READY:
        raise status.failure or LoadInterrupted


def options(plan: SlotPlan) -> Mapping[str, Any]:
    """The options with which Ray Serve runs the replicas of a slot."""
    scaling: dict[str, Any] = {"num_replicas": plan.replicas}
    if plan.most > plan.replicas:
        scaling = {
            "autoscaling_config": {
                "min_replicas": plan.replicas,
                "max_replicas": plan.most,
                "target_ongoing_requests": max(1.0, plan.ongoing * BUSY),
            }
        }
    routing: dict[str, Any] = {}
    if plan.slot == "language":
        router = RequestRouterConfig(
            request_router_class=PreferPrevious, request_router_kwargs={"ongoing": plan.ongoing}
        )
        routing = {"request_router_config": router}
    return {
        "name": plan.slot,
        "max_ongoing_requests": plan.ongoing + EXTRA,
        "max_queued_requests": -1,
        "graceful_shutdown_timeout_s": plan.seconds,
        "ray_actor_options": {"num_cpus": plan.cpus, "num_gpus": plan.gpus},
        "logging_config": {"log_level": "WARNING", "enable_access_log": False},
        **scaling,
        **routing,
    }


def application(plan: SlotPlan, version: int, *, to_fetch: bool) -> serve.Application:
    """The Ray Serve application for a version of a slot."""
    return serve.deployment(**options(plan))(Replica).bind(plan, version, to_fetch)
