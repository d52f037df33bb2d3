"""What members do with messages: copy them, have an app look at them, enlarge their pictures."""

from __future__ import annotations

import io

import discord
import pytest
from discord import app_commands
from PIL import Image
from playwright.async_api import expect

from sandbox import Sandbox
from tests.page.browser import Tab
from tests.page.client import ShowBot
from tests.page.conftest import OpenTab

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLIPBOARD = ["clipboard-read", "clipboard-write"]
PASTED = "navigator.clipboard.readText()"


async def test_text_is_copied(bot: ShowBot, open_tab: OpenTab) -> None:
    tab = await open_tab(permissions=CLIPBOARD)
    bot.show(
        "**bold** and ```ansi\n\x1b[31mred\x1b[0m\n```",
        embed=discord.Embed(title="A title").add_field(name="a", value="b"),
    )
    message = await tab.ask("/show")
    bar = message.locator(".actions")
    await expect(bar).to_have_css("opacity", "0")
    await message.hover()
    await expect(bar).to_have_css("opacity", "1")
    await bar.get_by_role("button", name="Copy text").click()
    await expect(bar.get_by_role("button", name="Copied")).to_be_visible()
    assert await tab.page.evaluate(PASTED) == "**bold** and ```ansi\nred\n```\nA title\na: b"
    # The keyboard reaches it, too.
    await tab.page.mouse.move(0, 0)
    await tab.line.focus()
    await expect(bar).to_have_css("opacity", "0")
    await tab.page.keyboard.press("Shift+Tab")
    await tab.page.keyboard.press("Shift+Tab")
    await expect(bar).to_have_css("opacity", "1")


async def test_the_actions_stay_in_sight_in_a_long_message(tab: Tab, bot: ShowBot) -> None:
    bot.show("\n".join(f"line {number}" for number in range(100)))
    message = await tab.ask("/show")
    copy = message.get_by_role("button", name="Copy text")
    await expect(message.locator(".head")).not_to_be_in_viewport()
    await tab.page.mouse.move(600, 600)
    await expect(message.locator(".actions")).to_have_css("opacity", "1")
    await expect(copy).to_be_in_viewport(ratio=1)
    await copy.click(trial=True)


async def test_a_touch_screen_shows_the_actions(bot: ShowBot, open_tab: OpenTab) -> None:
    tab = await open_tab(viewport={"width": 390, "height": 700}, has_touch=True, is_mobile=True)
    bot.show("hello")
    message = await tab.ask("/show")
    await expect(message.locator(".actions")).to_have_css("opacity", "1")
    await message.get_by_role("combobox", name="Apps").tap()
    await message.get_by_role("option", name="Quote").tap()
    await expect(tab.last.locator("blockquote")).to_have_text("hello")


async def test_a_command_about_a_message_gets_the_message(tab: Tab, bot: ShowBot, box: Sandbox) -> None:
    seen: list[discord.Message] = []

    async def look(interaction: discord.Interaction, message: discord.Message) -> None:
        seen.append(message)
        await interaction.response.send_message(f"{len(message.content)} characters", ephemeral=True)

    bot.tree.add_command(app_commands.ContextMenu(name="Count characters", callback=look))
    await bot.tree.sync()
    await tab.line.fill("what I write")
    await tab.page.keyboard.press("Enter")
    await expect(tab.last.locator(".content")).to_have_text("what I write")
    await tab.last.hover()
    await tab.last.get_by_role("combobox", name="Apps").click()
    await tab.last.get_by_role("option", name="Count characters").click()
    await expect(tab.last.locator(".content")).to_have_text("12 characters")
    await expect(tab.last.locator(".used")).to_have_text("Student used Count characters")
    (message,) = seen
    assert message.content == "what I write"
    assert message.author.id == box.student.id
    event = box.events("INTERACTION_CREATE")[-1].data
    command = next(one for one in box.world.commands.values() if one.name == "Count characters")
    target = str(message.id)
    assert event["type"] == 2
    assert event["data"] | {"resolved": ...} == {
        "id": str(command.id), "name": "Count characters", "type": 3, "target_id": target, "resolved": ...,
    }  # fmt: skip
    assert list(event["data"]["resolved"]) == ["messages"]
    resolved = event["data"]["resolved"]["messages"][target]
    assert (resolved["content"], resolved["channel_id"]) == ("what I write", event["channel_id"])


async def test_without_such_commands_the_menu_says_so(tab: Tab, bot: ShowBot) -> None:
    for kind, name in (
        (discord.AppCommandType.message, "Quote"),
        (discord.AppCommandType.user, "Who is this"),
    ):
        bot.tree.remove_command(name, type=kind)
    await bot.tree.sync()
    message = await tab.ask("/echo text:hello")
    await message.get_by_role("combobox", name="Apps").click()
    await expect(message.get_by_role("option")).to_have_text("No commands for this")
    await message.get_by_role("option").click()
    await expect(message.get_by_role("option")).to_have_count(0)


# --- pictures


def picture(width: int, height: int) -> discord.File:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "png")
    return discord.File(io.BytesIO(buffer.getvalue()), "map.png", description="A map of words")


@pytest.mark.parametrize("width", [1280, 390])
async def test_a_picture_is_enlarged(bot: ShowBot, open_tab: OpenTab, width: int) -> None:
    tab = await open_tab(viewport={"width": width, "height": 700})
    bot.show(file=picture(1600, 900))
    message = await tab.ask("/show")
    small = message.get_by_role("button", name="A map of words")
    large = tab.page.locator("#lightbox")
    await small.click()
    shown = large.get_by_role("img", name="A map of words")
    await expect(shown).to_be_visible()
    await expect(shown).to_have_js_property("naturalWidth", 1600)
    before, after = await small.bounding_box(), await shown.bounding_box()
    assert before is not None
    assert after is not None
    assert before["width"] <= after["width"] <= width
    assert after["x"] >= 0
    assert after["y"] + after["height"] <= 700
    assert not await tab.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    await expect(large.get_by_role("button", name="Close")).to_be_focused()
    await tab.page.keyboard.press("Escape")
    await expect(large).to_be_hidden()
    await expect(small).to_be_focused()
    # With the keyboard alone, and out again by pressing beside it.
    await tab.page.keyboard.press("Enter")
    await expect(shown).to_be_visible()
    await tab.page.mouse.click(3, 3)
    await expect(large).to_be_hidden()
    # What opened it may have gone meanwhile.
    await small.click()
    await expect(shown).to_be_visible()
    tab.box.world.delete_message(next(reversed(tab.box.world.messages.values())))
    await expect(message).to_have_count(0)
    await large.get_by_role("button", name="Close").click()
    await expect(tab.line).to_be_focused()


async def test_pictures_from_elsewhere_are_links(tab: Tab, bot: ShowBot) -> None:
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    embed = discord.Embed(title="elsewhere").set_image(url="https://example.com/a.png")
    bot.show("look: https://example.com/c.png", embed=embed.set_thumbnail(url="https://example.com/b.png"))
    message = await tab.ask("/show")
    await expect(message.locator("img")).to_have_count(0)
    await expect(message.get_by_role("link", name="picture: https://example.com/a.png")).to_have_attribute(
        "href", "https://example.com/a.png"
    )
    await expect(message.get_by_role("link", name="thumbnail: https://example.com/b.png")).to_have_attribute(
        "rel", "noopener noreferrer nofollow"
    )
    await tab.page.reload()
    await expect(tab.last.locator("a")).to_have_count(3)
    assert all(url.startswith(tab.box.url) for url in asked)


async def test_the_policy_allows_nothing_from_elsewhere(tab: Tab) -> None:
    answer = await tab.page.request.get(tab.box.url)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "img-src 'self';" in policy
    assert "http" not in policy
