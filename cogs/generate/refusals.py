"""Reasons for refusing to start or stop a generation."""

from __future__ import annotations

from bot.failures import Refused


class EmptyPrompt(Refused):
    """There is nothing to continue."""


class PromptTooLong(Refused):
    """A prompt has `length` characters; the limit is `limit`."""

    limit: int
    length: int


class NoLanguageModel(Refused):
    """No language model is configured."""


class TooManyNewTokens(Refused):
    """More new tokens were requested than the configured `limit`."""

    limit: int


class NotYoursToStop(Refused):
    """Only people who manage the server can stop someone else's text."""


class NothingToStop(Refused):
    """The text has ended, or the bot was restarted since it started."""
