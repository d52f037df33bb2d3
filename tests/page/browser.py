"""Chromium for the tests of the page. What goes wrong in it fails the test in which it went wrong."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Browser, ConsoleMessage, Error, Locator, Page, async_playwright, expect

from sandbox import Member, Sandbox
from tests import chromium as chromiums

PATIENCE = 10_000
"""Milliseconds to wait for something expected; only failing tests take that long."""
TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
    console.error(`Content-Security-Policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""
OVERFLOWING = """() => [...document.querySelectorAll("body *")]
    .filter((one) => one.checkVisibility() && !one.closest("pre, .skip, [aria-hidden=true]"))
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5 || one.getBoundingClientRect().left < -0.5)
    .map((one) => one.outerHTML.slice(0, 120))"""
"""What reaches out of the window on either side, in a page that is asked so."""

expect.set_options(timeout=PATIENCE)


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Skips the test if there is no browser that starts."""
    async with async_playwright() as play:
        path = chromiums.path(play.chromium)
        if path is None:
            pytest.skip(chromiums.MISSING)
        try:
            browser = await play.chromium.launch(executable_path=path, args=chromiums.FLAGS)
        except Error:
            if path != play.chromium.executable_path:
                raise
            pytest.skip(chromiums.LIBRARIES)
        yield browser
        await browser.close()


@dataclass
class Tab:
    """One member's open page, and their hands."""

    page: Page
    box: Sandbox
    troubles: list[str] = field(default_factory=list)
    """Uncaught errors, and what the console calls an error or a warning."""
    forgiven: str = ""
    """A regular expression for troubles that the test itself makes."""

    async def open(self) -> None:
        await self.page.goto(self.box.url)
        await expect(self.page.locator("#presence")).to_contain_text("online")

    # --- what there is

    @property
    def line(self) -> Locator:
        return self.page.locator("#line")

    @property
    def messages(self) -> Locator:
        return self.page.locator("#feed > li")

    @property
    def last(self) -> Locator:
        return self.messages.last

    @property
    def listed(self) -> Locator:
        """What the open list over the message box offers."""
        return self.page.locator("#composer [role=option]")

    @property
    def info(self) -> Locator:
        """What is said about the command or the option that is being filled in."""
        return self.page.locator("#composer .info")

    @property
    def refusal(self) -> Locator:
        """Why the message box does not send."""
        return self.page.locator("#composer > [role=alert]")

    @property
    def modal(self) -> Locator:
        return self.page.get_by_role("dialog")

    def option(self, name: str) -> Locator:
        """The field of a command's option."""
        return self.page.locator(f"#composer [data-option='{name}']")

    def button(self, label: str) -> Locator:
        """A button in a message."""
        return self.messages.get_by_role("button", name=label, exact=True)

    # --- hands

    async def begin(self, command: str) -> None:
        """Type a command until its fields are there."""
        await self.line.fill(f"/{command} ")
        await expect(self.page.locator("#composer .pill")).to_have_text(f"/{command}")

    async def send(self, line: str) -> None:
        """Type a line and send it; the last value, if any, ends with the line."""
        await self.line.fill(f"{line} ")
        await self.page.locator(".send").click()
        await expect(self.line).to_be_visible()

    async def ask(self, line: str) -> Locator:
        """Send a line and wait for a message of the bot's; returns that message."""
        before = await self.messages.count()
        await self.send(line)
        message = self.messages.nth(before)
        await expect(message.locator(".name")).to_be_visible()
        return message

    def failures(self) -> list[str]:
        return [one for one in self.troubles if not (self.forgiven and re.search(self.forgiven, one))]


@contextlib.asynccontextmanager
async def visiting(
    browser: Browser, box: Sandbox, member: Member | None = None, **options: Any
) -> AsyncIterator[Tab]:
    """A separate context; `options` are Playwright's. Fails at the end if there were errors."""
    context = await browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    await context.add_init_script(TELL_VIOLATIONS)
    if member is not None:
        known = json.dumps(str(member.id))
        await context.add_init_script(
            f'sessionStorage.getItem("member") ?? sessionStorage.setItem("member", {known})'
        )
    page = await context.new_page()
    tab = Tab(page, box)

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            tab.troubles.append(f"{message.type}: {message.text}")

    page.on("console", heard)
    page.on("pageerror", lambda error: tab.troubles.append(f"uncaught: {error}"))
    page.on("crash", lambda _: tab.troubles.append("the page crashed"))
    try:
        yield tab
    finally:
        await context.close()
    if failures := tab.failures():
        raise AssertionError("\n".join(failures))
