"""Backups of the SQLite file, taken while the bot is writing and restored while it is stopped.

https://www.sqlite.org/backup.html
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL

from bot.failures import BackupFailed, DatabaseInUse, DatabaseOnServer, NoDatabaseFile, WouldOverwrite
from bot.store import sqlite
from bot.store.database import Database

PATIENCE = 10.0
"""Seconds to wait for another process's lock."""
SIDE_FILES = ("-wal", "-shm", "-journal")


def file_of(url: URL) -> Path:
    """The file of a database. Raises DatabaseOnServer if it has none."""
    if url.get_backend_name() != "sqlite":
        raise DatabaseOnServer
    return Path(url.database or "")


def back_up(database: Path, target: Path) -> int:
    """Write a consistent copy of the database and return its size in bytes. Writers are not blocked.

    The copy is one file that only its owner can read. Raises NoDatabaseFile, WouldOverwrite or BackupFailed.
    """
    if not database.is_file():
        raise NoDatabaseFile(str(database))
    if target.exists():
        raise WouldOverwrite(str(target))
    part = _beside(target)
    try:
        _copy(database, part)
        part.replace(target)
        _sync_folder(target.parent)
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(str(database), str(target), _reason(error)) from error
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


async def restore(backup: Path, database: Path) -> Path | None:
    """Replace the database by a backup and keep the old one under another name; returns that name, if there was one.

    The backup is first copied, tested, and migrated to the newest version. Raises NoDatabaseFile, DatabaseInUse,
    BackupFailed, or the errors of Database.open.
    """
    part = _beside(database)
    try:
        _make_copy(backup, part)
        await (await Database.open(sqlite.url_of(part))).close()
        _settle(part)
        _refuse_if_in_use(database)
        kept = _set_aside(database)
        part.replace(database)
        _sync_folder(database.parent)
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(str(backup), str(database), _reason(error)) from error
    finally:
        for suffix in ("", *SIDE_FILES):
            part.with_name(part.name + suffix).unlink(missing_ok=True)
    return kept


def _make_copy(backup: Path, part: Path) -> None:
    if not backup.is_file():
        raise NoDatabaseFile(str(backup))
    part.parent.mkdir(parents=True, exist_ok=True)
    _copy(backup, part)


def _beside(path: Path) -> Path:
    """The temporary name of a file while it is written."""
    return path.with_name(f".{path.name}.part")


def _copy(source: Path, target: Path) -> None:
    """Copy a whole database, verify it, and flush it to disk."""
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    # mode=rw, because reading in WAL mode writes to the index; it creates no database.
    uri = f"{source.absolute().as_uri()}?mode=rw"
    with (
        closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        # In one step: in WAL mode this blocks no writer, and no writer makes it restart.
        reading.backup(writing)
        (verdict,) = writing.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
    _settle(target)


def _settle(path: Path) -> None:
    """Make a database a single file without a WAL, and flush it to disk."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _refuse_if_in_use(database: Path) -> None:
    """Raises DatabaseInUse while another process has the database open; otherwise merges its WAL into it."""
    if not database.is_file():
        return
    try:
        with closing(sqlite3.connect(database, timeout=0)) as connection:
            # Leaving WAL mode is impossible while others are connected.
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise DatabaseInUse(str(database)) from error
        # It is damaged or cannot be opened, which is all the more reason to replace it.
    except sqlite3.DatabaseError:
        pass


def _set_aside(database: Path) -> Path | None:
    """Rename a database with its WAL and index."""
    if not database.exists():
        return None
    kept = database.with_name(f"{database.stem}-{datetime.now():%Y%m%d-%H%M%S-%f}{database.suffix}")  # noqa: DTZ005 - for people
    for suffix in ("", *SIDE_FILES):
        if (file := database.with_name(database.name + suffix)).exists():
            file.replace(kept.with_name(kept.name + suffix))
    return kept


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or " ".join(str(error).split())
