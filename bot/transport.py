"""Retries for calls to Discord's REST API whose response was lost or unreadable.

discord.py assumes that every response arrives and is JSON. But proxies may respond with an HTML page, and connections
may break after Discord accepted a request. Such calls are retried where that is harmless.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
from discord.http import HTTPClient, Route
from discord.webhook.async_ import AsyncWebhookAdapter, async_context

from bot.events import Events, RestDone

log = logging.getLogger(__name__)

PAUSES = (0.3, 1.0, 2.0, 4.0)
"""Seconds before each further attempt."""
HASTE = 0.25
"""Factor for the delays before an interaction is acknowledged, which must happen within 3 seconds."""
LONGEST_PAUSE = 15.0
ALREADY_ACKNOWLEDGED = 40060
_REPEATABLE = ("PATCH", "PUT", "DELETE")
"""These calls are idempotent. Callers retry reads (GET) themselves."""


class UnreadableAnswer(aiohttp.ClientError):
    """The response is not from Discord: broken JSON, or a proxy's page."""


LOST = (aiohttp.ClientError, OSError)
"""The errors when a response was lost. A timeout is an OSError too."""


def use(http: HTTPClient, on_acknowledged: Callable[[int], object]) -> None:
    """Route all calls of a client, and of everything that runs in this context, through this module.

    `on_acknowledged` is called with the id of each interaction whose first answer Discord has accepted.
    """
    plain = http.request

    async def request(route: Route, **options: Any) -> Any:
        async def call() -> Any:
            return _read(await plain(route, **options))

        pauses = PAUSES if route.method in _REPEATABLE else ()
        return await _persist(route, call, pauses, limited=False)

    # There is no public hook.
    http.request = request  # type: ignore[method-assign]
    async_context.set(Adapter(on_acknowledged))


def trace(events: Events) -> aiohttp.TraceConfig:
    """Emit an event for each request of a client's session."""
    config = aiohttp.TraceConfig()

    async def began(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.began = time.monotonic()

    async def ended(
        _: aiohttp.ClientSession, context: SimpleNamespace, end: aiohttp.TraceRequestEndParams
    ) -> None:
        if end.response.status != HTTPStatus.SWITCHING_PROTOCOLS:  # the gateway
            events.emit(RestDone(str(end.response.status), time.monotonic() - context.began))

    async def failed(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        events.emit(RestDone("error", time.monotonic() - context.began))

    config.on_request_start.append(began)
    config.on_request_end.append(ended)
    config.on_request_exception.append(failed)
    return config


class Adapter(AsyncWebhookAdapter):
    """Interactions: acknowledging them, and editing answers."""

    def __init__(self, on_acknowledged: Callable[[int], object]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._on_acknowledged = on_acknowledged

    async def request(self, route: Route, session: aiohttp.ClientSession, **options: Any) -> Any:
        acknowledging = route.path.endswith("/callback")
        counted = _Counted(session)

        async def call() -> Any:
            for file in options.get("files") or ():
                file.reset(seek=counted.requests)
            try:
                answer = await super(Adapter, self).request(route, counted, **options)  # type: ignore[arg-type]
            except discord.HTTPException as error:
                # On the first attempt this means that a second bot is running; on later ones, that an earlier attempt
                # succeeded.
                if acknowledging and error.code == ALREADY_ACKNOWLEDGED and counted.requests > 1:
                    return _acknowledged(route)
                raise
            return _acknowledged(route) if acknowledging and answer == "" else _read(answer)

        if acknowledging:
            pauses: tuple[float, ...] = tuple(pause * HASTE for pause in PAUSES)
        else:
            pauses = PAUSES if route.method in _REPEATABLE else ()
        answer = await _persist(route, call, pauses, limited=True)
        if acknowledging and route.webhook_id is not None:
            self._on_acknowledged(int(route.webhook_id))
        return answer


class _Counted:
    """A session that counts sent requests, including discord.py's own retries."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.requests = 0

    def request(self, *arguments: Any, **options: Any) -> Any:
        self.requests += 1
        return self._session.request(*arguments, **options)


async def _persist(
    route: Route, call: Callable[[], Awaitable[Any]], pauses: tuple[float, ...], *, limited: bool
) -> Any:
    """The response to a call, retried after each delay while responses are lost.

    If it is `limited`, also retried after 429; logins have to wait much longer.
    """
    for pause in pauses:
        try:
            return await _readable(call)
        except discord.HTTPException as error:
            if error.status != HTTPStatus.TOO_MANY_REQUESTS or not limited:
                raise
            reason, pause = "429", retry_after(error, pause)  # noqa: PLW2901 - Discord's value takes precedence
            if pause > LONGEST_PAUSE:
                raise
        except LOST as error:
            reason = type(error).__name__
        log.info("%s %s: response lost (%s); retrying in %.1f s", route.method, _named(route), reason, pause)
        await asyncio.sleep(pause)
    return await _readable(call)


async def _readable(call: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await call()
    except (ValueError, KeyError) as error:  # truncated JSON, or a 429 without its fields
        raise UnreadableAnswer(type(error).__name__) from error


def _read(answer: Any) -> Any:
    """What discord.py parses from a body: text if it is not JSON, which is valid only for an empty body."""
    if isinstance(answer, str) and answer.strip():
        raise UnreadableAnswer("not JSON")
    return answer


def _acknowledged(route: Route) -> dict[str, Any]:
    """The known part of an acknowledgement's lost response; discord.py needs this much."""
    return {"interaction": {"id": str(route.webhook_id), "type": 2}}


def retry_after(error: discord.HTTPException, otherwise: float) -> float:
    """Seconds that Discord, or a proxy, asks to wait."""
    try:
        return max(0.0, float(error.response.headers.get("Retry-After", otherwise)))
    except ValueError:
        return otherwise


def _named(route: Route) -> str:
    """The route as in Discord's documentation: without ids and tokens."""
    return route.path
