"""Code for SQLite only: opening, checking and locking a file, and files from before Alembic."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiosqlite
from sqlalchemy import URL, Connection, Delete, Insert, Select, Update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.failures import DatabaseDamaged, DatabaseEmptied, DatabaseNotOpened

DRIVER = "sqlite+aiosqlite"
PRAGMAS = ("busy_timeout = 10000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")

MAGIC = b"SQLite format 3\0"
"""The first bytes of a database that is not empty."""

PAUSES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds between attempts to set a pragma."""

SHARED = False
DEADLINE: float | None = None
"""Waiting for a lock has its own limit (`busy_timeout`), and the disk has none."""
SINGLE_STATEMENT: Mapping[str, Any] = MappingProxyType({})
CHANGES: Mapping[str, Any] = MappingProxyType({})
"""There is only one writer, so changes never conflict."""

AFTER_NUMBERED_FILES = 3
"""The `user_version` of a file managed by Alembic. Older programs, which used 1 and 2 and rely on triggers, reject
such a file as too new.
"""


def url_of(path: Path) -> URL:
    return URL.create(DRIVER, database=str(path))


def name_of(url: URL) -> str:
    """The database's name in messages."""
    return url.database or ""


def create_engine(url: URL, _connections: int = 1) -> AsyncEngine:
    """An engine with one connection, the only writer; creates the file if there is none.

    The connection has a thread, so waiting for another process's lock does not block the event loop. Raises
    DatabaseNotOpened if the file cannot be opened, and DatabaseEmptied if an existing database has lost its content.
    """
    path = Path(url.database or "")
    _refuse_emptied(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # aiosqlite's thread outlives a failure to open, and fails if the event loop has ended since.
        sqlite3.connect(path).close()
    except (OSError, sqlite3.Error) as error:
        raise DatabaseNotOpened(database=str(path), reason=str(error)) from error

    async def connect() -> aiosqlite.Connection:
        # Changes start with BEGIN IMMEDIATE, to wait for the lock before reading anything.
        connection = await aiosqlite.connect(path, isolation_level="IMMEDIATE")
        try:
            for pragma in PRAGMAS:
                await _set(connection, pragma)
        except BaseException:
            await connection.close()
            raise
        return connection

    # Every use of the connection ends with a commit or rollback, so the pool need not send one.
    return create_async_engine(
        url.set(drivername=DRIVER),
        async_creator=connect,
        pool_size=1,
        max_overflow=0,
        pool_reset_on_return=None,
        hide_parameters=True,
    )


def _refuse_emptied(path: Path) -> None:
    """Raises DatabaseEmptied for a database that lost its content: SQLite would treat it as new and delete its WAL."""
    # The WAL first, then the database: a process that is just creating both creates the database first.
    wal = path.with_name(f"{path.name}-wal")
    with suppress(OSError):
        if wal.exists() and not _size(path):
            raise DatabaseEmptied(database=str(path), beside=wal.name)
        # Removing the file and leaving a backup may be intended; an empty file is an accident.
        if _size(path) == 0 and (backup := _backup(path)) is not None:
            raise DatabaseEmptied(database=str(path), beside=backup.name)


def _size(path: Path) -> int | None:
    """The length of a file in bytes; None if there is none."""
    return path.stat().st_size if path.is_file() else None


def _backup(path: Path) -> Path | None:
    """Another database in the folder with a derived name, such as tokenwise.db.bak or tokenwise-2026-05-01.db."""
    for file in sorted(path.parent.iterdir()):
        if file.name.startswith(path.stem) and file != path and file.is_file():
            with file.open("rb") as content:
                if content.read(len(MAGIC)) == MAGIC:
                    return file
    return None


async def _set(connection: aiosqlite.Connection, pragma: str) -> None:
    """SQLite does not wait when two connections switch to WAL at once."""
    for pause in (*PAUSES, None):
        try:
            await connection.execute(f"PRAGMA {pragma}")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or pause is None:
                raise
            await asyncio.sleep(pause)
        else:
            return


def check(connection: Connection) -> None:
    """Raises DatabaseDamaged if SQLite finds anything wrong with the file."""
    verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if verdict != "ok":
        reason = " ".join(str(verdict).split())
        raise DatabaseDamaged(database=str(connection.engine.url.database), reason=reason)


def lock(connection: Connection) -> None:
    """Keep other writers out until the transaction ends, in which all tables are created or none."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def version_before_alembic(connection: Connection) -> str:
    """The version of a file from before Alembic: "1" or "2", or "" if it is new."""
    version = connection.exec_driver_sql("PRAGMA user_version").scalar()
    return str(version) if version else ""


def hand_over_to_alembic(connection: Connection) -> None:
    """Remove what only files from before Alembic have."""
    for trigger in ("like_takes_dislike_back", "dislike_takes_like_back"):
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {trigger}")
    connection.exec_driver_sql(f"PRAGMA user_version = {AFTER_NUMBERED_FILES}")


def in_one(_: Sequence[Insert | Update | Delete]) -> Select[Any] | None:
    """SQLite has no data-modifying CTEs, and no round trips to save."""
    return None


def lost_a_race(_: DBAPIError) -> bool:
    """Writers wait for each other, so there are no conflicts."""
    return False


def is_unsure(_: BaseException) -> bool:
    """A failed COMMIT has changed nothing."""
    return False
