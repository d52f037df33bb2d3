"""Tokenwise from a user's perspective: in the sandbox's page, in Chromium."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from playwright.async_api import Locator, expect

from sandbox import Member
from tests.page.browser import Tab, chromium, visiting
from tests.wire.conftest import Live

OpenTab = Callable[..., Awaitable[Tab]]
STILL = re.compile(r"[\d.]+ tokens/s")


@pytest.fixture
async def tab(live: Live) -> AsyncIterator[Tab]:
    """The student's page, with the bot online."""
    async with chromium() as browser, visiting(browser, live.box) as tab:
        await tab.open()
        yield tab


async def characters(message: Locator) -> int:
    """The number of characters in a streamed answer."""
    said = re.search(r"([\d,]+) characters so far", await message.inner_text())
    return int(said[1].replace(",", "")) if said else 0


async def test_a_generation_is_seen_growing_and_stopped(tab: Tab, live: Live) -> None:
    live.pace.hold()
    await tab.send("/generate prompt:engineer is max_new_tokens:60")
    stop = tab.button("Stop")
    await expect(stop).to_be_visible()
    await expect(tab.last).to_contain_text("engineer is")
    await stop.focus()
    live.pace.allow(3)
    await expect(tab.last).to_contain_text("characters so far")
    before = await characters(tab.last)
    live.pace.allow(20)
    await expect(tab.last).not_to_contain_text(re.compile(rf"\b{before} characters so far"))
    assert await characters(tab.last) > before
    await expect(stop).to_be_focused()
    await tab.page.keyboard.press("Enter")
    await expect(tab.last).to_contain_text("stopped", ignore_case=True)
    await expect(stop).to_have_count(0)
    await expect(tab.last.locator("pre")).to_be_visible()
    assert live.pace.calls[0]["prompt"] == "engineer is"


async def test_a_generation_that_ends_by_itself(tab: Tab) -> None:
    await tab.ask("/generate prompt:engineer is max_new_tokens:5")
    await expect(tab.last).to_contain_text(STILL)
    await expect(tab.button("Stop")).to_have_count(0)


async def test_tokens_are_coloured(tab: Tab) -> None:
    await tab.ask("/tokens text:CAPITALIZATION and other stuff")
    await tab.button("Ids and CSV").click()
    message = tab.last
    blocks = message.locator("pre[data-language=ansi]")
    await expect(blocks).to_have_count(1)
    grounds = await blocks.first.locator("span").evaluate_all(
        "(spans) => spans.map((one) => getComputedStyle(one).color + getComputedStyle(one).backgroundColor)"
    )
    assert len(set(grounds)) > 1, "tokens side by side can be told apart"
    await expect(message).not_to_contain_text("\x1b")
    # An invalid number is rejected in its input field.
    await tab.begin("tokens")
    await tab.page.locator(".send").click()
    await expect(tab.refusal).to_have_text("text is required.")


async def test_neighbours_come_with_a_picture(tab: Tab) -> None:
    message = await tab.ask("/similar word:engineer")
    picture = message.locator(".embed img")
    await expect(picture).to_be_visible()
    await expect(picture).to_have_js_property("complete", True)
    width = await picture.evaluate("(image) => image.naturalWidth")
    assert width > 200
    await expect(message).to_contain_text("engineer")


async def test_songs_are_suggested_liked_and_remembered(tab: Tab, live: Live) -> None:
    await tab.begin("recommend")
    await tab.page.locator(".tail").fill("song:")
    await expect(tab.option("song")).to_be_focused()
    await tab.page.keyboard.type("Song Alpah")
    await expect(tab.listed.first).to_contain_text("Song Alpha - Artist 0")
    await tab.page.keyboard.press("Enter")
    await tab.page.keyboard.press("Enter")
    await expect(tab.last).to_contain_text("Goes with Song Alpha")
    first = await tab.last.locator(".section strong").first.inner_text()
    await tab.last.get_by_role("button", name="Like").first.click()
    await expect(tab.last).to_contain_text(f"You now like {first}")
    await expect(tab.last).to_contain_text("Only you can see this")
    # The mention of a command starts it.
    await tab.last.get_by_role("button", name="/likes list").click()
    await tab.page.keyboard.press("Enter")
    await expect(tab.messages).to_have_count(3)
    await expect(tab.last.locator(".embed strong")).to_have_text([first])
    await tab.ask("/recommend")
    await expect(tab.last).to_contain_text(f"Because you liked {first}")
    assert [like.song.title for like in await live.bot.store.likes.list(live.box.student.id)] == [first]


async def test_reloading_models_is_for_admins(tab: Tab, live: Live) -> None:
    await tab.ask("/models reload slot:words")
    await expect(tab.last).to_contain_text("Only the people who run this bot")
    await expect(tab.last).to_contain_text("Only you can see this")
    await become(tab, live.box.admin)
    await tab.ask("/models reload slot:words")
    await expect(tab.last).to_contain_text("Reloaded")
    assert live.hub.status("words")[0].generation >= 2


async def become(tab: Tab, member: Member) -> None:
    await tab.page.select_option("#member", str(member.id))
    # The other member's private messages have disappeared: the entire state was sent again.
    await expect(tab.messages).to_have_count(0)
