"""The differences between databases: the interface between `Database` and the module for each kind."""

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
        """Seconds for one transaction with all its attempts; None for no limit."""

    @property
    def SHARED(self) -> bool:  # noqa: N802 - a constant of the module
        """Whether processes can coordinate through it, as `neighbours` does."""

    @property
    def SINGLE_STATEMENT(self) -> Mapping[str, Any]:  # noqa: N802 - a constant of the module
        """SQLAlchemy's execution options for a transaction of one statement, which also commits."""

    @property
    def CHANGES(self) -> Mapping[str, Any]:  # noqa: N802 - a constant of the module
        """The same for a transaction of several statements that changes something."""

    def name_of(self, url: URL, /) -> str:
        """The database's name in messages, without a password."""

    def create_engine(self, url: URL, connections: int, /) -> AsyncEngine:
        """An engine with at most `connections` connections. Raises StartupError if that is impossible."""

    def check(self, connection: Connection, /) -> None:
        """Raises StartupError if the store cannot use this database."""

    def lock(self, connection: Connection, /) -> None:
        """Keep every other process from migrating until the transaction ends."""

    def version_before_alembic(self, connection: Connection, /) -> str:
        """The version of a database from before Alembic; "" if it is new."""

    def hand_over_to_alembic(self, connection: Connection, /) -> None:
        """Remove what only databases from before Alembic have."""

    def in_one(self, changes: Sequence[Insert | Update | Delete], /) -> Select[Any] | None:
        """One statement that makes all changes and selects the number of rows changed by each; None if impossible."""

    def lost_a_race(self, error: DBAPIError, /) -> bool:
        """Whether a transaction was rolled back only because of a conflict."""

    def is_unsure(self, error: BaseException, /) -> bool:
        """Whether a COMMIT that failed like this may still have succeeded."""


BACKENDS: Mapping[str, Backend] = {"sqlite": sqlite, "postgresql": postgresql}


def backend_of(url: URL) -> Backend:
    """Raises DatabaseNotSupported for other kinds of databases."""
    kind = url.get_backend_name()
    if kind not in BACKENDS:
        name = url.set(password=None, query={}).render_as_string()
        raise DatabaseNotSupported(database=name, driver=url.drivername)
    return BACKENDS[kind]
