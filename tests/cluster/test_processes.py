"""Programs beside each other: their ends, their logs and their memory."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from cluster.processes import ProcessEnded, Processes, Program, memory, python

SLEEP = "import time; print('started', flush=True); time.sleep(600)"
FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; x = bytes([1]) * 40_000_000; time.sleep(600)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FAMILY


async def said(program: Program) -> str:
    """What a program wrote first."""
    async with asyncio.timeout(20):
        while True:
            if line := program.told():
                return line
            await asyncio.sleep(0.01)


def lives(pid: int) -> bool:
    return bool(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)


async def test_all_end_with_the_block_and_so_does_what_they_started(tmp_path: Path) -> None:
    async with Processes(tmp_path) as processes:
        first = await processes.start("first", python("-c", SLEEP))
        parent = await processes.start("parent", python("-c", FAMILY))
        child = int(await said(parent))
        assert [program.name for program in processes.programs] == ["first", "parent"]
        assert lives(child)
    assert not first.running
    assert not parent.running
    assert not lives(child)


async def test_who_does_not_want_to_end_is_killed(tmp_path: Path) -> None:
    async with Processes(tmp_path) as processes:
        program = await processes.start("stubborn", python("-c", STUBBORN))
        child = int(await said(program))
        await program.stop(patience=0.1)
        assert program.process.returncode == -9
        assert not lives(child)


async def test_an_end_that_nobody_wanted_is_told_with_the_reason(tmp_path: Path) -> None:
    async with Processes(tmp_path) as processes:
        await processes.start("lasting", python("-c", SLEEP))
        await processes.start("short", python("-c", "raise SystemExit('out of luck')"))
        with pytest.raises(ProcessEnded, match=r"(?s)short ended:.*out of luck"):
            await asyncio.wait_for(processes.watch(), 20)


async def test_a_program_can_be_run_to_its_end(tmp_path: Path) -> None:
    async with Processes(tmp_path) as processes:
        assert (
            await processes.run("short", python("-c", "import os; print(os.environ['A'])"), {"A": "b"}) == "b"
        )
        with pytest.raises(ProcessEnded, match=r"(?s)broken failed:.*ZeroDivisionError"):
            await processes.run("broken", python("-c", "1 / 0"))
        assert processes.programs == ()


async def test_a_run_does_not_outlast_those_that_it_needs(tmp_path: Path) -> None:
    async with Processes(tmp_path) as processes:
        await processes.start("needed", python("-c", "print('gone')"))
        with pytest.raises(ProcessEnded, match=r"(?s)needed ended:.*gone"):
            await asyncio.wait_for(processes.run("waiting", python("-c", SLEEP)), 20)
        assert [program.name for program in processes.programs] == ["needed"]


async def test_memory_is_that_of_all_descendants(tmp_path: Path) -> None:
    async with Processes(tmp_path) as processes:
        program = await processes.start("parent", python("-c", FAMILY))
        child = psutil.Process(int(await said(program)))
        async with asyncio.timeout(20):
            while True:
                if child.memory_info().rss > 45_000_000:
                    break
                await asyncio.sleep(0.01)
        assert memory([program.pid]) > memory([child.pid]) > 40_000_000
    assert memory([program.pid]) == 0
