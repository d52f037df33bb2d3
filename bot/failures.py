"""What the bot itself raises for a person to read. The sentences are in `texts/`, under the name of each class."""

from __future__ import annotations

from models.failures import Failure


class Refused(Failure):
    """The question cannot be taken as it was asked; the sentence says what to do instead."""


class StartupError(Failure):
    """The bot cannot run; the sentence is for whoever runs it and may name files."""


class NoSection(Refused):
    """The settings leave out a slot that was to be loaded."""

    slot: str
