"""How the bot and its bridge talk: pickled values over a pipe, each with its length before it.

Both ends are processes of ours, one of which is the child of the other.
"""

from __future__ import annotations

import asyncio
import pickle
import struct
from dataclasses import dataclass
from typing import Any

_LENGTH = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the bridge, by a number of its own: which of its methods, and with what."""

    number: int
    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Forget:
    """Nobody wants the answer to a question any more."""

    number: int


@dataclass(frozen=True, slots=True)
class Item:
    """A part of the answer to a question; the last one if `last`."""

    number: int
    value: Any = None
    last: bool = True


@dataclass(frozen=True, slots=True)
class Lost:
    """Whoever was to answer a question is gone, or not there."""

    number: int


@dataclass(frozen=True, slots=True)
class Connected:
    """The bridge has reached the cluster."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The bridge cannot reach the cluster, and ends."""

    reason: str


def packed(frame: object) -> bytes:
    content = pickle.dumps(frame, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(content)) + content


async def read(reader: asyncio.StreamReader) -> Any:
    """The next frame; IncompleteReadError if the other end is gone."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    return pickle.loads(await reader.readexactly(length))  # noqa: S301 - from our own process
