"""Code for PostgreSQL only: connecting, checks, locks, and transient failures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    URL,
    ColumnClause,
    Connection,
    Delete,
    Insert,
    Select,
    Update,
    event,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from bot.failures import (
    DatabaseEncoding,
    DatabaseNotSupported,
    DatabaseReadOnly,
    DatabaseTooOld,
    DatabaseUrlUnreadable,
    PostgresqlNotInstalled,
)

log = logging.getLogger(__name__)

DRIVER = "postgresql+asyncpg"
OLDEST = 13
"""The oldest supported version of PostgreSQL."""

CONNECT = 5.0
"""Seconds to connect to the server and log in."""
DEADLINE: float | None = 8.0
"""Seconds for a change or query, including the wait for a connection and all attempts."""

SHARED = True
SINGLE_STATEMENT: Mapping[str, Any] = MappingProxyType({"isolation_level": "AUTOCOMMIT"})
"""One round trip instead of four, and as isolated: sessions are serializable by default."""
CHANGES: Mapping[str, Any] = MappingProxyType({"isolation_level": "SERIALIZABLE"})
"""For transactions that change something: isolated from all others."""

_SESSION = """
SET default_transaction_isolation = 'serializable';
SET statement_timeout = '8s';
SET idle_in_transaction_session_timeout = '60s';
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""
"""Settings of every connection. A server that acknowledges before writing would lose likes in a crash."""

_RACES = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: a conflict with another transaction, so this one can be retried.
https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
"""
_MIGRATING = 0x746F6B656E
"""The advisory lock for migrations."""


def name_of(url: URL) -> str:
    """The database's name in messages, without a password from any part of the URL."""
    return url.set(password=None, query={}).render_as_string(hide_password=True)


def create_engine(url: URL, connections: int) -> AsyncEngine:
    """An engine with at most `connections` connections, opened on demand.

    Raises DatabaseUrlUnreadable, DatabaseNotSupported or PostgresqlNotInstalled if this URL can never work.
    """
    if url.drivername not in {"postgresql", DRIVER}:
        raise DatabaseNotSupported(database=name_of(url), driver=url.drivername)
    if "@" in (url.host or ""):  # a password with an @ that is not encoded as %40
        raise DatabaseUrlUnreadable
    query = dict(url.query)
    if "sslmode" in query:  # libpq's name, used in hosting services' URLs
        query["ssl"] = query.pop("sslmode")
    try:
        engine = create_async_engine(
            url.set(drivername=DRIVER, query=query),
            connect_args={"timeout": CONNECT},
            isolation_level="READ COMMITTED",  # the default, for example of migrations
            pool_size=connections,
            max_overflow=0,
            pool_timeout=DEADLINE,
            hide_parameters=True,
        )
    except ImportError as error:
        raise PostgresqlNotInstalled from error
    event.listen(engine.sync_engine, "connect", _set_up)
    event.listen(engine.sync_engine, "checkout", _replace_if_closed)
    return engine


def _set_up(connection: Any, _: object) -> None:
    connection.run_async(_begin_session)


async def _begin_session(driver: Any) -> None:
    """Raises ConnectionError if the server goes away meanwhile: SQLAlchemy passes on the driver's own errors from here."""
    try:
        await driver.execute(_SESSION)
    except Exception as error:
        raise ConnectionError("the server closed a new connection") from error


def _replace_if_closed(_: object, record: ConnectionPoolEntry, __: object) -> None:
    """Replace connections that died with their server before they are used.

    The driver has noticed already; SQLAlchemy's `pool_pre_ping` would cost three round trips each time.
    """
    if (connection := record.driver_connection) is not None and connection.is_closed():
        raise InvalidatePoolError


def check(connection: Connection) -> None:
    """Raises DatabaseTooOld, DatabaseEncoding or DatabaseReadOnly if the store cannot use this server."""
    database = name_of(connection.engine.url)
    number, encoding, read_only, fsync = connection.execute(
        text(
            "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),"
            " current_setting('transaction_read_only'), current_setting('fsync')"
        )
    ).one()
    if number // 10_000 < OLDEST:
        raise DatabaseTooOld(database=database, version=str(number // 10_000), oldest=str(OLDEST))
    if encoding != "UTF8":
        raise DatabaseEncoding(database=database, encoding=encoding)
    if read_only == "on":
        raise DatabaseReadOnly(database=database)
    if fsync == "off":
        log.warning("%s runs with fsync off, so a power failure can destroy it", database)


def lock(connection: Connection) -> None:
    """Keep every other process from migrating until the transaction ends, however long that takes."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})


def version_before_alembic(_: Connection) -> str:
    """Only SQLite was supported before Alembic."""
    return ""


def hand_over_to_alembic(_: Connection) -> None:
    """There is nothing to convert."""


def in_one(changes: Sequence[Insert | Update | Delete]) -> Select[Any] | None:
    """A SELECT with a CTE for each change. All of them see the same snapshot, so each must change a different table.

    https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING
    """
    if len({change.table for change in changes}) < len(changes):
        return None
    parts = [change.returning(literal(1)).cte(f"change{number}") for number, change in enumerate(changes)]
    return select(*(select(func.count()).select_from(part).scalar_subquery() for part in parts))


def lost_a_race(error: DBAPIError) -> bool:
    """Whether the transaction was rolled back only because of a conflict."""
    return getattr(error.orig, "sqlstate", None) in _RACES


def is_unsure(error: BaseException) -> bool:
    """Whether a COMMIT that failed like this may still have succeeded: its response was lost."""
    if isinstance(error, DBAPIError):
        sqlstate = getattr(error.orig, "sqlstate", None) or "08"
        # Lost connections, and servers that are shutting down. All other errors mean that it failed.
        return sqlstate.startswith(("08", "57"))
    return isinstance(error, OSError | asyncio.CancelledError)


async def go_on_numbering(connection: AsyncConnection, table: str, key: ColumnClause[int]) -> None:
    """Set a table's sequence after its last row, after rows were inserted with explicit numbers in `key`."""
    await connection.execute(select(func.setval(func.pg_get_serial_sequence(table, key.name), func.max(key))))
