"""Beginnings of texts that the model need not read again.

What somebody wrote is kept for nobody else: how soon an answer comes must not tell what another person asked. Only what
belongs to nobody, such as the head of a chat template, is used for everybody.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from models.language.cache import Row, Rows

LIFETIME = 300.0
"""Seconds for which a beginning is kept that nobody uses."""
WORTH_KEEPING = 16
"""Tokens; fewer are read again as soon as they are looked up."""

EVERYBODY = object()
"""Whose the beginnings are that belong to nobody."""


@dataclass(slots=True)
class _Prefix:
    ids: tuple[int, ...]
    rows: Rows
    used: float
    """When, by `time.monotonic()`."""


class Prefixes:
    """The least recently used one goes first. Every method may be called from any thread."""

    def __init__(self, lifetime: float = LIFETIME) -> None:
        self._lifetime = lifetime
        self._lock = threading.Lock()
        self._kept: list[tuple[Hashable, _Prefix]] = []
        """With their owners, the least recently used first."""
        self._timer: threading.Timer | None = None

    @property
    def tokens(self) -> int:
        """For which there is memory."""
        with self._lock:
            return self._tokens()

    @property
    def nbytes(self) -> int:
        with self._lock:
            return sum(layer.nbytes for _, prefix in self._kept for layer in prefix.rows.layers)

    def longest(self, owner: Hashable, ids: Sequence[int]) -> Row | None:
        """What of `ids`, all but the last, is known from one of `owner`'s texts or belongs to nobody."""
        with self._lock:
            best: tuple[int, Hashable, _Prefix] | None = None
            for whose, prefix in self._kept:
                if whose is EVERYBODY or whose == owner:
                    length = _shared(prefix.ids, ids[:-1])
                    if length >= WORTH_KEEPING and (best is None or length > best[0]):
                        best = length, whose, prefix
            if best is None:
                return None
            length, whose, prefix = best
            prefix.used = time.monotonic()
            self._kept.remove((whose, prefix))
            self._kept.append((whose, prefix))
            return prefix.rows.row(0).first(length)

    def keep(self, owner: Hashable, ids: Sequence[int], row: Row, *, room: int) -> None:
        """Keep a row that holds `ids`, in at most `room` tokens of all that is kept."""
        if not WORTH_KEEPING <= len(ids) <= room or self._knows(owner, ids):
            return
        self.make_room(room - len(ids))
        rows = Rows([row.first(len(ids))])
        with self._lock:
            self._kept = [
                (whose, prefix)
                for whose, prefix in self._kept
                if whose != owner or _shared(prefix.ids, ids) < len(prefix.ids)
            ]
            self._kept.append((owner, _Prefix(tuple(ids), rows, time.monotonic())))
            if self._timer is None:
                self._wait(self._lifetime)

    def make_room(self, tokens: int) -> None:
        """Let go of what was not used for longest, until what is left takes at most so many tokens."""
        with self._lock:
            while self._kept and self._tokens() > tokens:
                self._kept.pop(0)

    def _tokens(self) -> int:
        return sum(len(prefix.ids) for _, prefix in self._kept)

    def _knows(self, owner: Hashable, ids: Sequence[int]) -> bool:
        with self._lock:
            return any(
                whose == owner and _shared(prefix.ids, ids) == len(ids) for whose, prefix in self._kept
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
    """For a timer that holds nothing: a model that is replaced takes what was kept with it."""
    if kept := prefixes():
        kept._expire()  # noqa: SLF001 - a method would keep it


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many ids two sequences begin with alike."""
    shortest = min(len(one), len(other))
    return next((place for place in range(shortest) if one[place] != other[place]), shortest)
