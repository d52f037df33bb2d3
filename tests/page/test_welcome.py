"""What the page opens with."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from sandbox.page import Page
from sandbox.welcome import Example, Welcome
from tests.page.browser import OVERFLOWING, Tab
from tests.page.client import HOSTILE, ShowBot
from tests.page.conftest import OpenTab

pytestmark = pytest.mark.asyncio(loop_scope="session")

GIVEN = Welcome(
    f"A bot that shows things.\nNothing leaves this machine {HOSTILE}.",
    (
        Example("What does it say?", "/echo text:hello there times:2"),
        Example("Not registered", "/tokens text:x"),
        Example("Only a group", "/likes"),
        Example("No command", "hello"),
        Example("Not for students", "/manage"),
        Example("Of a group", "/likes add song:one"),
    ),
)


async def test_examples_run_when_they_are_clicked(tab: Tab, served: Page) -> None:
    examples = tab.page.locator("#welcome .examples button")
    served.greet(GIVEN)
    await expect(examples.locator("b")).to_have_text(["What does it say?", "Of a group"])
    await expect(tab.page.locator("#welcome p")).to_have_text(GIVEN.text.split("\n"))
    await examples.first.click()
    await expect(tab.last.locator(".content")).to_have_text("hello there hello there")
    await expect(tab.last.locator(".used")).to_have_text("Student used /echo")
    await examples.last.focus()
    await tab.page.keyboard.press("Enter")
    await expect(tab.last.locator(".content")).to_have_text("liked one")


async def test_an_example_that_waits_for_its_model_keeps_its_place(
    served: Page, bot: ShowBot, tab: Tab
) -> None:
    assert bot.is_ready()
    line = "/echo text:hello"
    served.greet(Welcome("It shows.", (Example("First?", line, ready=False), Example("Second?", line))))
    first = tab.page.locator("#welcome .examples button").first
    await expect(first).to_be_disabled()
    await expect(first).to_have_text("First?Loading …")
    served.greet(Welcome("It shows.", (Example("First?", line), Example("Second?", line))))
    await expect(first).to_have_text(f"First?{line}")
    await first.click()
    await expect(tab.last.locator(".content")).to_have_text("hello")


async def test_the_welcome_follows_who_one_is_and_what_there_is(tab: Tab, served: Page, bot: ShowBot) -> None:
    served.greet(GIVEN)
    questions = tab.page.locator("#welcome .examples b")
    await expect(questions).to_have_count(2)
    await tab.page.select_option("#member", label="Admin")
    await expect(questions).to_have_text(["What does it say?", "Not for students", "Of a group"])
    bot.tree.remove_command("echo")
    await bot.tree.sync()
    await expect(questions).to_have_text(["Not for students", "Of a group"])
    await tab.page.get_by_role("button", name="Direct messages").click()
    await expect(tab.page.locator("#welcome h1")).to_have_text("Direct messages with Sandboxed Bot")
    await expect(questions.last).to_have_text("Of a group")


async def test_without_one_the_bots_own_commands_are_the_welcome(tab: Tab) -> None:
    await expect(tab.page.locator("#welcome p")).to_contain_text("Sandboxed Bot has 18 commands.")
    examples = tab.page.locator("#welcome .examples button")
    await expect(examples).to_have_count(6)
    await examples.filter(has_text="/echo").click()
    await expect(tab.option("text")).to_be_focused()


async def test_a_welcome_fits_a_narrow_window(served: Page, bot: ShowBot, open_tab: OpenTab) -> None:
    assert bot.is_ready()
    served.greet(Welcome("long" * 100, (Example("question" * 20, "/echo text:" + "long" * 100),)))
    tab = await open_tab(viewport={"width": 390, "height": 700})
    await expect(tab.page.locator("#welcome .examples button")).to_be_visible()
    assert await tab.page.evaluate(OVERFLOWING) == []


async def test_a_refused_example_says_why(tab: Tab, served: Page, bot: ShowBot) -> None:
    served.greet(GIVEN)
    first = tab.page.locator("#welcome .examples button").first
    await expect(first).to_be_visible()
    served.box.world.commands.clear()
    await first.click()
    await expect(tab.page.locator("#lost")).to_contain_text("echo")
    assert bot.is_ready()
