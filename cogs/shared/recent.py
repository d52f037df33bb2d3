"""The data behind an answer's buttons: the latest requests, in memory only."""

from __future__ import annotations

import hashlib
import random
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import discord

from bot.failures import Refused
from cogs.shared.text import unescaped
from texts import say

T = TypeVar("T")

MOST = 500
"""Default number of remembered values; older requests must be repeated."""


class AnswerForgotten(Refused):
    """The data behind a button is no longer in memory."""


class Recent(Generic[T]):
    """The latest values, each under a number that fits into a custom_id.

    Questions are private after they are answered, so they are never written to disk. After a restart, or after many
    questions, a button uses its message; if that does not contain enough, the person asks again.
    """

    def __init__(self, most: int = MOST, weigh: Callable[[T], int] = lambda _: 1) -> None:
        """`most` limits the total weight of the values; the newest is always kept."""
        self._most = most
        self._weigh = weigh
        self._weight = 0
        self._values: OrderedDict[int, T] = OrderedDict()

    def keep(self, value: T, number: int | None = None) -> int:
        """Store a value and return its number: the given one, or an unguessable one, because answers may be private."""
        if number is None:
            number = random.SystemRandom().getrandbits(62)
        if number in self._values:
            self._weight -= self._weigh(self._values.pop(number))
        self._values[number] = value
        self._weight += self._weigh(value)
        while self._weight > self._most and len(self._values) > 1:
            self._weight -= self._weigh(self._values.popitem(last=False)[1])
        return number

    def __contains__(self, number: int) -> bool:
        return number in self._values

    def get(self, number: int) -> T:
        """Raises AnswerForgotten if the value is no longer in memory."""
        if number not in self._values:
            raise AnswerForgotten
        self._values.move_to_end(number)
        return self._values[number]


class RecentTexts(Recent[str]):
    """The latest texts, each under a number derived from it, so that a message quoting the text can restore it."""

    def keep(self, value: str, number: int | None = None) -> int:
        return super().keep(value, digest(value) if number is None else number)

    def recall(self, message: discord.Message | None, number: int) -> str:
        """The text under a number, or the text quoted by the message if its number matches. Raises AnswerForgotten."""
        if number not in self:
            for text in quotes(message):
                if digest(text) == number:
                    return text
        return self.get(number)


def digest(text: str) -> int:
    """A 62-bit digest of a text; collisions are unlikely."""
    return int.from_bytes(hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest()) >> 2


def quotes(message: discord.Message | None) -> Iterator[str]:
    """Candidate texts quoted in a message: those in quotation marks in its titles, and the first of two."""
    before, after = say("quoted", text="|").split("|")
    for embed in message.embeds if message else ():
        title = embed.title or ""
        if title.startswith(before) and title.endswith(after):
            yield unescaped(title.removeprefix(before).removesuffix(after))
    yield from numbered(message, 1)


def numbered(message: discord.Message | None, number: int) -> Iterator[str]:
    """Candidates for one of several texts that a message lists with their numbers."""
    mark = f"**{number}** "
    for embed in message.embeds if message else ():
        for line in (embed.description or "").splitlines():
            if line.startswith(mark):
                yield unescaped(line.removeprefix(mark))
