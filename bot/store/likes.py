"""The songs that people like, and those that should not be recommended to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Delete, Insert, Table, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.database import Database
from bot.store.tables import dislikes, likes
from models.results import Song


@dataclass(frozen=True, slots=True)
class LikedSong:
    """A liked song, and since when (UTC)."""

    song: Song
    liked_at: datetime


class Likes:
    """A person cannot like and dislike a song at once: the newer opinion removes the other in the same transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, user_id: int, song: Song) -> bool:
        """Like a song and remove its dislike. False if the person already likes it; then it keeps its position."""
        return await self._put(likes, dislikes, user_id, song)

    async def add_all(self, user_id: int, songs: Sequence[Song]) -> None:
        """Like all of these songs and remove their dislikes, or change nothing if that fails."""
        changes = [change for song in songs for change in self._changes(likes, dislikes, user_id, song)]
        await self._database.write(*changes)

    async def toggle(self, user_id: int, song: Song) -> bool:
        """Like a song, or remove the like if there is one; returns whether the person likes it now."""

        async def turn(connection: AsyncConnection) -> bool:
            if (await connection.execute(self._deletion(likes, user_id, song.id))).rowcount:
                return False
            for change in self._changes(likes, dislikes, user_id, song):
                await connection.execute(change)
            return True

        return await self._database.change(turn)

    async def remove(self, user_id: int, song_id: str) -> bool:
        """Remove a like. False if there was none."""
        return await self._take_back(likes, user_id, song_id)

    async def list(self, user_id: int) -> list[LikedSong]:
        """The person's likes, oldest first."""
        return [LikedSong(song, since) for song, since in await self._songs(likes, user_id)]

    async def clear(self, user_id: int) -> int:
        """Remove all likes of a person; returns their number."""
        (deleted,) = await self._database.write(delete(likes).where(likes.c.user_id == user_id))
        return deleted

    async def count(self, user_id: int) -> int:
        number = select(func.count()).select_from(likes).where(likes.c.user_id == user_id)
        (row,) = await self._database.read(number)
        return int(row[0])

    async def dislike(self, user_id: int, song: Song) -> bool:
        """Never recommend a song to this person, and remove its like. False if it was already disliked."""
        return await self._put(dislikes, likes, user_id, song)

    async def undislike(self, user_id: int, song_id: str) -> bool:
        """Remove a dislike. False if there was none."""
        return await self._take_back(dislikes, user_id, song_id)

    async def dislikes(self, user_id: int) -> tuple[Song, ...]:
        """The person's dislikes, oldest first."""
        return tuple(song for song, _ in await self._songs(dislikes, user_id))

    async def _put(self, table: Table, opposite: Table, user_id: int, song: Song) -> bool:
        added, _ = await self._database.write(*self._changes(table, opposite, user_id, song))
        return added > 0

    def _changes(self, table: Table, opposite: Table, user_id: int, song: Song) -> tuple[Insert, Delete]:
        values = {
            "user_id": user_id,
            "song_id": song.id,
            "title": song.title,
            "artist": song.artist,
            "since": datetime.now(UTC),
        }
        return self._database.insert_new(table, values), self._deletion(opposite, user_id, song.id)

    @staticmethod
    def _deletion(table: Table, user_id: int, song_id: str) -> Delete:
        return delete(table).where(table.c.user_id == user_id, table.c.song_id == song_id)

    async def _take_back(self, table: Table, user_id: int, song_id: str) -> bool:
        (deleted,) = await self._database.write(self._deletion(table, user_id, song_id))
        return deleted > 0

    async def _songs(self, table: Table, user_id: int) -> Sequence[tuple[Song, datetime]]:
        """A person's songs, oldest first, with times."""
        columns = (table.c.song_id, table.c.title, table.c.artist, table.c.since)
        question = select(*columns).where(table.c.user_id == user_id).order_by(table.c.position)
        rows = await self._database.read(question)
        return [(Song(song_id, title, artist), since) for song_id, title, artist, since in rows]
