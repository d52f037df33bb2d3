"""All that is true of SQLite alone: how a file is opened, checked and locked, and files from before Alembic."""

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
"""How a database begins that is not empty."""

PAUSES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds between attempts to set one of them."""

SHARED = False
DEADLINE: float | None = None
"""Waiting for a lock has a bound of its own (`busy_timeout`), and the disk has none."""
QUESTIONS: Mapping[str, Any] = MappingProxyType({})
CHANGES: Mapping[str, Any] = MappingProxyType({})
SINGLE_CHANGE: Mapping[str, Any] = MappingProxyType({})
"""There is one writer, so whatever changes something does so alone."""

AFTER_NUMBERED_FILES = 3
"""The `user_version` of a file that Alembic looks after. Programs from before then, which counted 1 and 2 there
and rely on triggers, refuse such a file as newer than they know.
"""


def url_of(path: Path) -> URL:
    return URL.create(DRIVER, database=str(path))


def name_of(url: URL) -> str:
    """What the database is called in messages."""
    return url.database or ""


def create_engine(url: URL, _connections: int = 1) -> AsyncEngine:
    """An engine with one connection, which is the one writer; create the file if there is none.

    The connection has a thread, so whoever waits for a lock of another process keeps no event loop waiting.
    DatabaseNotOpened if the file cannot be had, DatabaseEmptied if it is not as new as it looks.
    """
    path = Path(url.database or "")
    _refuse_emptied(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # aiosqlite's thread outlives a failure to open, and trips over an event loop that has ended since.
        sqlite3.connect(path).close()
    except (OSError, sqlite3.Error) as error:
        raise DatabaseNotOpened(database=str(path), reason=str(error)) from error

    async def connect() -> aiosqlite.Connection:
        # Changes begin with BEGIN IMMEDIATE: a lock is waited for before anything is read, never in the middle.
        connection = await aiosqlite.connect(path, isolation_level="IMMEDIATE")
        try:
            for pragma in PRAGMAS:
                await _set(connection, pragma)
        except BaseException:
            await connection.close()
            raise
        return connection

    # Every use of the connection ends with a commit or a rollback, so the pool need not send another.
    return create_async_engine(
        url.set(drivername=DRIVER),
        async_creator=connect,
        pool_size=1,
        max_overflow=0,
        pool_reset_on_return=None,
        hide_parameters=True,
    )


def _refuse_emptied(path: Path) -> None:
    """DatabaseEmptied for a database that lost its content: SQLite would take it as new, and delete its WAL."""
    # First the WAL, then the database: another process that creates both just now creates the database first.
    wal = path.with_name(f"{path.name}-wal")
    with suppress(OSError):
        if wal.exists() and not _size(path):
            raise DatabaseEmptied(database=str(path), beside=wal.name)
        # Who takes the whole file away and leaves a backup may mean it; an empty file is an accident.
        if _size(path) == 0 and (backup := _backup(path)) is not None:
            raise DatabaseEmptied(database=str(path), beside=backup.name)


def _size(path: Path) -> int | None:
    """The length of a file in bytes; None if there is none."""
    return path.stat().st_size if path.is_file() else None


def _backup(path: Path) -> Path | None:
    """Another database in the folder that is named after this one, such as tokenwise.db.bak or tokenwise-2026-05-01.db."""
    for file in sorted(path.parent.iterdir()):
        if file.name.startswith(path.stem) and file != path and file.is_file():
            with file.open("rb") as content:
                if content.read(len(MAGIC)) == MAGIC:
                    return file
    return None


async def _set(connection: aiosqlite.Connection, pragma: str) -> None:
    """SQLite does not wait by itself where two connections turn to WAL at once."""
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
    """DatabaseDamaged if SQLite finds anything wrong with the file."""
    verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if verdict != "ok":
        reason = " ".join(str(verdict).split())
        raise DatabaseDamaged(database=str(connection.engine.url.database), reason=reason)


def lock(connection: Connection) -> None:
    """Keep every other writer out until the transaction ends; its tables are created in it, or not at all."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def version_before_alembic(connection: Connection) -> str:
    """What a file from before Alembic says: "1" or "2", or "" if it is new."""
    version = connection.exec_driver_sql("PRAGMA user_version").scalar()
    return str(version) if version else ""


def hand_over_to_alembic(connection: Connection) -> None:
    """Leave nothing in the file that only files from before Alembic have."""
    for trigger in ("like_takes_dislike_back", "dislike_takes_like_back"):
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {trigger}")
    connection.exec_driver_sql(f"PRAGMA user_version = {AFTER_NUMBERED_FILES}")


def in_one(_: Sequence[Insert | Update | Delete]) -> Select[Any] | None:
    """A change cannot be a part of another statement, and there is no way to the database that would be saved."""
    return None


def lost_a_race(_: DBAPIError) -> bool:
    """Writers wait for each other, so none is ever taken back for another."""
    return False


def is_unsure(_: BaseException) -> bool:
    """A COMMIT that fails has changed nothing."""
    return False
