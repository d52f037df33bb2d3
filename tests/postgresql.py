"""The tests' PostgreSQL server: quick, with a password that has to be escaped, and able to stand still."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from cluster import postgresql

PASSWORD = "p@ss/word:%41"
"""One that has to be escaped in a URL."""
QUOTED = "p%40ss%2Fword%3A%2541"
FAST = ("fsync=off", "full_page_writes=off", "max_connections=100", "shared_buffers=16MB")
"""Nothing here has to survive a power failure. What an end of the server's processes takes away does not depend on it."""


class Cluster(postgresql.Server):
    """A server with its data in `folder`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, FAST, PASSWORD)
        self._numbers = count(1)

    @contextlib.contextmanager
    def stuck(self) -> Iterator[None]:
        """The server's processes stand still: connections are open, and nothing answers."""
        pids = self.pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def database(self, options: str = "") -> str:
        """Make an empty database; its URL."""
        return self.create_database(f"test{next(self._numbers)}", options)
