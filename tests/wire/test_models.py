"""/models status and /models reload."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from models.failures import NotThere
from sandbox import Sandbox
from tests.wire.conftest import Launch, Live, Paced
from tests.wire.test_generate import finished, writing


async def test_status_is_for_everybody(live: Live) -> None:
    for slot in live.bot.hub.slots:
        await asyncio.to_thread(live.bot.hub.wait, slot, 30)
    answer = await live.box.ask("/models status")
    assert not answer.ephemeral
    for status in live.bot.hub.status():
        assert f"{status.slot}: ready" in answer.text
        assert status.name in answer.text


async def test_status_shows_who_runs_and_waits(live: Live) -> None:
    await writing(live)
    second = live.box.send("/generate prompt:king is", member=live.box.admin)
    await second.until(lambda it: "in line" in it.text)
    assert "1 running, 1 waiting" in (await live.box.ask("/models status")).text


async def test_only_admins_reload(live: Live) -> None:
    refused = await live.box.ask("/models reload slot:words")
    assert refused.ephemeral
    assert "Only people who manage this server" in refused.text
    assert live.bot.hub.status("words")[0].generation <= 1


async def test_a_role_from_the_settings_may_reload(launch: Launch, box: Sandbox) -> None:
    keeper = box.add_member("keeper", roles=["models"])
    live = await launch({"discord.admin_role_ids": [keeper.roles[0].id]})
    answer = await live.box.ask("/models reload slot:words", member=keeper)
    await answer.until(lambda it: "loaded anew" in it.text)


async def test_reload_swaps_while_jobs_finish_on_the_old_model(
    launch: Launch, loaded: dict[str, Any]
) -> None:
    old, new = Paced(loaded["language"]), Paced(loaded["language"])
    models = iter([old, new])
    live = await launch(loaders={"language": lambda *_: next(models)})
    live.pace = old
    answer = await writing(live)
    reload = await live.box.ask("/models reload slot:language", member=live.box.admin)
    assert reload.ephemeral
    await reload.until(lambda it: "language** is loaded anew" in it.text)
    assert live.bot.hub.status("language")[0].generation == 2
    assert not finished(answer)
    old.run()
    await answer.until(finished)
    later = await live.box.ask("/generate prompt:king is max_new_tokens:3")
    await later.until(finished)
    assert [call["prompt"] for call in old.calls] == ["engineer is"]
    assert [call["prompt"] for call in new.calls] == ["king is"]


async def test_a_failed_reload_keeps_the_old_model_and_says_why(
    launch: Launch, loaded: dict[str, Any]
) -> None:
    tries = iter([True, False])

    def load(*_: object) -> Any:
        if next(tries):
            return loaded["words"]
        raise NotThere("The word vectors are not on this machine any more.")

    live = await launch(loaders={"words": load})
    await live.box.ask("/similar word:engineer")
    reload = await live.box.ask("/models reload slot:words", member=live.box.admin)
    await reload.until(lambda it: "not loaded anew" in it.text)
    assert reload.ephemeral
    assert "not on this machine any more" in reload.text
    assert "The old one goes on answering" in reload.text
    answer = await live.box.ask("/similar word:engineer")
    assert not answer.ephemeral


async def test_progress_is_shown_while_a_model_loads(launch: Launch, loaded: dict[str, Any]) -> None:
    go = threading.Event()
    first = True

    def load(_spec: object, progress: Any = None) -> Any:
        nonlocal first
        if not first:
            progress("reading vectors", 0.25)
            assert go.wait(10)
        first = False
        return loaded["words"]

    live = await launch(loaders={"words": load})
    await live.box.ask("/similar word:engineer")
    reload = live.box.send("/models reload slot:words", member=live.box.admin)
    await reload.until(lambda it: "reading vectors" in it.text)
    assert "25%" in reload.text
    other = await live.box.ask("/similar word:engineer", member=live.box.admin)
    assert "engineer" in other.text
    again = await live.box.ask("/models reload slot:words", member=live.box.admin)
    go.set()
    await reload.until(lambda it: "is loaded anew" in it.text)
    await again.until(lambda it: "anew" in it.text and "Loading" not in it.text)
