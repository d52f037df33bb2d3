"""The shutdown sequence: notify, drain, close."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)

IN_A_HURRY = 0.5
"""Seconds for each step after a second signal."""

HANDLERS = (
    "CommandTree-invoker",
    "discord-ui-view-dispatch",
    "discord-ui-modal-dispatch",
    "discord-ui-dynamic-item",
    "discord.py: on_interaction",
)
"""The names of discord.py's tasks that answer interactions, which it does not list."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the shutdown, abandoned after `seconds`."""

    name: str
    run: Callable[[], Awaitable[object]]
    seconds: float


class Shutdown:
    """Runs its steps once; later callers wait for the same shutdown.

    Every step has a time limit, because discord.py, a disk or a thread may hang.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._task: asyncio.Task[None] | None = None
        self._notices: dict[object, Callable[[], object]] = {}
        self.wanted = asyncio.Event()
        """Set when the bot should stop."""
        self.hurry = asyncio.Event()
        """Set when it is asked a second time."""
        self.begun = asyncio.Event()

    def request(self) -> None:
        """Request the shutdown; a second request makes it hurry."""
        if self.wanted.is_set():
            self.hurry.set()
        self.wanted.set()

    def notify(self, notice: Callable[[], object]) -> Callable[[], object]:
        """Call `notice()` when the shutdown begins; call the returned function to unsubscribe."""
        key = object()
        self._notices[key] = notice
        return lambda: self._notices.pop(key, None)

    async def run(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="tokenwise-shutdown")
        await asyncio.shield(self._task)

    async def _run(self) -> None:
        self.begun.set()
        for notice in tuple(self._notices.values()):
            notice()
        for step in self._steps:
            await self._bounded(step)

    async def _bounded(self, step: Step) -> None:
        task = asyncio.ensure_future(step.run())
        hurried = asyncio.create_task(self.hurry.wait())
        await asyncio.wait({task, hurried}, timeout=step.seconds, return_when=asyncio.FIRST_COMPLETED)
        if not task.done() and hurried.done():
            await asyncio.wait({task}, timeout=IN_A_HURRY)
        hurried.cancel()
        if not task.done():
            log.warning("shutdown: gave up on %s", step.name)
            await cancelled({task}, IN_A_HURRY)
        elif not task.cancelled() and (error := task.exception()) is not None:
            log.error("shutdown: %s failed", step.name, exc_info=error)

    async def unless_hurried(self, work: Awaitable[object]) -> bool:
        """Wait for `work` or for a second request; whether the work finished."""
        working = asyncio.ensure_future(work)
        hurried = asyncio.create_task(self.hurry.wait())
        await asyncio.wait({working, hurried}, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if working.done():
            return True
        working.cancel()
        return False


def open_interactions() -> set[asyncio.Task[Any]]:
    """The tasks that answer interactions now, except the calling one."""
    own = asyncio.current_task()
    return {task for task in asyncio.all_tasks() if task.get_name().startswith(HANDLERS) and task is not own}


async def finish_interactions(seconds: float) -> None:
    """Let every open interaction finish its answer, for at most `seconds`."""
    if handlers := open_interactions():
        _, late = await asyncio.wait(handlers, timeout=seconds)
        await cancelled(late)


async def cancelled(tasks: Iterable[asyncio.Task[Any]], seconds: float = 5.0) -> None:
    """Cancel tasks and wait for them, for at most `seconds`: some of discord.py's tasks ignore cancellation."""
    waiting = set(tasks)
    for task in waiting:
        task.cancel()
    if waiting:
        await asyncio.wait(waiting, timeout=seconds)


def owner(task: asyncio.Task[Any]) -> object:
    """The object whose method a task runs."""
    frame = getattr(task.get_coro(), "cr_frame", None)
    return frame.f_locals.get("self") if frame else None
