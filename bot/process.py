"""The process around the client: it runs until a signal, or a failure that cannot pass."""

from __future__ import annotations

import asyncio
import logging
import signal

from bot.client import Tokenwise
from bot.failures import StartupError

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def serve(bot: Tokenwise, token: str) -> int:
    """Run the bot until SIGINT, SIGTERM or a failure that cannot pass; the exit code."""
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
            # The shards have tasks of their own, so that open interactions still get through.
            running.cancel()
            try:
                await running
            except StartupError as error:
                log.error("%s", error)  # noqa: TRY400 - one line for whoever runs the bot
                return 1
            except asyncio.CancelledError:
                pass
            except Exception:
                log.exception("the bot failed")
                return 1
        return 0
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
