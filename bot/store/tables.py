"""The current tables; `migrations/` brings older databases to this state.

Every table is about people and has a column `user_id`, so a person's data can be deleted table by table.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData()

Id = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits everywhere: SQLite's INTEGER has as many, and is the only type by which it numbers rows."""


class IsoTime(TypeDecorator[datetime]):
    """A UTC time as ISO 8601 text with seconds: the same in every database, and sortable."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Dialect) -> str | None:
        return value.isoformat(timespec="seconds") if value else None

    def process_result_value(self, value: str | None, _: Dialect) -> datetime | None:
        return datetime.fromisoformat(value) if value else None


def without_nul(text: str) -> str:
    """The text as PostgreSQL accepts it."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


class Words(TypeDecorator[str]):
    """Text with NUL removed when written or queried, so that every database behaves the same."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _: Dialect) -> str | None:
        return without_nul(value) if value else value


def _songs_of_people(name: str, since: str) -> Table:
    """A table of songs, each at most once per person, in insertion order; `since` names the column of the time."""
    return Table(
        name,
        metadata,
        Column("position", Id, primary_key=True),
        Column("user_id", Id, nullable=False),
        Column("song_id", Words, nullable=False),
        # As they were when the song was added; the catalogue may change.
        Column("title", Words, nullable=False),
        Column("artist", Words, nullable=False),
        Column(since, IsoTime, nullable=False, key="since"),
        UniqueConstraint("user_id", "song_id"),
    )


likes = _songs_of_people("likes", "liked_at")
dislikes = _songs_of_people("dislikes", "disliked_at")

sharing = Table(
    "sharing",
    metadata,
    Column("user_id", Id, primary_key=True, autoincrement=False),
    Column("since", IsoTime, nullable=False),
)
"""The people who let others build on their likes."""

boards = Table(
    "boards",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("user_id", Id, nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("text", Words, nullable=False),
    Column("model", Words, nullable=False),
    # Token ids and the group's choices, as JSON: they are only read and written as a whole.
    Column("taken", Text, nullable=False),
    Column("rounds", Text, nullable=False),
    Column("temperature", Float, nullable=False),
    Column("top_k", Integer, nullable=False),
    Column("top_p", Float, nullable=False),
    Column("min_p", Float, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("voting", Boolean, nullable=False),
    Column("since", IsoTime, nullable=False, index=True),
)
"""Texts that a group writes token by token with /next; `user_id` is the person who started."""

votes = Table(
    "votes",
    metadata,
    Column("board_id", Id, ForeignKey("boards.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", Id, primary_key=True, autoincrement=False, index=True),
    Column("step", Integer, nullable=False),
    Column("token_id", Integer, nullable=False),
)
"""Votes for a board's next token: one per person, for the board's current step."""
