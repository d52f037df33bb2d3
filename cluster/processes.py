"""Starts programs in parallel, with a log for each; monitors, measures and stops them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
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
    """A program ended unexpectedly; `str()` contains the end of its log."""


class Program:
    """One program and its child processes, in a separate session."""

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
        """The end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-TAIL:].strip()

    async def stop(self, patience: float = PATIENCE) -> None:
        """Stop the program; kill what remains of it after `patience` seconds."""
        family = _family(self.pid)
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), patience)
        await self._kill(family)

    async def kill(self) -> None:
        """`kill -9` the program and all its descendants."""
        await self._kill(_family(self.pid))

    async def _kill(self, family: list[psutil.Process]) -> None:
        # Some programs start their children in separate sessions.
        for process in family:
            with contextlib.suppress(psutil.Error):  # psutil detects a reused pid
                process.kill()
        await self.process.wait()
        await asyncio.to_thread(_wait_for_end, family)


class Processes:
    """Programs that are stopped at the end of the block, in reverse order."""

    def __init__(self, folder: Path) -> None:
        """Logs are written to `folder`."""
        self.folder = folder
        self._programs: list[Program] = []

    @property
    def programs(self) -> tuple[Program, ...]:
        """The programs started to keep running, in order."""
        return tuple(self._programs)

    async def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> Program:
        """Start a program in the project's root folder; a second one with that name appends to the same log."""
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
        """Run a program to completion; returns its output. Raises ProcessEnded if it fails, or if another program ends
        meanwhile.
        """
        others = asyncio.create_task(self.watch())
        program = await self.start(name, command, environment)
        ending = asyncio.create_task(program.process.wait())
        try:
            await asyncio.wait({ending, others}, return_when=asyncio.FIRST_COMPLETED)
            if not ending.done():
                await others
            if ending.result():
                raise ProcessEnded(f"{name} failed:\n{program.told()}")
        finally:
            others.cancel()
            await asyncio.wait({others})
            await self.end(program)
        return program.told()

    async def end(self, program: Program) -> None:
        """Stop one of the programs without an alarm."""
        self._programs.remove(program)
        await program.stop()

    async def watch(self) -> None:
        """Wait until one of the running programs ends by itself, then raise ProcessEnded."""
        waiting = {asyncio.create_task(program.process.wait()): program for program in self._programs}
        try:
            if not waiting:
                await asyncio.Future()
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
    """The command line of a Python program in this environment."""
    return [sys.executable, *arguments]


def memory(pids: Iterable[int]) -> int:
    """The memory of these processes and all their descendants in bytes; shared memory counts once."""
    found = {one.pid: one for pid in pids for one in _family(pid)}
    total = 0
    for process in found.values():
        with contextlib.suppress(psutil.Error):
            # The proportional set size, which is available only on Linux.
            taken = process.memory_full_info()
            total += int(getattr(taken, "pss", taken.rss))
    return total


def _family(pid: int) -> list[psutil.Process]:
    """A process and all its descendants."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _wait_for_end(family: list[psutil.Process]) -> None:
    until = time.monotonic() + PATIENCE
    while any(map(_lives, family)) and time.monotonic() < until:
        time.sleep(0.01)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
