"""Likes while bots and their database are killed: no acknowledged like may be lost.

    python -m bench.scaling likes [--people 100] [--bots 20] [--servers 5] [--pause 8]

A bot runs as two processes with two shards each, on a temporary PostgreSQL server. People in four servers press the Like
buttons under lists of songs. Meanwhile, the bot's processes and the database are killed with `kill -9` and restarted.
People who get no answer, or are told that the like was not stored, press again. At the end, the database is compared with
what people were told.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.lag import percentile
from cluster.bots import start_bot
from cluster.postgresql import Server, reachable_folder, running
from cluster.processes import Processes, Program
from sandbox import Answer, Channel, Limits, Member, Message, Sandbox
from texts import say

SHARDS = ("0-1/4", "2-3/4")
PATIENCE = 120.0
"""Seconds that anything here may take before the measurement gives up."""
AGAIN = 0.5
"""Seconds until somebody presses again who got no good answer."""
LISTS = 8
"""Lists of songs in each guild."""
CONFIG = """
[songs]
songs = "{demo}/tiny-songs/songs.tsv"
playlists = "{demo}/tiny-songs/playlists.txt"
[limits]
commands = 1000
"""
DEMO = Path(__file__).resolve().parents[2] / "demo"


@dataclass
class Told:
    """What people were told."""

    liked: Counter[tuple[int, str]] = field(default_factory=Counter)
    """How often somebody was told that a song is liked or liked already."""
    newly: Counter[tuple[int, str]] = field(default_factory=Counter)
    refused: int = 0
    unanswered: int = 0
    seconds: list[float] = field(default_factory=list)
    """From a press to its answer, of those that were answered."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--bots", type=int, default=20, metavar="N", help="number of times a bot is killed")
    parser.add_argument(
        "--servers", type=int, default=5, metavar="N", help="number of times the database is killed"
    )
    parser.add_argument("--pause", type=float, default=8.0, help="mean seconds between a person's likes")
    parser.add_argument("--seed", type=int, default=1)


async def run(arguments: argparse.Namespace) -> None:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(reachable_folder())
        server = stack.enter_context(running(Server(folder / "postgresql")))
        config = folder / "config.toml"
        config.write_text(CONFIG.format(demo=DEMO.as_posix()), encoding="utf-8")
        box = await stack.enter_async_context(
            Sandbox(limits=Limits.without_rates(), shards=4, max_concurrency=1)
        )
        processes = await stack.enter_async_context(Processes(folder))
        chance = random.Random(arguments.seed)
        crowd = Crowd(box, server, processes, config, chance, arguments.pause)
        await crowd.start()
        began = time.monotonic()
        await crowd.press_and_kill(arguments.people, arguments.bots, arguments.servers)
        print(f"{time.monotonic() - began:.0f} s")
        Console().print(table(crowd.told, stored(server)))


class Crowd:
    """People who press buttons of a bot that occasionally crashes."""

    def __init__(
        self,
        box: Sandbox,
        server: Server,
        processes: Processes,
        config: Path,
        chance: random.Random,
        pause: float,
    ) -> None:
        self.told = Told()
        self._box = box
        self._server = server
        self._processes = processes
        self._config = config
        self._chance = chance
        self._pause = pause
        self._database = server.create_database("likes")
        self._bots: dict[str, Program] = {}
        self._guilds = [box.add_guild(f"Guild {number}", shard=(number, 4)) for number in range(4)]

    async def start(self) -> None:
        for shards in SHARDS:
            await self._start(shards)
        await self._box.ready(PATIENCE)
        await self._box.commands_synced(PATIENCE)

    async def _start(self, shards: str) -> None:
        self._bots[shards] = await start_bot(
            self._processes, self._box, self._config, shards, database=self._database
        )

    async def press_and_kill(self, people: int, bots: int, servers: int) -> None:
        """Have everyone like every song once, with kills spread over the entire run."""
        lists = {guild.id: await self._lists(guild.channels[0]) for guild in self._guilds}
        members = [
            self._box.add_member(f"Member {number}", guild=self._guilds[number % 4])
            for number in range(people)
        ]
        wanted = sum(len(buttons_of(message)) for member in members for message in lists[member.guild.id])
        kills = ["bot"] * bots + ["server"] * servers
        self._chance.shuffle(kills)
        pressing = asyncio.gather(*(self._press_all(member, lists[member.guild.id]) for member in members))
        for number, kill in enumerate(kills, 1):
            due = wanted * number // (len(kills) + 1)
            while len(self.told.liked) < due:
                if pressing.done():
                    await pressing
                await asyncio.sleep(0.01)
            if kill == "bot":
                await self._kill_bot()
            else:
                await self._kill_server()
            print(
                f"{number}: {kill} killed, {len(self.told.liked)} of {wanted} likes acknowledged", flush=True
            )
        await pressing

    async def _lists(self, channel: Channel) -> list[Message]:
        """Lists of songs; a song may be in several."""
        lines = (DEMO / "tiny-songs" / "songs.tsv").read_text(encoding="utf-8").splitlines()
        titles = [line.split("\t")[1] for line in lines[:: len(lines) // LISTS][:LISTS]]
        return [await self._list(title, channel) for title in titles]

    async def _list(self, title: str, channel: Channel) -> Message:
        """Songs similar to a song, once the process that answers has loaded its catalogue."""
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self._box.ask_command(
                    "recommend", {"song": title}, channel=channel, timeout=PATIENCE
                )
                if answer.message is not None and buttons_of(answer.message):
                    return answer.message

    async def _press_all(self, member: Member, messages: list[Message]) -> None:
        presses = {custom_id: message for message in messages for custom_id in buttons_of(message)}
        order = list(presses)
        random.Random(member.id).shuffle(order)
        for custom_id in order:
            await asyncio.sleep(self._chance.uniform(0, 2 * self._pause))
            while True:
                if await self._press(member, presses[custom_id], custom_id):
                    break
                await asyncio.sleep(AGAIN)

    async def _press(self, member: Member, message: Message, custom_id: str) -> bool:
        """Press once; returns whether the like was acknowledged."""
        began = time.monotonic()
        answer = await self._box.press(message, custom_id, member=member, timeout=PATIENCE)
        like = (member.id, custom_id.removeprefix("like:"))
        if said(answer, "liked-now") or said(answer, "liked-already"):
            self.told.liked[like] += 1
            self.told.newly[like] += said(answer, "liked-now")
            self.told.seconds.append(time.monotonic() - began)
            return True
        if answer.failed:
            self.told.unanswered += 1
        else:
            assert answer.text in {say("store-unavailable"), say("store-uncertain"), say("stopping")}, answer
            self.told.refused += 1
        return False

    async def _kill_bot(self) -> None:
        shards = self._chance.choice(SHARDS)
        await self._bots[shards].kill()
        await self._start(shards)
        await self._box.ready(PATIENCE)

    async def _kill_server(self) -> None:
        await asyncio.to_thread(self._server.stop, signal.SIGKILL)
        await asyncio.to_thread(self._server.start)


def buttons_of(message: Message) -> list[str]:
    """The custom_ids of the Like buttons under a list."""
    return [button.custom_id for button in message.buttons if (button.custom_id or "").startswith("like:")]


def said(answer: Answer, name: str) -> bool:
    """Whether an answer starts with a message's text, up to the name of the song."""
    before, _, after = say(name, song="\0").partition("\0")
    return answer.text.startswith(before) and after.strip() in answer.text


def stored(server: Server) -> Counter[tuple[int, str]]:
    """The rows in the database."""
    rows = server.sql("SELECT user_id, song_id FROM likes", "likes").splitlines()
    return Counter((int(person), song) for person, _, song in (row.partition("|") for row in rows))


def table(told: Told, rows: Mapping[tuple[int, str], int]) -> Table:
    results = Table("what", "how many")
    for what, count in (
        ("likes acknowledged", len(told.liked)),
        ("lost of them", sum(like not in rows for like in told.liked)),
        ("stored more than once", sum(count > 1 for count in rows.values())),
        ("told to be new more than once", sum(count > 1 for count in told.newly.values())),
        ("stored and never acknowledged", sum(like not in told.liked for like in rows)),
        ("presses without an answer", told.unanswered),
        ("presses told that nothing is stored", told.refused),
    ):
        results.add_row(what, f"{count:,}")
    for share in (0.5, 0.99):
        results.add_row(
            f"press to answer, p{share * 100:.0f}", f"{percentile(told.seconds, share) * 1000:.0f} ms"
        )
    return results
