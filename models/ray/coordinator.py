"""The cluster's single authority on which replicas exist, which requests are admitted and which version answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import ray
from ray import serve

import texts
from models.failures import AlreadyLoading, Failure, LoadFailed, LoadInterrupted, NoRoomInCluster, NotDeployed
from models.ray import replica
from models.ray.admission import Admission
from models.ray.errands import answered
from models.ray.plan import (
    Admitted,
    Answer,
    News,
    Plan,
    Question,
    Report,
    Roll,
    SlotPlan,
    app_name,
    parsed,
)
from models.results import ReplicaStatus, SlotStatus, State
from models.slots import EDITABLE, INSIDE, INSIDE_LANE
from models.specs import Spec

log = logging.getLogger(__name__)

T = TypeVar("T")

TICK = 0.25
"""Seconds between two checks of everything."""
NEWS_EVERY = 0.5
"""Seconds after which a bot process receives the current state, even if nothing has changed."""
GONE_AFTER = 5.0
"""Seconds of silence after which a replica or a bot process is considered dead."""
WITHOUT_ROOM = 60.0
"""Seconds within which a copy beside the old version must have been started."""
STRAGGLERS = 3.0
"""Seconds of grace for requests that were sent to the old version during the switch."""


@dataclass(eq=False)
class _Slot:
    plan: SlotPlan
    apps: dict[int, str] = field(default_factory=dict)
    """The existing versions and their Ray Serve application names."""
    current: int = 0
    """The version that receives new requests; 0 for none."""
    last: int = 0
    """The highest version number used so far."""
    answering: list[int] = field(default_factory=list)
    """The versions that still answer requests started on them, the current one first."""
    rolls: list[Roll] = field(default_factory=list)
    failure: Failure | None = None
    """Why the last rollout failed."""

    @property
    def rolling(self) -> bool:
        return bool(self.rolls) and not self.rolls[-1].done

    @property
    def answering_apps(self) -> tuple[str, ...]:
        return tuple(self.apps[version] for version in self.answering if version in self.apps)


class Coordinator:
    """An actor. After a restart it recovers its state from the reports of the replicas and from the bot processes,
    which repeat what they were promised.
    """

    def __init__(self, plan: Plan) -> None:
        self._slots = {part.slot: _Slot(part) for part in plan}
        self._admission = Admission()
        self._replicas: dict[str, tuple[Report, float]] = {}
        self._clients: dict[str, float] = {}
        self._failures: dict[tuple[str, int], Failure] = {}
        # Ray Serve does not support calls from two threads, except for deletions, which are slow and may overlap.
        self._serve = ThreadPoolExecutor(1, thread_name_prefix="serve")
        self._deleting = ThreadPoolExecutor(32, thread_name_prefix="serve-delete")
        self._tasks: set[asyncio.Task[None]] = set()
        self._adopted = asyncio.Event()
        self._set_lanes()

    # Calls from bot processes

    async def admit(self, question: Question, slot: str) -> Answer[Admitted]:
        self._begin()
        return await answered(self._admit(question, slot))

    async def _admit(self, question: Question, slot: str) -> Admitted:
        if (entry := self._slots.get(slot)) is None:
            raise NotDeployed
        self._clients.setdefault(question.client, time.monotonic())
        return Admitted(self._admission.admit(question), next(iter(entry.answering_apps), ""))

    async def release(self, client: str, key: str) -> None:
        self._admission.release(client, key)

    async def move_in_engine(self, client: str, key: str, place: int) -> None:
        self._admission.move_in_engine(client, key, place)

    async def attach(self, client: str, questions: tuple[Question, ...]) -> None:
        """Restore the admissions that a previous coordinator granted to a bot process."""
        self._begin()
        self._clients[client] = time.monotonic()
        self._admission.attach(client, questions)

    async def leave(self, client: str) -> None:
        self._clients.pop(client, None)
        self._admission.leave(client)

    async def news(self, client: str, at_once: bool = False) -> News | None:
        """The current state, on change or after a while; None if the process has to attach first."""
        self._begin()
        if not self._admission.knows(client):
            return None
        self._clients[client] = time.monotonic()
        if not at_once:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._admission.changes(client).wait(), NEWS_EVERY)
        await self._adopted.wait()
        if not self._admission.knows(client):
            return None
        return self._news(self._admission.places(client))

    async def look(self) -> News:
        """The current state, for callers that make no requests."""
        self._begin()
        await self._adopted.wait()
        return self._news({})

    def _news(self, places: Mapping[str, int]) -> News:
        return News(
            places,
            tuple(map(self._status, self._slots.values())),
            self._admission.status,
            {name: slot.answering_apps for name, slot in self._slots.items()},
            tuple(name for name, slot in self._slots.items() if slot.rolling),
        )

    async def roll(self, slot: str, spec: Spec, to_fetch: bool) -> Answer[int]:
        """Start replacing a slot's models; returns the number under which `progress` reports the rollout."""
        await self._adopted.wait()
        return await answered(self._begin_roll(slot, spec, to_fetch))

    async def _begin_roll(self, slot: str, spec: Spec, to_fetch: bool) -> int:
        if (entry := self._slots.get(slot)) is None:
            raise NotDeployed
        if entry.rolling:
            raise AlreadyLoading(slot)
        return self._start_roll(entry, entry.plan.holding(spec), to_fetch)

    async def progress(self, slot: str, number: int) -> Roll:
        entry = self._slots.get(slot)
        if entry is None or number >= len(entry.rolls):  # it was started by a previous coordinator
            return Roll(slot, done=True, failure=LoadInterrupted())
        return entry.rolls[number]

    # Calls from replicas

    async def report(self, report: Report) -> None:
        self._begin()
        known = self._replicas.get(report.replica)
        self._replicas[report.replica] = (report, time.monotonic())
        if report.status.failure is not None and not report.ready:
            self._failures[report.slot, report.version] = report.status.failure
        if known is None or known[0].ready != report.ready:
            self._set_lanes()
            self._admission.wake()

    # Background work

    def _begin(self) -> None:
        """Start the background work on the first call, in the event loop that serves all calls."""
        if not self._tasks:
            self._keep(self._look_after())

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_after(self) -> None:
        await self._adopt()
        while True:
            now = time.monotonic()
            for client, seen in list(self._clients.items()):
                if now - seen > GONE_AFTER:
                    await self.leave(client)
            silent = [name for name, (_, seen) in self._replicas.items() if now - seen > GONE_AFTER]
            for name in silent:
                del self._replicas[name]
            if silent:
                self._set_lanes()
                self._admission.wake()
            await asyncio.sleep(TICK)

    async def _adopt(self) -> None:
        """Find the versions that Ray Serve is running, and start whatever the plan still lacks."""
        await self._ask_serve(lambda: serve.start(proxy_location="Disabled"))
        running = await self._applications()
        unwanted = []
        for name, status in running.items():
            if (found := parsed(name)) is None:
                continue
            slot, version, _ = found
            entry = self._slots.get(slot)
            if entry is not None:
                entry.last = max(
                    entry.last, version
                )  # the name of an application being deleted is not free yet
            if entry is None or status in {"DELETING", "DEPLOY_FAILED"}:
                unwanted.append(name)
            else:
                entry.apps[version] = name
        restarted = ray.get_runtime_context().was_current_actor_reconstructed
        for entry in self._slots.values():
            whole = [version for version, name in entry.apps.items() if running[name] == "RUNNING"]
            versions = sorted(whole or entry.apps, reverse=True)
            if versions:
                self._switch(entry, versions[0])
            unwanted += [name for version, name in entry.apps.items() if version != entry.current]
            entry.apps = {version: name for version, name in entry.apps.items() if version == entry.current}
            planned = parsed(entry.apps[entry.current]) if entry.current else None
            if planned is None or (not restarted and planned[2] != entry.plan.fingerprint):
                self._start_roll(entry, entry.plan, to_fetch=False)
        for name in unwanted:
            self._keep(self._delete(name))
        self._set_lanes()
        self._adopted.set()

    def _start_roll(self, entry: _Slot, plan: SlotPlan, to_fetch: bool) -> int:
        before = sum(report.status.memory for report in self._reports(entry.plan.slot, entry.current))
        entry.rolls.append(Roll(plan.slot, serving=self._is_ready(entry), before=before))
        self._keep(self._roll(entry, plan, len(entry.rolls) - 1, to_fetch))
        return len(entry.rolls) - 1

    async def _roll(self, entry: _Slot, plan: SlotPlan, number: int, to_fetch: bool) -> None:
        """Start the new version beside the old one, and switch once all its replicas are ready."""
        entry.failure = None
        while len(entry.apps) > 1:  # a third version might not fit into memory
            what = texts.say("progress-waiting-for-previous")
            entry.rolls[number] = replace(entry.rolls[number], what=what, serving=self._is_ready(entry))
            await asyncio.sleep(TICK)
        entry.last += 1
        version = entry.last
        name = app_name(plan, version)
        try:
            entry.apps[version] = name
            if not entry.current:
                self._switch(entry, version)  # waiting requests go to the new version
            await self._ask_serve(lambda: _run(plan, version, name, to_fetch))
            await self._until_ready(entry, plan, version, number)
        except Exception as error:
            if not isinstance(error, Failure):
                log.exception("%s could not be rolled out", plan.slot)
            entry.failure = (
                error if isinstance(error, Failure) else LoadFailed(plan.spec.label, type(error).__name__)
            )
            entry.answering = [other for other in entry.answering if other != version]
            if entry.current == version:
                entry.current = 0
            self._keep(self._remove(entry, version))
        else:
            old, begun = entry.current, self._admission.running(plan.slot) | self._admission.running(INSIDE)
            entry.plan = plan
            self._switch(entry, version)
            if old and old != version:
                self._keep(self._retire(entry, old, begun))
        finally:
            last = entry.rolls[number]
            entry.rolls[number] = replace(
                last, done=True, failure=entry.failure, serving=self._is_ready(entry)
            )
            self._set_lanes()
            self._admission.wake()

    async def _until_ready(self, entry: _Slot, plan: SlotPlan, version: int, number: int) -> None:
        """Wait until all replicas have passed their probe; ModelError if one fails or none is started."""
        began = time.monotonic()
        beside = entry.current != version
        while True:
            reports = self._reports(plan.slot, version)
            ready = sum(report.ready for report in reports)
            if ready >= plan.replicas:
                return
            if failure := self._failures.pop((plan.slot, version), None):
                raise failure
            waited = time.monotonic() - began
            if beside and (waited > EDITABLE or (waited > WITHOUT_ROOM and not reports)):
                raise NoRoomInCluster(plan.slot)
            what = texts.say("progress-replicas", ready=ready, count=plan.replicas)
            entry.rolls[number] = replace(
                entry.rolls[number], what=what, share=ready / plan.replicas, serving=self._is_ready(entry)
            )
            status = (await self._applications()).get(app_name(plan, version))
            if status == "DEPLOY_FAILED":
                raise LoadFailed(plan.spec.label, "DeployFailed")
            await asyncio.sleep(TICK)

    def _switch(self, entry: _Slot, version: int) -> None:
        entry.current = version
        entry.answering = [version, *(other for other in entry.answering if other != version)]
        self._admission.wake()

    async def _retire(self, entry: _Slot, version: int, begun: set[tuple[str, str]]) -> None:
        """Remove a version once the requests that started on it have ended."""
        until = time.monotonic() + EDITABLE
        await asyncio.sleep(STRAGGLERS)
        while time.monotonic() < until:
            running = self._admission.running(entry.plan.slot) | self._admission.running(INSIDE)
            if not begun & running:
                break
            await asyncio.sleep(TICK)
        entry.answering = [other for other in entry.answering if other != version]
        self._admission.wake()
        await self._remove(entry, version)

    async def _remove(self, entry: _Slot, version: int) -> None:
        """Delete a version, which counts until its replicas have ended."""
        await self._delete(entry.apps[version])
        entry.apps.pop(version, None)

    async def _delete(self, name: str) -> None:
        with contextlib.suppress(Exception):
            await asyncio.get_running_loop().run_in_executor(self._deleting, serve.delete, name)

    async def _applications(self) -> dict[str, str]:
        """The applications that Ray Serve knows, with their states."""
        status = await self._ask_serve(serve.status)
        return {name: str(app.status.value) for name, app in status.applications.items()}

    async def _ask_serve(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._serve, work)

    # State

    def _set_lanes(self) -> None:
        views = 0
        for name, slot in self._slots.items():
            ready = sum(report.ready for report in self._reports(name, slot.current))
            self._admission.set_lane(name, max(1, ready) * slot.plan.ongoing, slot.plan.queued)
            views = max(views, ready if name in {"language", "encoder"} else 0)
        self._admission.set_lane(INSIDE, INSIDE_LANE.workers * max(1, views), INSIDE_LANE.queue)

    def _reports(self, slot: str, version: int = 0) -> list[Report]:
        """The latest reports from a slot's replicas, for one version or for all."""
        return [
            report
            for report, _ in self._replicas.values()
            if report.slot == slot and version in {0, report.version}
        ]

    def _is_ready(self, entry: _Slot) -> bool:
        return bool(entry.current) and any(
            report.ready for report in self._reports(entry.plan.slot, entry.current)
        )

    def _status(self, entry: _Slot) -> SlotStatus:
        """The state of a slot across all its replicas."""
        name = entry.plan.slot
        reports = self._reports(name, entry.current) if entry.current else []
        ready = [report.status for report in reports if report.ready]
        replicas = tuple(_replica_statuses(self._reports(name)))
        if not ready:
            failed = entry.failure is not None and not entry.current
            return SlotStatus(
                name,
                entry.plan.spec.label,
                State.FAILED if failed else State.LOADING,
                detail=entry.failure.sentence if failed and entry.failure else texts.say("slot-loading"),
                generation=entry.current,
                failure=entry.failure if failed else None,
                replicas=replicas,
            )
        first = ready[0]
        detail = first.detail
        if entry.rolling:
            detail = texts.say("slot-loading-beside")
        elif entry.failure is not None:
            detail = texts.say("slot-reload-failed", reason=entry.failure.sentence)
        figures = {key: sum(status.figures.get(key, 0) for status in ready) for key in first.figures}
        return replace(
            first,
            memory=sum(status.memory for status in ready),
            load_seconds=max(status.load_seconds for status in ready),
            detail=detail,
            generation=entry.current,
            leases=sum(status.leases for status in ready),
            failure=entry.failure,
            figures=figures,
            replicas=replicas,
        )


def _replica_statuses(reports: list[Report]) -> Iterator[ReplicaStatus]:
    for report in sorted(reports, key=lambda report: (-report.version, report.node, report.replica)):
        yield ReplicaStatus(
            report.replica,
            report.node,
            report.version,
            report.status.state,
            report.memory,
            report.running,
            report.ended,
        )


def _run(plan: SlotPlan, version: int, name: str, to_fetch: bool) -> None:
    """Tell Ray Serve to start a version, without waiting for it."""
    application = replica.application(plan, version, to_fetch=to_fetch)
    target = serve.RunTarget(application, name=name, route_prefix=None)
    serve.run_many([target], wait_for_ingress_deployment_creation=False, wait_for_applications_running=False)
