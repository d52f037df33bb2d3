"""Why /tokens and /decode do not answer."""

from __future__ import annotations

from bot.failures import Refused


class EmptyText(Refused):
    """There is nothing to split."""


class TextTooLong(Refused):
    """A text of `length` characters, of which there may be `limit`."""

    limit: int
    length: int


class NotATokenId(Refused):
    """A part of what was typed is no number."""

    text: str


class NoTokenIds(Refused):
    """There is nothing to decode."""


class TooManyTokenIds(Refused):
    """So many ids, `count`, of which there may be `limit`."""

    limit: int
    count: int
