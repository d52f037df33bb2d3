"""The one owner of the engine and its connections: statements in, rows out, each call one transaction."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, Self, TypeAlias, TypeVar

from sqlalchemy import URL, Connection, Delete, Insert, Select, TableClause, Update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.failures import DatabaseNotOpened, DatabaseUnusable, StoreUnavailable, StoreUncertain
from bot.store import migrations
from bot.store.backend import Backend, backend_of

log = logging.getLogger(__name__)

T = TypeVar("T")
Rows: TypeAlias = Sequence[tuple[Any, ...]]
"""SQLAlchemy knows the types of the columns of a table only while it runs."""

CONNECTIONS = 8
"""To a server, unless the settings say otherwise."""
SHORTEST, LONGEST = 0.002, 0.05
"""Seconds before a transaction that lost a race is run again, drawn each time so that two do not meet again."""
CANCELLATIONS, PATIENCE = 3, 0.3
"""How often a transaction is cancelled that takes too long, and seconds for each."""
CLOSING = 2.0
"""Seconds that closing the connections may take."""
FAILURES = (SQLAlchemyError, OSError)
"""What a database that is away or refuses raises. A timeout is an OSError too."""


class LostRace:
    """The result of a transaction that was taken back because another one went first."""


class Stuck(TimeoutError):
    """Work took too long, and goes on although it was cancelled."""


class Database:
    """`await Database.open(url)`, and `await database.close()` in the end.

    Whatever goes wrong in between is a StoreUnavailable. What was begun is ended, even if its caller is cancelled: a
    connection that is broken off in the middle of a statement could not be used again.
    """

    def __init__(self, engine: AsyncEngine, backend: Backend) -> None:
        self.name = backend.name_of(engine.url)
        """What it is called in messages."""
        self.reachable = True
        """Whether the last transaction reached it."""
        self._engine = engine
        self._backend = backend
        self._under_way: set[asyncio.Task[Any]] = set()
        self._closed = False
        self.observe: Callable[[str, float], object] = lambda _operation, _seconds: None
        """Called with "read" or "write" and the seconds that it took, whether or not it succeeded."""

    @classmethod
    async def open(cls, url: URL, connections: int = CONNECTIONS) -> Self:
        """Open the database, with at most so many connections to a server, and bring it to the newest version.

        StartupError, in one sentence, if it cannot be used.
        """
        backend = backend_of(url)
        name = backend.name_of(url)
        try:
            engine = backend.create_engine(url, connections)
        except (SQLAlchemyError, ImportError, TypeError) as error:
            raise DatabaseNotOpened(database=name, reason=_reason(error)) from error
        try:
            async with engine.begin() as connection:
                await connection.run_sync(_prepare, backend)
        except BaseException as error:
            await engine.dispose()
            # A parameter of the URL that the driver does not know is a TypeError, one that it cannot read a ValueError.
            if isinstance(error, (*FAILURES, TypeError, ValueError)):
                raise DatabaseUnusable(database=name, reason=_reason(error)) from error
            raise
        return cls(engine, backend)

    async def read(self, question: Select[Any]) -> Rows:
        async def rows(connection: AsyncConnection) -> Rows:
            return [tuple(row) for row in await connection.execute(question)]

        return await self._run("read", rows, self._backend.QUESTIONS)

    async def write(self, *changes: Insert | Update | Delete) -> list[int]:
        """Make all of the changes, or none; the number of rows that each of them changed.

        What is acknowledged by returning survives the death of the process, and of the database's server. It is as if
        no other process changed anything at the same time.
        """

        async def counts(connection: AsyncConnection) -> list[int]:
            return [(await connection.execute(change)).rowcount for change in changes]

        return await self._run("write", counts, self._backend.CHANGES)

    async def change(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do work whose later statements depend on earlier ones, as one transaction. It may be run more than once."""
        return await self._run("write", work, self._backend.CHANGES)

    def insert_new(self, table: TableClause, values: Mapping[str, object] | None = None) -> Insert:
        """An INSERT that changes nothing if what has to be unique is there already."""
        # SQLite and PostgreSQL spell it alike, but SQLAlchemy has it once for each.
        dialect: Any = import_module(f"sqlalchemy.dialects.{self._engine.dialect.name}")
        statement: Insert = dialect.insert(table).on_conflict_do_nothing().inline()
        return statement if values is None else statement.values(values)

    @asynccontextmanager
    async def transaction(self, *, alone: bool = False) -> AsyncIterator[AsyncConnection]:
        """One transaction for work that takes long: no deadline, and no second attempt.

        `alone` keeps others from migrating, and in SQLite from writing. DatabaseUnusable if the database fails.
        """
        try:
            async with self._engine.begin() as connection:
                if alone:
                    await connection.run_sync(self._backend.lock)
                yield connection
        except FAILURES as error:
            raise DatabaseUnusable(database=self.name, reason=_reason(error)) from error

    @property
    def has_neighbours(self) -> bool:
        """Whether other machines can reach it, so that several processes of the bot may share it."""
        return self._backend.SHARED

    async def connect(self) -> AsyncConnection:
        """A connection of its own for what lasts, outside of the pool: each statement is a transaction."""
        engine = self._backend.create_engine(self._engine.url, 1)
        connection = await engine.connect()
        return await connection.execution_options(isolation_level="AUTOCOMMIT")

    async def close(self) -> None:
        """End what is under way and close the connections. Closing twice is harmless."""
        self._closed = True
        while self._under_way:
            await asyncio.wait(self._under_way)
        # A server that is stuck does not answer a farewell either.
        await asyncio.wait({asyncio.create_task(self._engine.dispose())}, timeout=CLOSING)

    async def _run(
        self, operation: str, work: Callable[[AsyncConnection], Awaitable[T]], options: Mapping[str, Any]
    ) -> T:
        """Do the work in a task of its own, which goes on if the caller is cancelled."""
        began = time.monotonic()
        try:
            if self._closed:
                raise StoreUnavailable
            task = asyncio.create_task(self._persist(work, options))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            return await asyncio.shield(task)
        finally:
            self.observe(operation, time.monotonic() - began)

    async def _persist(
        self, work: Callable[[AsyncConnection], Awaitable[T]], options: Mapping[str, Any]
    ) -> T:
        """Do the work in one transaction, again and again while others are faster, within the deadline."""
        try:
            result = await within(self._backend.DEADLINE, self._attempts(work, options))
        except StoreUncertain:
            self.reachable = False
            raise
        except FAILURES as error:
            self.reachable = False
            log.error("the database failed: %s", _reason(error))  # noqa: TRY400 - one line
            # Who writes and cannot even be cancelled may be in the middle of a COMMIT.
            stuck = isinstance(error, Stuck) and options is self._backend.CHANGES
            raise (StoreUncertain if stuck else StoreUnavailable) from error
        if not self.reachable:
            log.info("the database answers again")
            self.reachable = True
        return result

    async def _attempts(
        self, work: Callable[[AsyncConnection], Awaitable[T]], options: Mapping[str, Any]
    ) -> T:
        while True:
            result = await self._transact(work, options)
            if not isinstance(result, LostRace):
                return result
            await asyncio.sleep(random.uniform(SHORTEST, LONGEST))

    async def _transact(
        self, work: Callable[[AsyncConnection], Awaitable[T]], options: Mapping[str, Any]
    ) -> T | LostRace:
        """Do the work in one transaction."""
        try:
            async with self._engine.connect() as connection:
                await connection.execution_options(**options)
                result = await work(connection)
                try:
                    await connection.commit()
                except BaseException as error:
                    if self._backend.is_unsure(error):
                        log.error("the database failed in a commit: %s", _reason(error))  # noqa: TRY400 - one line
                        raise StoreUncertain from error
                    raise
                return result
        except DBAPIError as error:
            if self._backend.lost_a_race(error):
                return LostRace()
            raise


async def within(seconds: float | None, work: Coroutine[Any, Any, T]) -> T:
    """The result of the work. TimeoutError after so many seconds; Stuck if the work does not let itself be cancelled.

    Drivers may wait for the server once more when they are cancelled, and for one that is stuck without end.
    """
    task = asyncio.create_task(work)
    await asyncio.wait({task}, timeout=seconds)
    for _ in range(CANCELLATIONS):
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=PATIENCE)
    if not task.done():
        raise Stuck("no answer in time")
    if task.cancelled():
        raise TimeoutError("no answer in time")
    return task.result()


def _prepare(connection: Connection, backend: Backend) -> None:
    backend.check(connection)
    if migrations.version(connection) != migrations.HEAD:
        from bot.store.migrations.upgrade import upgrade  # noqa: PLC0415 - see there

        upgrade(connection, backend)


def _reason(error: BaseException) -> str:
    """What the database said, in one line; SQLAlchemy would add the statement."""
    said = str(error.orig if isinstance(error, DBAPIError) else error)
    return " ".join(said.split()) or type(error).__name__
