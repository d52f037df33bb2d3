"""Takes the README's pictures: the demo's page in Chromium, one picture for each of the commands and one of the wire.

python -m docs.pictures
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Page as Tab
from playwright.async_api import async_playwright

from bot.cli.demo import at_full_speed, pointed_at
from bot.client import Tokenwise
from bot.process import serve
from bot.settings.load import load
from sandbox import Sandbox
from sandbox.page import Page
from tests.chromium import FLAGS, path

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "pictures"
CONFIG = HERE.parent / "demo" / "config.toml"

LINES = {
    "tokens": "/tokens text:CAPITALIZATION and other stuff 🎵",
    "generate": "/generate prompt:Write an email apologizing to Sarah for the tragic gardening mishap.",
    "similar": "/similar word:king - man + woman",
    "recommend": "/recommend",
}
LIKED = ("bohemian rhapsody", "billie jean", "like a prayer")
WIDTH, LOWEST = 900, 420
"""Pixels of the pictures: how wide, and how high at least."""


async def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    settings = at_full_speed(load(CONFIG))
    box = Sandbox(bot_name="Tokenwise")
    Page(box)
    async with box:
        bot = Tokenwise(pointed_at(settings, box), forget_commands=True)
        running = asyncio.create_task(serve(bot, box.token))
        await box.ready(60)
        await box.commands_synced(60)
        await bot.service.loaded()
        await like(box, bot)
        async with async_playwright() as play:
            chromium = await play.chromium.launch(executable_path=path(play.chromium), args=FLAGS)
            tab = await chromium.new_page(color_scheme="dark", device_scale_factor=1.5)
            for name, line in LINES.items():
                await answered(tab, box, bot, line)
                await take(tab, name)
            await tab.reload()
            await tab.click("#watch")
            await answered(tab, box, bot, LINES["recommend"])
            await tab.set_viewport_size({"width": WIDTH + 400, "height": 640})
            await tab.screenshot(path=FOLDER / "wire.png")
            await chromium.close()
        bot.request_stop()
        return await running


async def like(box: Sandbox, bot: Tokenwise) -> None:
    """The student has favourites."""
    for words in LIKED:
        choices = await box.autocomplete(f"/likes add song:{words}")
        await box.ask_command("likes add", {"song": choices[0]["value"]})
    await bot.idle()


async def answered(tab: Tab, box: Sandbox, bot: Tokenwise, line: str) -> None:
    """Send the line as a person does, and wait until the bot has finished."""
    if tab.url != f"{box.url}/":
        await tab.goto(box.url)
    await tab.set_viewport_size({"width": WIDTH, "height": LOWEST})
    before = len(box.world.messages)
    await tab.fill("#line", f"{line} ")
    await tab.click(".send")
    await box.until(lambda now: len(now.world.messages) > before, 60)
    await bot.idle()
    last = next(reversed(box.world.messages))
    await tab.wait_for_selector(f"#message-{last}[aria-busy=false]")


async def take(tab: Tab, name: str) -> None:
    """A picture of the page with nothing but the last message in it."""
    height = await tab.evaluate(
        """async () => {
            for (const image of document.images) image.loading = "eager";
            await Promise.all([...document.images].map((image) => image.decode()));
            for (const one of [...document.querySelectorAll("#feed > li"), document.getElementById("welcome")])
                one.hidden = one !== document.getElementById("feed").lastElementChild;
            const around = document.querySelector("header").offsetHeight + document.getElementById("composer").offsetHeight;
            return around + document.getElementById("feed").offsetHeight + 40;
        }"""
    )
    await tab.set_viewport_size({"width": WIDTH, "height": max(height, LOWEST)})
    await tab.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TOKENWISE_DATA_DIR"] = folder
        sys.exit(asyncio.run(main()))
