"""The bot as a separate process: its exit, and what survives a restart."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox
from tests.wire.test_generate import has_button
from tests.wire.test_songs import titles

ROOT = Path(__file__).resolve().parents[2]
START = 60
"""Seconds until the process is ready: it loads discord.py and, beside it, torch."""

Start = Callable[[], Coroutine[Any, Any, asyncio.subprocess.Process]]


@pytest.fixture
async def start(box: Sandbox, tiny_config: Path, tmp_path: Path) -> AsyncIterator[Start]:
    """`python -m bot run`, connected to the sandbox."""
    running: list[asyncio.subprocess.Process] = []
    environment = os.environ | {
        "DISCORD_TOKEN": box.token,
        "TOKENWISE_DISCORD__API_URL": box.api_url,
        "TOKENWISE_DISCORD__GATEWAY_URL": box.gateway_url,
        "TOKENWISE_DATA_DIR": str(tmp_path / "data"),
        "OMP_NUM_THREADS": "1",
    }
    with (tmp_path / "log.txt").open("wb") as log:

        async def start() -> asyncio.subprocess.Process:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "run", "--config", str(tiny_config),
                cwd=ROOT, env=environment, stdout=log, stderr=log,
            )  # fmt: skip
            running.append(process)
            await box.ready(START)
            await box.commands_synced(START)
            return process

        yield start
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    text = (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert box.token not in text
    assert "Traceback" not in text, text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_in_mid_stream_ends_the_text_and_then_the_process(
    box: Sandbox, start: Start, number: signal.Signals
) -> None:
    process = await start()
    answer = box.send("/generate prompt:engineer is temperature:2 max_new_tokens:1400")
    await answer.until(has_button, START)
    await answer.until(lambda it: "characters so far" in it.text or "tokens/s" in it.text, START)
    process.send_signal(number)
    assert await asyncio.wait_for(process.wait(), 20) == 0
    assert answer.message is not None
    assert not answer.message.buttons
    assert "tokens/s" in answer.text


async def test_what_was_acknowledged_survives_a_kill(box: Sandbox, start: Start) -> None:
    process = await start()
    answer = await box.ask("/recommend song:Song Alpha", timeout=START)
    assert answer.message is not None
    first = titles(answer)[0]
    text = box.send("/generate prompt:engineer is temperature:2 max_new_tokens:1400", member=box.admin)
    await text.until(has_button, START)
    pressed = box.send_press(answer.message, "Like")
    await pressed.until(lambda it: it.acknowledged_after is not None)
    process.kill()
    await process.wait()
    await start()
    listed = await box.ask("/likes list", timeout=START)
    assert titles(listed) == [first]
    # Old buttons still respond: one works as before, the other reports that there is nothing to stop.
    again = await box.press(answer.message, "Like", timeout=START)
    assert "no longer like" in again.text
    assert text.message is not None
    stop = await box.press(text.message, "Stop")
    assert stop.ephemeral
    assert "restarted" in stop.text
