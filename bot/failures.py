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


# Reloading a model -----------------------------------------------------------------------------------------


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
