"""The audit log: who used which command, where, with what outcome and for how long. Never the text of a message.

One JSON object per line, in rotated files. A separate thread writes them.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import sys
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from typing import IO, Any

from bot.events import CommandDone, Events
from bot.failures import AuditNotWritable

log = logging.getLogger(__name__)

FILE = "audit.jsonl"
"""Under the data folder, unless the settings name another."""


class AuditLog:
    """Records every command, button and form after it is opened."""

    def __init__(self, events: Events, path: Path, max_bytes: int, keep: int) -> None:
        """Raises AuditNotWritable if the file cannot be created."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = _Files(path, maxBytes=max_bytes, backupCount=keep, encoding="utf-8")
        except OSError as error:
            raise AuditNotWritable(str(path), error.strerror or str(error)) from error
        waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._queue = QueueHandler(waiting)
        self._listener = QueueListener(waiting, self._file)
        self._listener.start()
        events.subscribe(CommandDone, self._note)

    def close(self) -> None:
        """Flush and close the file."""
        self._listener.stop()
        self._file.close()

    def _note(self, event: CommandDone) -> None:
        # Ids are strings, as in Discord's API: many JSON parsers cannot represent numbers of that size.
        note = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "user": str(event.user),
            "server": None if event.server is None else str(event.server),
            "channel": None if event.channel is None else str(event.channel),
            "command": event.name,
            "outcome": event.outcome,
            "seconds": round(event.seconds, 3),
        }
        record = logging.LogRecord(__name__, logging.INFO, "", 0, json.dumps(note), None, None)
        self._queue.handle(record)


class _Files(RotatingFileHandler):
    """Rotating files that only the bot's user can read. A full disk is reported once in the bot's log."""

    _failing = False

    def _open(self) -> IO[Any]:  # type: ignore[override]
        return open(
            self.baseFilename,
            self.mode,
            encoding=self.encoding,
            opener=lambda path, flags: os.open(path, flags, 0o600),
        )

    def emit(self, record: logging.LogRecord) -> None:
        self._failed = False
        super().emit(record)
        self._failing = self._failed

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's own name
        del record
        self._failed = True
        if not self._failing:
            log.error("cannot write the audit log: %s", sys.exc_info()[1])
