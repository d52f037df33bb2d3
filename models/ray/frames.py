"""The protocol between the bot and its bridge: pickled values over a pipe, each prefixed with its length.

Both ends are our own processes, one the child of the other, so unpickling is safe.
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
    """A request to the bridge: its number, the method and its arguments."""

    number: int
    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Forget:
    """The answer to a request is no longer needed."""

    number: int


@dataclass(frozen=True, slots=True)
class Item:
    """Part of the answer to a request; the final part if `last` is set."""

    number: int
    value: Any = None
    last: bool = True


@dataclass(frozen=True, slots=True)
class Lost:
    """The process that should answer a request has died or does not exist."""

    number: int


@dataclass(frozen=True, slots=True)
class Connected:
    """The bridge has reached the cluster."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The bridge cannot reach the cluster, and exits."""

    reason: str


def packed(frame: object) -> bytes:
    content = pickle.dumps(frame, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(content)) + content


async def read(reader: asyncio.StreamReader) -> Any:
    """The next frame; IncompleteReadError if the other end has closed the pipe."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    return pickle.loads(await reader.readexactly(length))  # noqa: S301 - from our own process
