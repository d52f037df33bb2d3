"""What only the terminal raises. The sentences are in `texts/`, under the name of each class."""

from __future__ import annotations

from models.failures import BadInput, Failure, NotThere


class Misuse(Failure):
    """The command cannot be run as it was given, or not with these settings."""


class NoToken(Misuse):
    """`run` has no token."""


class NotSqlite(Misuse):
    """`database copy` copies from SQLite alone."""


class NotPostgresql(Misuse):
    """`database copy` copies to PostgreSQL alone."""


class NotOnCluster(Misuse):
    """`serve` has nothing to do where the bot answers by itself."""


class NothingToAsk(Misuse):
    """Every line that the demo is to ask is empty."""


class HealthNotServed(Failure):
    """The settings have the health endpoint switched off."""


class NobodyAnswers(Failure):
    """Nothing that speaks HTTP listens where the health endpoint should be."""

    host: str
    port: str
    reason: str


class InputNotUtf8(BadInput):
    """The bytes of the standard input are no UTF-8."""


class TextNotUtf8(BadInput):
    """An argument holds bytes that are no UTF-8."""


class NoSuchPath(NotThere):
    """What was typed is a path, and nothing is there."""

    path: str


class NoTokenizers(NotThere):
    """None of the tokenizers in the settings could be loaded."""
