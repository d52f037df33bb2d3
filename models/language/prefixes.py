"""Cached prefixes that the model need not read again.

A user's text is reused only for that user: response times must not reveal what other people asked. Only prefixes that
contain no user data, such as the beginning of a chat template, are shared.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from models.language.rows import Row

LIFETIME = 300.0
"""Seconds after which an unused prefix is removed."""
WORTH_KEEPING = 16
"""Minimum number of tokens to cache; fewer are read as fast as they are found."""

EVERYBODY = object()
"""The owner of prefixes that contain no user data."""


@dataclass(slots=True)
class _Prefix:
    ids: tuple[int, ...]
    row: Row
    used: float
    """Time of last use, as in `time.monotonic()`."""


class Prefixes:
    """A thread-safe cache that evicts the least recently used prefix first."""

    def __init__(self, lifetime: float = LIFETIME) -> None:
        self._lifetime = lifetime
        self._lock = threading.Lock()
        self._kept: list[tuple[Hashable, _Prefix]] = []
        """Owners and prefixes, the least recently used first."""
        self._timer: threading.Timer | None = None

    @property
    def tokens(self) -> int:
        """Number of tokens that the allocated memory can hold."""
        with self._lock:
            return self._tokens()

    @property
    def nbytes(self) -> int:
        with self._lock:
            return sum(prefix.row.nbytes for _, prefix in self._kept)

    def longest(self, owner: Hashable, ids: Sequence[int]) -> Row | None:
        """The longest cached prefix of `ids` without its last token, from `owner`'s texts or the shared prefixes."""
        with self._lock:
            best: tuple[int, Hashable, _Prefix] | None = None
            for whose, prefix in self._kept:
                if whose is EVERYBODY or whose == owner:
                    length = common_prefix(prefix.ids, ids[:-1])
                    if length >= WORTH_KEEPING and (best is None or length > best[0]):
                        best = length, whose, prefix
            if best is None:
                return None
            length, whose, prefix = best
            prefix.used = time.monotonic()
            self._kept.remove((whose, prefix))
            self._kept.append((whose, prefix))
            return prefix.row.first(length)

    def keep(self, owner: Hashable, ids: Sequence[int], row: Row, *, room: int) -> None:
        """Cache a row that holds `ids`; the whole cache may take at most `room` tokens."""
        row = row.first(len(ids))
        if len(ids) < WORTH_KEEPING or row.room > room or self._knows(owner, ids):
            return
        with self._lock:
            # What the new one begins with is not needed any more, so it makes room before others do.
            self._kept = [
                (whose, prefix)
                for whose, prefix in self._kept
                if whose != owner or common_prefix(prefix.ids, ids) < len(prefix.ids)
            ]
        self.make_room(room - row.room)
        row = row.kept()
        with self._lock:
            self._kept.append((owner, _Prefix(tuple(ids), row, time.monotonic())))
            if self._timer is None:
                self._wait(self._lifetime)

    def make_room(self, tokens: int) -> None:
        """Evict the least recently used prefixes until at most `tokens` tokens remain."""
        with self._lock:
            while self._kept and self._tokens() > tokens:
                self._kept.pop(0)

    def _tokens(self) -> int:
        return sum(prefix.row.room for _, prefix in self._kept)

    def _knows(self, owner: Hashable, ids: Sequence[int]) -> bool:
        with self._lock:
            return any(
                whose == owner and common_prefix(prefix.ids, ids) == len(ids) for whose, prefix in self._kept
            )

    def _expire(self) -> None:
        with self._lock:
            oldest = time.monotonic() - self._lifetime
            self._kept = [(whose, prefix) for whose, prefix in self._kept if prefix.used > oldest]
            self._timer = None
            if self._kept:
                self._wait(self._kept[0][1].used - oldest)

    def _wait(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, _expire, [weakref.ref(self)])
        self._timer.daemon = True
        self._timer.start()


def _expire(prefixes: weakref.ref[Prefixes]) -> None:
    """Timer callback with a weak reference, so that a replaced model is freed together with its prefixes."""
    if kept := prefixes():
        kept._expire()  # noqa: SLF001 - a bound method would be a strong reference


def common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the common prefix of two sequences."""
    shortest = min(len(one), len(other))
    return next((place for place in range(shortest) if one[place] != other[place]), shortest)
