"""The page in Chromium, over a stock bot. One browser and one event loop serve all tests; each has its own context."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from sandbox import Limits, Member, Sandbox
from sandbox.page import Page
from tests.page.browser import Tab, chromium, visiting
from tests.page.client import ShowBot
from tests.sandbox import openapi
from tests.sandbox.client import running

OpenTab = Callable[..., Awaitable[Tab]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def served() -> AsyncIterator[Page]:
    """The page's server, without rate limits; whatever a bot sent is held against Discord's description at the end."""
    page = Page(Sandbox(limits=Limits.without_rates()))
    async with page.box:
        yield page
    openapi.check(page.box.log)


@pytest.fixture
def box(served: Page) -> Sandbox:
    return served.box


@pytest_asyncio.fixture(loop_scope="session")
async def bot(box: Sandbox) -> AsyncIterator[ShowBot]:
    async with running(box, ShowBot()) as bot:
        assert isinstance(bot, ShowBot)
        yield bot


@pytest_asyncio.fixture(loop_scope="session")
async def open_tab(browser: Browser, box: Sandbox) -> AsyncIterator[OpenTab]:
    """A function that opens the page, by default as the student; options are those of Playwright's contexts."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_tab(member: Member | None = None, *, box: Sandbox = box, **options: Any) -> Tab:
            tab = await stack.enter_async_context(visiting(browser, box, member, **options))
            await tab.open()
            return tab

        yield open_tab


@pytest_asyncio.fixture(loop_scope="session")
async def tab(bot: ShowBot, open_tab: OpenTab) -> Tab:
    """The student's page, with the bot online."""
    assert bot.is_ready()
    return await open_tab()
