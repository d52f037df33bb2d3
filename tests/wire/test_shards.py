"""One bot as two processes: each has half of the shards and servers, and they share a PostgreSQL server.

Both run in the test's process. Nothing but the sandbox and the database connects them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import reconnecting, registration
from sandbox import Sandbox
from sandbox.gateway import Op
from sandbox.log import Event
from sandbox.ratelimits import Limits
from sandbox.state import Channel
from tests.bot.conftest import until
from tests.postgresql import Cluster
from tests.wire.conftest import Launch, Live
from tests.wire.test_songs import titles

APART = 0.4
"""Seconds between two sessions, here instead of Discord's 5."""


@dataclass
class Pair:
    """Two processes of one bot, and a channel for each."""

    box: Sandbox
    bots: tuple[Live, Live]
    channels: tuple[Channel, Channel]


@pytest.fixture
async def box(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    monkeypatch.setattr(reconnecting, "APART", APART)
    monkeypatch.setattr(reconnecting, "MARGIN", 0.1)
    monkeypatch.setattr(registration, "PAUSES", (0.02,) * 500)
    async with Sandbox(shards=2, max_concurrency=1, limits=Limits(identify_seconds=APART)) as box:
        yield box


@pytest.fixture
async def pair(box: Sandbox, launch: Launch, cluster: Cluster, tmp_path: Path) -> Pair:
    url = cluster.database()
    here, there = (box.add_guild(f"shard {number}", shard=(number, 2)).channels[0] for number in (0, 1))

    def start(shard: int) -> asyncio.Future[Live]:
        changes = {
            "database.url": url,
            "discord.shard_count": 2,
            "discord.shard_ids": [shard],
            "data_dir": tmp_path / f"process {shard}",
        }
        return asyncio.ensure_future(launch(changes, box=box))

    bots = (start(1), start(0))
    second, first = [await bot for bot in bots]
    return Pair(box, (first, second), (here, there))


def identified(box: Sandbox) -> list[float]:
    """The times at which sessions were started."""
    return [
        entry.time
        for entry in box.log
        if isinstance(entry, Event) and entry.direction == "received" and entry.op == Op.IDENTIFY
    ]


async def test_two_processes_are_one_bot(pair: Pair) -> None:
    box, (first, second) = pair.box, pair.bots
    # Sessions are started one at a time, with the required delay.
    begun = identified(box)
    assert len(begun) == 2
    assert begun[1] - begun[0] >= APART
    assert not [entry for entry in box.log if isinstance(entry, Event) and entry.op == Op.INVALID_SESSION]
    # Each has its shard and its servers.
    for live, shard in ((first, 0), (second, 1)):
        await live.bot.wait_until_ready()
        health = await live.bot.health()
        assert (health["shard_ids"], health["shard_count"], health["ready"]) == ([shard], 2, True)
        assert {(guild.id >> 22) % 2 for guild in live.bot.guilds} == {shard}
    # The commands are registered once, and both processes know their ids.
    puts = [request for request in box.requests() if request.method == "PUT"]
    assert len(puts) == 1
    await until(lambda: second.bot.command_ids == first.bot.command_ids and first.bot.command_ids)
    for channel in pair.channels:
        assert "hello" in (await box.ask("/tokens text:hello", channel=channel)).text


async def test_likes_and_consent_hold_in_both(pair: Pair) -> None:
    box, (here, there) = pair.box, pair.channels
    await box.ask("/likes add song:Song Alpha", channel=here)
    assert titles(await box.ask("/likes list", channel=there)) == ["Song Alpha"]
    asked = f"/recommend with:{box.student.name}"
    await box.ask("/likes add song:Song Beta", member=box.admin, channel=there)
    refused = await box.ask(asked, member=box.admin, channel=there)
    assert "has not allowed" in refused.text
    await box.ask("/privacy share allowed:True", channel=here)
    assert titles(await box.ask(asked, member=box.admin, channel=there))
    await box.ask("/privacy share allowed:False", channel=here)
    assert (await box.ask(asked, member=box.admin, channel=there)).text == refused.text


async def test_a_reload_happens_once_in_both_wherever_it_is_asked_for(pair: Pair) -> None:
    box = pair.box

    def generations() -> list[int]:
        return [live.hub.status("words")[0].generation for live in pair.bots]

    for live in pair.bots:
        await asyncio.to_thread(live.hub.wait, "words", 30)
    before = generations()
    for times, channel in enumerate(pair.channels, 1):
        answer = box.send("/models reload slot:words", member=box.admin, channel=channel)
        await until(lambda: generations() == [one + times for one in before])  # noqa: B023 - it is awaited here
        await answer.until(lambda it: "words" in it.text)


async def test_turns_and_news_come_back_with_the_database(pair: Pair, cluster: Cluster) -> None:
    first, second = (live.bot.store.neighbours for live in pair.bots)
    await asyncio.to_thread(cluster.stop)
    try:
        await asyncio.wait_for(first.take("turn"), 5)  # Discord must not wait for our database
    finally:
        await asyncio.to_thread(cluster.start)
    await first.take("turn")
    waiting = asyncio.create_task(second.take("turn"))
    assert not (await asyncio.wait({waiting}, timeout=0.3))[0]
    await first.give_back("turn")
    await asyncio.wait_for(waiting, 5)
    before = pair.bots[1].hub.status("words")[0].generation
    await until(lambda: second._connection is not None)
    await first.tell(reload="words")
    await until(lambda: pair.bots[1].hub.status("words")[0].generation > before)
