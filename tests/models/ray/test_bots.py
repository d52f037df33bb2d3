"""The whole bot as deployed on many machines: two processes with their shards, one PostgreSQL server, one Ray
cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import reconnecting
from bot.client import Tokenwise
from bot.settings.load import load
from sandbox import Answer, Limits, Sandbox
from tests.models.ray.cluster import PATIENCE, Cluster
from tests.postgresql import Cluster as Postgresql
from tests.wire.conftest import changed
from tests.wire.test_songs import titles

APART = 0.4
"""Seconds between two sessions, here instead of Discord's 5."""
LONG = "/generate prompt:The tokenizer splits max_new_tokens:200"

pytestmark = pytest.mark.timeout(4 * PATIENCE)


@pytest.fixture
async def bots(
    ray_cluster: Cluster, cluster: Postgresql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Sandbox, list[Tokenwise]]]:
    """Two bots with one shard each, connected only through servers, as separate processes would be."""
    monkeypatch.setattr(reconnecting, "APART", APART)
    monkeypatch.setattr(reconnecting, "MARGIN", 0.1)
    database = cluster.database()
    async with Sandbox(shards=2, max_concurrency=1, limits=Limits(identify_seconds=APART)) as box:
        started = []
        running = []
        for shard in (0, 1):
            changes = {
                "database.url": database,
                "data_dir": tmp_path / f"process {shard}",
                "discord.api_url": box.api_url,
                "discord.gateway_url": box.gateway_url,
                "discord.shard_count": 2,
                "discord.shard_ids": [shard],
            }
            started.append(Tokenwise(changed(load(ray_cluster.config()), changes)))
            running.append(asyncio.create_task(started[-1].start(box.token)))
        await box.ready(PATIENCE)
        await box.commands_synced(PATIENCE)
        for bot in started:
            await asyncio.wait_for(bot.service.loaded(), PATIENCE)
        yield box, started
        for bot, task in zip(started, running, strict=True):
            await bot.close()
            task.cancel()
            await asyncio.wait({task})


async def version(bot: Tokenwise, slot: str) -> int:
    """The version of a slot's model, as known to a process of the bot."""
    status = await bot.service.status()
    return next(one.generation for one in status.slots if one.slot == slot)


def running(answer: Answer) -> bool:
    message = answer.message
    return message is not None and any(button.label == "Stop" for button in message.buttons)


async def test_two_bots_share_people_models_and_turns(bots: tuple[Sandbox, list[Tokenwise]]) -> None:
    box, (first, second) = bots
    here, there = (box.add_guild(f"shard {number}", shard=(number, 2)).channels[0] for number in (0, 1))

    # Both are answered by models outside both bots' processes.
    for channel in (here, there):
        assert "hello" in (await box.ask("/tokens text:hello", channel=channel)).text
    for bot in (first, second):
        assert all(slot.replicas for slot in (await bot.service.status()).slots)

    # A like is visible to both.
    listed = await box.ask("/recommend song:Hey Jude", channel=here)
    assert listed.message is not None
    await box.press(listed.message, "Like")
    assert titles(await box.ask("/likes list", channel=there)) == titles(listed)[:1]

    # The limit of questions per person applies to both together; others are unaffected.
    asked = [box.send(LONG, channel=channel) for channel in (here, there, there)]
    for text in asked:
        await text.until(lambda it: running(it) or it.ephemeral or "tokens/s" in it.text, PATIENCE)
    (refused,) = (text for text in asked if text.ephemeral)
    assert "2" in refused.text
    texts = [text for text in asked if text is not refused]
    other = box.send("/generate prompt:Mine max_new_tokens:5", member=box.admin, channel=there)
    await other.until(lambda it: "tokens/s" in it.text, PATIENCE)
    for text in texts:
        await text.until(lambda it: not running(it), PATIENCE)

    # A reload requested from one of them reloads both, once.
    for channel in (here, there):
        before = await version(first, "words")
        answer = box.send("/models reload slot:words", member=box.admin, channel=channel)
        async with asyncio.timeout(PATIENCE):
            while True:
                versions = [await version(bot, "words") for bot in (first, second)]
                if before not in versions:
                    break
                await asyncio.sleep(0.1)
        assert versions[0] == versions[1] > before
        await answer.until(lambda it: "words" in it.text and "loading" not in it.text, PATIENCE)
        assert "engineer" in str((await box.ask("/similar word:engineer", channel=there)).message)
