"""The process around the client: it runs until a signal or a permanent failure."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal

from bot.client import Tokenwise
from bot.failures import StartupError

log = logging.getLogger(__name__)

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""SIGHUP arrives when the terminal closes."""
ATTEMPTS, PATIENCE = 3, 0.5
"""Number of attempts to cancel discord.py, and seconds for each: while it reconnects, it ignores the first."""


async def serve(bot: Tokenwise, token: str) -> int:
    """Run the bot until a signal or a permanent failure, and return the exit code. A second signal ends it at once."""
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, bot.request_stop)
    try:
        async with bot:
            running = asyncio.create_task(bot.start(token), name="tokenwise-run")
            wanted = asyncio.create_task(bot.wait_for_stop())
            await asyncio.wait({running, wanted}, return_when=asyncio.FIRST_COMPLETED)
            if wanted.done():
                log.info("stopping")
            wanted.cancel()
            # The shards have separate tasks, so open interactions still get through.
            await _let_go(running)
            code = _code(running) if running.done() else 0
        await _let_go(running)
        return code
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


async def _let_go(task: asyncio.Task[None]) -> None:
    for _ in range(ATTEMPTS):
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=PATIENCE)


def _code(running: asyncio.Task[None]) -> int:
    """The exit code for the client's outcome."""
    with contextlib.suppress(asyncio.CancelledError):
        match running.exception():
            case None:
                pass
            case StartupError() as error:
                log.error("%s", error)
                return 1
            case error:
                log.error("the bot failed", exc_info=error)
                return 1
    return 0
