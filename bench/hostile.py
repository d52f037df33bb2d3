"""Stress test of a few minutes: a crowd, strange input, dropped connections, `kill -9`, and reloads under load.

    python -m bench.hostile [--only crowd strange drops kills reloads] [--share 1.0]

It runs the real bot in its own process with the embedded models, over the sandbox's socket. There is no baseline: each
line counts losses, which should be 0.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.lag import percentile
from sandbox import Answer, CommandLineError, Limits, Member, Sandbox, SandboxError

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "demo" / "config.toml"
PATIENCE = 120.0
"""Seconds after which anything counts as lost."""
AT_ONCE = 20
LIGHT = "/tokens text:quick"
MIX = (
    "/tokens text:CAPITALIZATION and other stuff",
    "/similar word:king",
    "/similar word:cat, dog",
    "/recommend song:Bohemian Rhapsody",
    "/likes add song:Bohemian Rhapsody",
    "/likes list",
    "/embed text:I sat on the river bank",
    "/generate prompt:Explain a token max_new_tokens:5",
    "/privacy show",
    "/models status",
    "/help",
)
STRANGE = (
    "\0", "\x1b[31m", "\u202e", "\ufeff", "\ud7ff", "\U0010ffff", "e\u0301" * 40, "👩‍👩‍👧‍👦" * 20, "```", "@everyone", "<@&1>",
    "https://x.example/" + "a" * 300, "{}", "[]", "null", "%s%n", "../../etc/passwd", "'; DROP TABLE likes; --", "1e400",
    "-" * 500, "+", " + - ", "king - ", ",", ", ,", " " * 50, "\t", "\u2028", "a" * 1900, "ÀÉ" * 300, "١٢٣",
)  # fmt: skip
SHAPES = (
    ("tokens", "text"), ("similar", "word"), ("embed", "text"), ("recommend", "song"), ("likes add", "song"),
    ("likes remove", "song"), ("decode", "ids"), ("generate", "prompt"),
)  # fmt: skip


class Bot:
    """The bot's process and its output."""

    def __init__(self, box: Sandbox, folder: Path) -> None:
        self._box = box
        self._log = folder / "log.txt"
        self._environment = os.environ | {
            "DISCORD_TOKEN": box.token,
            "TOKENWISE_DISCORD__API_URL": box.api_url,
            "TOKENWISE_DISCORD__GATEWAY_URL": box.gateway_url,
            "TOKENWISE_DATA_DIR": str(folder / "data"),
            "TOKENWISE_LIMITS__COMMANDS": "1000",
            "TOKENWISE_LIMITS__PER_USER": "100",
            # The demo's speed limit and queue only serve people who watch.
            "TOKENWISE_LANGUAGE__TOKENS_PER_SECOND": "0",
            "TOKENWISE_LANES__LANGUAGE__WORKERS": "8",
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "bot", "run", "--config", str(CONFIG)]
            self._process = await asyncio.create_subprocess_exec(
                *command, cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        await self._box.ready(PATIENCE)
        await self._box.commands_synced(PATIENCE)

    async def end(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
            await asyncio.wait_for(self._process.wait(), PATIENCE)

    @property
    def tracebacks(self) -> int:
        return self._log.read_text(errors="replace").count("Traceback")


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[tuple[Sandbox, Bot]]:
    with tempfile.TemporaryDirectory() as folder:
        async with Sandbox(limits=Limits.without_rates()) as box:
            bot = Bot(box, Path(folder))
            await bot.start()
            await box.ask("/models status", timeout=PATIENCE)
            for line in MIX:  # first loads and drawings are slow
                await settled(box.send(line, member=box.admin))
            try:
                yield box, bot
            finally:
                await bot.end(signal.SIGTERM)


async def settled(answer: Answer) -> bool:
    """Whether an answer is complete: it has text and is no longer being edited."""

    def over(now: Answer) -> bool:
        message = now.message
        growing = message is not None and any(button.label == "Stop" for button in message.buttons)
        return now.failed is not None or (bool(now.text or now.messages) and not growing)

    with contextlib.suppress(TimeoutError):
        await answer.until(over, PATIENCE)
        return answer.failed is None
    return False


async def crowd(share: float) -> list[str]:
    """1,000 mixed commands from 50 people at 60 per second."""
    count, chance = int(1000 * share), random.Random(1)
    async with running() as (box, bot):
        people = [box.add_member(f"Member {number}") for number in range(50)]
        began = time.perf_counter()
        answers = []
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / 60 - time.perf_counter()))
            answers.append(box.send(chance.choice(MIX), member=people[number % 50]))
        done = await asyncio.gather(*map(settled, answers))
        late = sum(answer.failed is not None for answer in answers)
        acknowledged = [answer.acknowledged_after or 3.0 for answer in answers]
        return [
            f"{count} commands at 60 a second",
            f"{late} late, {done.count(False) - late} lost, {bot.tracebacks} tracebacks",
            f"first answer p50 {percentile(acknowledged, 0.5) * 1e3:.0f} ms, p99 {percentile(acknowledged, 0.99) * 1e3:.0f} ms",
        ]


async def strange(share: float) -> list[str]:
    """2,000 hostile inputs."""
    count, chance = int(2000 * share), random.Random(2)
    unforeseen = lost = sent = 0
    async with running() as (box, bot):
        while sent < count:
            batch: list[Answer] = []
            while len(batch) < AT_ONCE and sent < count:
                name, option = chance.choice(SHAPES)
                text = "".join(chance.choice(STRANGE) for _ in range(chance.randrange(1, 4)))[:1900]
                values: dict[str, object] = {option: text}
                if name == "decode":
                    values["tokenizer"] = chance.choice(("tiny-phi", text[:90] or "x"))
                if name == "generate":
                    values["max_new_tokens"] = 2
                with contextlib.suppress(SandboxError, CommandLineError):  # Discord itself would not send it
                    batch.append(
                        box.send_command(name, values, member=chance.choice((box.admin, box.student)))
                    )
                sent += 1
            done = await asyncio.gather(*map(settled, batch))
            lost += done.count(False)
            unforeseen += sum(bool(re.search(r"reference [0-9a-f]{6}", answer.text)) for answer in batch)
        return [
            f"{count} hostile inputs",
            f"{unforeseen} unforeseen, {lost} lost, {bot.tracebacks} tracebacks",
            "",
        ]


async def drops(share: float) -> list[str]:
    """50 gateway disconnections, of every kind, while people ask."""
    count, chance = int(50 * share), random.Random(3)
    lost = 0
    back: list[float] = []
    async with running() as (box, bot):
        for _ in range(count):
            known = _sessions(box)
            answer = box.send(LIGHT)
            await answer.until(lambda now: now.acknowledged_after is not None, PATIENCE)
            kind = chance.choice((None, 1000, 1001, 4000, 4009, 7, 9))
            if kind == 7:  # noqa: PLR2004 - opcodes
                box.reconnect()
            elif kind == 9:  # noqa: PLR2004
                box.invalidate()
            else:
                await box.drop(kind)
            began = time.perf_counter()
            lost += not await settled(answer)
            while _sessions(box) == known:  # noqa: ASYNC110 - the sandbox's own `until` would need a closure
                await asyncio.sleep(0.01)
            back.append(time.perf_counter() - began)
            lost += not await settled(box.send(LIGHT))
        text = f"back after p50 {percentile(back, 0.5):.1f} s, worst {max(back):.1f} s"
        return [f"{count} gateway drops", f"{lost} lost, {bot.tracebacks} tracebacks", text]


def _sessions(box: Sandbox) -> int:
    return len(box.events("READY")) + len(box.events("RESUMED"))


async def kills(share: float) -> list[str]:
    """30 times `kill -9` after an acknowledged like."""
    count = int(30 * share)
    lost = 0
    songs = ("Bohemian Rhapsody", "Billie Jean", "Imagine", "Wonderwall")
    async with running() as (box, bot):
        people: list[tuple[Member, str]] = []
        for number in range(count):
            person, song = box.add_member(f"Fan {number}"), songs[number % len(songs)]
            liked = box.send(f"/likes add song:{song}", member=person)
            if await settled(liked):
                people.append((person, song))
            await bot.end(signal.SIGKILL)
            await bot.start()
        for person, song in people:
            listed = box.send("/likes list", member=person)
            await settled(listed)
            lost += song not in listed.text
        return [f"{count} kill -9", f"{lost} of {len(people)} likes lost, {bot.tracebacks} tracebacks", ""]


async def reloads(share: float) -> list[str]:
    """100 reloads while ten people ask."""
    count = int(100 * share)
    lost = asked = failed = 0
    stop = asyncio.Event()
    async with running() as (box, bot):
        people = [box.add_member(f"Member {number}") for number in range(10)]

        async def ask(person: Member) -> None:
            nonlocal lost, asked
            while not stop.is_set():
                asked += 1
                lost += not await settled(box.send(random.Random(asked).choice(MIX), member=person))

        asking = [asyncio.create_task(ask(person)) for person in people]
        for number in range(count):
            slot = ("words", "tokenizers", "encoder", "language", "songs")[number % 5]
            answer = box.send(f"/models reload slot:{slot}", member=box.admin)
            with contextlib.suppress(TimeoutError):
                await answer.until(
                    lambda now: " is loaded " in now.text or "not loaded" in now.text, PATIENCE
                )
            failed += " is loaded " not in answer.text
        stop.set()
        await asyncio.gather(*asking)
        return [
            f"{count} reloads under load",
            f"{failed} failed, {lost} of {asked} lost, {bot.tracebacks} tracebacks",
            "",
        ]


PHASES: dict[str, Callable[[float], Awaitable[list[str]]]] = {
    "crowd": crowd, "strange": strange, "drops": drops, "kills": kills, "reloads": reloads,
}  # fmt: skip


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PHASES, default=list(PHASES))
    parser.add_argument("--share", type=float, default=1.0, help="fraction of the full load (default: 1.0)")
    arguments = parser.parse_args()
    table = Table(title="A hostile hour")
    for column in ("what", "outcome", ""):
        table.add_column(column)
    console = Console()
    for name in arguments.only:
        began = time.perf_counter()
        row = await PHASES[name](arguments.share)
        console.print(" · ".join(filter(None, [*row, f"{time.perf_counter() - began:.0f} s"])))
        table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    asyncio.run(main())
