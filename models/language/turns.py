"""Turns between threads that compute with one model."""

from __future__ import annotations

import threading
import time
from collections import deque

SLICE = 0.05
"""Seconds after which a turn passes to a waiting thread at the next opportunity."""


class Turns:
    """A first-in, first-out lock, so that a thread that immediately locks again cannot starve the others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        """Guards `_taken` and `_waiting`."""
        self._taken = False
        self._waiting: deque[threading.Event] = deque()
        self._since = 0.0

    def __enter__(self) -> None:
        with self._lock:
            ready = threading.Event()
            if self._taken:
                self._waiting.append(ready)
            else:
                ready.set()
            self._taken = True
        ready.wait()
        self._since = time.monotonic()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False

    def pass_on(self) -> None:
        """Let waiting threads go first. Called by the holder between pieces of long work."""
        if self._waiting and time.monotonic() - self._since >= SLICE:
            self.__exit__()
            self.__enter__()
