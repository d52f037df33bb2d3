"""Per-user songs, those liked and those not, and who lets others build on theirs: in one SQLite file.

Every change is one statement in its own transaction, written through to the disk (WAL with
`synchronous=FULL`) before it is acknowledged, so a killed process loses nothing that a person was told.
The one connection has one thread, which makes it the one writer.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import aiosqlite

from bot.failures import StartupError
from models.results import Song

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # Title and artist are kept as they were when the song was liked: the catalogue may change.
        """
        CREATE TABLE likes (
            position INTEGER PRIMARY KEY AUTOINCREMENT,
            user_id  INTEGER NOT NULL,
            song_id  TEXT    NOT NULL,
            title    TEXT    NOT NULL,
            artist   TEXT    NOT NULL,
            liked_at TEXT    NOT NULL,
            UNIQUE (user_id, song_id)
        ) STRICT
        """,
    ),
    (
        """
        CREATE TABLE dislikes (
            position    INTEGER PRIMARY KEY AUTOINCREMENT,
            user_id     INTEGER NOT NULL,
            song_id     TEXT    NOT NULL,
            title       TEXT    NOT NULL,
            artist      TEXT    NOT NULL,
            disliked_at TEXT    NOT NULL,
            UNIQUE (user_id, song_id)
        ) STRICT
        """,
        # Nobody likes and dislikes one song: the newer word stands, in the same transaction.
        """
        CREATE TRIGGER like_takes_dislike_back AFTER INSERT ON likes BEGIN
            DELETE FROM dislikes WHERE user_id = NEW.user_id AND song_id = NEW.song_id;
        END
        """,
        """
        CREATE TRIGGER dislike_takes_like_back AFTER INSERT ON dislikes BEGIN
            DELETE FROM likes WHERE user_id = NEW.user_id AND song_id = NEW.song_id;
        END
        """,
        "CREATE TABLE sharing (user_id INTEGER PRIMARY KEY, since TEXT NOT NULL) STRICT",
    ),
)
"""The statements of each migration. Never change one that was released: append the next."""


@dataclass(frozen=True, slots=True)
class Like:
    """A song somebody likes, and since when (UTC)."""

    song: Song
    liked_at: datetime


class Likes:
    """The songs of everybody. `await Likes.open(path)`, and `await likes.close()` in the end."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._db = connection

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open or create the file. StartupError, in one sentence, if it cannot be used."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # aiosqlite's thread outlives a failure to open, and trips over a loop that has ended since.
            sqlite3.connect(path).close()
            connection = await aiosqlite.connect(path, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise StartupError(f"The database {path} cannot be opened: {error}.") from error
        try:
            await _prepare(connection, path)
        except BaseException as error:
            await connection.close()
            if isinstance(error, sqlite3.Error):
                raise StartupError(f"The database {path} cannot be used: {error}.") from error
            raise
        return cls(connection)

    async def add(self, user_id: int, song: Song) -> bool:
        """Like a song; a dislike of it is taken back. False if the person liked it already; it then keeps its place."""
        cursor = await self._db.execute(
            "INSERT INTO likes (user_id, song_id, title, artist, liked_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (user_id, song_id) DO NOTHING",
            (user_id, song.id, song.title, song.artist, _now()),
        )
        return cursor.rowcount > 0

    async def remove(self, user_id: int, song_id: str) -> bool:
        """Take a like back. False if there was none."""
        cursor = await self._db.execute(
            "DELETE FROM likes WHERE user_id = ? AND song_id = ?", (user_id, song_id)
        )
        return cursor.rowcount > 0

    async def list(self, user_id: int) -> list[Like]:
        """What the person likes, oldest like first."""
        rows = await self._db.execute_fetchall(
            "SELECT song_id, title, artist, liked_at FROM likes WHERE user_id = ? ORDER BY position",
            (user_id,),
        )
        return [Like(Song(row[0], row[1], row[2]), datetime.fromisoformat(row[3])) for row in rows]

    async def clear(self, user_id: int) -> int:
        """Take all likes of a person back; how many there were."""
        cursor = await self._db.execute("DELETE FROM likes WHERE user_id = ?", (user_id,))
        return cursor.rowcount

    async def count(self, user_id: int) -> int:
        rows = await self._db.execute_fetchall("SELECT count(*) FROM likes WHERE user_id = ?", (user_id,))
        return int(next(iter(rows))[0])

    async def dislike(self, user_id: int, song: Song) -> bool:
        """Never recommend a song to this person; a like of it is taken back. False if that was so already."""
        cursor = await self._db.execute(
            "INSERT INTO dislikes (user_id, song_id, title, artist, disliked_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (user_id, song_id) DO NOTHING",
            (user_id, song.id, song.title, song.artist, _now()),
        )
        return cursor.rowcount > 0

    async def undislike(self, user_id: int, song_id: str) -> bool:
        """Take a dislike back. False if there was none."""
        cursor = await self._db.execute(
            "DELETE FROM dislikes WHERE user_id = ? AND song_id = ?", (user_id, song_id)
        )
        return cursor.rowcount > 0

    async def dislikes(self, user_id: int) -> tuple[Song, ...]:
        """What the person does not want to be recommended, oldest first."""
        rows = await self._db.execute_fetchall(
            "SELECT song_id, title, artist FROM dislikes WHERE user_id = ? ORDER BY position", (user_id,)
        )
        return tuple(Song(row[0], row[1], row[2]) for row in rows)

    async def share(self, user_id: int, *, allowed: bool) -> None:
        """Let others have recommendations from this person's likes together with theirs, or no longer."""
        if allowed:
            await self._db.execute(
                "INSERT INTO sharing (user_id, since) VALUES (?, ?) ON CONFLICT (user_id) DO NOTHING",
                (user_id, _now()),
            )
        else:
            await self._db.execute("DELETE FROM sharing WHERE user_id = ?", (user_id,))

    async def shares(self, user_id: int) -> bool:
        rows = await self._db.execute_fetchall("SELECT 1 FROM sharing WHERE user_id = ?", (user_id,))
        return bool(list(rows))

    async def export(self, user_id: int) -> dict[str, Any]:
        """Everything that is kept about a person, ready for JSON."""
        return {
            "likes": [
                _record(like.song) | {"liked_at": like.liked_at.isoformat()}
                for like in await self.list(user_id)
            ],
            "dislikes": [_record(song) for song in await self.dislikes(user_id)],
            "shares_likes": await self.shares(user_id),
        }

    async def forget(self, user_id: int) -> int:
        """Delete everything that is kept about a person; how many records there were."""
        deleted = 0
        for table in ("likes", "dislikes", "sharing"):
            cursor = await self._db.execute(f"DELETE FROM {table} WHERE user_id = ?", (user_id,))  # noqa: S608 - our own names
            deleted += cursor.rowcount
        return deleted

    async def close(self) -> None:
        """Close the file and end its thread. Closing twice is harmless."""
        await self._db.close()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _record(song: Song) -> dict[str, str]:
    return {"id": song.id, "title": song.title, "artist": song.artist}


async def _prepare(db: aiosqlite.Connection, path: Path) -> None:
    """Set the connection up and bring the file to the newest version."""
    for pragma in ("busy_timeout = 10000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        await db.execute(f"PRAGMA {pragma}")
    verdict = await _value(db, "PRAGMA quick_check(1)")
    if verdict != "ok":
        reason = " ".join(str(verdict).split())
        raise StartupError(f"The database {path} is damaged ({reason}). Restore it from a backup.")
    version = await _value(db, "PRAGMA user_version")
    if version > len(MIGRATIONS):
        raise StartupError(
            f"The database {path} is of version {version}, newer than this program knows ({len(MIGRATIONS)})."
            " Update the program, or use another data_dir."
        )
    for number, statements in enumerate(MIGRATIONS, 1):
        await db.execute("BEGIN IMMEDIATE")
        try:
            # Asked again inside the transaction: another process may have been faster.
            if await _value(db, "PRAGMA user_version") < number:
                for statement in statements:
                    await db.execute(statement)
                await db.execute(f"PRAGMA user_version = {number}")
            await db.execute("COMMIT")
        except BaseException:
            await db.execute("ROLLBACK")
            raise


async def _value(db: aiosqlite.Connection, sql: str) -> Any:
    rows = await db.execute_fetchall(sql)
    return next(iter(rows))[0]
