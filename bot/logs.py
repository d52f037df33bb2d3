"""One line per record, without tokens.

Redaction works on the formatted text, so it also covers arguments and tracebacks.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO

from bot.redaction import HIDDEN, redacted

# A lost connection is worth a line, but not a traceback: discord.py reconnects.
EXPECTED = (
    "OSError",
    "ClientError",
    "TimeoutError",
    "ConnectionClosed",
    "GatewayNotFound",
    "DiscordServerError",
)


LATE_COMPLETION = "Ignoring exception in autocomplete"
"""The prefix of discord.py's message about an outdated autocompletion."""


def wanted(record: logging.LogRecord) -> bool:
    """Whether to log a record. If people keep typing, Discord discards the previous autocompletion."""
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
    """Log to `stream` (default: standard error) at `level` and above; replaces existing handlers."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Formatter(token))
    handler.addFilter(wanted)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # At DEBUG these log payloads with people's texts, or every call.
    for name in ("discord", "aiosqlite", "asyncio", "matplotlib", "filelock", "urllib3"):
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level]))
    for name in ("gensim", "smart_open", "httpx", "sqlalchemy", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _is_expected(error: BaseException) -> bool:
    """Compares names, so that this module does not load discord.py or aiohttp."""
    return any(kind.__name__ in EXPECTED for kind in type(error).__mro__)


def _is_answer(error: BaseException) -> bool:
    """Whether Discord itself rejected the call, or the interaction had expired."""
    return any(kind.__name__ in {"HTTPException", "InteractionResponded"} for kind in type(error).__mro__)


def _bare(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """The record's line without its traceback."""
    record.message = record.getMessage()
    record.asctime = formatter.formatTime(record, formatter.datefmt)
    return formatter.formatMessage(record)
