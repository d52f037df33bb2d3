"""The one owner of the engine and its connections: statements in, rows out, each call one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Self, TypeAlias, TypeVar

from sqlalchemy import URL, Connection, Delete, Insert, Select, Table, Update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.failures import DatabaseNotOpened, DatabaseUnusable, StoreUnavailable
from bot.store import migrations, sqlite

log = logging.getLogger(__name__)

T = TypeVar("T")
Rows: TypeAlias = Sequence[tuple[Any, ...]]
"""SQLAlchemy knows the types of the columns of a table only while it runs."""


class Database:
    """`await Database.open(url)`, and `await database.close()` in the end.

    Whatever goes wrong in between is a StoreUnavailable. What was begun is ended, even if its caller is cancelled: a
    connection that is broken off in the middle of a statement could not be used again.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._under_way: set[asyncio.Task[Any]] = set()
        self._closed = False

    @classmethod
    async def open(cls, url: URL) -> Self:
        """Open the database and bring it to the newest version. StartupError, in one sentence, if it cannot be used."""
        name = url.render_as_string(hide_password=True)
        if url.get_backend_name() == "sqlite":
            name = url.database or ""
        try:
            if url.get_backend_name() == "sqlite":
                engine = sqlite.create_engine(url)
            else:
                engine = create_async_engine(url, hide_parameters=True)
        except (SQLAlchemyError, ImportError, TypeError) as error:
            raise DatabaseNotOpened(database=name, reason=_reason(error)) from error
        try:
            async with engine.begin() as connection:
                await connection.run_sync(_prepare, name)
        except BaseException as error:
            await engine.dispose()
            if isinstance(error, SQLAlchemyError | OSError):
                raise DatabaseUnusable(database=name, reason=_reason(error)) from error
            raise
        return cls(engine)

    async def read(self, question: Select[Any]) -> Rows:
        async def rows(connection: AsyncConnection) -> Rows:
            return [tuple(row) for row in await connection.execute(question)]

        return await self._run(rows)

    async def write(self, *changes: Insert | Update | Delete) -> list[int]:
        """Make all of the changes, or none; the number of rows that each of them changed.

        What is acknowledged by returning survives the death of the process.
        """

        async def counts(connection: AsyncConnection) -> list[int]:
            return [(await connection.execute(change)).rowcount for change in changes]

        return await self._run(counts)

    def insert_new(self, table: Table, values: Mapping[str, object]) -> Insert:
        """An INSERT that changes nothing if what has to be unique is there already."""
        # SQLite and PostgreSQL spell it alike, but SQLAlchemy has it once for each.
        dialect: Any = import_module(f"sqlalchemy.dialects.{self._engine.dialect.name}")
        statement: Insert = dialect.insert(table).values(values).on_conflict_do_nothing().inline()
        return statement

    async def close(self) -> None:
        """End what is under way and close the connections. Closing twice is harmless."""
        self._closed = True
        while self._under_way:
            await asyncio.wait(self._under_way)
        await self._engine.dispose()

    async def _run(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do the work in a task of its own, which goes on if the caller is cancelled."""
        if self._closed:
            raise StoreUnavailable
        task = asyncio.create_task(self._transact(work))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def _transact(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        try:
            async with self._engine.begin() as connection:
                return await work(connection)
        except SQLAlchemyError as error:
            log.error("the database failed: %s", _reason(error))  # noqa: TRY400 - one line
            raise StoreUnavailable from error


def _prepare(connection: Connection, name: str) -> None:
    if connection.dialect.name == "sqlite":
        sqlite.check(connection)
    if migrations.version(connection) != migrations.HEAD:
        from bot.store.migrations.upgrade import upgrade  # noqa: PLC0415 - see there

        upgrade(connection, name)


def _reason(error: Exception) -> str:
    """What the database said, in one line; SQLAlchemy would add the statement."""
    return " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split())
