"""The whole bot over a real socket: discord.py's own client on one side, the sandbox on the other.

The bot runs in the test's event loop, with real models of random weights. The test controls only the pace of the
language model, which writes a token when the test allows one. Tests wait for entries in the sandbox's log.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pydantic import BaseModel

from bot.client import Tokenwise, local_service
from bot.errors import THREAD_ARCHIVED
from bot.settings.load import load
from bot.settings.schema import Settings
from models.hub import Hub
from models.results import ChosenToken, Generation
from sandbox import Sandbox
from sandbox.log import Request
from sandbox.page import Page
from tests.sandbox import openapi
from tests.wire import tiny

ModelT = TypeVar("ModelT", bound=BaseModel)
PATIENCE = 15
"""Seconds a test waits for what must come; a failing test takes as long, a passing one never."""


class Paced:
    """A language model that writes as many tokens as the test allows."""

    name: str

    def __init__(self, model: Any) -> None:
        self._model = model
        self._allowed = float("inf")
        self._changed = threading.Condition()
        self.calls: list[Mapping[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def hold(self) -> None:
        """Write no more tokens until the test allows them."""
        self._allow(0)

    def allow(self, tokens: int) -> None:
        with self._changed:
            self._allowed += tokens
            self._changed.notify_all()

    def run(self) -> None:
        self._allow(float("inf"))

    def release(self) -> None:
        """Release the model for other tests."""

    def _allow(self, tokens: float) -> None:
        with self._changed:
            self._allowed = tokens
            self._changed.notify_all()

    def again(self) -> Generation:
        """The model's answer to the first question of this test, asked again directly."""
        options = {name: self.calls[0][name] for name in ("max_new_tokens", "sampling")}
        result: Generation = self._model.generate(self.calls[0]["prompt"], **options)
        return result

    def generate(self, prompt: str, **options: Any) -> Generation:
        """The model's own `generate`, paused after each visible token until the next one is allowed."""
        self.calls.append({"prompt": prompt, **options})
        stop, deadline, show = options["stop"], options["deadline"], options["on_text"]

        def wait() -> None:
            with self._changed:
                while self._allowed < 1 and not stop.is_set() and time.monotonic() < deadline:
                    self._changed.wait(0.02)
                self._allowed -= 1

        def show_and_wait(text: str, tokens: Sequence[ChosenToken]) -> None:
            show(text, tokens)
            wait()

        wait()
        result: Generation = self._model.generate(prompt, **{**options, "on_text": show_and_wait})
        return result


@dataclass
class Live:
    """A bot connected to the sandbox."""

    bot: Tokenwise
    box: Sandbox
    pace: Paced
    task: asyncio.Task[None]
    hub: Hub

    async def stop(self) -> None:
        self.pace.run()
        await self.bot.close()
        self.task.cancel()
        await asyncio.wait({self.task})


Launch = Callable[..., Awaitable[Live]]


@pytest.fixture(scope="session")
def tiny_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def loaded(tiny_config: Path) -> Iterator[dict[str, Any]]:
    """All models, loaded once for all tests."""
    hub = Hub(load(tiny_config).specs())
    models = {}
    for slot in hub.slots:
        hub.load(slot)
        with hub.lease(slot) as model:
            models[slot] = model
    # Each closing bot collects garbage; freeze long-lived objects such as torch to save time.
    gc.collect()
    gc.freeze()
    yield models
    gc.unfreeze()
    hub.close()


def wrong(request: Request) -> bool:
    """Whether the bot sent something that Discord refuses. A thread closed in the meantime is not the bot's mistake."""
    code = request.answer.get("code") if isinstance(request.answer, dict) else None
    return request.status == 400 and code != THREAD_ARCHIVED


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    """A Discord with its real limits. Any request it refuses fails the test, whatever the test checks."""
    box = Sandbox()
    Page(box)
    async with box:
        yield box
        refused = [(r.method, r.path, r.body, r.answer) for r in box.requests() if wrong(r)]
        assert not refused
        late = [entry for entry in box.log if getattr(entry, "kind", "") == "interaction.fail"]
        assert not late, "an interaction was not answered in time"
        openapi.check(box.log)


@pytest.fixture
async def launch(
    box: Sandbox, tiny_config: Path, loaded: dict[str, Any], tmp_path: Path
) -> AsyncIterator[Launch]:
    """A function that starts a bot; its settings may be changed by their full names."""
    running: list[Live] = []

    async def launch(
        changes: Mapping[str, Any] | None = None,
        *,
        loaders: Mapping[str, Any] | None = None,
        box: Sandbox = box,
    ) -> Live:
        settings = changed(
            load(tiny_config),
            {
                "data_dir": tmp_path / "data",
                "discord.api_url": box.api_url,
                "discord.gateway_url": box.gateway_url,
                **(changes or {}),
            },
        )
        pace = Paced(loaded["language"])
        models = {**loaded, "language": pace}
        hub = Hub(
            settings.specs(),
            {slot: lambda *_, model=models[slot]: model for slot in models} | dict(loaders or {}),
        )
        bot = Tokenwise(settings, local_service(settings, hub))
        live = Live(bot, box, pace, asyncio.create_task(bot.start(box.token)), hub)
        running.append(live)
        await box.ready()
        await box.commands_synced()
        return live

    yield launch
    for live in running:
        await live.stop()


LOADED_WITHIN = 30.0


@pytest.fixture
async def live(launch: Launch) -> Live:
    """A bot that is connected and has loaded all its models."""
    live = await launch()
    await asyncio.wait_for(live.bot.service.loaded(), LOADED_WITHIN)
    return live


def changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """A copy in which some keys, given by their full names, have other values."""
    for key, value in changes.items():
        settings = _changed(settings, key.split("."), value)
    return settings


def _changed(model: ModelT, path: list[str], value: Any) -> ModelT:
    name, *rest = path
    return model.model_copy(update={name: _changed(getattr(model, name), rest, value) if rest else value})
