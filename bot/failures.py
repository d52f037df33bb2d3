"""What the bot itself raises for a person to read. The sentences are in `texts/`, under the name of each class."""

from __future__ import annotations

from models.failures import Failure


class Refused(Failure):
    """The question cannot be taken as it was asked; the sentence says what to do instead."""


class StartupError(Failure):
    """The bot cannot run; the sentence is for whoever runs it and may name files."""


class BrokenExtension(StartupError):
    """A cog cannot be loaded."""

    extension: str
    kind: str
    reason: str


class BadToken(StartupError):
    """Discord does not know the token."""


class IntentsRefused(StartupError):
    """Discord does not allow the intents that the bot asks for."""


class GatewayClosed(StartupError):
    """Discord closed the gateway with a code after which nothing may be tried again."""

    close_code: str


class LoginRefused(StartupError):
    """Discord answered the login with a status after which nothing may be tried again."""

    url: str
    status: str


class AddressTaken(StartupError):
    """The health endpoint cannot listen on its address."""

    host: str
    port: str
    reason: str


class AuditNotWritable(StartupError):
    """The file of the audit log cannot be opened."""

    path: str
    reason: str


# The store -------------------------------------------------------------------------------------------------


class DatabaseNotOpened(StartupError):
    """There is no getting at the database: a folder that cannot be written, a URL that leads nowhere."""

    database: str
    reason: str


class DatabaseNotSupported(StartupError):
    """The store does not live in databases of this kind, or does not use this driver."""

    database: str
    driver: str


class DatabaseUrlUnreadable(StartupError):
    """The URL in the settings is none that SQLAlchemy knows."""


class DatabaseOnServer(Failure):
    """Only a file can be backed up and restored here."""


class NoDatabaseFile(Failure):
    """There is no database to back up, or no backup to restore."""

    path: str


class WouldOverwrite(Failure):
    """Where a backup is to be written, there is a file."""

    path: str


class DatabaseInUse(Failure):
    """Another process has the database open that a backup is to replace."""

    database: str


class BackupFailed(Failure):
    """A copy could not be made, or is not whole."""

    source: str
    target: str
    reason: str


class DatabaseUnusable(StartupError):
    """What was opened is no database, or not one of ours."""

    database: str
    reason: str


class DatabaseDamaged(StartupError):
    database: str
    reason: str


class DatabaseEmptied(StartupError):
    """Where a database used to be, as the file `beside` tells, there is now an empty file or none."""

    database: str
    beside: str


class DatabaseTooNew(StartupError):
    """A later version of the program has been here. `known` is the newest version that this one knows."""

    database: str
    version: str
    known: str


class DatabaseTooOld(StartupError):
    """The server's own version is one that the store is not used with."""

    database: str
    version: str
    oldest: str


class DatabaseEncoding(StartupError):
    """The database cannot hold every character."""

    database: str
    encoding: str


class DatabaseReadOnly(StartupError):
    """The server is a standby, or the account may only read."""

    database: str


class PostgresqlNotInstalled(StartupError):
    """The settings name a PostgreSQL server, but its driver is an extra that was not installed."""


class CopyDiffers(Failure):
    """What is there already is not what is to be copied."""

    database: str
    table: str


class StoreUnavailable(Failure):
    """The database failed while the bot was running; the whole change was taken back."""


class StoreUncertain(StoreUnavailable):
    """The connection broke after the last word was sent and before the answer came: it may be stored, or not."""


# Where commands are answered --------------------------------------------------------------------------------


class CommandsElsewhere(Refused):
    """The settings name channels for commands, and this is none of them. `channels` has some that the person sees."""

    channels: tuple[str, ...]


# Reloading a model -----------------------------------------------------------------------------------------


class Unclaimed(Refused):
    """A button or a form belongs to an earlier run of the bot, and nothing answers it any more."""


class SettingsWrong(Refused):
    """The settings file cannot be used any more; `problems` says why, in its own words."""

    problems: str


class NoSection(Refused):
    """The settings leave out a slot that was to be loaded."""

    slot: str


class NoRevisions(Refused):
    """Models of this slot have no revisions."""

    slot: str


class RevisionOfFolder(Refused):
    """A revision was asked for, but the model is a local folder."""
