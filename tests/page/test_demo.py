"""The first ten minutes: every example that the demo shows runs, with the small models and with the starter models."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from bot.cli.demo import CONFIGS, at_full_speed, pointed_at
from bot.cli.welcome import welcoming
from bot.client import Tokenwise, local_service
from bot.examples import examples_of
from bot.settings.load import load
from bot.settings.schema import Settings
from cogs.help.command import offered
from models.files.names import starter_folder
from models.hub import Hub
from models.sections import LanguageSection
from models.service import Caller
from models.starter.models import STARTERS
from sandbox import Limits, Sandbox
from sandbox.page import Page
from tests.page.browser import Tab, visiting

# Real models take a while to load and to write, above all on a machine that runs other tests as well.
pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

PATIENCE = 300.0


@dataclass
class Demo:
    """The demo as it stands once its models are loaded."""

    bot: Tokenwise
    box: Sandbox
    failures: list[BaseException] = field(default_factory=list)
    """What the bot answered with a refusal or an apology."""

    async def answered(self, tab: Tab, before: int) -> Locator:
        """The one message that came, once the bot has nothing left to do."""
        await expect(tab.messages).to_have_count(before + 1, timeout=PATIENCE * 1000)
        await self.bot.idle()
        message = tab.messages.nth(before)
        await expect(message).to_have_attribute("aria-busy", "false", timeout=PATIENCE * 1000)
        await expect(message.locator(".failure")).to_have_count(0)
        await expect(
            message.locator(".content, .embed").filter(has_text=re.compile(r"\w")).first
        ).to_be_visible()
        assert not self.failures
        return message


def small(folder: Path) -> Settings:
    return load(CONFIGS["small"]).model_copy(update={"data_dir": folder})


@contextlib.asynccontextmanager
async def running(settings: Settings, folder: Path) -> AsyncIterator[Demo]:
    """The demo; what is kept about people is under `folder`."""
    hub = Hub(settings.specs())
    box = Sandbox(limits=Limits.without_rates(), bot_name="Tokenwise")
    page = Page(box)
    limits = settings.limits.model_copy(update={"commands": 1000})
    settings = settings.model_copy(update={"data_dir": folder / "bot", "limits": limits})
    async with box:
        settings = pointed_at(settings, box)
        bot = Tokenwise(settings, local_service(settings, hub), forget_commands=True)
        demo = Demo(bot, box)

        async def failed(_interaction: object, error: BaseException) -> None:
            demo.failures.append(error)

        bot.add_listener(failed, "on_interaction_failure")
        task = asyncio.create_task(bot.start(box.token))
        try:
            await box.ready()
            await box.commands_synced()
            async with welcoming(page, bot, hub):
                await bot.service.loaded()
                yield demo
        finally:
            await bot.close()
            task.cancel()
            await asyncio.wait({task})


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=sorted(CONFIGS))
async def demo(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Demo]:
    folder = tmp_path_factory.mktemp(request.param)
    settings = small(folder) if request.param == "small" else load(CONFIGS[request.param])
    there = starter_folder(settings.data_dir)
    if request.param == "starter" and not all((there / one.name).is_dir() for one in STARTERS):
        pytest.skip("the examples with the starter models, which are not here: `make demo` gets them")
    async with running(at_full_speed(settings), folder) as demo:
        yield demo


async def test_every_example_of_the_welcome_runs(demo: Demo, browser: Browser) -> None:
    async with visiting(browser, demo.box) as tab:
        await tab.open()
        examples = tab.page.locator("#welcome .examples button")
        await expect(examples).to_have_count(4)
        for number, command in enumerate(("generate", "tokens", "similar", "recommend")):
            before = await tab.messages.count()
            line = await examples.nth(number).locator("code").inner_text()
            assert line.startswith(f"/{command} ")
            await examples.nth(number).click()
            message = await demo.answered(tab, before)
            await expect(message.locator(".used")).to_have_text(f"Student used /{command}")


async def test_every_example_of_help_runs(demo: Demo, browser: Browser) -> None:
    async with visiting(browser, demo.box, demo.box.admin) as tab:
        await tab.open()
        before = await tab.messages.count()
        await tab.send("/help")
        help_text = await (await demo.answered(tab, before)).inner_text()
        commands = list(offered(demo.bot, admin=True))
        lines = await examples_of(demo.bot.service, Caller("test", 0, 5, typing=True), commands)
        examples = [
            line or f"/{command.qualified_name}" for line, command in zip(lines, commands, strict=True)
        ]
        shown = re.findall(r"^/\w+ \w+:.*$", help_text, re.MULTILINE)
        assert len(shown) >= 6
        assert set(shown) <= set(examples)
        for line in examples:
            before = await tab.messages.count()
            await tab.send(line)
            await demo.answered(tab, before)


async def test_the_small_model_can_be_watched_waited_for_and_stopped(
    browser: Browser, tmp_path: Path
) -> None:
    settings = small(tmp_path)
    language = settings.section(LanguageSection)
    assert language is not None
    # Slower still, so that there is time for everything on a busy machine.
    slow = language.model_copy(update={"tokens_per_second": 5})
    others = dict.fromkeys(("tokenizers", "encoder", "words", "songs"))
    settings = settings.model_copy(update=others | {"language": slow})
    async with running(settings, tmp_path) as demo, visiting(browser, demo.box) as tab:
        await tab.open()
        line = "/generate prompt:Write an email apologizing to Sarah max_new_tokens:200 temperature:1 seed:1"
        first = await tab.ask(line)
        await expect(first.locator("pre")).to_be_visible()
        begun = await first.locator("pre").inner_text()
        second = await tab.ask(line)
        await expect(second).to_contain_text("You are 1st in line.")
        await expect(first.locator("pre")).not_to_have_text(begun)
        await expect(first.locator("pre")).to_contain_text(begun.split()[0])
        await first.get_by_role("button", name="Stop").click()
        await expect(first).to_contain_text("stopped", ignore_case=True)
        await expect(second.locator("pre")).to_be_visible()
        await second.get_by_role("button", name="Stop").click()
        await expect(second).to_contain_text("stopped", ignore_case=True)
        assert not demo.failures
