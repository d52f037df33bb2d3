"""What differs from one kind of database to another: the seam between `Database` and the modules for each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Delete, Insert, Select, Update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.failures import DatabaseNotSupported
from bot.store import postgresql, sqlite


class Backend(Protocol):
    """A module for one kind of database."""

    @property
    def DEADLINE(self) -> float | None:  # noqa: N802 - a constant of the module
        """Seconds for one transaction with all its attempts; None for no bound."""

    @property
    def SHARED(self) -> bool:  # noqa: N802 - a constant of the module
        """Whether processes can take turns and tell each other news in it, as `neighbours` does."""

    @property
    def QUESTIONS(self) -> Mapping[str, Any]:  # noqa: N802 - a constant of the module
        """SQLAlchemy's execution options of a transaction that asks one question."""

    @property
    def CHANGES(self) -> Mapping[str, Any]:  # noqa: N802 - a constant of the module
        """SQLAlchemy's execution options of a transaction that changes something."""

    @property
    def SINGLE_CHANGE(self) -> Mapping[str, Any]:  # noqa: N802 - a constant of the module
        """The same where one statement is the whole transaction, its commit included."""

    def name_of(self, url: URL, /) -> str:
        """What the database is called in messages, without a password."""

    def create_engine(self, url: URL, connections: int, /) -> AsyncEngine:
        """An engine with at most so many connections. StartupError if there can be none."""

    def check(self, connection: Connection, /) -> None:
        """StartupError if the store cannot live in this database."""

    def lock(self, connection: Connection, /) -> None:
        """Keep every other process from migrating until the transaction ends."""

    def version_before_alembic(self, connection: Connection, /) -> str:
        """The version of a database that Alembic has never seen; "" if it is new."""

    def hand_over_to_alembic(self, connection: Connection, /) -> None:
        """Leave nothing in the database that only those from before Alembic have."""

    def in_one(self, changes: Sequence[Insert | Update | Delete], /) -> Select[Any] | None:
        """One statement that makes all of the changes and selects how many rows each of them changed; None if there is none."""

    def lost_a_race(self, error: DBAPIError, /) -> bool:
        """Whether a transaction was taken back only because another one went first."""

    def is_unsure(self, error: BaseException, /) -> bool:
        """Whether a COMMIT that failed like this may have worked all the same."""


BACKENDS: Mapping[str, Backend] = {"sqlite": sqlite, "postgresql": postgresql}


def backend_of(url: URL) -> Backend:
    """DatabaseNotSupported for a kind of database that the store does not live in."""
    kind = url.get_backend_name()
    if kind not in BACKENDS:
        name = url.set(password=None, query={}).render_as_string()
        raise DatabaseNotSupported(database=name, driver=url.drivername)
    return BACKENDS[kind]
