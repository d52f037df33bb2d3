"""What the buttons of an answer need to go on from it: the last questions, in memory only."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from bot.failures import Refused

T = TypeVar("T")

MOST = 500
"""Values that are remembered unless said otherwise; older questions must be asked again."""


class AnswerForgotten(Refused):
    """What a button refers to is no longer remembered."""


class Recent(Generic[T]):
    """The last values, each under a number that fits into a button.

    What people ask is nobody's business once it is answered, so it is never written to a disk: after a restart,
    or many questions later, the button says so and the person asks again.
    """

    def __init__(self, most: int = MOST, weigh: Callable[[T], int] = lambda _: 1) -> None:
        """`most` is what all values together may weigh; the newest is there whatever it weighs."""
        self._most = most
        self._weigh = weigh
        self._weight = 0
        self._values: OrderedDict[int, T] = OrderedDict()

    def keep(self, value: T) -> int:
        """The number under which `get` finds it; not to be guessed, for answers may be private."""
        number = random.SystemRandom().getrandbits(62)
        self._values[number] = value
        self._weight += self._weigh(value)
        while self._weight > self._most and len(self._values) > 1:
            self._weight -= self._weigh(self._values.popitem(last=False)[1])
        return number

    def get(self, number: int) -> T:
        """Raises AnswerForgotten where it is no longer there."""
        if number not in self._values:
            raise AnswerForgotten
        self._values.move_to_end(number)
        return self._values[number]
