"""One line for each record, and never a token in it.

Redaction works on the finished text, so that it covers arguments and tracebacks as well.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO

from bot.redaction import HIDDEN, redacted

# A broken connection is news, but its traceback is not: discord.py tries again by itself.
EXPECTED = (
    "OSError",
    "ClientError",
    "TimeoutError",
    "ConnectionClosed",
    "GatewayNotFound",
    "DiscordServerError",
)


LATE_COMPLETION = "Ignoring exception in autocomplete"
"""How discord.py begins what it says of a completion that Discord did not want any more."""


def wanted(record: logging.LogRecord) -> bool:
    """Whether a record is worth a line. Somebody who types on makes Discord forget the completion before."""
    error = record.exc_info[1] if record.exc_info else None
    late = str(record.msg).startswith(LATE_COMPLETION)
    return not (late and error is not None and (_is_expected(error) or _is_answer(error)))


class Formatter(logging.Formatter):
    def __init__(self, token: str | None = None) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")
        self._token = token

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and record.name.startswith("discord.") and _is_expected(error):
            reason = " ".join(str(error).split()) or "no reason given"
            text = f"{_bare(self, record)} ({type(error).__name__}: {reason})"
        else:
            text = super().format(record)
        if self._token:
            text = text.replace(self._token, HIDDEN)
        return redacted(text)


def setup(level: str, token: str | None = None, stream: TextIO | None = None) -> None:
    """Log to `stream` (standard error) from `level` on; replaces handlers that were there before."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Formatter(token))
    handler.addFilter(wanted)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # At DEBUG these log payloads with what people wrote, or every call.
    for name in ("discord", "aiosqlite", "asyncio", "matplotlib", "filelock", "urllib3"):
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level]))
    for name in ("gensim", "smart_open", "httpx", "sqlalchemy", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _is_expected(error: BaseException) -> bool:
    """By name, so that this module loads neither discord.py nor aiohttp."""
    return any(kind.__name__ in EXPECTED for kind in type(error).__mro__)


def _is_answer(error: BaseException) -> bool:
    """Whether Discord itself refused, or an interaction was over."""
    return any(kind.__name__ in {"HTTPException", "InteractionResponded"} for kind in type(error).__mro__)


def _bare(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """The record's own line, without its traceback."""
    record.message = record.getMessage()
    record.asctime = formatter.formatTime(record, formatter.datefmt)
    return formatter.formatMessage(record)
