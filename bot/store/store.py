"""The store: one database, and a repository for each subject."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, delete, make_url
from sqlalchemy.exc import ArgumentError

from bot.failures import DatabaseUrlUnreadable
from bot.store import sqlite
from bot.store.boards import Boards
from bot.store.consents import Consents
from bot.store.database import Database
from bot.store.likes import Likes
from bot.store.tables import metadata
from models.results import Song

FILE = "tokenwise.db"


class Store:
    """What is kept about people. `await Store.open(data_dir)`, and `await store.close()` in the end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.likes = Likes(database)
        self.consents = Consents(database)
        self.boards = Boards(database)

    @classmethod
    async def open(cls, data_dir: Path, url: str = "") -> Self:
        """Open or create the database: the one at `url`, or a file of SQLite under `data_dir`.

        StartupError, in one sentence, if it cannot be used.
        """
        return cls(await Database.open(_parsed(url) if url else sqlite.url_of(data_dir / FILE)))

    async def export(self, user_id: int) -> dict[str, Any]:
        """Everything that is kept about a person, ready for JSON."""
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
        """Delete everything that is kept about a person, or nothing; how many records there were."""
        tables = reversed(metadata.sorted_tables)
        return sum(
            await self._database.write(*(delete(table).where(table.c.user_id == user_id) for table in tables))
        )

    async def close(self) -> None:
        """Close the database. Closing twice is harmless."""
        await self._database.close()


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        # Neither the URL nor what is wrong with it, which may quote a part of the password.
        raise DatabaseUrlUnreadable from None


def _record(song: Song) -> dict[str, str]:
    return {"id": song.id, "title": song.title, "artist": song.artist}
