"""Programs that run beside each other: started with a log each, watched, measured, and all ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 20.0
"""Seconds that a program has to end by itself."""
TAIL = 2000
"""Characters of a log that say why its program ended."""


class ProcessEnded(RuntimeError):
    """A program ended that should run; `str()` has the end of its log."""


class Program:
    """One program, with the processes that it starts, in a session of its own."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process.returncode is None

    def told(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-TAIL:].strip()

    async def stop(self, patience: float = PATIENCE) -> None:
        """Have it end; kill what is left of it after `patience` seconds."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), patience)
        await self.kill()

    async def kill(self) -> None:
        """`kill -9`, for it and whatever it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        await self.process.wait()


class Processes:
    """Programs that end with the block, the last one first."""

    def __init__(self, folder: Path) -> None:
        """Their logs go to `folder`."""
        self.folder = folder
        self._programs: list[Program] = []

    async def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> Program:
        """Start a program in the root of the project; a second one of that name writes to the same log."""
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        program = Program(name, process, log)
        self._programs.append(program)
        return program

    async def run(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> str:
        """Run a program to its end; what it wrote. ProcessEnded if it fails."""
        program = await self.start(name, command, environment)
        try:
            if await program.process.wait():
                raise ProcessEnded(f"{name} failed:\n{program.told()}")
        finally:
            await program.stop()
            self._programs.remove(program)
        return program.told()

    async def watch(self) -> None:
        """Wait until one of them ends by itself, and raise ProcessEnded."""
        waiting = {asyncio.create_task(program.process.wait()): program for program in self._programs}
        try:
            ended, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            program = waiting[ended.pop()]
            raise ProcessEnded(f"{program.name} ended:\n{program.told()}")
        finally:
            for task in waiting:
                task.cancel()

    async def stop(self) -> None:
        while self._programs:
            await self._programs.pop().stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.shield(self.stop())


def python(*arguments: str) -> list[str]:
    """The command line of a Python program of this environment."""
    return [sys.executable, *arguments]


def memory(pids: Iterable[int]) -> int:
    """Bytes of these processes and all that they have started; memory that several share counts once."""
    found: dict[int, psutil.Process] = {}
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            found |= {one.pid: one for one in (process, *process.children(recursive=True))}
    total = 0
    for process in found.values():
        with contextlib.suppress(psutil.Error):
            # The proportional set size, which Linux alone has.
            taken = process.memory_full_info()
            total += int(getattr(taken, "pss", taken.rss))
    return total
