"""A child process of the bot that talks to the cluster: `python -m models.ray.bridge ADDRESS CLIENT`.

Ray ends a process that loses its cluster, and ties a process to its first cluster for life. The bridge may end: the bot
then starts another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any, BinaryIO

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
from ray import serve
from ray.exceptions import RayError, RayTaskError
from ray.serve.exceptions import RayServeException

from models.ray.frames import Ask, Connected, Forget, Item, Lost, Unreachable, packed, read
from models.ray.plan import COORDINATOR, NAMESPACE, Answer
from models.ray.reach import join, still_there

log = logging.getLogger(__name__)

CHECK_EVERY = 1.0
"""Seconds between two checks of whether the cluster still exists."""
GIVE_UP = 8.0
"""Seconds after which a head node that does not answer is given up; a shorter failure disturbs nobody."""
LEAVING = 1.0
"""Seconds for telling the coordinator that the bot has gone."""


class Absent(Exception):
    """The actor or replica addressed does not exist, or no longer does."""


class Bridge:
    """Handles requests from the bot, each in its own task."""

    def __init__(self, output: BinaryIO, client: str) -> None:
        """`client` identifies the bot process to the coordinator."""
        self._client = client
        self._output = output
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._handles: dict[tuple[str, str], Any] = {}
        self._coordinator: Any = None

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Run until the bot closes the pipe."""
        self.send(Connected())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                match await read(reader):
                    case Ask() as ask:
                        task = asyncio.create_task(self._answer(ask))
                        self._tasks[ask.number] = task
                        task.add_done_callback(partial(self._done, ask.number))
                    case Forget(number) if number in self._tasks:
                        self._tasks[number].cancel()
        # The bot may have been killed, so free its places for others.
        with contextlib.suppress(Absent, RayError, TimeoutError):
            async with asyncio.timeout(LEAVING):
                await self.coordinator("leave", self._client)

    async def watch(self) -> None:
        """Run until the cluster is gone. Ray itself waits for its return, or takes a new one for the old one."""
        loop = asyncio.get_running_loop()
        answered = loop.time()
        while loop.time() - answered < GIVE_UP:
            await asyncio.sleep(CHECK_EVERY)
            with contextlib.suppress(OSError, RayError, TimeoutError):
                async with asyncio.timeout(GIVE_UP):
                    if not await asyncio.to_thread(still_there):
                        return
                answered = loop.time()

    def _done(self, number: int, _: asyncio.Task[None]) -> None:
        del self._tasks[number]

    def send(self, frame: object) -> None:
        # Blocking on a full pipe is intended: it slows the senders down.
        self._output.write(packed(frame))
        self._output.flush()

    async def _answer(self, ask: Ask) -> None:
        try:
            if ask.method == "write":
                async with contextlib.aclosing(self._write(*ask.arguments)) as items:
                    async for item in items:
                        self.send(Item(ask.number, item, last=False))
                self.send(Item(ask.number))
            else:
                self.send(Item(ask.number, await getattr(self, ask.method)(*ask.arguments)))
        except RayTaskError as error:
            log.warning("%s failed", ask.method, exc_info=error)
            self.send(Item(ask.number, Answer(broken=type(error.cause).__name__)))
        except (Absent, RayError, RayServeException):
            self.send(Lost(ask.number))

    # Methods that the bot can call

    async def coordinator(self, method: str, *arguments: Any) -> Any:
        """Call the coordinator."""
        if self._coordinator is None:
            try:
                self._coordinator = await asyncio.to_thread(ray.get_actor, COORDINATOR, NAMESPACE)
            except ValueError:
                raise Absent from None
        try:
            return await getattr(self._coordinator, method).remote(*arguments)
        except RayTaskError:
            raise
        except RayError:
            self._coordinator = None  # there may be a new one by now
            raise

    async def answer(self, slot: str, app: str, errand: str, request: Any) -> Any:
        """Call a replica."""
        response = self._handle(slot, app).answer.remote(errand, request)
        try:
            return await response
        except asyncio.CancelledError:
            response.cancel()
            raise

    async def cancel(self, slot: str, app: str, request_id: str) -> None:
        """Cancel a request in all replicas of a slot; only one of them knows it."""
        await self._handle(slot, app).broadcast("cancel", request_id).results_async()

    async def _write(self, slot: str, app: str, request: Any) -> AsyncGenerator[Any, None]:
        """Stream generated text from a replica."""
        events = self._handle(slot, app).options(stream=True).write.remote(request)
        try:
            async for event in events:
                yield event
        finally:
            events.cancel()

    def _handle(self, slot: str, app: str) -> Any:
        if (slot, app) not in self._handles:
            try:
                self._handles[slot, app] = serve.get_deployment_handle(slot, app)
            except (KeyError, RayServeException):
                raise Absent from None
        return self._handles[slot, app]


async def _run(output: BinaryIO, client: str) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    bridge = Bridge(output, client)
    tasks = asyncio.create_task(bridge.run(reader)), asyncio.create_task(bridge.watch())
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        if error := task.exception():
            log.error("the bridge failed", exc_info=error)
    # An orderly shutdown, Ray's or that of waiting threads, hangs for a long time if the cluster is unreachable.
    os._exit(0)


def main(address: str, client: str) -> None:
    # Output that libraries print must not corrupt the frames.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        join(address)
    except Exception as error:  # noqa: BLE001 - every error is reported to the bot
        output.write(packed(Unreachable(type(error).__name__)))
        os._exit(1)
    asyncio.run(_run(output, client))


if __name__ == "__main__":
    main(*sys.argv[1:3])
