"""Members write plain messages on the page, go to other places, see who is there, and read what the sandbox lacks."""

from __future__ import annotations

import aiohttp
import pytest
from playwright.async_api import expect

from sandbox import Sandbox
from sandbox.page import Page
from tests.page.browser import OVERFLOWING, Tab
from tests.page.client import ShowBot
from tests.page.conftest import OpenTab
from tests.sandbox.client import running

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_a_member_writes_is_there_for_everybody(tab: Tab, open_tab: OpenTab) -> None:
    await tab.page.locator("#line").fill("hello <b>there</b>")
    await tab.page.keyboard.press("Enter")
    message = tab.page.locator("#feed li", has_text="hello <b>there</b>")
    await expect(message).to_contain_text("Student")
    await expect(tab.page.locator("#line")).to_have_value("")
    other = await open_tab()
    await expect(other.page.locator("#feed li", has_text="hello")).to_be_visible()


# --- servers and channels


async def test_other_channels_and_servers_are_on_the_left(tab: Tab, bot: ShowBot, box: Sandbox) -> None:
    servers, channels = tab.page.locator("#servers button"), tab.page.locator("#channels button")
    await expect(servers).to_have_count(2)
    await expect(channels).to_have_text(["#general"])
    box.add_channel("lounge")
    other = box.add_guild("Study Group")
    await expect(channels).to_have_text(["#general", "#lounge"])
    await expect(servers).to_have_text(["", "S", "SG"])
    await channels.last.click()
    await expect(channels.last).to_have_attribute("aria-current", "page")
    await expect(tab.page.locator("#welcome h1")).to_have_text("Welcome to #lounge")
    await tab.page.locator("#line").fill("only here")
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.locator("#feed li", has_text="only here")).to_be_visible()
    await tab.page.get_by_role("button", name="Study Group").click()
    await expect(tab.page.locator("#server")).to_have_text("Study Group")
    await expect(channels).to_have_text(["#general"])
    await expect(tab.page.locator("#feed li", has_text="only here")).to_have_count(0)
    bot.show("over there")
    await tab.ask("/show")
    assert box.events("INTERACTION_CREATE")[-1].data["guild_id"] == str(other.id)
    await tab.page.get_by_role("button", name="Direct messages").click()
    await expect(channels).to_have_text([f"@{box.bot.name}"])
    # The direct messages belong to no server, and one comes back to where one was.
    await tab.page.get_by_role("button", name="Study Group").click()
    await expect(tab.page.locator("#feed li", has_text="over there")).to_be_visible()


async def test_members_are_on_the_right(served: Page, open_tab: OpenTab) -> None:
    box = served.box
    async with running(box, ShowBot()):
        tab = await open_tab()
        online = tab.page.get_by_role("list", name="Online").get_by_role("listitem")
        await expect(online.locator(".name")).to_have_text(["Admin", "Sandboxed Bot", "Student"])
        await expect(online.filter(has_text="APP").locator(".name")).to_have_text("Sandboxed Bot")
        await expect(online.filter(has_text="you").locator(".name")).to_have_text("Student")
        box.add_member("Ada")
        await expect(online).to_have_count(4)
    await expect(tab.page.get_by_role("list", name="Offline").locator(".name")).to_have_text("Sandboxed Bot")
    roster = tab.page.get_by_role("button", name="Members")
    await expect(roster).to_have_attribute("aria-expanded", "true")
    await roster.click()
    await expect(tab.page.locator("#members")).to_be_hidden()
    await tab.page.get_by_role("button", name="Direct messages").click()
    await roster.click()
    await expect(tab.page.locator("#members .name")).to_have_text(["Student", "Sandboxed Bot"])


async def test_a_narrow_window_shows_the_messages_alone(
    bot: ShowBot, open_tab: OpenTab, box: Sandbox
) -> None:
    assert bot.is_ready()
    box.add_channel("lounge")
    tab = await open_tab(viewport={"width": 390, "height": 700})
    places, members = tab.page.locator("#places"), tab.page.locator("#members")
    sideways = "document.documentElement.scrollWidth > innerWidth || document.body.scrollWidth > innerWidth"
    await expect(places).to_be_hidden()
    await expect(members).to_be_hidden()
    assert not await tab.page.evaluate(sideways)
    menu = tab.page.get_by_role("button", name="Servers and channels")
    await menu.click()
    await expect(tab.page.locator("#servers button").first).to_be_focused()
    assert await tab.page.evaluate(OVERFLOWING) == []
    await tab.page.locator("#member").select_option(label="Admin")
    await expect(tab.page.locator("#members small")).to_have_count(1)
    await tab.page.keyboard.press("Escape")
    await expect(places).to_be_hidden()
    await expect(menu).to_be_focused()
    await menu.click()
    await tab.page.get_by_role("button", name="lounge").click()
    await expect(places).to_be_hidden()
    await expect(tab.page.locator("#here")).to_have_text("lounge")
    await tab.page.get_by_role("button", name="Members").click()
    await expect(members).to_contain_text("Adminyou")
    assert await tab.page.evaluate(OVERFLOWING) == []
    # Pressing anywhere else closes what lies over the messages.
    await tab.page.locator("#welcome h1").click(position={"x": 5, "y": 5})
    await expect(members).to_be_hidden()
    # With room for them, both come back by themselves.
    await tab.page.set_viewport_size({"width": 1280, "height": 700})
    await expect(places).to_be_visible()
    await expect(members).to_be_visible()
    await expect(menu).to_be_hidden()


async def test_what_the_sandbox_lacks_is_on_the_page(tab: Tab, box: Sandbox) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {box.token}"}) as http:
        for _ in range(2):
            async with http.put(f"{box.api_url}/channels/1/pins/2") as answer:
                assert answer.status == 404
    lines = tab.page.locator("#lacking span")
    await expect(lines).to_have_text(
        ["The sandbox does not support PUT /channels/1/pins/2. On Discord this may work."]
    )
