"""Coordination of a bot's processes through their database: locks and notifications.

PostgreSQL offers both: advisory locks, which end with the connection that holds them, and NOTIFY. A process with an
SQLite store has no neighbours.
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
https://www.postgresql.org/docs/current/sql-notify.html
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.database import FAILURES, Database, within

log = logging.getLogger(__name__)

CHANNEL = "tokenwise"
POLL = 0.1
"""Seconds between checks for a free lock."""
RETRY = 1.0
"""Seconds between checks of the connection."""
PATIENCE = 5.0
"""Seconds to wait for the server's response."""
_LOCK = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
_UNLOCK = text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))")
_NOTIFY = text("SELECT pg_notify(:channel, :news)")

News: TypeAlias = dict[str, str]


class Neighbours:
    """The other processes that use the same database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: AsyncConnection | None = None
        self._driver: Any = None
        self._busy = asyncio.Lock()
        self._closed = False
        self._listening: asyncio.Task[None] | None = None
        self._hear: Callable[[News], None] = lambda _: None

    async def listen(self, hear: Callable[[News], None]) -> None:
        """Call `hear` with the messages of other processes. Messages during an outage are lost."""
        if self._database.has_neighbours and self._listening is None:
            self._hear = hear
            with suppress(*FAILURES):
                await within(PATIENCE, self._check())
            self._listening = asyncio.create_task(self._stay_connected(), name="tokenwise-neighbours")

    async def tell(self, **news: str) -> None:
        """Send a message to all other processes that can be reached."""
        await self._ask(_NOTIFY, channel=CHANNEL, news=json.dumps(news))

    async def take(self, turn: str) -> None:
        """Take this lock once no other process holds it. Returns at once while the database is unavailable."""
        while True:
            if await self._ask(_LOCK, name=turn) is not False:
                return
            await asyncio.sleep(POLL)

    async def give_back(self, turn: str) -> None:
        """Release a lock."""
        await self._ask(_UNLOCK, name=turn)

    async def close(self) -> None:
        """Release all locks and stop listening."""
        self._closed = True
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})
        await asyncio.wait({asyncio.create_task(self._disconnect())}, timeout=PATIENCE)

    async def _ask(self, statement: TextClause, **facts: str) -> Any:
        """One value from the server; None if there is none or the server is unavailable."""
        if self._closed or not self._database.has_neighbours:
            return None

        async def ask() -> Any:
            async with self._busy:
                return (await (await self._connected()).execute(statement, facts)).scalar()

        try:
            return await within(PATIENCE, ask())
        except FAILURES as error:
            log.warning("the other processes cannot be reached: %s", type(error).__name__)
            return None

    async def _stay_connected(self) -> None:
        while True:
            await asyncio.sleep(RETRY)
            with suppress(*FAILURES):
                await within(PATIENCE, self._check())

    async def _check(self) -> None:
        async with self._busy:
            await self._connected()

    async def _connected(self) -> AsyncConnection:
        """The connection that holds this process's locks; reconnects if it was lost."""
        if self._connection is not None and not self._driver.is_closed():
            return self._connection
        await self._disconnect()
        connection = await self._database.connect()
        self._driver = (await connection.get_raw_connection()).driver_connection
        await self._driver.add_listener(CHANNEL, self._heard)
        self._connection = connection
        return connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*FAILURES):
                await connection.invalidate()
            await connection.close()
            await connection.engine.dispose()

    def _heard(self, driver: Any, process: int, _channel: str, payload: str) -> None:
        if process != driver.get_server_pid():
            with suppress(ValueError):  # keeps other users of the database apart
                self._hear(json.loads(payload))
