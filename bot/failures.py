"""What the bot itself raises for a person to read. The sentences are in `texts/`, under the name of each class."""

from __future__ import annotations

from models.failures import Failure


class Refused(Failure):
    """The question cannot be taken as it was asked; the sentence says what to do instead."""


class StartupError(Failure):
    """The bot cannot run; the sentence is for whoever runs it and may name files."""


# The store -------------------------------------------------------------------------------------------------


class DatabaseNotOpened(StartupError):
    """There is no getting at the database: a folder that cannot be written, a URL that leads nowhere."""

    database: str
    reason: str


class DatabaseUnusable(StartupError):
    """What was opened is no database, or not one of ours."""

    database: str
    reason: str


class DatabaseDamaged(StartupError):
    database: str
    reason: str


class DatabaseTooNew(StartupError):
    """A later version of the program has been here. `known` is the newest version that this one knows."""

    database: str
    version: str
    known: str


class StoreUnavailable(Failure):
    """The database failed while the bot was running; the whole change was taken back."""
