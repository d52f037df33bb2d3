"""The one owner of the engine and its connections: statements in, rows out, each call one transaction."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, Literal, Self, TypeAlias, TypeVar

from sqlalchemy import URL, Connection, Delete, Insert, Select, TableClause, Update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.failures import DatabaseNotOpened, DatabaseUnusable, StoreUnavailable, StoreUncertain
from bot.store import migrations
from bot.store.backend import Backend, backend_of

log = logging.getLogger(__name__)

T = TypeVar("T")
Operation: TypeAlias = Literal["read", "write"]
Rows: TypeAlias = Sequence[tuple[Any, ...]]
"""SQLAlchemy knows the types of a table's columns only at run time."""

CONNECTIONS = 8
"""Default number of connections to a server."""
SHORTEST, LONGEST = 0.002, 0.05
"""Range of the random delay in seconds before retrying a transaction, so that two do not conflict again."""
CANCELLATIONS, PATIENCE = 3, 0.3
"""Number of attempts to cancel a transaction that takes too long, and seconds for each."""
CLOSING = 2.0
"""Most seconds for closing the connections."""
FAILURES = (SQLAlchemyError, OSError)
"""The errors of a database that is unavailable or rejects a statement. A timeout is an OSError too."""


class LostRace:
    """The result of a transaction that was rolled back because of a conflict."""


class Stuck(TimeoutError):
    """Work took too long, and continues although it was cancelled."""


class Database:
    """`await Database.open(url)`, and finally `await database.close()`.

    Failures in between raise StoreUnavailable. A transaction is finished even if its caller is cancelled, because a
    connection that is interrupted in the middle of a statement could not be reused.
    """

    def __init__(self, engine: AsyncEngine, backend: Backend) -> None:
        self.name = backend.name_of(engine.url)
        """The database's name in messages."""
        self.reachable = True
        """Whether the last transaction reached it."""
        self._engine = engine
        self._backend = backend
        self._under_way: set[asyncio.Task[Any]] = set()
        self._closed = False
        self.observe: Callable[[str, float], object] = lambda _operation, _seconds: None
        """Called with "read" or "write" and the duration in seconds, successful or not."""

    @classmethod
    async def open(cls, url: URL, connections: int = CONNECTIONS) -> Self:
        """Open the database, with at most `connections` to a server, and migrate it to the newest version.

        Raises StartupError, with one sentence, if it cannot be used.
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
            # The driver raises TypeError for an unknown URL parameter, and ValueError for an invalid one.
            if isinstance(error, (*FAILURES, TypeError, ValueError)):
                raise DatabaseUnusable(database=name, reason=_reason(error)) from error
            raise
        return cls(engine, backend)

    async def read(self, question: Select[Any]) -> Rows:
        async def rows(connection: AsyncConnection) -> Rows:
            return [tuple(row) for row in await connection.execute(question)]

        return await self._run("read", rows, self._backend.SINGLE_STATEMENT)

    async def write(self, *changes: Insert | Update | Delete) -> list[int]:
        """Make all changes or none; returns the number of rows that each one changed.

        After it returns, the changes survive a crash of the process and of the database server. They are isolated from
        those of other processes.
        """
        if (single := self._backend.in_one(changes)) is not None:

            async def at_once(connection: AsyncConnection) -> list[int]:
                return list(await self._for_good(_first_row(connection, single)))

            return await self._run("write", at_once, self._backend.SINGLE_STATEMENT)

        async def counts(connection: AsyncConnection) -> list[int]:
            return [(await connection.execute(change)).rowcount for change in changes]

        return await self._run("write", counts, self._backend.CHANGES)

    async def change(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do work whose later statements depend on earlier ones, as one transaction. It may be run more than once."""
        return await self._run("write", work, self._backend.CHANGES)

    def insert_new(self, table: TableClause, values: Mapping[str, object] | None = None) -> Insert:
        """An INSERT that changes nothing on a uniqueness conflict."""
        # The SQL is the same for SQLite and PostgreSQL, but SQLAlchemy has one class for each.
        dialect: Any = import_module(f"sqlalchemy.dialects.{self._engine.dialect.name}")
        statement: Insert = dialect.insert(table).on_conflict_do_nothing().inline()
        return statement if values is None else statement.values(values)

    @asynccontextmanager
    async def transaction(self, *, alone: bool = False) -> AsyncIterator[AsyncConnection]:
        """One transaction for long work, without a deadline or retries.

        `alone` keeps others from migrating and, in SQLite, from writing. Raises DatabaseUnusable if the database fails.
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
        """Whether several processes of the bot can share it."""
        return self._backend.SHARED

    async def connect(self) -> AsyncConnection:
        """A long-lived connection outside the pool, in which each statement is a transaction."""
        engine = self._backend.create_engine(self._engine.url, 1)
        connection = await engine.connect()
        return await connection.execution_options(isolation_level="AUTOCOMMIT")

    async def close(self) -> None:
        """Finish running transactions and close the connections. Closing twice is harmless."""
        self._closed = True
        while self._under_way:
            await asyncio.wait(self._under_way)
        # A stuck server does not answer when the connection is closed either.
        await asyncio.wait({asyncio.create_task(self._engine.dispose())}, timeout=CLOSING)

    async def _run(
        self,
        operation: Operation,
        work: Callable[[AsyncConnection], Awaitable[T]],
        options: Mapping[str, Any],
    ) -> T:
        """Do the work in its own task, which continues if the caller is cancelled."""
        began = time.monotonic()
        try:
            if self._closed:
                raise StoreUnavailable
            task = asyncio.create_task(self._persist(operation, work, options))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            return await asyncio.shield(task)
        finally:
            self.observe(operation, time.monotonic() - began)

    async def _persist(
        self,
        operation: Operation,
        work: Callable[[AsyncConnection], Awaitable[T]],
        options: Mapping[str, Any],
    ) -> T:
        """Do the work in one transaction, retrying on conflicts until the deadline."""
        try:
            result = await within(self._backend.DEADLINE, self._attempts(work, options))
        except StoreUncertain:
            self.reachable = False
            raise
        except FAILURES as error:
            self.reachable = False
            log.error("the database failed: %s", _reason(error))  # noqa: TRY400 - one line
            # A write that cannot be cancelled may be in the middle of a COMMIT.
            stuck = isinstance(error, Stuck) and operation == "write"
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
                await self._for_good(connection.commit())
                return result
        except DBAPIError as error:
            if self._backend.lost_a_race(error):
                return LostRace()
            raise

    async def _for_good(self, commit: Awaitable[T]) -> T:
        """The result of a commit. Raises StoreUncertain if it failed in a way that leaves open whether it worked."""
        try:
            return await commit
        except BaseException as error:
            if self._backend.is_unsure(error):
                log.error("the database failed during a commit: %s", _reason(error))  # noqa: TRY400 - one line
                raise StoreUncertain from error
            raise


async def within(seconds: float | None, work: Coroutine[Any, Any, T]) -> T:
    """The result of the work. Raises TimeoutError after `seconds`, and Stuck if the work cannot be cancelled.

    When cancelled, drivers may wait for the server again, and forever if it is stuck.
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


async def _first_row(connection: AsyncConnection, question: Select[Any]) -> tuple[Any, ...]:
    return tuple((await connection.execute(question)).one())


def _prepare(connection: Connection, backend: Backend) -> None:
    backend.check(connection)
    if migrations.version(connection) != migrations.HEAD:
        from bot.store.migrations.upgrade import upgrade  # noqa: PLC0415 - importing Alembic is slow

        upgrade(connection, backend)


def _reason(error: BaseException) -> str:
    """The database's own error message on one line; SQLAlchemy would add the statement."""
    said = str(error.orig if isinstance(error, DBAPIError) else error)
    return " ".join(said.split()) or type(error).__name__
