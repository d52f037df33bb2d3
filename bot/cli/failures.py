"""Failures that only the terminal raises. Their sentences are in `texts/`, under each class's name."""

from __future__ import annotations

from models.failures import BadInput, Failure, NotThere


class Misuse(Failure):
    """The command cannot run with these arguments or settings."""


class NoToken(Misuse):
    """`run` has no token."""


class NotSqlite(Misuse):
    """`database copy` copies only from SQLite."""


class NotPostgresql(Misuse):
    """`database copy` copies only to PostgreSQL."""


class NotOnCluster(Misuse):
    """`serve` has nothing to do if the bot runs the models itself."""


class NothingToAsk(Misuse):
    """All lines for the demo are empty."""


class HealthNotServed(Failure):
    """The health endpoint is disabled in the settings."""


class NobodyAnswers(Failure):
    """No HTTP server listens at the address of the health endpoint."""

    host: str
    port: str
    reason: str


class InputNotUtf8(BadInput):
    """Standard input is not valid UTF-8."""


class TextNotUtf8(BadInput):
    """An argument is not valid UTF-8."""


class NoSuchPath(NotThere):
    """The argument is a path that does not exist."""

    path: str


class NoTokenizers(NotThere):
    """None of the tokenizers in the settings could be loaded."""
