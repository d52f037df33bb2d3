"""The end of the bot's life, in order: tell, drain, close. What was promised before is kept until then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

log = logging.getLogger(__name__)

Step = tuple[str, Callable[[], Awaitable[object]]]

HANDLERS = (
    "CommandTree-invoker",
    "discord-ui-view-dispatch",
    "discord-ui-modal-dispatch",
    "discord-ui-dynamic-item",
)
"""How discord.py names the tasks that answer interactions; it keeps no list of them."""


class Shutdown:
    """Runs its steps once, however often it is asked for; whoever asks later waits for the same end."""

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
        for name, step in self._steps:
            try:
                await step()
            except Exception:
                log.exception("shutdown: %s failed", name)

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


async def cancelled(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait for their end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def owner(task: asyncio.Task[Any]) -> object:
    """The object whose method a task runs."""
    frame = getattr(task.get_coro(), "cr_frame", None)
    return frame.f_locals.get("self") if frame else None
