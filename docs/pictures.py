"""Takes the README's pictures of the demo's page in Chromium with the starter models: one per command and one of the
wire.

python -m docs.pictures
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Page as Tab
from playwright.async_api import async_playwright

from bot.cli.demo import pointed_at
from bot.cli.starter import CONFIG, prepare_starters
from bot.client import Tokenwise, local_service
from bot.process import serve
from bot.settings.load import load
from models.hub import Hub
from sandbox import Sandbox
from sandbox.page import Page
from tests.chromium import FLAGS, path

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "pictures"

LINES = {
    "tokens": "/tokens text:CAPITALIZATION and other stuff 🎵",
    "generate": "/generate prompt:Write an email apologizing to Sarah for the tragic gardening mishap.",
    "similar": "/similar word:king - man + woman",
    "recommend": "/recommend",
    "next": "/next text:Once upon a time, there was a temperature:0.7 top_p:0.5",
    "surprise": "/surprise text:Colourless green ideas sleep furiously.",
    "lens": "/lens text:The capital of France is",
    "attention": "/attention text:The cat sat on the mat because it was tired.",
    "paths": "/paths text:Once upon a time, there was",
}
LIKED = ("bohemian rhapsody", "billie jean", "like a prayer")
WHOLE, ALONE, PHONE = 1280, 640, 390
"""Widths in pixels: of the whole page, of a message alone, and of a phone."""
VIEWS = {"next", "surprise", "lens", "attention", "paths"}
"""The pictures taken at phone width."""
LOWEST = 420
"""Minimum height of a picture in pixels."""


async def main(folder: Path) -> int:
    """`folder` stores the student's likes."""
    FOLDER.mkdir(exist_ok=True)
    settings = load(CONFIG)
    list(prepare_starters(settings))
    hub = Hub(settings.specs())
    settings = settings.model_copy(update={"data_dir": folder})
    box = Sandbox(bot_name="Tokenwise")
    Page(box)
    async with box:
        settings = pointed_at(settings, box)
        bot = Tokenwise(settings, local_service(settings, hub), forget_commands=True)
        running = asyncio.create_task(serve(bot, box.token))
        await box.ready(60)
        await box.commands_synced(60)
        await bot.service.loaded()
        await like(box, bot)
        async with async_playwright() as play:
            chromium = await play.chromium.launch(executable_path=path(play.chromium), args=FLAGS)
            tab = await chromium.new_page(color_scheme="dark", device_scale_factor=1.5)
            for name, line in LINES.items():
                width = WHOLE if name == "tokens" else PHONE if name in VIEWS else ALONE
                await answered(tab, box, bot, line, width)
                await take(tab, name, width)
            await tab.reload()
            await tab.click("#watch")
            await answered(tab, box, bot, LINES["recommend"], WHOLE)
            await tab.set_viewport_size({"width": WHOLE, "height": 640})
            await tab.locator("#wire .entries li").last.scroll_into_view_if_needed()
            await tab.screenshot(path=FOLDER / "wire.png")
            await chromium.close()
        bot.request_stop()
        return await running


async def like(box: Sandbox, bot: Tokenwise) -> None:
    """Give the student some likes."""
    for words in LIKED:
        choices = await box.autocomplete(f"/likes add song:{words}")
        await box.ask_command("likes add", {"song": choices[0]["value"]})
    await bot.idle()


async def answered(tab: Tab, box: Sandbox, bot: Tokenwise, line: str, width: int) -> None:
    """Send the line like a person, and wait until the bot has finished."""
    if tab.url != f"{box.url}/":
        await tab.goto(box.url)
    await tab.set_viewport_size({"width": width, "height": LOWEST})
    before = len(box.world.messages)
    await tab.fill("#line", f"{line} ")
    await tab.click(".send")
    await tab.mouse.move(0, 0)
    await box.until(lambda now: len(now.world.messages) > before, 60)
    await bot.idle()
    last = next(reversed(box.world.messages))
    await tab.wait_for_selector(f"#message-{last}[aria-busy=false]")


async def take(tab: Tab, name: str, width: int) -> None:
    """A picture of the page with only the last message."""
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
    await tab.set_viewport_size({"width": width, "height": max(height, LOWEST)})
    await tab.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(asyncio.run(main(Path(folder))))
