"""The bot's own failures. Their sentences are in `texts/`, under each class's name."""

from __future__ import annotations

from models.failures import Failure


class Refused(Failure):
    """The request is rejected; the sentence says what to do instead."""


class StartupError(Failure):
    """The bot cannot run; the sentence is for the operator and may name files."""


class BrokenExtension(StartupError):
    """A cog failed to load."""

    extension: str
    kind: str
    reason: str


class BadToken(StartupError):
    """Discord rejected the token."""


class IntentsRefused(StartupError):
    """Discord rejected the requested intents."""


class GatewayClosed(StartupError):
    """Discord closed the gateway with a code that forbids reconnecting."""

    close_code: str


class LoginRefused(StartupError):
    """Discord answered the login with a status that makes retries pointless."""

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
    """The database cannot be accessed, for example because of a read-only folder or an unreachable server."""

    database: str
    reason: str


class DatabaseNotSupported(StartupError):
    """The store does not support this kind of database, or this driver."""

    database: str
    driver: str


class DatabaseUrlUnreadable(StartupError):
    """SQLAlchemy cannot parse the URL in the settings."""


class DatabaseOnServer(Failure):
    """Only database files can be backed up and restored here."""


class NoDatabaseFile(Failure):
    """There is no database to back up, or no backup to restore."""

    path: str


class WouldOverwrite(Failure):
    """The file for the backup already exists."""

    path: str


class DatabaseInUse(Failure):
    """Another process has the database open."""

    database: str


class BackupFailed(Failure):
    """The copy failed or is incomplete."""

    source: str
    target: str
    reason: str


class DatabaseUnusable(StartupError):
    """The file is not a database, or not one of ours."""

    database: str
    reason: str


class DatabaseDamaged(StartupError):
    database: str
    reason: str


class DatabaseEmptied(StartupError):
    """The database is empty or missing, but the file `beside` shows that there was one."""

    database: str
    beside: str


class DatabaseTooNew(StartupError):
    """A newer version of the program migrated the database. `known` is the newest version that this one supports."""

    database: str
    version: str
    known: str


class DatabaseTooOld(StartupError):
    """The server's version is too old for the store."""

    database: str
    version: str
    oldest: str


class DatabaseEncoding(StartupError):
    """The database's encoding cannot store every character."""

    database: str
    encoding: str


class DatabaseReadOnly(StartupError):
    """The server is a standby, or the account is read-only."""

    database: str


class PostgresqlNotInstalled(StartupError):
    """The settings name a PostgreSQL server, but the driver, an optional extra, is not installed."""


class CopyDiffers(Failure):
    """The target contains data that the source does not."""

    database: str
    table: str


class StoreUnavailable(Failure):
    """The database failed while the bot was running; the change was rolled back."""


class StoreUncertain(StoreUnavailable):
    """The connection was lost during COMMIT, so the change may or may not be stored."""


# Where commands are answered --------------------------------------------------------------------------------


class CommandsElsewhere(Refused):
    """The settings restrict commands to other channels. `channels` lists some that the person can see."""

    channels: tuple[str, ...]


# Reloading a model -----------------------------------------------------------------------------------------


class Unclaimed(Refused):
    """A button or form belongs to an earlier run of the bot, and nothing handles it any more."""


class SettingsWrong(Refused):
    """The settings file is no longer valid; `problems` are its error messages."""

    problems: str


class NoSection(Refused):
    """The settings have no section for the requested slot."""

    slot: str


class NoRevisions(Refused):
    """Models of this slot have no revisions."""

    slot: str


class RevisionOfFolder(Refused):
    """A revision was requested, but the model is a local folder."""
