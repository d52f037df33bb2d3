"""The message box: it finds commands, draws fields for their options, and refuses what Discord would refuse."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from discord import app_commands
from playwright.async_api import FilePayload, expect

from sandbox import Limits, Sandbox
from sandbox.page import Page
from tests.page.browser import Tab
from tests.page.client import HOSTILE, ShowBot
from tests.page.conftest import OpenTab
from tests.sandbox.client import running

pytestmark = pytest.mark.asyncio(loop_scope="session")


def asked(box: Sandbox) -> int:
    """How many interactions the bot was told."""
    return len(box.world.interactions)


async def test_a_slash_lists_the_commands_with_their_descriptions(tab: Tab) -> None:
    await tab.line.press_sequentially("/")
    for name, description in (
        ("/echo", "Say it again"),
        ("/likes add", "Like a song"),
        ("/likes list", "Liked songs"),
    ):
        row = tab.listed.filter(has=tab.page.get_by_text(name, exact=True))
        await expect(row.locator(".detail")).to_have_text(description)
    # The group itself cannot be called, and managers' commands are not offered to the student.
    await expect(tab.listed.get_by_text("/likes", exact=True)).to_have_count(0)
    await expect(tab.listed.get_by_text("/manage", exact=True)).to_have_count(0)
    await tab.line.press_sequentially("lik")
    await expect(tab.listed.locator(".label")).to_have_text(["/likes add", "/likes list"])
    await tab.line.fill("/ist")
    await expect(tab.listed.locator(".label")).to_have_text(["/likes list"])
    await tab.line.fill("/nothing")
    await expect(tab.listed).to_have_count(0)
    await expect(tab.info).to_have_text("No command has this name.")
    await tab.line.fill("")
    await expect(tab.info).to_be_empty()
    # A slash begins a command wherever nothing else takes it.
    await tab.page.locator("#theme").focus()
    await tab.page.keyboard.press("/")
    await expect(tab.line).to_be_focused()
    await expect(tab.line).to_have_value("/")
    await expect(tab.listed.first).to_be_visible()


async def test_options_are_fields_with_types_and_limits(tab: Tab) -> None:
    await tab.begin("echo")
    await expect(tab.option("text")).to_be_focused()
    await expect(tab.info).to_have_text("text what to say required, text, 1 to 3000 characters")
    await expect(tab.option("text")).to_have_attribute("aria-required", "true")
    await expect(tab.option("times")).to_have_count(0)
    await tab.page.keyboard.type("hello")
    await tab.page.keyboard.press("Tab")
    await expect(tab.listed).to_have_text(["timeshow often"])
    await tab.listed.click()
    await expect(tab.option("times")).to_be_focused()
    await expect(tab.info).to_have_text("times how often optional, whole number, 1 to 9")
    await tab.page.keyboard.type("2")
    await tab.page.keyboard.press("Enter")
    await expect(tab.last.locator(".content")).to_have_text("hello hello")
    await expect(tab.last.locator(".used")).to_have_text("Student used /echo")


async def test_what_discord_would_refuse_is_refused_before_it_is_sent(tab: Tab) -> None:
    for line, why in (
        ("/echo ", "text is required."),
        (f"/echo text:{'x' * 3001} ", "text takes at most 3000 characters, not 3001."),
        ("/echo text:x times:10 ", "times must be at most 9."),
        ("/echo text:x times:0 ", "times must be at least 1."),
        ("/echo text:x times:two ", "times is a whole number."),
        ("/echo text:x times:1.5 ", "times is a whole number."),
        ("/paint colour:red share:1.5 ", "share must be at most 1."),
        ("/paint colour:red share:much ", "share is a number."),
        ("/paint colour:blue ", "colour: choose one from the list."),
        ("/meet member:Nobody ", "member: choose one from the list."),
        ("/read ", "file is required."),
    ):
        await tab.line.fill(line)
        await tab.page.locator(".send").click()
        await expect(tab.refusal).to_have_text(why)
        field = tab.option(why.partition(" ")[0].rstrip(":"))
        await expect(field).to_be_focused()
        await expect(field).to_have_attribute("aria-invalid", "true")
        await tab.page.locator(".pill").click()
    assert asked(tab.box) == 0


async def test_what_was_refused_can_be_mended_and_sent(tab: Tab) -> None:
    await tab.begin("echo")
    await tab.page.keyboard.type("ab")
    await tab.page.keyboard.type(" times:12")
    await tab.page.keyboard.press("Enter")
    await expect(tab.refusal).to_have_text("times must be at most 9.")
    await tab.page.keyboard.press("Backspace")
    await expect(tab.refusal).to_be_empty()
    await expect(tab.option("times")).not_to_have_attribute("aria-invalid", "true")
    await tab.page.keyboard.press("Enter")
    await expect(tab.last.locator(".content")).to_have_text("ab")
    assert asked(tab.box) == 1


async def test_names_of_options_are_typed_and_pasted_text_stays_as_it_is(tab: Tab) -> None:
    keys = tab.page.keyboard
    await keys.type("/echo text:two  blanks times:2")
    await expect(tab.option("text")).to_have_value("two  blanks")
    await expect(tab.option("times")).to_have_value("2")
    await tab.option("times").press("Escape")
    await tab.begin("echo")
    pasted = " def f(text: str, times: int):\n    return text: times:3 "
    await keys.insert_text(pasted)
    await expect(tab.option("text")).to_have_value(pasted)
    await expect(tab.option("times")).to_have_count(0)
    await keys.press("Enter")
    await expect(tab.last.locator(".content")).to_contain_text("return text: times:3")
    assert tab.box.log.requests("POST", "/callback")
    (asked,) = tab.box.world.interactions.values()
    assert asked.data["options"][0]["value"] == pasted


async def test_a_command_that_is_not_there_is_not_sent(tab: Tab) -> None:
    await tab.line.fill("/unknown")
    await tab.line.press("Enter")
    await expect(tab.refusal).to_contain_text("unknown")
    assert asked(tab.box) == 0


async def test_choices_are_listed_and_filtered(tab: Tab) -> None:
    await tab.begin("paint")
    await expect(tab.info).to_have_text("colour which one required, one of a list")
    await expect(tab.listed.locator(".label")).to_have_text(["red", "green", "dark green"])
    await tab.page.keyboard.type("gre")
    await expect(tab.listed.locator(".label")).to_have_text(["green", "dark green"])
    await tab.page.keyboard.press("ArrowDown")
    await tab.page.keyboard.press("Enter")
    await expect(tab.option("colour")).to_have_value("dark green")
    await tab.page.locator(".tail").fill("level:")
    await expect(tab.listed.locator(".label")).to_have_text([HOSTILE, "low"])
    await tab.listed.first.click()
    await tab.page.keyboard.press("Enter")
    # Its value is sent, not its name, and as the number that it is.
    await expect(tab.last.locator(".content")).to_have_text("dark green None 7")
    # So it is where everything is typed in one go.
    await tab.send("/paint colour:red share:0.25 level:low")
    await expect(tab.last.locator(".content")).to_have_text("red 0.25 1")


async def test_members_roles_channels_and_booleans(tab: Tab) -> None:
    await tab.begin("meet")
    await expect(tab.listed.locator(".label")).to_contain_text(["@Admin", "@Student"])
    # Somebody joins meanwhile.
    tab.box.add_member("Teacher", roles=["Staff"])
    await expect(tab.page.locator("#member option")).to_have_count(3)
    await tab.page.keyboard.type("t")
    await expect(tab.listed.get_by_text("@Teacher", exact=True)).to_be_visible()
    await tab.listed.get_by_text("@Teacher", exact=True).click()
    for name, item in (("role", "@Staff"), ("place", "#general"), ("loud", "True")):
        await tab.page.locator(".tail").fill(f"{name}:")
        await tab.listed.get_by_text(item, exact=True).click()
        await expect(tab.option(name)).to_have_value(item)
    await tab.page.keyboard.press("Enter")
    await expect(tab.last.locator(".content")).to_have_text("Teacher Staff general True")
    await tab.begin("whom")
    await expect(tab.listed.locator(".label")).to_contain_text(["@Student", "@Staff"])
    await tab.listed.get_by_text("@Staff", exact=True).click()
    await tab.page.keyboard.press("Enter")
    await expect(tab.last.locator(".content")).to_have_text("Staff")


async def test_a_file_goes_to_the_bot_unless_it_is_too_large(open_tab: OpenTab) -> None:
    box = Sandbox(limits=replace(Limits.without_rates(), attachment_bytes=100))
    Page(box)
    async with box, running(box, ShowBot()):
        tab = await open_tab(box=box)
        await tab.begin("read")
        large = FilePayload(name="large.bin", mimeType="application/octet-stream", buffer=bytes(101))
        await tab.option("file").set_input_files(large)
        await tab.page.locator(".send").click()
        await expect(tab.refusal).to_have_text("file is too large.")
        assert asked(box) == 0
        note = FilePayload(name="note.txt", mimeType="text/plain", buffer="grüß".encode())
        await tab.option("file").set_input_files(note)
        await expect(tab.refusal).to_be_empty()
        await tab.page.locator(".send").click()
        await expect(tab.last.locator(".content")).to_have_text("note.txt: grüß")


async def test_sub_commands_are_called_by_their_full_names(tab: Tab) -> None:
    await tab.send("/likes add song:Imagine")
    await expect(tab.last.locator(".content")).to_have_text("liked Imagine")
    await expect(tab.last.locator(".used")).to_have_text("Student used /likes add")
    await tab.send("/likes list")
    await expect(tab.last.locator(".content")).to_have_text("none")


# --- suggestions


async def test_suggestions_come_from_the_bot(tab: Tab) -> None:
    await tab.begin("song")
    await tab.page.locator(".tail").fill("year:")
    await tab.option("year").fill("1971")
    await tab.option("title").fill("ima")
    await expect(tab.listed.locator(".label")).to_have_text(["ima 1 (1971)", "ima 2 (1971)"])
    await tab.page.keyboard.press("ArrowDown")
    await tab.page.keyboard.press("Enter")
    await expect(tab.option("title")).to_have_value("ima 2 (1971)")
    await tab.page.keyboard.press("Enter")
    await expect(tab.last.locator(".content")).to_have_text("ima2 1971")
    # They are offers: other text is sent as it was typed.
    await tab.begin("search")
    await tab.page.keyboard.type("my own")
    await expect(tab.listed.first).to_have_text("my own 1")
    await tab.page.locator(".send").click()
    await expect(tab.last.locator(".content")).to_have_text("found my own in None")


async def test_suggestions_for_what_was_typed_before_are_dropped(tab: Tab, bot: ShowBot) -> None:
    first, release = asyncio.Event(), asyncio.Event()

    async def suggest(current: str) -> list[app_commands.Choice[str]]:
        if current == "first":
            first.set()
            await release.wait()
        if current == "none":
            return []
        return [app_commands.Choice(name=f"for {current or 'nothing'}", value=current)]

    bot.suggest = suggest
    await tab.begin("search")
    await expect(tab.listed).to_have_text("for nothing")
    await tab.option("text").fill("first")
    await first.wait()
    # What was offered for other text cannot be taken while the answer is out.
    await expect(tab.listed).to_have_count(0)
    await tab.option("text").fill("second")
    await expect(tab.listed).to_have_text("for second")
    release.set()
    await tab.box.until(lambda box: all(one.choices is not None for one in box.world.interactions.values()))
    # A round trip through the page's socket, which is in order: the late answer has arrived.
    await tab.page.locator("#watch").click()
    await expect(tab.page.locator("#wire li").first).to_be_attached()
    await tab.option("text").focus()
    await expect(tab.listed).to_have_text("for second")
    await expect(tab.page.get_by_text("for first")).to_have_count(0)
    await tab.option("text").fill("none")
    await expect(tab.info).to_contain_text("No matches.")
    await expect(tab.listed).to_have_count(0)


async def test_a_file_beside_an_option_with_suggestions(tab: Tab) -> None:
    await tab.begin("search")
    await tab.page.locator(".tail").fill("file:")
    await tab.option("file").set_input_files(FilePayload(name="a.txt", mimeType="text/plain", buffer=b"a"))
    await tab.option("text").fill("met")
    await tab.listed.first.click()
    await tab.page.locator(".send").click()
    await expect(tab.last.locator(".content")).to_have_text("found met1 in a.txt")


async def test_hostile_names_are_drawn_as_text(tab: Tab) -> None:
    await tab.line.fill("/odd")
    await expect(tab.listed.locator(".detail")).to_have_text([HOSTILE])
    await tab.page.keyboard.press("Enter")
    await expect(tab.listed.locator(".detail")).to_have_text([HOSTILE])
    await tab.page.locator(".tail").fill("odd_one:")
    await expect(tab.info).to_contain_text(HOSTILE)
    await tab.option("odd_one").fill(HOSTILE)
    await tab.page.keyboard.press("Enter")
    await expect(tab.last.locator(".content")).to_have_text(HOSTILE)


async def test_the_last_command_can_be_called_back(tab: Tab) -> None:
    await tab.send("/paint colour:dark green level:low")
    await expect(tab.last.locator(".content")).to_have_text("dark green None 1")
    await expect(tab.line).to_be_focused()
    await tab.page.keyboard.press("ArrowUp")
    await expect(tab.option("colour")).to_have_value("dark green")
    await tab.page.keyboard.press("Escape")
    await tab.page.keyboard.press("Escape")
    await expect(tab.line).to_have_value("/paint")


@pytest.mark.usefixtures("bot")
async def test_who_manages_the_server_is_offered_more(box: Sandbox, open_tab: OpenTab) -> None:
    admin, student = await open_tab(box.admin), await open_tab()
    await admin.line.fill("/manage")
    await expect(admin.listed.locator(".label")).to_have_text(["/manage"])
    await student.line.fill("/manage")
    await expect(student.info).to_have_text("No command has this name.")
    await student.line.press("Enter")
    await expect(student.refusal).to_contain_text("manage")
    assert asked(student.box) == 0
    await admin.send("/manage")
    await expect(admin.last.locator(".content")).to_have_text("managed")
