"""A whole bot in a whole Discord, with models that answer when the test lets them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot import client as client_module
from bot.cli.demo import pointed_at
from bot.client import Tokenwise, local_service
from bot.process import serve
from bot.settings.load import load
from bot.settings.schema import Settings
from models.hub import Hub
from models.lanes import Job
from sandbox import Sandbox

CONFIG = """
[language]
name = "test/language"
[words]
name = "test-words"
[lanes.language]
workers = 1
"""


@pytest.fixture(autouse=True)
def _stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that tests call in this process do not end it when threads of other tests are still alive."""
    for command in ("demo", "run"):
        monkeypatch.setattr(f"bot.cli.{command}.leave", lambda code: code)


class Gated:
    """A model that answers when the test lets it."""

    name, memory, device, dtype, detail = "gated", 0, "", "", ""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def probe(self) -> None:
        """It is always well."""

    def answer(self, job: Job) -> str:
        self.entered.set()
        while not self.opened.wait(0.005):
            if job.stop.is_set():
                return "stopped"
        return "answered"


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith(("TOKENWISE_", "DISCORD_TOKEN")):
            monkeypatch.delenv(name)


WriteConfig = Callable[[str], Path]


@pytest.fixture
def write_config(tmp_path: Path) -> WriteConfig:
    def write(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def settings(write_config: WriteConfig) -> Settings:
    return load(write_config(CONFIG))


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def model() -> Gated:
    return Gated()


async def until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    """Return when what a thread or the log does has made it true."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - threads and log handlers set no asyncio.Event
            await asyncio.sleep(0.002)


class Run:
    """One run of the bot, and how it ended."""

    def __init__(self, bot: Tokenwise, hub: Hub, token: str) -> None:
        self.bot = bot
        self.hub = hub
        self.task = asyncio.create_task(serve(bot, token))

    async def stop(self) -> int:
        self.bot.request_stop()
        return await self.ended()

    async def ended(self) -> int:
        return await asyncio.wait_for(asyncio.shield(self.task), 20)


Start = Callable[..., Awaitable[Run]]


@pytest.fixture
async def start(
    box: Sandbox, settings: Settings, model: Gated, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Start]:
    """Start a bot with the commands of `tests.bot.cog`; `changes` are sections of the settings."""
    monkeypatch.setattr(client_module, "EXTENSIONS", ("tests.bot.cog",))
    runs: list[Run] = []

    async def start(
        *, ready: bool = True, token: str = box.token, loaders: Any = None, **changes: Any
    ) -> Run:
        changed = pointed_at(settings, box)
        for section, values in changes.items():
            changed = changed.model_copy(
                update={section: getattr(changed, section).model_copy(update=values)}
            )
        hub = Hub(changed.specs(), loaders or dict.fromkeys(changed.specs(), lambda *_: model))
        runs.append(Run(Tokenwise(changed, local_service(changed, hub)), hub, token))
        if ready:
            await box.ready()
            await box.commands_synced()
        return runs[-1]

    yield start
    model.opened.set()
    for run in runs:
        await run.stop()
