"""The store: one database, with one repository per subject."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, delete, make_url
from sqlalchemy.exc import ArgumentError

from bot.failures import DatabaseUrlUnreadable
from bot.store import sqlite
from bot.store.boards import Boards
from bot.store.consents import Consents
from bot.store.database import CONNECTIONS, Database
from bot.store.likes import Likes
from bot.store.migrations import HEAD
from bot.store.neighbours import Neighbours
from bot.store.tables import metadata
from models.results import Song

FILE = "tokenwise.db"


class Store:
    """The data about people. `await Store.open(data_dir)`, and finally `await store.close()`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.likes = Likes(database)
        self.consents = Consents(database)
        self.neighbours = Neighbours(database)
        self.boards = Boards(database)

    @classmethod
    async def open(cls, data_dir: Path, url: str = "", connections: int = CONNECTIONS) -> Self:
        """Open or create the database: the one at `url`, or an SQLite file under `data_dir`.

        A server gets at most `connections`. Raises StartupError, with one sentence, if the database cannot be used.
        """
        return cls(await Database.open(url_in(data_dir, url), connections))

    @property
    def name(self) -> str:
        """The database's name in messages, without a password."""
        return self._database.name

    @property
    def version(self) -> str:
        """The version of its tables after opening."""
        return HEAD

    @property
    def reachable(self) -> bool:
        """Whether the last transaction reached the database."""
        return self._database.reachable

    async def export(self, user_id: int) -> dict[str, Any]:
        """Everything stored about a person, as JSON values."""
        return {
            "likes": [
                _record(like.song) | {"liked_at": like.liked_at.isoformat()}
                for like in await self.likes.list(user_id)
            ],
            "dislikes": [_record(song) for song in await self.likes.dislikes(user_id)],
            "shares_likes": await self.consents.shares(user_id),
            **await self.boards.export(user_id),
        }

    async def forget(self, user_id: int) -> int:
        """Delete everything stored about a person, or nothing on failure; returns the number of records."""
        tables = reversed(metadata.sorted_tables)
        return sum(
            await self._database.write(*(delete(table).where(table.c.user_id == user_id) for table in tables))
        )

    def watch(self, observe: Callable[[str, float], object]) -> None:
        """Call `observe("read" or "write", seconds)` for each transaction."""
        self._database.observe = observe

    async def close(self) -> None:
        """Close the database. Closing twice is harmless."""
        await self.neighbours.close()
        await self._database.close()


def url_in(data_dir: Path, url: str) -> URL:
    """The configured database: the one at `url`, or a file under `data_dir`."""
    return parsed(url) if url else sqlite.url_of(data_dir / FILE)


def parsed(url: str) -> URL:
    """Raises DatabaseUrlUnreadable if the URL is invalid."""
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        # Show neither the URL nor the error, which may quote part of the password.
        raise DatabaseUrlUnreadable from None


def _record(song: Song) -> dict[str, str]:
    return {"id": song.id, "title": song.title, "artist": song.artist}
