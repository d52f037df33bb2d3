"""The client's life: how it starts, what it refuses, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest

from bot import client as client_module
from bot.client import Tokenwise
from bot.failures import BadToken
from bot.registration import CommandRegister
from bot.settings.schema import Settings
from models import local as local_module
from models.failures import ModelError
from models.results import State
from sandbox import Sandbox
from tests.bot.conftest import Gated, Start, until

COMMANDS = "/commands"


async def no_threads_but(before: set[threading.Thread]) -> None:
    """Threads say that they are done just before they end."""
    await until(lambda: set(threading.enumerate()) <= before)


async def test_it_starts_answers_and_leaves_nothing_behind(box: Sandbox, start: Start, model: Gated) -> None:
    threads, tasks = set(threading.enumerate()), asyncio.all_tasks()
    run = await start()
    assert (await box.ask("/echo text:hello")).text == "hello"
    model.opened.set()
    assert (await (box.send("/slow")).until(lambda answer: answer.text)).text == "answered"
    await run.bot.idle()
    assert await run.stop() == 0
    assert not box.sessions or not any(session.connected for session in box.sessions)
    assert {task for task in asyncio.all_tasks() - tasks if "sandbox" not in repr(task)} <= {run.task}
    await no_threads_but(threads)


async def test_intents_and_mentions_are_the_least(box: Sandbox, start: Start) -> None:
    run = await start()
    identify = box.events(op=2)[-1].data
    assert identify["intents"] == discord.Intents(guilds=True).value
    mentions = run.bot.allowed_mentions
    assert mentions is not None
    assert not any((mentions.everyone, mentions.users, mentions.roles, mentions.replied_user))


async def test_commands_are_registered_once_until_something_changes(box: Sandbox, start: Start) -> None:
    def registrations() -> list[str]:
        return [request.path.partition("/applications/")[2] for request in box.requests("PUT", COMMANDS)]

    run = await start()
    assert registrations() == [f"{run.bot.application_id}/commands"]
    assert set(run.bot.command_ids) == {"echo", "slow", "fail", "managed", "button"}
    ids = run.bot.command_ids
    await run.stop()

    run = await start()
    assert len(registrations()) == 1, "nothing changed"
    assert run.bot.command_ids == ids
    await run.stop()

    run = await start(discord={"guild_ids": [box.guild.id]})
    assert registrations()[1:] == [f"{run.bot.application_id}/guilds/{box.guild.id}/commands"]
    await run.stop()

    run = await start()
    assert [len(request.body) for request in box.requests("PUT", COMMANDS)][2:] == [0], (
        "the test copy is taken back"
    )
    await run.stop()

    (run.bot.settings.data_dir / "commands.json").write_text("{ torn")
    await start()
    assert len(registrations()) == 4


def test_a_damaged_note_of_what_was_registered_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "commands.json"
    register = CommandRegister(path)
    register._known = {"global": {"hash": "ab", "ids": {"tokens": 123}}}
    register._save()
    assert CommandRegister(path).ids == {"tokens": 123}
    content = path.read_text()
    for damaged in ("", content[:-9], content.replace("123", "124"), '{"targets": []}', "null"):
        path.write_text(damaged)
        assert CommandRegister(path).ids == {}
    path.unlink()
    path.mkdir()
    register = CommandRegister(path)
    register._known = {"global": {"hash": "ab", "ids": {"tokens": 123}}}
    register._save()
    assert CommandRegister(path).ids == {"tokens": 123}


async def test_a_test_server_that_the_bot_left_is_forgotten(
    box: Sandbox, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    run = await start(discord={"guild_ids": [box.guild.id]})
    await run.stop()
    box.fail("PUT", f"/guilds/{box.guild.id}/commands", 403)
    run = await start()
    await run.stop()
    registrations = len(box.requests("PUT", COMMANDS))
    await start()
    assert len(box.requests("PUT", COMMANDS)) == registrations
    assert "not invited" not in caplog.text


async def test_a_slow_or_failing_registration_does_not_keep_the_bot_offline(
    box: Sandbox, start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(client_module, "SYNC_WAIT", 0.1)
    box.fail("PUT", COMMANDS, 429, retry_after=90000.0)
    run = await start(ready=False)
    await box.ready()
    await asyncio.wait_for(run.bot.wait_until_ready(), 10)
    assert "commands could not be registered (global)" in caplog.text
    assert not (run.bot.settings.data_dir / "commands.json").exists()


async def test_a_wrong_token_is_one_line_and_exit_code_1(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    run = await start(ready=False, token="wrong-token")
    assert await run.ended() == 1
    (line,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "rejected the token" in line.getMessage()
    assert not line.exc_info
    assert "wrong-token" not in caplog.text


async def test_a_cog_that_does_not_load_is_one_line_and_exit_code_1(
    start: Start, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "EXTENSIONS", ("tests.bot.cog", "tests.bot.nowhere"))
    run = await start(ready=False)
    assert await run.ended() == 1
    (line,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "tests.bot.nowhere failed to load" in line.getMessage()
    assert "\n" not in line.getMessage()
    assert not line.exc_info


async def test_an_unusable_data_folder_is_one_line_and_exit_code_1(
    start: Start, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.data_dir.write_text("a file is in the way")
    run = await start(ready=False)
    assert await run.ended() == 1
    (line,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "Cannot open the database" in line.getMessage()


async def test_an_unreachable_discord_is_tried_again_and_a_signal_ends_it(
    start: Start, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "FIRST_RETRY", 0.02)
    run = await start(ready=False, discord={"api_url": "http://127.0.0.1:9/api/v10"})
    await until(lambda: caplog.text.count("cannot be reached") >= 3)
    assert "\n" not in caplog.records[-1].getMessage()
    os.kill(os.getpid(), signal.SIGTERM)
    assert await run.ended() == 0


async def test_it_gets_through_when_discord_comes_back(
    box: Sandbox, start: Start, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "FIRST_RETRY", 0.02)
    box.fail("GET", "/users/@me", cut=True, times=2)
    box.fail("GET", "/oauth2/applications/@me", 503, times=1)
    box.fail("GET", "/gateway/bot", 503, times=2)
    await start()
    assert (await box.ask("/echo text:there")).text == "there"
    # aiohttp itself repeats a request that was cut once.
    assert caplog.text.count("cannot be reached") >= 4


async def test_a_configured_gateway_wins(box: Sandbox, start: Start) -> None:
    box.gateway.url = "ws://127.0.0.1:9/nobody-is-there"
    await start()
    await box.drop()
    await box.until(lambda box: any(session.connected for session in box.sessions))
    assert (await box.ask("/echo text:again")).text == "again"
    assert box.events(op=6), "it resumed through the configured gateway"


async def test_a_gateway_that_refuses_for_good_is_one_line_and_exit_code_1(
    box: Sandbox, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    run = await start()
    await box.drop(4004)
    assert await run.ended() == 1
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == [
        str(BadToken())
    ]


async def test_people_are_paced(box: Sandbox, start: Start) -> None:
    await start(limits={"commands": 2, "seconds": 60.0})
    for _ in range(2):
        assert (await box.ask("/echo text:quick")).text == "quick"
    refused = await box.ask("/echo text:quick")
    assert refused.ephemeral
    assert refused.text.startswith("Slow down: try again in ")
    assert (await box.ask("/echo text:quick", member=box.admin)).text == "quick"


async def test_a_question_right_after_the_start_waits_for_its_model(
    box: Sandbox, start: Start, model: Gated
) -> None:
    release = threading.Event()

    def load(*_: Any) -> Gated:
        release.wait(10)
        return model

    model.opened.set()
    run = await start(loaders={"words": load, "language": load})
    answer = box.send("/slow")
    await answer.until(lambda answer: answer.deferred)
    assert not answer.text
    release.set()
    assert (await answer.until(lambda answer: answer.text)).text == "answered"
    await asyncio.wait_for(run.bot.service.loaded(), 5)


async def test_a_model_that_does_not_load_is_said_to_be_missing(
    box: Sandbox, start: Start, model: Gated
) -> None:
    def load(*_: Any) -> Gated:
        raise ModelError("The model is not on this machine.")

    await start(loaders={"words": lambda *_: model, "language": load})
    answer = await box.ask("/slow")
    assert answer.ephemeral
    assert "not on this machine" in answer.text


async def test_health_tells_how_it_is(start: Start, unused_tcp_port: int) -> None:
    run = await start(health={"enabled": True, "port": unused_tcp_port})
    await asyncio.wait_for(run.bot.wait_until_ready(), 10)
    await asyncio.wait_for(run.bot.service.loaded(), 5)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{unused_tcp_port}/healthz") as response,
    ):
        assert response.status == 200
        content = await response.json()
    assert content["ready"] is True
    assert {slot["slot"]: slot["state"] for slot in content["slots"]} == {
        "language": "ready",
        "words": "ready",
    }
    assert content["lanes"]["language"] == {"running": 0, "waiting": 0, "workers": 1, "queue": 16}
    assert content["loop_lag_seconds"] >= 0
    await run.stop()


async def test_a_taken_health_port_is_one_line_and_exit_code_1(
    box: Sandbox, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    run = await start(ready=False, health={"enabled": True, "port": box.port})
    assert await run.ended() == 1
    assert "cannot listen on" in caplog.text


async def test_one_line_is_logged_for_each_command_and_it_tells_nothing_about_people(
    box: Sandbox, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    run = await start()
    await box.ask("/echo text:confidential")
    await box.ask("/fail how:refused")
    await run.stop()
    lines = [record.getMessage() for record in caplog.records if "latency" in record.getMessage()]
    assert [line.partition(",")[0] for line in lines] == ["/echo: answered", "/fail: Refused"]
    assert "queue 0.000 s" in lines[0]
    assert "confidential" not in caplog.text
    assert str(box.student.user.id) not in caplog.text


async def test_shutting_down_tells_everybody_and_lets_running_work_end(
    box: Sandbox, start: Start, model: Gated
) -> None:
    run = await start(limits={"per_user": 3, "drain_seconds": 10.0})
    told = []
    take_back = run.bot.at_shutdown(lambda: told.append("wrongly"))
    take_back()
    run.bot.at_shutdown(lambda: told.append("told"))
    running = box.send("/slow")
    await until(model.entered.is_set)
    waiting = box.send("/slow")
    await waiting.until(lambda answer: answer.deferred)
    os.kill(os.getpid(), signal.SIGTERM)
    await waiting.until(lambda answer: answer.followups)
    assert "I am restarting" in waiting.followups[0].content
    assert waiting.followups[0].ephemeral
    new = await box.ask("/echo text:too-late")
    assert new.ephemeral
    assert "I am restarting" in new.text
    assert told == ["told"]
    model.opened.set()
    assert await run.ended() == 0
    assert running.text == "answered"


async def test_what_runs_too_long_is_stopped_and_shows_what_it_has(
    box: Sandbox, start: Start, model: Gated
) -> None:
    run = await start(limits={"drain_seconds": 0.05})
    running = box.send("/slow")
    await until(model.entered.is_set)
    assert await run.stop() == 0
    assert running.text == "stopped"


async def test_a_second_signal_hurries(box: Sandbox, start: Start, model: Gated) -> None:
    run = await start(limits={"drain_seconds": 60.0})
    running = box.send("/slow")
    await until(model.entered.is_set)
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(run.bot.stopping.wait(), 5)
    os.kill(os.getpid(), signal.SIGINT)
    began = time.monotonic()
    assert await run.ended() == 0
    assert time.monotonic() - began < 10
    assert running.text == "stopped"


async def test_a_load_that_hangs_does_not_hang_the_end(start: Start, model: Gated) -> None:
    release = threading.Event()
    run = await start(loaders={"words": lambda *_: release.wait(30), "language": lambda *_: model})
    began = time.monotonic()
    assert await run.stop() == 0
    assert time.monotonic() - began < 5
    release.set()


async def test_a_load_that_hangs_is_in_nobodys_way(
    start: Start, model: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_module, "PATIENCE", 0.05)
    release = threading.Event()
    run = await start(loaders={"words": lambda *_: release.wait(30), "language": lambda *_: model})
    await until(lambda: run.hub.status("language")[0].state is State.READY)
    assert run.hub.status("words")[0].state is State.LOADING
    release.set()


async def test_loads_take_turns(start: Start, model: Gated) -> None:
    begun: list[str] = []
    release = threading.Event()

    def words(*_: object) -> Gated:
        begun.append("words")
        assert release.wait(30)
        return model

    def language(*_: object) -> Gated:
        begun.append("language")
        return model

    run = await start(loaders={"words": words, "language": language})
    await until(lambda: begun)
    await asyncio.sleep(3 * local_module.POLL)
    assert begun == ["words"]
    release.set()
    await run.bot.service.loaded()
    assert begun == ["words", "language"]


async def test_a_client_can_be_made_and_closed_without_ever_starting(settings: Settings) -> None:
    threads = set(threading.enumerate())
    async with Tokenwise(settings):
        pass
    await no_threads_but(threads)


async def test_a_replaced_model_is_freed_when_its_last_job_ends(box: Sandbox, start: Start) -> None:
    made: list[weakref.ref[Gated]] = []

    def load(*_: object) -> Gated:
        model = Gated()
        vars(model)["itself"] = model  # as torch's modules, it holds itself
        made.append(weakref.ref(model))
        return model

    run = await start(loaders={"language": load, "words": load})
    await run.bot.service.loaded()
    run.hub.load("language")
    old = made[-1]
    answer = box.send_command("slow")
    await until(lambda: (model := old()) is not None and model.entered.is_set())
    run.hub.load("language")
    gc.disable()
    try:
        model = old()
        assert model is not None
        model.opened.set()
        del model
        await answer.until(lambda answer: answer.text == "answered")
        await run.bot.idle()
        assert old() is None
    finally:
        gc.enable()
