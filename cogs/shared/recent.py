"""The data behind an answer's buttons: the latest requests, in memory only."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from bot.failures import Refused

T = TypeVar("T")

MOST = 500
"""Default number of remembered values; older requests must be repeated."""


class AnswerForgotten(Refused):
    """The data behind a button is no longer in memory."""


class Recent(Generic[T]):
    """The latest values, each under a number that fits into a custom_id.

    For privacy, requests are never written to disk: after a restart, or many requests later, the button says so and
    the person asks again.
    """

    def __init__(self, most: int = MOST, weigh: Callable[[T], int] = lambda _: 1) -> None:
        """`most` limits the total weight of the values; the newest is kept regardless."""
        self._most = most
        self._weigh = weigh
        self._weight = 0
        self._values: OrderedDict[int, T] = OrderedDict()

    def keep(self, value: T) -> int:
        """The number for `get`; it cannot be guessed, because answers may be private."""
        number = random.SystemRandom().getrandbits(62)
        self._values[number] = value
        self._weight += self._weigh(value)
        while self._weight > self._most and len(self._values) > 1:
            self._weight -= self._weigh(self._values.popitem(last=False)[1])
        return number

    def get(self, number: int) -> T:
        """Raises AnswerForgotten if it is no longer in memory."""
        if number not in self._values:
            raise AnswerForgotten
        self._values.move_to_end(number)
        return self._values[number]
