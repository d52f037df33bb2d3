"""The bot's side of its bridge to the cluster: the child process, and the requests sent to it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import sys
from collections.abc import AsyncGenerator, Collection
from typing import Any

from models.ray.frames import Ask, Connected, Forget, Item, Lost, Unreachable, packed, read

log = logging.getLogger(__name__)

CONNECTING = 40.0
"""Seconds that the bridge may take to connect to the cluster, including a few for importing Ray."""
LEAVING = 2.0
"""Seconds that the bridge may take to exit."""


class LostError(Exception):
    """The process that should answer has been lost: a replica, the coordinator or the whole cluster."""


class NotConnected(Exception):
    """The cluster cannot be reached."""


class Link:
    """One bridge process. When it ends, all pending requests fail with LostError."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        writer: asyncio.StreamWriter,
        reader: asyncio.StreamReader,
    ) -> None:
        self._process = process
        self._input = writer
        self._output = reader
        self._numbers = itertools.count()
        self._open: dict[int, asyncio.Queue[Item | Lost | None]] = {}
        """The parts of each answer that have arrived; None if the request was given up."""
        self._asked: dict[int, tuple[Any, ...]] = {}
        """The first arguments of each request: the slot and the application, if it is for a replica."""
        self.ended = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, address: str, client: str) -> Link:
        """Start a bridge and connect it to the cluster; NotConnected if that fails."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "models.ray.bridge", address, client,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            # Signals from the bot's terminal are for the bot to handle.
            start_new_session=True,
        )  # fmt: skip
        if process.stdin is None or process.stdout is None:
            raise NotConnected
        link = cls(process, process.stdin, process.stdout)
        try:
            async with asyncio.timeout(CONNECTING):
                first = await read(process.stdout)
        except (TimeoutError, asyncio.IncompleteReadError) as error:
            await link.close()
            raise NotConnected from error
        except BaseException:
            await link.close()
            raise
        if not isinstance(first, Connected):
            await link.close()
            raise NotConnected(first.reason if isinstance(first, Unreachable) else "")
        link._reading = asyncio.create_task(link._read(), name="tokenwise-ray-link")
        return link

    async def call(self, method: str, *arguments: Any) -> Any:
        """The bridge's answer; LostError if the process that should answer is lost."""
        async with contextlib.aclosing(self.stream(method, *arguments)) as items:
            async for item in items:
                if item.last:
                    return item.value
        raise LostError

    def tell(self, method: str, *arguments: Any) -> None:
        """Send the bridge a request without waiting for the answer."""
        self._send(Ask(next(self._numbers), method, arguments))

    async def stream(self, method: str, *arguments: Any) -> AsyncGenerator[Item, None]:
        """All parts of the answer; closing the generator cancels the request in the bridge."""
        number = next(self._numbers)
        items: asyncio.Queue[Item | Lost | None] = asyncio.Queue()
        self._open[number] = items
        self._asked[number] = arguments[:2]
        finished = False
        try:
            self._send(Ask(number, method, arguments))
            while True:
                match await items.get():
                    case Item() as item:
                        finished = item.last
                        yield item
                        if item.last:
                            return
                    case Lost():
                        finished = True
                        raise LostError
                    case None:
                        raise LostError
        finally:
            del self._open[number], self._asked[number]
            if not finished:
                with contextlib.suppress(LostError):
                    self._send(Forget(number))

    def give_up(self, slot: str, apps: Collection[str]) -> None:
        """Lose the requests to any other application of a slot: Ray Serve would wait for a deleted one forever."""
        for number, asked in self._asked.items():
            if asked[:1] == (slot,) and asked[1] not in apps:
                self._open[number].put_nowait(None)

    async def close(self) -> None:
        """Stop the bridge, by force if necessary."""
        self._input.close()
        try:
            async with asyncio.timeout(LEAVING):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._reading:
            await asyncio.wait({self._reading})
        self.ended.set()

    def _send(self, frame: object) -> None:
        if self.ended.is_set() or self._input.is_closing():
            raise LostError
        self._input.write(packed(frame))

    async def _read(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                frame = await read(self._output)
                if items := self._open.get(frame.number):
                    items.put_nowait(frame)
        self.ended.set()
        for number, items in self._open.items():
            items.put_nowait(Lost(number))
