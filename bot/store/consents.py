"""Which people share their likes for recommendations to others."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import delete, select

from bot.store.database import Database
from bot.store.tables import sharing


class Consents:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def share(self, user_id: int, *, allowed: bool) -> None:
        """Allow recommendations from this person's likes together with those of others, or stop it."""
        if allowed:
            values = {"user_id": user_id, "since": datetime.now(UTC)}
            await self._database.write(self._database.insert_new(sharing, values))
        else:
            await self._database.write(delete(sharing).where(sharing.c.user_id == user_id))

    async def shares(self, user_id: int) -> bool:
        return bool(await self._database.read(select(sharing.c.user_id).where(sharing.c.user_id == user_id)))
