"""Figures for generated texts, from a real language model, and for buttons."""

from __future__ import annotations

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from sandbox import Sandbox
from tests.wire.conftest import Launch
from tests.wire.test_generate import finished, writing


async def test_texts_are_counted_and_the_cache_is_shown(
    launch: Launch, box: Sandbox, unused_tcp_port: int
) -> None:
    live = await launch({"health.enabled": True, "health.port": unused_tcp_port})

    async def figures() -> dict[str, float]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{unused_tcp_port}/metrics") as response,
        ):
            text = await response.text()
        return {
            " ".join((sample.name, *sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    answer = await writing(live, "/generate prompt:engineer is max_new_tokens:20")
    now = await figures()
    assert now["tokenwise_batch_texts"] == 1
    assert 0 < now["tokenwise_kv_tokens"] <= now["tokenwise_kv_tokens_limit"] == 16384
    assert now["tokenwise_kv_bytes"] > 0
    live.pace.run()
    await answer.until(finished)
    assert answer.message is not None
    await (await box.press(answer.message, "Again")).until(finished)
    await live.bot.idle()
    now = await figures()
    assert now["tokenwise_generated_tokens_total"] == 40
    assert now["tokenwise_first_token_seconds_count"] == 2
    assert now["tokenwise_text_tokens_per_second_count"] == 2
    assert now["tokenwise_text_tokens_per_second_sum"] > 0
    assert now["tokenwise_recomputed_tokens_total"] >= 0
    assert now["tokenwise_commands_total /generate answered"] == 1
    assert now["tokenwise_commands_total TryAgainButton answered"] == 1
    assert now["tokenwise_acknowledgement_seconds_count component"] == 1
