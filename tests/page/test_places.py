"""Members write plain messages on the page, go to other channels, and read what the sandbox lacks."""

from __future__ import annotations

import aiohttp
import pytest
from playwright.async_api import expect

from sandbox import Sandbox
from tests.page.browser import Tab
from tests.page.client import ShowBot
from tests.page.conftest import OpenTab

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_a_member_writes_is_there_for_everybody(tab: Tab, open_tab: OpenTab) -> None:
    await tab.page.locator("#line").fill("hello <b>there</b>")
    await tab.page.keyboard.press("Enter")
    message = tab.page.locator("#feed li", has_text="hello <b>there</b>")
    await expect(message).to_contain_text("Student")
    await expect(tab.page.locator("#line")).to_have_value("")
    other = await open_tab()
    await expect(other.page.locator("#feed li", has_text="hello")).to_be_visible()


async def test_one_channel_needs_no_choice(tab: Tab) -> None:
    await expect(tab.page.locator("#elsewhere")).to_be_hidden()


async def test_other_channels_are_a_choice_away(tab: Tab, bot: ShowBot, box: Sandbox) -> None:
    lounge = box.add_channel("lounge")
    other = box.add_guild("Elsewhere")
    where = tab.page.locator("#where")
    await expect(where.locator("option")).to_have_text(
        ["Sandbox › #general", "Sandbox › #lounge", "Elsewhere › #general"]
    )
    await where.select_option(str(lounge.id))
    await expect(tab.page.locator("#welcome h1")).to_have_text("Welcome to #lounge")
    await tab.page.locator("#line").fill("only here")
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.locator("#feed li", has_text="only here")).to_be_visible()
    await where.select_option(str(other.channels[0].id))
    await expect(tab.page.locator("#feed li", has_text="only here")).to_have_count(0)
    bot.show("over there")
    await tab.ask("/show")
    assert box.events("INTERACTION_CREATE")[-1].data["guild_id"] == str(other.id)


async def test_what_the_sandbox_lacks_is_on_the_page(tab: Tab, box: Sandbox) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {box.token}"}) as http:
        for _ in range(2):
            async with http.put(f"{box.api_url}/channels/1/pins/2") as answer:
                assert answer.status == 404
    lines = tab.page.locator("#lacking span")
    await expect(lines).to_have_text(["The sandbox lacks PUT /channels/1/pins/2. On Discord this may work."])
