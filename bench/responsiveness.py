"""Response times while eight people generate text, compared with a bot that blocks its event loop.

    python -m bench.responsiveness [--people 8] [--new-tokens 60] [--questions 30]

The bots run one after the other, in separate processes, with the same model files, and talk to the sandbox over a real
socket. The baseline (`bench/blocking_bot.py`) calls its model inside the command.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import models
from bench.lag import as_felt, percentile
from sandbox import Answer, Limits, Sandbox

DEMO = Path(__file__).resolve().parent.parent / "demo"
CONFIG = """
data_dir = "{folder}/data"
[limits]
commands = 1000
[language]
name = "{folder}/phi"
[tokenizers]
names = ["{demo}/tiny-phi", "{demo}/tiny-bert", "{demo}/tiny-t5", "{demo}/tiny-llama"]
[words]
name = "{demo}/tiny-words"
[songs]
songs = "{demo}/tiny-songs/songs.tsv"
playlists = "{demo}/tiny-songs/playlists.txt"
"""
PROMPT = "/generate prompt:The tokenizer splits a text into pieces max_new_tokens:{new} seed:{seed}"
LIGHT = "/tokens text:CAPITALIZATION and other stuff"
PATIENCE = 600.0
"""Seconds that anything here may take before the benchmark gives up."""


@dataclass
class Figures:
    """Times in milliseconds, except start-up times in seconds."""

    ready: float
    first_answer: float
    acknowledged: list[float]
    answered: list[float]
    missed: int
    delivered: int
    lag: list[float]
    busy: float
    """Seconds from the first prompt to the last text."""


@contextlib.asynccontextmanager
async def process(box: Sandbox, kind: str, subject: str, lag_file: Path) -> AsyncIterator[None]:
    environment = os.environ | {
        "DISCORD_TOKEN": box.token,
        "TOKENWISE_DISCORD__API_URL": box.api_url,
        "TOKENWISE_DISCORD__GATEWAY_URL": box.gateway_url,
        "TOKENWISE_LOG__LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "bench.measured", kind, subject, str(lag_file)]
    child = await asyncio.create_subprocess_exec(*command, env=environment)
    try:
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        await asyncio.wait_for(child.wait(), PATIENCE)


def complete(answer: Answer) -> bool:
    """Whether a generated text is complete: the answer has a message without a Stop button."""
    if answer.failed:
        return True
    message = answer.message
    return message is not None and not any(button.label == "Stop" for button in message.buttons)


async def measure(kind: str, subject: str, folder: Path, options: argparse.Namespace) -> Figures:
    lag_file = folder / f"{kind}.lag"
    async with Sandbox(limits=Limits.without_rates()) as box:
        start = time.perf_counter()
        async with process(box, kind, subject, lag_file):
            await box.ready(PATIENCE)
            ready = time.perf_counter() - start
            await box.commands_synced(PATIENCE)
            await box.ask(LIGHT, timeout=PATIENCE)
            first = time.perf_counter() - start
            # Both bots load their language model before the measurement starts.
            warm = box.send(PROMPT.format(new=2, seed=0))
            await warm.until(complete, PATIENCE)

            people = [box.add_member(f"Member {number}") for number in range(options.people)]
            since = time.time()
            texts = [
                box.send(PROMPT.format(new=options.new_tokens, seed=number), member=person)
                for number, person in enumerate(people)
            ]
            light: list[Answer] = []
            answered: list[float] = []
            for _ in range(options.questions):
                asked = time.perf_counter()
                light.append(await box.ask(LIGHT, timeout=PATIENCE))
                answered.append((time.perf_counter() - asked) * 1000)
                await asyncio.sleep(0.1)
            for text in texts:
                await text.until(complete, PATIENCE)
            until = time.time()
    rows = [line.split() for line in lag_file.read_text(encoding="ascii").splitlines()]
    window = Limits().answer_seconds
    return Figures(
        ready=ready,
        first_answer=first,
        # Discord gives up after three seconds; later or missing answers count as three seconds.
        acknowledged=[(answer.acknowledged_after or window) * 1000 for answer in [*light, *texts]],
        answered=answered,
        missed=sum(answer.failed is not None for answer in [*light, *texts]),
        delivered=sum(answer.failed is None for answer in texts),
        lag=as_felt([float(late) for when, late in rows if since <= float(when) <= until]),
        busy=until - since,
    )


def table(blocking: Figures, ours: Figures, people: int) -> Table:
    results = Table(title=f"{people} people generate, one more asks /tokens")
    for heading in ("", "blocking bot", "Tokenwise", "ratio"):
        results.add_column(heading, justify="left" if not heading else "right")

    def row(name: str, baseline: float, own: float, unit: str) -> None:
        results.add_row(name, f"{baseline:,.1f} {unit}", f"{own:,.1f} {unit}", f"{own / baseline:.3f}")

    row("event-loop lag, p99", percentile(blocking.lag, 0.99), percentile(ours.lag, 0.99), "ms")
    row("event-loop lag, worst", max(blocking.lag), max(ours.lag), "ms")
    for share, name in ((0.5, "p50"), (0.99, "p99")):
        row(
            f"first answer, {name}",
            percentile(blocking.acknowledged, share),
            percentile(ours.acknowledged, share),
            "ms",
        )
    for share, name in ((0.5, "p50"), (0.99, "p99")):
        row(
            f"/tokens answered, {name}",
            percentile(blocking.answered, share),
            percentile(ours.answered, share),
            "ms",
        )
    row("start to connected", blocking.ready, ours.ready, "s")
    row("start to first /tokens", blocking.first_answer, ours.first_answer, "s")
    results.add_row("questions unanswered after 3 s", str(blocking.missed), str(ours.missed), "")
    results.add_row("texts delivered", str(blocking.delivered), str(ours.delivered), "")
    row("last text there after", blocking.busy, ours.busy, "s")
    return results


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--new-tokens", type=int, default=60)
    parser.add_argument("--questions", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = models.small_phi(folder / "phi", DEMO / "tiny-phi")
        print(
            f"language model: {size / 1e6:.0f} M parameters, random weights, {options.new_tokens} new tokens each"
        )
        config = folder / "config.toml"
        config.write_text(CONFIG.format(folder=folder.as_posix(), demo=DEMO.as_posix()), encoding="utf-8")
        blocking = await measure("blocking", str(folder / "phi"), folder, options)
        ours = await measure("tokenwise", str(config), folder, options)
    Console().print(table(blocking, ours, options.people))


if __name__ == "__main__":
    asyncio.run(main())
