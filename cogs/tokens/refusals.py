"""Reasons for refusing /tokens and /decode."""

from __future__ import annotations

from bot.failures import Refused


class EmptyText(Refused):
    """There is no text to split."""


class TextTooLong(Refused):
    """A text has `length` characters; the limit is `limit`."""

    limit: int
    length: int


class NotATokenId(Refused):
    """A part of the typed text is not a number."""

    text: str


class NoTokenIds(Refused):
    """There is nothing to decode."""


class TooManyTokenIds(Refused):
    """There are `count` ids; the limit is `limit`."""

    limit: int
    count: int
