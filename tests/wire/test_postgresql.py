"""The whole bot with a PostgreSQL server that stops and restarts, and two bots with one server."""

from __future__ import annotations

import asyncio

from tests.postgresql import Cluster
from tests.wire.conftest import Launch
from tests.wire.test_songs import press_like, titles
from texts import say


async def test_an_outage_of_the_database_costs_likes_and_nothing_else(
    launch: Launch, cluster: Cluster
) -> None:
    live = await launch({"database.url": cluster.database()})
    listed = await live.box.ask("/recommend song:Song Alpha")
    assert listed.message is not None
    first, second = titles(listed)[:2]
    assert first in (await press_like(live, listed.message)).text
    await asyncio.to_thread(cluster.stop)
    try:
        refused = await press_like(live, listed.message, 2)
        assert refused.ephemeral
        assert refused.text == say("store-unavailable")
        assert "cannot reach my database" in (await live.box.ask("/likes list")).text
        assert "hello" in (await live.box.ask("/tokens text:hello")).text
        assert "engineer" in str((await live.box.ask("/similar word:engineer")).message)
        alike = await live.box.ask("/recommend song:Song Beta")
        assert titles(alike)
        assert say("songs-without-opinions") in alike.text
        assert "cannot reach my database" in (await live.box.ask("/recommend")).text
        assert (await live.bot.health())["database"] is False
    finally:
        await asyncio.to_thread(cluster.start)
    assert titles(await live.box.ask("/likes list")) == [first]
    assert second in (await press_like(live, listed.message, 2)).text
    assert titles(await live.box.ask("/likes list")) == [first, second]
    assert (await live.bot.health())["database"] is True
