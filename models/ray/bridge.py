"""A child process of the bot that speaks with the cluster: `python -m models.ray.bridge ADDRESS CLIENT`.

Ray ends a process whose cluster is gone, and knows a cluster by its first connection for as long as it lives. This one may
end: the bot starts another.
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
from models.ray.reach import join

log = logging.getLogger(__name__)

LEAVING = 1.0
"""Seconds for the last word to the coordinator."""


class Absent(Exception):
    """What was asked for is not there, or not any longer."""


class Bridge:
    """Answers what the bot asks, each question in a task of its own."""

    def __init__(self, output: BinaryIO, client: str) -> None:
        """`client` is what the coordinator calls the bot's process."""
        self._client = client
        self._output = output
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._handles: dict[tuple[str, str], Any] = {}
        self._coordinator: Any = None

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Until the bot is gone."""
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
        # The bot may have been killed; what it was promised is free for others.
        with contextlib.suppress(Absent, RayError, TimeoutError):
            async with asyncio.timeout(LEAVING):
                await self.coordinator("leave", self._client)

    def _done(self, number: int, _: asyncio.Task[None]) -> None:
        del self._tasks[number]

    def send(self, frame: object) -> None:
        # A pipe that is full makes everything wait, which is what it should.
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

    # What can be asked

    async def coordinator(self, method: str, *arguments: Any) -> Any:
        """What the coordinator says."""
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
            self._coordinator = None  # there may be another by now
            raise

    async def answer(self, slot: str, app: str, errand: str, request: Any) -> Any:
        """What a replica says."""
        response = self._handle(slot, app).answer.remote(errand, request)
        try:
            return await response
        except asyncio.CancelledError:
            response.cancel()
            raise

    async def cancel(self, slot: str, app: str, request_id: str) -> None:
        """Tell all replicas of a slot that a request is not wanted any more; only one of them knows it."""
        await self._handle(slot, app).broadcast("cancel", request_id).results_async()

    async def _write(self, slot: str, app: str, request: Any) -> AsyncGenerator[Any, None]:
        """A text from a replica, as it grows."""
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
    await Bridge(output, client).run(reader)


def main(address: str, client: str) -> None:
    # What libraries print must not get between the frames.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        join(address)
    except Exception as error:  # noqa: BLE001 - whatever it is, the bot is told
        output.write(packed(Unreachable(type(error).__name__)))
        os._exit(1)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(output, client))
    # Taking leave of a cluster that is gone takes longer than anybody waits.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:3])
