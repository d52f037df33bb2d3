"""Every command's answer on a phone and on a desktop: nothing leaves the window, nothing wraps that must not, all can be pressed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from bot.cli.demo import at_full_speed
from tests.page.browser import OVERFLOWING, Tab, visiting
from tests.page.test_demo import Demo, running, small

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("answers"),  # one bot answers all of them, in order
]

WIDTHS = {390: 844, 1280: 800}
SHOTS = os.environ.get("SHOTS", "")
"""A folder for a picture of every answer, to be looked at."""

TEXT = "The engineer reads a book"
COMPARISON = "/tokens text:CAPITALIZATION and other stuff 🎵"
COMMANDS = (
    "/generate prompt:Write an email apologizing to Sarah max_new_tokens:20",
    COMPARISON,
    "/tokens text:CAPITALIZATION tokenizer:tiny-phi",
    "/decode tokenizer:tiny-phi ids:16 28 30",
    "/similar word:music",
    "/similar word:music, song",
    "/similar word:music, song, car",
    "/embed text:I sat on the river bank",
    "/embed text:I sat on the river bank other:I went to the bank",
    f"/next text:{TEXT}",
    f"/surprise text:{TEXT}",
    f"/surprise text:{TEXT} other:a song",
    f"/lens text:{TEXT}",
    f"/attention text:{TEXT}",
    f"/attention text:{TEXT} layer:0",
    f"/paths text:{TEXT}",
    f"/why prompt:{TEXT}",
    "/recommend",
    "/recommend n:10",
    "/recommend song:SONG n:10",
    "/likes add song:SONG",
    "/recommend n:10",
    "/likes dislike song:OTHER",
    "/likes list",
    "/likes export",
    "/likes clear",
    "/likes remove song:SONG",
    "/likes undislike song:OTHER",
    "/models status",
    "/models reload slot:words",
    "/help",
    "/learn",
    "/privacy show",
    "/privacy export",
    "/privacy share allowed:True",
    "/privacy delete",
)

WRAPPED = """(message) => [...message.querySelectorAll("pre code")].flatMap((code) => {
    const line = parseFloat(getComputedStyle(code).lineHeight) || parseFloat(getComputedStyle(code).fontSize) * 1.2;
    const rows = code.textContent.replace(/\\n$/, "").split("\\n").length;
    const range = document.createRange();
    range.selectNodeContents(code);
    const tops = new Set([...range.getClientRects()].map((one) => Math.round(one.top / line)));
    return tops.size > rows + 1 ? [code.textContent.slice(0, 200)] : [];
})"""
"""Blocks of code whose lines do not all fit: tables and coloured tokens."""
OUTSIDE = """(message) => [...message.querySelectorAll("*")]
    .filter((one) => one.checkVisibility() && (one.getBoundingClientRect().right > innerWidth + 0.5))
    .map((one) => one.outerHTML.slice(0, 160))"""
SMALL = """(message) => [...message.querySelectorAll("button.button, button.select, a.button")]
    .filter((one) => one.getBoundingClientRect().height < 32).map((one) => one.outerHTML.slice(0, 160))"""
SPEECHLESS = """(message) => [...message.querySelectorAll("img")]
    .filter((one) => one.alt.trim().split(/\\s+/).length < 3).map((one) => one.outerHTML.slice(0, 160))"""


@dataclass
class Visit:
    demo: Demo
    phone: Tab
    desktop: Tab
    songs: tuple[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def visit(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Visit]:
    """One bot with the small models, and the same member at a phone and at a desktop."""
    folder = tmp_path_factory.mktemp("answers")
    async with running(at_full_speed(small(folder)), folder) as demo:
        admin = demo.box.admin
        async with (
            visiting(
                browser, demo.box, admin, viewport={"width": 390, "height": WIDTHS[390]}, has_touch=True
            ) as phone,
            visiting(browser, demo.box, admin, viewport={"width": 1280, "height": WIDTHS[1280]}) as desktop,
        ):
            await phone.open()
            await desktop.open()
            request = await demo.box.autocomplete("/recommend song:", member=admin)
            yield Visit(demo, phone, desktop, (request[0]["value"], request[1]["value"]))


@pytest.mark.parametrize("line", COMMANDS, ids=lambda line: str(line)[1:40])
async def test_an_answer_fits(visit: Visit, line: str) -> None:
    line = line.replace("SONG", visit.songs[0]).replace("OTHER", visit.songs[1])
    before = [await tab.messages.count() for tab in (visit.phone, visit.desktop)]
    await visit.phone.send(line)
    await visit.demo.answered(visit.phone, before[0])
    await visit.demo.bot.idle()
    for tab, place, width in zip((visit.phone, visit.desktop), before, WIDTHS, strict=True):
        message = tab.messages.nth(place)
        await expect(message).to_have_attribute("aria-busy", "false")
        for picture in await message.locator("img").all():
            await picture.scroll_into_view_if_needed()
            await expect(picture).to_have_js_property("complete", True)
        if SHOTS:
            name = "".join(letter if letter.isalnum() else "-" for letter in line)[:60]
            await tab.page.screenshot(path=Path(SHOTS) / f"{place:02}{name}.{width}.png")
        await fits(tab, message)


async def fits(tab: Tab, message: Locator) -> None:
    wide = await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, "the page scrolls sideways"
    assert await tab.page.evaluate(OVERFLOWING) == []
    for what, found in (
        ("outside the window", OUTSIDE),
        ("wrapped", WRAPPED),
        ("too small to press", SMALL),
        ("without a description", SPEECHLESS),
    ):
        assert await message.evaluate(found) == [], what


async def test_ten_songs_fit_on_the_screen_of_a_phone(visit: Visit) -> None:
    lines = ["/recommend n:10", f"/recommend song:{visit.songs[0]} n:10"]
    for song in visit.songs:
        lines += [f"/likes add song:{song}", "/recommend n:10"]
    for line in lines:
        before = await visit.phone.messages.count()
        await visit.phone.send(line)
        message = await visit.demo.answered(visit.phone, before)
        if line.startswith("/likes"):
            continue
        assert await message.locator(".section").count() == 10
        height = await message.locator(".container").evaluate("(one) => one.getBoundingClientRect().height")
        room = await visit.phone.page.locator("#feed").evaluate("(one) => one.parentElement.clientHeight")
        assert height <= room, "the list is higher than what a phone shows of the channel"
