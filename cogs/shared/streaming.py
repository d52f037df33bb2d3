"""Streaming edits of one message: the latest content wins, and the final edit is always sent."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TypeAlias

import aiohttp
import discord

log = logging.getLogger(__name__)

INTERVAL = 1.2
"""Seconds between edits. Discord publishes no limit, but returns 429 for faster ones."""
GRACE = 0.4
"""Seconds before the first edit."""
_ATTEMPTS = 6
_LONGEST_PAUSE = 15.0

Edit: TypeAlias = Callable[..., Awaitable[object]]
"""Changes the given parts of a message, such as `content`."""


async def _nothing() -> None:
    pass


class Editor:
    """Coalesces edits: while an edit is in flight, newer content replaces waiting content.

    discord.py waits for known rate limits, so a slow or limited connection only makes the steps larger. A failed
    intermediate edit is merged into the next one. If no further edit can succeed, because the message was deleted or
    its 15 minutes are over, `on_gone` is called once. Call all methods on the event loop's thread.
    """

    def __init__(
        self, edit: Edit, *, on_gone: Callable[[], Awaitable[object]] = _nothing, interval: float = INTERVAL
    ) -> None:
        self._edit = edit
        self._on_gone = on_gone
        self._interval = interval
        self._waiting: dict[str, object] = {}
        self._shown: dict[str, object] = {}
        self._open = False
        self._begun = False
        self._closing = False
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start editing the message; earlier content is sent unless the final edit comes first."""
        self._open = True
        self.show()

    def show(self, *, at_once: bool = False, **message: object) -> None:
        """Send this as soon as the rate allows, or immediately. Other parts stay unchanged."""
        if self._closing:
            return
        self._waiting |= message
        if at_once:
            self._hurry.set()
        if self._open and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._send_what_waits(), name="tokenwise-editor")

    async def finish(self, message: Callable[[], Mapping[str, object]]) -> None:
        """Send the final edit, after the one in flight, with retries if the connection fails.

        `message` is called for each attempt, because a file can be sent only once. Raises Discord's error if it is
        permanent: the message was deleted, or its 15 minutes are over.
        """
        await self.close()
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await self._edit(**message())
            except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
                pause = _pause(error, attempt)
                if pause is None or attempt == _ATTEMPTS:
                    raise
                log.warning("The last edit failed (%s); retrying in %.1f s", type(error).__name__, pause)
                await asyncio.sleep(pause)
            else:
                return

    async def close(self) -> None:
        """Stop editing; returns when no edit is in flight."""
        self._closing = True
        self._waiting = {}
        self._hurry.set()
        if self._task is not None:
            await self._task

    async def _send_what_waits(self) -> None:
        if not self._begun:
            # An immediate answer or rejection needs no earlier edit.
            self._begun = True
            await self._rest(GRACE)
        while self._waiting:
            # An edit without changes would only make the message flicker.
            message = {
                name: part
                for name, part in self._waiting.items()
                if name not in self._shown or self._shown[name] != part
            }
            self._waiting = {}
            if not message:
                return
            self._hurry.clear()
            pause = self._interval
            began = time.monotonic()
            try:
                await self._edit(**message)
            except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
                retry = _pause(error, 1)
                log.info("An intermediate edit failed: %s", type(error).__name__)
                if retry is None:
                    self._closing = True
                    await self._on_gone()
                    return
                pause = max(pause, retry)
                self._waiting = {} if self._closing else message | self._waiting
            else:
                self._shown |= message
            await self._rest(pause - (time.monotonic() - began))

    async def _rest(self, seconds: float) -> None:
        """Wait for the rate limit, unless there is urgent content or the final edit."""
        with contextlib.suppress(TimeoutError):
            if not self._closing:
                await asyncio.wait_for(self._hurry.wait(), seconds)


def _pause(error: Exception, attempt: int) -> float | None:
    """Seconds until the next attempt; None if further attempts cannot succeed."""
    if not isinstance(error, discord.HTTPException):
        return min(2.0 ** (attempt - 1), _LONGEST_PAUSE)
    if error.status == HTTPStatus.TOO_MANY_REQUESTS:
        try:
            return min(float(error.response.headers.get("Retry-After", 1.0)), _LONGEST_PAUSE)
        except ValueError:
            return 1.0
    if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    return min(2.0 ** (attempt - 1), _LONGEST_PAUSE)
