"""What stands around the messages: places, members, themes, the wire, and what happens when something goes away."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import NoReturn

import pytest
from aiohttp import web
from playwright.async_api import Browser, expect

from sandbox import Limits, Sandbox
from sandbox.page import Page
from tests.page.browser import OVERFLOWING, Tab, visiting
from tests.page.client import ShowBot
from tests.page.conftest import OpenTab
from tests.page.test_components import Wall
from tests.sandbox.client import running

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONTRASTS = """(pairs) => {
    const rgb = (text) => {
        const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
        canvas.fillStyle = text;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = (colour) => {
        const [r, g, b] = colour.slice(0, 3).map((one) => one / 255).map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const colour = rgb(getComputedStyle(one).backgroundColor);
            if (colour[3] === 255) return colour;
        }
        throw new Error("no ground");
    };
    return pairs.map((selector) => {
        const [plain, pseudo] = selector.split("::");
        const element = document.querySelector(plain);
        if (!element) return [selector, 0];
        const [one, other] = [luminance(rgb(getComputedStyle(element, pseudo && `::${pseudo}`).color)), luminance(ground(element))].sort((a, b) => b - a);
        return [selector, (one + 0.05) / (other + 0.05)];
    });
}"""


async def test_what_the_policy_forbids_does_not_happen_and_fails_the_test(
    browser: Browser, box: Sandbox
) -> None:
    async def visit(script: str) -> None:
        async with visiting(browser, box) as tab:
            await tab.page.goto(box.url)
            await tab.page.evaluate(script)
            await tab.page.evaluate("new Promise((resolve) => setTimeout(resolve))")
            assert not await tab.page.evaluate("'ran' in window")

    inline = """() => {
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.body.append(script);
    }"""
    with pytest.raises(AssertionError, match="Content-Security-Policy: script-src-elem inline"):
        await visit(inline)
    with pytest.raises(AssertionError, match="uncaught: odd"):
        await visit("() => { setTimeout(() => { throw new Error('odd'); }); }")
    await visit("() => {}")


# --- colours and widths


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_can_be_read(bot: ShowBot, open_tab: OpenTab, scheme: str) -> None:
    tab = await open_tab(color_scheme=scheme)
    await expect(tab.page.locator("html")).to_have_attribute("data-theme", scheme)
    colours = "".join(
        f"\x1b[{number}m{number}\x1b[0m \x1b[{number + 10}mon {number}\x1b[0m " for number in range(30, 38)
    )
    bot.show(
        f"text `code` <@{tab.box.student.id}> [link](https://example.com)\n-# small\n```ansi\n{colours}```",
        view=Wall(),
    )
    await tab.ask("/show")
    await tab.ask("/picture")
    await tab.ask("/song title:x")
    members = await tab.page.evaluate(CONTRASTS, ["#members h3", "#members .name", "#members small"])
    await tab.page.locator("#watch").click()
    await expect(tab.page.locator("#wire .interaction .note").first).to_be_visible()
    await tab.line.fill("/")
    selectors = [
        "#line::placeholder", "#presence", ".who", "#theme", "#servers button", "#servers [aria-current]", "#server", "#channels h3",
        "#channels button", "#channels [aria-current]", "#sign", "#welcome h1", "#welcome p", ".examples b", ".examples code",
        ".actions button",
        ".used", ".command", ".name", ".tag", ".head time", ".content p", ".content code", ".content .mention",
        ".content a", ".subtext", ".embed .title", ".embed .description", ".embed dt", ".embed dd", ".embed footer",
        ".button.primary", ".button.secondary", ".button.danger", ".button.link", ".private", ".private .plain",
        ".picker .label", ".picker .detail", ".picker .active .label", ".picker .active .detail", ".send", ".avatar",
        ".entries .what", ".entries .note", ".entries time", ".entries .interaction .what", ".hint", ".file a", ".file small",
        *(f".sgr{number}" for number in range(30, 38)), *(f".sgr{number}" for number in range(40, 48)),
    ]  # fmt: skip
    found = await tab.page.evaluate(CONTRASTS, selectors)
    assert [(selector, round(ratio, 2)) for selector, ratio in found + members if ratio < 4.5] == []


async def test_the_theme_is_chosen_and_kept(tab: Tab) -> None:
    await expect(tab.page.locator("html")).to_have_attribute("data-theme", "light")
    await tab.page.get_by_role("button", name="Change to dark colours").click()
    await expect(tab.page.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(tab.page.locator("body")).to_have_css("background-color", "rgb(49, 51, 56)")
    await tab.page.reload()
    await expect(tab.page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_nothing_is_cut_off_in_a_narrow_window(bot: ShowBot, open_tab: OpenTab) -> None:
    tab = await open_tab(viewport={"width": 360, "height": 640}, has_touch=True)
    bot.show(f"{'long' * 100} [x](https://example.com/{'y' * 300})\n```\n{'code ' * 100}\n```", view=Wall())
    await tab.ask("/show")
    await tab.ask("/picture")
    await tab.ask("/choose")
    await tab.ask("/odd")
    assert await tab.page.evaluate(OVERFLOWING) == []
    for control in ("#menu", "#roster", "#watch", ".send"):
        await tab.page.locator(control).click(trial=True)
    # The list of commands, a command with all its fields, the menus of a message, a modal, the wire.
    await tab.line.fill("/")
    await expect(tab.listed.first).to_be_visible()
    assert await tab.page.evaluate(OVERFLOWING) == []
    await tab.line.fill("/paint colour:red share:0.5 level:low")
    await tab.page.keyboard.type(" ")
    await expect(tab.option("share")).to_be_visible()
    assert await tab.page.evaluate(OVERFLOWING) == []
    await tab.page.locator(".send").click()
    await expect(tab.last.locator(".content")).to_contain_text("red 0.5 1")
    await tab.messages.nth(2).locator("[data-component=people]").click()
    assert await tab.page.evaluate(OVERFLOWING) == []
    await tab.page.keyboard.press("Escape")
    await tab.last.get_by_role("combobox", name="Apps").click()
    await expect(tab.last.get_by_role("option").first).to_be_visible()
    assert await tab.page.evaluate(OVERFLOWING) == []
    await tab.page.keyboard.press("Escape")
    await tab.send("/form")
    await expect(tab.modal).to_be_visible()
    assert await tab.page.evaluate(OVERFLOWING) == []
    await tab.page.keyboard.press("Escape")
    await tab.page.locator("#watch").click()
    await expect(tab.page.locator("#wire li").first).to_be_visible()
    assert await tab.page.evaluate(OVERFLOWING) == []
    widths = await tab.page.locator("#wire li:not(.beat) .what").evaluate_all(
        "(all) => all.map((one) => one.offsetWidth)"
    )
    assert min(widths) > 180
    await tab.page.locator("#wire").get_by_role("button", name="Close").click()
    await expect(tab.page.locator("#wire")).not_to_be_visible()


# --- the keyboard alone


async def test_everything_with_the_keyboard(tab: Tab) -> None:
    keys = tab.page.keyboard
    await expect(tab.line).to_be_focused()
    await keys.type("/sea")
    await expect(tab.listed.first).to_have_class("active")
    await keys.press("Enter")
    await expect(tab.option("text")).to_be_focused()
    await keys.type("met")
    await expect(tab.listed.locator(".label")).to_have_text(["met 1", "met 2"])
    await keys.press("ArrowDown")
    await expect(tab.option("text")).to_have_attribute(
        "aria-activedescendant", await tab.listed.last.get_attribute("id") or ""
    )
    await keys.press("Tab")
    await expect(tab.option("text")).to_have_value("met 2")
    await keys.press("Enter")
    await expect(tab.last.locator(".content")).to_have_text("found met2 in None")
    await expect(tab.line).to_be_focused()
    # Back to an answer's button, and out of the modal that it opens.
    await keys.type("/choose ")
    await keys.press("Enter")
    await expect(tab.button("🔒 Private")).to_be_visible()
    for _ in range(12):
        if await tab.button("🔒 Private").evaluate("(button) => button === document.activeElement"):
            break
        await keys.press("Shift+Tab")
    await expect(tab.button("🔒 Private")).to_be_focused()
    await keys.press("Enter")
    await expect(tab.last.locator(".content")).to_have_text("for you alone")
    await keys.press("/")
    await keys.type("form ")
    await keys.press("Enter")
    await expect(tab.modal.get_by_label("Your name")).to_be_focused()
    await keys.press("Escape")
    await expect(tab.modal).not_to_be_visible()
    await expect(tab.line).to_be_focused()
    # One step at a time out of a command that is half filled in.
    await keys.type("/echo ")
    await expect(tab.option("text")).to_be_focused()
    await keys.type("hello")
    await keys.press("Escape")
    await expect(tab.line).to_have_value("/echo")
    await keys.press("Escape")
    await expect(tab.listed).to_have_count(0)


# --- the wire


async def test_the_wire_shows_what_goes_on(tab: Tab, served: Page) -> None:
    panel = tab.page.locator("#wire")
    await expect(panel).not_to_be_visible()
    await expect(tab.page.locator("#watch")).to_have_attribute("aria-expanded", "false")
    await tab.ask("/echo text:hello")
    await tab.page.locator("#watch").click()
    # What went before is there as well.
    event = panel.locator("li.gateway", has_text="INTERACTION_CREATE")
    await expect(event.locator(".arrow")).to_have_text("→")
    call = panel.locator("li.rest", has_text="callback")
    await expect(call.locator(".what")).to_contain_text("POST /interactions/")
    await expect(call.locator(".note")).to_contain_text("200 · ")
    await expect(call.locator("time")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d\.\d{3}$"))
    told = panel.locator("li.interaction .note")
    await expect(told.last).to_have_text(re.compile(r"^acknowledged after [\d.]+ ms with a message$"))
    await call.locator("summary").click()
    await expect(call.locator("pre")).to_contain_text('"content": "hello"')
    # New entries come by themselves; a rate limit is told with how long it lasts.
    tab.box.fail("POST", "/callback", 429, retry_after=0.01)
    await tab.ask("/echo text:again")
    limited = panel.locator("li.bad", has_text="429")
    await expect(limited.locator(".note")).to_contain_text("rate limit: again in 0.01 s")
    await panel.get_by_label("Show").select_option("limits")
    await expect(limited).to_be_visible()
    await expect(call.first).not_to_be_visible()
    await panel.get_by_role("button", name="Clear").click()
    await expect(panel.locator("li")).to_have_count(0)
    await panel.get_by_label("Show").select_option("all")
    # It continues after the connection was lost.
    await cut(served)
    await expect(panel.locator("li.rest", has_text="callback")).to_have_count(3)
    await tab.ask("/echo text:third")
    await expect(panel.locator("li.rest", has_text="callback")).to_have_count(4)
    await panel.locator("select").focus()
    await tab.page.keyboard.press("Escape")
    await expect(panel).not_to_be_visible()
    await expect(tab.page.locator("#watch")).to_be_focused()


async def cut(served: Page) -> None:
    """Close the sockets of all pages, as a network does."""
    for visit in tuple(served._visits):
        await visit.socket.close()


# --- what goes away and comes back


async def test_a_reload_shows_the_same_again(tab: Tab) -> None:
    await tab.ask("/picture")
    await tab.send("/stream")
    await expect(tab.last).to_contain_text("is thinking…")
    await tab.page.select_option("#member", label="Admin")
    await expect(tab.messages).to_have_count(2)
    await tab.page.reload()
    await expect(tab.page.locator("#member")).to_have_value(str(tab.box.admin.id))
    await expect(tab.messages).to_have_count(2)
    await expect(tab.messages.first.locator(".title")).to_have_text("A map")
    await expect(tab.last).to_contain_text("is thinking…")


async def test_a_page_that_is_cut_off_goes_on(tab: Tab, bot: ShowBot, served: Page) -> None:
    wall = Wall()
    bot.show("a wall", view=wall)
    await tab.ask("/show")
    await tab.button("Slow").click()
    await expect(tab.button("Slow")).to_have_attribute("aria-busy", "true")
    await tab.send("/form")
    await tab.modal.get_by_label("Your name").fill("Ada")
    with held(served):
        await cut(served)
        await expect(tab.page.locator("#lost")).to_have_text("The sandbox does not respond. Reconnecting…")
        # What the page was not told meanwhile it is told afterwards.
        wall.gate.set()
        await tab.box.until(
            lambda box: "pressed 1" in str([one.content for one in box.world.messages.values()])
        )
    await expect(tab.page.locator("#lost")).not_to_be_visible()
    await expect(tab.messages.first.locator(".content")).to_contain_text("pressed 1")
    await expect(tab.button("Slow")).to_have_attribute("aria-busy", "false")
    # A modal that was open is still open, and can be sent.
    await tab.modal.get_by_role("button", name="Submit").click()
    await expect(tab.last.locator(".content")).to_contain_text("thank you, Ada")
    await expect(tab.modal).not_to_be_visible()


@contextlib.contextmanager
def held(served: Page) -> Iterator[None]:
    """Meanwhile no page can connect."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(served, "_member_and_channel", refused)
        yield


def refused(_: object) -> NoReturn:
    raise web.HTTPServiceUnavailable


async def test_the_sandbox_goes_and_another_comes(open_tab: OpenTab) -> None:
    first = Sandbox(limits=Limits.without_rates())
    Page(first)
    async with first, running(first, ShowBot()):
        tab = await open_tab(box=first)
        tab.forgiven = "WebSocket connection to|ERR_CONNECTION_REFUSED"
        await tab.ask("/echo text:old")
    lost = tab.page.locator("#lost")
    await expect(tab.messages).to_have_count(1)
    await expect(lost).to_have_text("The sandbox does not respond. Reconnecting…")
    await tab.line.fill("/likes list ")
    await tab.page.locator(".send").click()
    await expect(tab.refusal).to_contain_text("not connected")
    second = Sandbox(first.port, limits=Limits.without_rates())
    Page(second)
    async with second:
        await tab.page.evaluate("dispatchEvent(new Event('focus'))")
        await expect(tab.page.locator("#presence")).to_contain_text("offline")
        await expect(lost).not_to_be_visible()
        await expect(tab.messages).to_have_count(0)
        await expect(tab.page.locator("#welcome")).to_contain_text(second.api_url)
        async with running(second, ShowBot()):
            await expect(tab.page.locator("#presence")).to_contain_text("online")
            await tab.line.fill("/likes list ")
            await tab.page.locator(".send").click()
            await expect(tab.last.locator(".content")).to_have_text("none")


async def test_a_bot_goes_and_comes_back(served: Page, open_tab: OpenTab) -> None:
    box = served.box
    async with running(box, ShowBot()):
        tab = await open_tab()
        await expect(tab.page.locator("#presence")).to_have_text("● Sandboxed Bot is online")
        await tab.ask("/count")
    await expect(tab.page.locator("#presence")).to_have_text("○ Sandboxed Bot is offline")
    await expect(tab.page.locator("#welcome")).to_contain_text(box.gateway_url)
    async with running(box, ShowBot()):
        await expect(tab.page.locator("#presence")).to_have_text("● Sandboxed Bot is online")
        await tab.button("Count 0").click()
        await expect(tab.button("Count 1")).to_be_visible()


@pytest.mark.usefixtures("bot")
async def test_earlier_messages_and_the_newest(box: Sandbox, open_tab: OpenTab) -> None:
    def say(text: str) -> None:
        box.world.announce("message.create", box.world.create_message(box.channel, {"content": text}, {}))

    for number in range(130):
        say(f"message {number}")
    tab = await open_tab()
    await expect(tab.messages).to_have_count(100)
    await expect(tab.last).to_be_in_viewport()
    earlier = tab.page.get_by_role("button", name="Show earlier messages")
    await earlier.click()
    await expect(tab.messages).to_have_count(130)
    await expect(tab.messages.first).to_contain_text("message 0")
    # A reader further up stays there.
    await expect(tab.messages.nth(30)).to_be_in_viewport()
    await expect(earlier).not_to_be_visible()
    say("something new")
    await expect(tab.messages).to_have_count(131)
    await expect(tab.last).not_to_be_in_viewport()
    await tab.page.get_by_role("button", name="Newest messages").click()
    await expect(tab.last).to_be_in_viewport()
    say("the newest")
    await expect(tab.last).to_contain_text("the newest")
    await expect(tab.last).to_be_in_viewport()
