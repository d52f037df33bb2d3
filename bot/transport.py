"""Calls of Discord's REST API whose answer was lost or cannot be read.

discord.py takes for granted that every answer arrives and is JSON. In between are proxies that answer with a page of
HTML, and connections that break after Discord took a request. Such a call is tried again where that does no harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import aiohttp
import discord
from discord.http import HTTPClient, Route
from discord.webhook.async_ import AsyncWebhookAdapter, async_context

log = logging.getLogger(__name__)

PAUSES = (0.3, 1.0, 2.0, 4.0)
"""Seconds before each further attempt."""
HASTE = 0.25
"""What the pauses are multiplied with before an interaction is acknowledged, for which there are 3 seconds."""
LONGEST_PAUSE = 15.0
ALREADY_ACKNOWLEDGED = 40060
_REPEATABLE = ("PATCH", "PUT", "DELETE")
"""Asked twice, these leave what they leave when asked once. What is read (GET) is asked for again by whoever wants it."""


class UnreadableAnswer(aiohttp.ClientError):
    """What came back is not what Discord sends: broken JSON, or somebody else's page."""


LOST = (aiohttp.ClientError, OSError)
"""What is raised when an answer was lost on the way. A timeout is an OSError too."""


def use(http: HTTPClient) -> None:
    """Have all calls of a client, and of everything that runs in this context, go through here."""
    plain = http.request

    async def request(route: Route, **options: Any) -> Any:
        async def call() -> Any:
            return _read(await plain(route, **options))

        pauses = PAUSES if route.method in _REPEATABLE else ()
        return await _persist(route, call, pauses, limited=False)

    # There is no other place to hook in.
    http.request = request  # type: ignore[method-assign]
    async_context.set(Adapter())  # type: ignore[no-untyped-call]


class Adapter(AsyncWebhookAdapter):
    """Interactions: acknowledging them, and editing what was answered."""

    async def request(self, route: Route, session: aiohttp.ClientSession, **options: Any) -> Any:
        acknowledging = route.path.endswith("/callback")
        counted = _Counted(session)

        async def call() -> Any:
            for file in options.get("files") or ():
                file.reset(seek=counted.requests)
            try:
                answer = await super(Adapter, self).request(route, counted, **options)  # type: ignore[arg-type]
            except discord.HTTPException as error:
                # Who is told so at the first attempt has a second bot beside it; later ones mean the one before.
                if acknowledging and error.code == ALREADY_ACKNOWLEDGED and counted.requests > 1:
                    return _acknowledged(route)
                raise
            return _acknowledged(route) if acknowledging and answer == "" else _read(answer)

        if acknowledging:
            pauses: tuple[float, ...] = tuple(pause * HASTE for pause in PAUSES)
        else:
            pauses = PAUSES if route.method in _REPEATABLE else ()
        return await _persist(route, call, pauses, limited=True)


class _Counted:
    """A session that counts how many requests were sent, those that discord.py repeats by itself too."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.requests = 0

    def request(self, *arguments: Any, **options: Any) -> Any:
        self.requests += 1
        return self._session.request(*arguments, **options)


async def _persist(
    route: Route, call: Callable[[], Awaitable[Any]], pauses: tuple[float, ...], *, limited: bool
) -> Any:
    """The answer of a call, which is made again after each pause while its answer is lost.

    If it is `limited`, also when there were too many requests; those who log in have to wait much longer.
    """
    for pause in pauses:
        try:
            return await _readable(call)
        except discord.HTTPException as error:
            if error.status != HTTPStatus.TOO_MANY_REQUESTS or not limited:
                raise
            reason, pause = "429", retry_after(error, pause)  # noqa: PLW2901 - Discord knows better
            if pause > LONGEST_PAUSE:
                raise
        except LOST as error:
            reason = type(error).__name__
        log.info(
            "%s %s failed on the way (%s); trying again in %.1f s", route.method, _named(route), reason, pause
        )
        await asyncio.sleep(pause)
    return await _readable(call)


async def _readable(call: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await call()
    except (ValueError, KeyError) as error:  # JSON that is cut off, or a 429 without its fields
        raise UnreadableAnswer(type(error).__name__) from error


def _read(answer: Any) -> Any:
    """What discord.py reads from a body: text where it was not JSON. Only an empty body is right to be text."""
    if isinstance(answer, str) and answer.strip():
        raise UnreadableAnswer("not JSON")
    return answer


def _acknowledged(route: Route) -> dict[str, Any]:
    """What is known of an acknowledgement whose answer was lost; discord.py wants this much."""
    return {"interaction": {"id": str(route.webhook_id), "type": 2}}


def retry_after(error: discord.HTTPException, otherwise: float) -> float:
    """Seconds that Discord, or what stands before it, asks to wait."""
    try:
        return max(0.0, float(error.response.headers.get("Retry-After", otherwise)))
    except ValueError:
        return otherwise


def _named(route: Route) -> str:
    """The route as the documentation writes it: without ids, and above all without tokens."""
    return route.path
