"""The whole bot on one machine as it would run on many: started, queried from four guilds, measured and stopped."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from cluster import figures, postgresql, ray
from cluster.bots import start_bot
from cluster.postgresql import Server
from cluster.processes import ROOT, Processes, Program, memory, python
from sandbox import Answer, Guild, Sandbox
from sandbox.state import shard_of

CONFIG = ROOT / "demo" / "config.toml"
SHARDS = 4
PARTS = ("0-1/4", "2-3/4")
"""The shards of each process of the bot."""
QUESTIONS = (
    ("/tokens", "/tokens text:CAPITALIZATION and other stuff", "tokenizers"),
    ("/generate", "/generate prompt:The tokenizer splits max_new_tokens:20", "language"),
    ("/similar", "/similar word:king", "words"),
    ("/recommend", "/recommend song:Hey Jude", "songs"),
)
"""Name, line, and the slot that answers."""
SETTINGS = {
    "TOKENWISE_HEALTH__ENABLED": "true",
    "TOKENWISE_INFERENCE__LANGUAGE__REPLICAS": "2",
    # The demo is slow enough to read along; this is not needed here.
    "TOKENWISE_LANGUAGE__TOKENS_PER_SECOND": "0",
    "TOKENWISE_LOG__LEVEL": "WARNING",
}
PATIENCE = 180.0
"""Seconds that anything may take before the show is over."""
REPORTED_WITHIN = 10.0
"""Seconds until a replica's count must have reached the bots."""
SAMPLE = 2.0
"""Seconds between two looks at the memory."""


@dataclass(frozen=True, slots=True)
class Bot:
    """A process of the bot, and the port of its health endpoint."""

    program: Program
    port: int


@dataclass(frozen=True, slots=True)
class Cluster:
    """Everything that runs."""

    box: Sandbox
    guilds: tuple[Guild, ...]
    bots: tuple[Bot, ...]
    processes: Processes
    server: Server

    def pids(self) -> list[int]:
        """The root processes of everything else; the sandbox runs in this process."""
        programs = (program.pid for program in self.processes.programs)
        return [os.getpid(), *self.server.pids()[:1], *programs]


def why_not() -> str:
    """The reason why this machine cannot run it; "" if it can."""
    return postgresql.why_not() or ray.why_not()


@asynccontextmanager
async def running(folder: Path, config: Path = CONFIG) -> AsyncIterator[Cluster]:
    """Start PostgreSQL, Ray with two worker nodes and the models, and two bot processes; stop all at the end of the
    block.
    """
    async with AsyncExitStack() as stack:
        server = await asyncio.to_thread(
            stack.enter_context, postgresql.running(Server(folder / "postgresql"))
        )
        processes = await stack.enter_async_context(Processes(folder))
        database = await asyncio.to_thread(server.create_database, "tokenwise")
        address = await ray.start_ray(processes)
        settings = ray.settings(address, SETTINGS)
        shared = {"TOKENWISE_DATA_DIR": str(folder / "models"), **settings}
        await processes.run("serve", python("-m", "bot", "serve", "--config", str(config)), shared)
        box = await stack.enter_async_context(Sandbox(bot_name="Tokenwise", shards=SHARDS, max_concurrency=1))
        others = set(range(SHARDS)) - {shard_of(box.guild.id, SHARDS)}
        groups = [box.add_guild(f"Study group {shard}", shard=(shard, SHARDS)) for shard in sorted(others)]
        bots = []
        for part, port in zip(PARTS, ray.free_ports(len(PARTS)), strict=True):
            own = settings | {"TOKENWISE_HEALTH__PORT": str(port)}
            program = await start_bot(processes, box, config, part, database=database, environment=own)
            bots.append(Bot(program, port))
        yield Cluster(box, (box.guild, *groups), tuple(bots), processes, server)


async def ready(cluster: Cluster) -> None:
    """Wait until every bot is connected and the models are available to it."""
    async with asyncio.timeout(PATIENCE):
        await cluster.box.ready(PATIENCE)
        await cluster.box.commands_synced(PATIENCE)
        for bot in cluster.bots:
            await _ready(bot)


async def _ready(bot: Bot) -> None:
    while True:
        known = await figures.health(bot.port)
        if known and known["ready"]:
            return
        await asyncio.sleep(0.2)


async def show(folder: Path, console: Console) -> None:
    """Ask from every guild, and print the origin of each answer. Raises ProcessEnded if a program ends."""
    began = time.monotonic()
    peak = Peak()
    console.print("Starting PostgreSQL, Ray, the models and the bots ...")
    async with running(folder) as cluster, peak.of(cluster):
        asking = asyncio.create_task(_ask_everywhere(cluster, console, began))
        watching = asyncio.create_task(cluster.processes.watch())
        try:
            ended, _ = await asyncio.wait({asking, watching}, return_when=asyncio.FIRST_COMPLETED)
            await ended.pop()
        finally:
            asking.cancel()
            watching.cancel()
            await asyncio.wait({asking, watching})
    console.print(f"Most memory at a time: {peak.bytes / 1e9:.1f} GB. Everything is stopped.")


async def _ask_everywhere(cluster: Cluster, console: Console, began: float) -> None:
    await ready(cluster)
    console.print(f"Everything runs after {time.monotonic() - began:.0f} s.")
    console.print(f"  PostgreSQL   pid {cluster.server.pids()[0]}")
    for program in cluster.processes.programs:
        console.print(f"  {program.name:13}pid {program.pid}")
    for guild in cluster.guilds:
        for line in await asked(cluster, guild):
            console.print(line)


async def asked(
    cluster: Cluster, guild: Guild, questions: Sequence[tuple[str, str, str]] = QUESTIONS
) -> list[str]:
    """Ask everything in a guild; returns a line with the origin of each answer."""
    handled = [await figures.commands(bot.port) for bot in cluster.bots]
    answered = await figures.answers(cluster.bots[0].port)
    lines = []
    seconds = {}
    for name, line, _ in questions:
        began = time.monotonic()
        answer = await cluster.box.ask(line, channel=guild.channels[0], timeout=PATIENCE)
        await answer.until(whole, PATIENCE)
        if answer.failed or answer.message is None:
            raise RuntimeError(f"{name} in {guild.name}: {answer}")
        seconds[name] = time.monotonic() - began
    replicas = await _replicas(cluster, answered, {slot for _, _, slot in questions})
    now = [await figures.commands(bot.port) for bot in cluster.bots]
    for name, _, slot in questions:
        by = [
            bot.program
            for bot, before, after in zip(cluster.bots, handled, now, strict=True)
            if after.get(name, 0) > before.get(name, 0)
        ]
        bots = ", ".join(f"{program.name} (pid {program.pid})" for program in by)
        copies = ", ".join(
            f"{replica.name} on node {replica.node}" for replica in replicas if replica.slot == slot
        )
        shard = shard_of(guild.id, SHARDS)
        lines.append(
            f"{guild.name:14} shard {shard}  {name:11} {bots}  replica {copies}  {seconds[name]:.1f} s"
        )
    return lines


def whole(answer: Answer) -> bool:
    """Whether an answer is complete: it has no Stop button."""
    message = answer.message
    return bool(answer.failed) or (
        message is not None and not any(button.label == "Stop" for button in message.buttons)
    )


async def _replicas(
    cluster: Cluster, before: dict[figures.Replica, int], slots: set[str]
) -> list[figures.Replica]:
    """The replicas that have answered since then, once there is one for every slot."""
    async with asyncio.timeout(REPORTED_WITHIN):
        while True:
            now = await figures.answers(cluster.bots[0].port)
            busy = [replica for replica, count in now.items() if count > before.get(replica, 0)]
            if slots <= {replica.slot for replica in busy}:
                return busy
            await asyncio.sleep(0.2)


class Peak:
    """The peak memory use of a cluster."""

    def __init__(self) -> None:
        self.bytes = 0

    @asynccontextmanager
    async def of(self, cluster: Cluster) -> AsyncIterator[None]:
        task = asyncio.create_task(self._watch(cluster))
        try:
            yield
            await self._look(cluster)
        finally:
            task.cancel()

    async def _watch(self, cluster: Cluster) -> None:
        while True:
            await self._look(cluster)
            await asyncio.sleep(SAMPLE)

    async def _look(self, cluster: Cluster) -> None:
        self.bytes = max(self.bytes, await asyncio.to_thread(memory, cluster.pids()))
