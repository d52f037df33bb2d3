"""Why /generate does not begin, and why a text is not stopped."""

from __future__ import annotations

from bot.failures import Refused


class EmptyPrompt(Refused):
    """There is nothing to continue."""


class PromptTooLong(Refused):
    """A prompt of `length` characters, of which there may be `limit`."""

    limit: int
    length: int


class NoLanguageModel(Refused):
    """The settings name no language model."""


class TooManyNewTokens(Refused):
    """More tokens were asked for than the `limit` of the settings."""

    limit: int


class NotYoursToStop(Refused):
    """Somebody else's text can be stopped only by those who manage the server."""


class NothingToStop(Refused):
    """The text has ended, or the bot was restarted since it began."""
