"""Recovery after an outage of Discord's gateway."""

from __future__ import annotations

import asyncio
import time

from tests.wire.conftest import Launch
from tests.wire.test_stopping import Gateway, gateway

__all__ = ["gateway"]


async def test_the_bot_is_back_soon_after_the_gateway(launch: Launch, gateway: tuple[Gateway, str]) -> None:
    proxy, url = gateway
    live = await launch({"discord.gateway_url": url})
    proxy.refused = True
    await live.box.drop()
    while proxy.attempts < 5:  # noqa: ASYNC110 - there is no event for it; by then discord.py's own delays reach 32 s
        await asyncio.sleep(0.05)
    proxy.refused = False
    began = time.monotonic()
    ready = len(live.box.events("READY")) + len(live.box.events("RESUMED"))
    await live.box.until(lambda box: len(box.events("READY")) + len(box.events("RESUMED")) > ready, 20)
    assert time.monotonic() - began < 5 + 1  # the machine may be busy
    assert "hello" in (await live.box.ask("/tokens text:hello")).text
