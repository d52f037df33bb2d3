"""What the bot tells whatever watches it: live and ready, figures for Prometheus, and the audit log."""

from __future__ import annotations

import asyncio
import json
import re
import stat
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.cli import main
from bot.events import Events
from bot.health import Snapshot
from bot.metrics import Metrics
from models.failures import NotDownloaded
from models.service import ServiceStatus
from sandbox import Sandbox
from tests.bot.conftest import Gated, Run, Start, WriteConfig, until

ROOT = Path(__file__).resolve().parents[2]


class Watched:
    """A bot that is watched at a port."""

    def __init__(self, run: Run, port: int) -> None:
        self.run = run
        self.port = port

    async def get(self, path: str) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.port}{path}") as response,
        ):
            return response.status, await response.text()

    async def health(self, path: str = "/healthz") -> tuple[int, dict[str, Any]]:
        status, text = await self.get(path)
        return status, json.loads(text)

    async def figures(self) -> Mapping[str, float]:
        """Every sample by its name and labels, as in `name{label=value}`."""
        status, text = await self.get("/metrics")
        assert status == 200
        return {
            sample.name
            + (
                f"{{{','.join(f'{k}={v}' for k, v in sample.labels.items())}}}" if sample.labels else ""
            ): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@pytest.fixture
def watch(start: Start, unused_tcp_port: int) -> Any:
    async def watch(**options: Any) -> Watched:
        run = await start(health={"enabled": True, "port": unused_tcp_port}, **options)
        await asyncio.wait_for(run.bot.wait_until_ready(), 10)
        return Watched(run, unused_tcp_port)

    return watch


# Live and ready


async def test_it_is_live_while_it_loads_and_ready_when_all_is_loaded(watch: Any, model: Gated) -> None:
    release = threading.Event()

    def load(*_: object) -> Gated:
        assert release.wait(20)
        return model

    watched = await watch(loaders={"words": lambda *_: model, "language": load})
    await until(lambda: watched.run.hub.status("language")[0].state == "loading")
    for path, expected in (("/livez", 200), ("/readyz", 503), ("/healthz", 503)):
        status, content = await watched.health(path)
        assert status == expected
        assert (content["live"], content["ready"]) == (True, False)
        assert content["problems"] == ["language: test/language is loading."]
    release.set()
    await watched.run.bot.service.loaded()
    for path in ("/livez", "/readyz", "/healthz"):
        status, content = await watched.health(path)
        assert (status, content["ready"], content["problems"]) == (200, True, [])
        assert content["version"]
        assert content["uptime_seconds"] >= 0
        assert content["connected"]


async def test_a_failed_and_a_missing_model_are_reported_each(watch: Any) -> None:
    def missing(*_: object) -> Gated:
        raise NotDownloaded("test-words", "python -m bot fetch words")

    def broken(*_: object) -> Gated:
        raise ZeroDivisionError

    watched = await watch(loaders={"words": missing, "language": broken})
    await watched.run.bot.service.loaded()
    status, content = await watched.health()
    assert status == 503
    assert sorted(content["problems"]) == [
        "language: test/language could not be loaded (ZeroDivisionError).",
        "words: test-words is not on this machine yet. “python -m bot fetch words” downloads it.",
    ]
    assert {slot["slot"]: slot["state"] for slot in content["slots"]} == {
        "language": "failed",
        "words": "failed",
    }
    assert (await watched.health("/livez"))[0] == 200


async def test_without_a_connection_it_is_live_and_not_ready(watch: Any, box: Sandbox) -> None:
    watched = await watch()
    await watched.run.bot.service.loaded()
    box.gateway.url = "ws://127.0.0.1:9/nobody-is-there"
    for shard in watched.run.bot.shards.values():
        await shard.disconnect()
    status, content = await watched.health()
    assert status == 503
    assert content["problems"] == ["The bot is not connected to Discord."]
    assert (await watched.health("/livez"))[0] == 200


async def test_the_terminal_asks_for_live_and_ready_and_check_tells_what_the_bot_lacks(
    watch: Any, model: Gated, write_config: WriteConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> Gated:
        raise ZeroDivisionError

    watched = await watch(loaders={"words": lambda *_: model, "language": broken})
    await watched.run.bot.service.loaded()
    config = str(write_config(f"[health]\nenabled = true\nport = {watched.port}\n"))
    assert await asyncio.to_thread(main, ["health", "--config", config]) == 1
    assert "could not be loaded" in json.loads(capsys.readouterr().out)["problems"][0]
    assert await asyncio.to_thread(main, ["health", "--live", "--config", config]) == 0
    capsys.readouterr()
    assert await asyncio.to_thread(main, ["check", "--config", config]) == 0
    assert (
        "warning: the running bot: language: test/language could not be loaded (ZeroDivisionError)."
        in capsys.readouterr().err.splitlines()
    )


def test_the_container_is_unhealthy_only_where_a_restart_helps() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert 'CMD ["python", "-m", "bot", "health", "--live"]' in text


# Figures


async def test_commands_are_counted_by_name_and_outcome(watch: Any, box: Sandbox, model: Gated) -> None:
    watched = await watch()
    await box.ask("/echo text:quick")
    await box.ask("/echo text:quick")
    await box.ask("/fail how:refused")
    await box.ask("/fail how:unforeseen")
    model.opened.set()
    await box.send("/slow").until(lambda answer: answer.text)
    await watched.run.bot.idle()
    figures = await watched.figures()
    assert figures["tokenwise_commands_total{command=/echo,outcome=answered}"] == 2
    assert figures["tokenwise_commands_total{command=/fail,outcome=Refused}"] == 1
    assert figures["tokenwise_commands_total{command=/fail,outcome=other}"] == 1
    assert figures["tokenwise_acknowledgement_seconds_count{kind=application_command}"] == 5
    assert figures["tokenwise_answer_seconds_count{command=/echo}"] == 2
    assert "tokenwise_answer_seconds_count{command=/fail}" not in figures
    assert figures["tokenwise_jobs_total{outcome=answered,slot=language}"] == 1
    assert figures["tokenwise_job_run_seconds_count{slot=language}"] == 1


async def test_how_things_stand_is_looked_up(watch: Any, box: Sandbox, model: Gated) -> None:
    watched = await watch(limits={"per_user": 3})
    await watched.run.bot.service.loaded()
    first, second = box.send("/slow"), box.send("/slow")
    for answer in (first, second):
        await answer.until(lambda it: it.deferred)
    await until(model.entered.is_set)
    figures = await watched.figures()
    assert figures["tokenwise_lane_running{lane=language}"] == 1
    assert figures["tokenwise_lane_waiting{lane=language}"] == 1
    assert figures["tokenwise_lane_queue{lane=language}"] == 16
    assert figures["tokenwise_ready"] == figures["tokenwise_connected"] == figures["tokenwise_servers"] == 1
    assert figures["tokenwise_model_state{slot=language,state=ready}"] == 1
    assert figures["tokenwise_model_state{slot=language,state=failed}"] == 0
    assert figures["tokenwise_loads_total{outcome=loaded,slot=language}"] == 1
    assert figures["tokenwise_load_seconds_count{slot=words}"] == 1
    assert figures["process_resident_memory_bytes"] > 0
    await until(lambda: watched.run.bot._health.lag._late)
    assert (await watched.figures())["tokenwise_event_loop_lag_seconds_count"] >= 1


async def test_what_goes_wrong_with_discord_is_counted(watch: Any, box: Sandbox) -> None:
    watched = await watch()
    before = await watched.figures()
    assert before["tokenwise_rest_requests_total{status=200}"] > 0
    assert before["tokenwise_rest_requests_total{status=429}"] == 0
    assert before["tokenwise_gateway_changes_total{change=connected}"] == 1
    box.fail("PATCH", "/messages/@original", 429, retry_after=0.01)
    await box.ask("/fail how:refused after:showing")
    await box.drop()
    await box.until(lambda box: box.events(op=6) and any(session.connected for session in box.sessions))
    await box.ask("/echo text:again")
    figures = await watched.figures()
    assert figures["tokenwise_rest_requests_total{status=429}"] >= 1
    assert figures["tokenwise_gateway_changes_total{change=resumed}"] == 1
    assert figures["tokenwise_gateway_changes_total{change=disconnected}"] == 1


async def test_transactions_are_timed(watch: Any) -> None:
    watched = await watch()
    await watched.run.bot.store.likes.count(1)
    await watched.run.bot.store.forget(1)
    figures = await watched.figures()
    assert figures["tokenwise_database_seconds_count{operation=read}"] == 1
    assert figures["tokenwise_database_seconds_count{operation=write}"] == 1


async def test_nothing_about_people_is_in_the_figures(watch: Any, box: Sandbox) -> None:
    watched = await watch()
    await box.ask("/echo text:confidential")
    await watched.run.bot.store.forget(box.student.user.id)
    _, text = await watched.get("/metrics")
    for secret in ("confidential", str(box.student.user.id), str(box.guild.id), str(box.channel.id)):
        assert secret not in text


def exposed() -> set[str]:
    """Every name of a sample that /metrics can have."""
    metrics = Metrics(Events())
    snapshot = Snapshot(ServiceStatus((), {}), {}, True, False, (), 0, {}, None, True, 0.0)
    _, content = metrics.exposition(snapshot)
    names: set[str] = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", content.decode(), re.MULTILINE):
        names |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"} if kind == "histogram" else {name}
    return names


@pytest.mark.parametrize("file", ["dashboard.json", "alerts.yml"])
def test_every_figure_that_is_watched_is_there(file: str) -> None:
    text = (ROOT / "deploy" / file).read_text(encoding="utf-8")
    if file.endswith(".json"):
        text = "\n".join(
            target["expr"] for panel in json.loads(text)["panels"] for target in panel.get("targets", ())
        )
    used = set(re.findall(r"\b(?:tokenwise|process)_[a-z0-9_]+\b", text))
    assert len(used) >= 10
    assert used <= exposed(), used - exposed()


# The audit log


async def test_the_audit_log_tells_who_did_what_where_and_not_what_was_said(
    start: Start, box: Sandbox
) -> None:
    run = await start(audit={"enabled": True})
    await box.ask("/echo text:confidential")
    await box.ask("/fail how:refused", channel=box.direct(box.student))
    await run.stop()
    path = run.bot.settings.data_dir / "audit.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text(encoding="utf-8")
    assert "confidential" not in text
    first, second = map(json.loads, text.splitlines())
    assert set(first) == {"at", "user", "server", "channel", "command", "outcome", "seconds"}
    assert first["user"] == str(box.student.user.id)
    assert (first["server"], first["channel"]) == (str(box.guild.id), str(box.channel.id))
    assert (first["command"], first["outcome"]) == ("/echo", "answered")
    assert 0 <= first["seconds"] < 10
    assert (second["server"], second["command"], second["outcome"]) == (None, "/fail", "Refused")


async def test_the_audit_log_is_off_unless_it_is_wanted(start: Start, box: Sandbox) -> None:
    run = await start()
    await box.ask("/echo text:hello")
    await run.stop()
    assert not list(run.bot.settings.data_dir.glob("audit*"))


async def test_the_audit_log_begins_new_files_and_keeps_some(
    start: Start, box: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "elsewhere" / "notes.jsonl"
    run = await start(audit={"enabled": True, "file": path, "max_bytes": 1000, "keep": 2})
    for _ in range(20):
        await box.ask("/echo text:hello")
    await run.stop()
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "notes.jsonl",
        "notes.jsonl.1",
        "notes.jsonl.2",
    ]
    for file in path.parent.iterdir():
        assert file.stat().st_size <= 1000
        for line in file.read_text(encoding="utf-8").splitlines():
            json.loads(line)


async def test_an_audit_log_that_cannot_be_written_is_one_line_and_exit_code_1(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = await start(ready=False, audit={"enabled": True, "file": tmp_path})
    assert await run.ended() == 1
    (line,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert line.getMessage().startswith(f"audit.file: cannot write to {tmp_path}: ")
