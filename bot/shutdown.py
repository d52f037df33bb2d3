"""The end of the bot's life, in order: tell, drain, close. What was promised before is kept until then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)

IN_A_HURRY = 0.5
"""Seconds that each step may take once somebody has asked a second time."""

HANDLERS = (
    "CommandTree-invoker",
    "discord-ui-view-dispatch",
    "discord-ui-modal-dispatch",
    "discord-ui-dynamic-item",
    "discord.py: on_interaction",
)
"""How discord.py names the tasks that answer interactions; it keeps no list of them."""


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the shutdown, which is given up after so many seconds."""

    name: str
    run: Callable[[], Awaitable[object]]
    seconds: float


class Shutdown:
    """Runs its steps once, however often it is asked for; whoever asks later waits for the same end.

    Every step has a bound, because discord.py, a disk or a thread may never come to an end.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._task: asyncio.Task[None] | None = None
        self._notices: dict[object, Callable[[], object]] = {}
        self.wanted = asyncio.Event()
        """Set when somebody wants the bot to stop."""
        self.hurry = asyncio.Event()
        """Set when somebody wants so a second time."""
        self.begun = asyncio.Event()

    def request(self) -> None:
        """Ask for the end; asked again, hurry."""
        if self.wanted.is_set():
            self.hurry.set()
        self.wanted.set()

    def notify(self, notice: Callable[[], object]) -> Callable[[], object]:
        """Have `notice()` called when the shutdown begins; call what this returns to take it back."""
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
        """Wait for `work`, or until somebody is in a hurry; whether it came to its end."""
        working = asyncio.ensure_future(work)
        hurried = asyncio.create_task(self.hurry.wait())
        await asyncio.wait({working, hurried}, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if working.done():
            return True
        working.cancel()
        return False


def open_interactions() -> set[asyncio.Task[Any]]:
    """The tasks that answer interactions now, without the one that asks."""
    own = asyncio.current_task()
    return {task for task in asyncio.all_tasks() if task.get_name().startswith(HANDLERS) and task is not own}


async def finish_interactions(seconds: float) -> None:
    """Let every open interaction say its last word, at most so many seconds."""
    if handlers := open_interactions():
        _, late = await asyncio.wait(handlers, timeout=seconds)
        await cancelled(late)


async def cancelled(tasks: Iterable[asyncio.Task[Any]], seconds: float = 5.0) -> None:
    """Cancel tasks and wait for their end, at most so many seconds: a task may ignore it, as discord.py's do at times."""
    waiting = set(tasks)
    for task in waiting:
        task.cancel()
    if waiting:
        await asyncio.wait(waiting, timeout=seconds)


def owner(task: asyncio.Task[Any]) -> object:
    """The object whose method a task runs."""
    frame = getattr(task.get_coro(), "cr_frame", None)
    return frame.f_locals.get("self") if frame else None
