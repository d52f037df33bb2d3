"""Buttons, menus and modals, and what is shown when the bot does not answer."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
import pytest
from playwright.async_api import FilePayload, expect

from sandbox import Limits, ManualClock, Sandbox
from sandbox.page import Page
from tests.page.browser import Tab
from tests.page.client import ShowBot
from tests.page.conftest import OpenTab
from tests.sandbox.client import running

pytestmark = pytest.mark.asyncio(loop_scope="session")

Seen = discord.Interaction


class Wall(discord.ui.View):
    """Buttons of every kind; `Slow` waits until the test opens the gate."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.gate = asyncio.Event()
        self.presses = 0
        self.add_item(discord.ui.Button(label="Elsewhere", url="https://example.com/there"))

    @discord.ui.button(label="Slow", style=discord.ButtonStyle.primary)
    async def slow(self, interaction: Seen, _: discord.ui.Button[Wall]) -> None:
        self.presses += 1
        await self.gate.wait()
        await interaction.response.edit_message(content=f"pressed {self.presses}")

    @discord.ui.button(label="Never", style=discord.ButtonStyle.danger)
    async def never(self, _: Seen, __: discord.ui.Button[Wall]) -> None:
        self.presses += 1

    @discord.ui.button(label="Off", disabled=True)
    async def off(self, _: Seen, __: discord.ui.Button[Wall]) -> None:
        raise AssertionError("a disabled button was pressed")


async def test_buttons(tab: Tab, bot: ShowBot) -> None:
    wall = Wall()
    bot.show("a wall", view=wall)
    message = await tab.ask("/show")
    await expect(tab.button("Off")).to_be_disabled()
    away = message.get_by_role("link", name="Elsewhere")
    await expect(away).to_have_attribute("href", "https://example.com/there")
    await expect(away).to_have_attribute("rel", "noopener noreferrer")
    slow = tab.button("Slow")
    await slow.click()
    await expect(slow).to_have_attribute("aria-busy", "true")
    # Pressing it again meanwhile counts as one press.
    await slow.click()
    wall.gate.set()
    await expect(message.locator(".content")).to_contain_text("pressed 1")
    await expect(slow).to_have_attribute("aria-busy", "false")
    await expect(slow).to_be_focused()
    assert wall.presses == 1


async def test_a_press_that_opens_a_private_message(tab: Tab, open_tab: OpenTab, box: Sandbox) -> None:
    admin = await open_tab(box.admin)
    await tab.ask("/choose")
    await admin.button("🔒 Private").click()
    await expect(admin.messages).to_have_count(2)
    await expect(admin.last.locator(".content")).to_have_text("for you alone")
    await expect(admin.last.locator(".used")).to_contain_text("choose")
    await tab.ask("/echo text:later")
    await expect(tab.messages).to_have_count(2)


async def test_a_menu_for_one_or_several(tab: Tab) -> None:
    message = await tab.ask("/choose")
    animals = message.locator("[data-component=animals]")
    await animals.click()
    await expect(message.get_by_role("option")).to_contain_text(["Cat", "Dog", "Done"])
    await message.get_by_role("option", name="Cat").click()
    await message.get_by_role("option", name="Dog").click()
    await expect(message.get_by_role("option", name="Dog")).to_have_attribute("aria-selected", "true")
    await message.get_by_role("option", name="Done").click()
    await expect(message.locator(".content")).to_contain_text("chose c, d")
    # The same with the keyboard, for one.
    await animals.focus()
    await tab.page.keyboard.press("Enter")
    await expect(message.get_by_role("option")).to_have_count(3)
    await tab.page.keyboard.press("ArrowDown")
    await tab.page.keyboard.press("Enter")
    await tab.page.keyboard.press("Escape")
    await expect(message.get_by_role("option")).to_have_count(0)
    people = message.locator("[data-component=people]")
    await people.click()
    await message.get_by_role("option", name="@Admin").click()
    await expect(tab.last.locator(".content")).to_have_text("chose Admin")


async def test_a_menu_that_takes_a_number_of_choices(tab: Tab, bot: ShowBot) -> None:
    view = discord.ui.View(timeout=None)
    options = [discord.SelectOption(label=name) for name in ("a", "b", "c")]

    class Menu(discord.ui.Select[discord.ui.View]):
        async def callback(self, interaction: Seen) -> None:
            await interaction.response.edit_message(content=" and ".join(self.values))

    view.add_item(Menu(custom_id="two", min_values=2, max_values=2, options=options))
    bot.show("two", view=view)
    message = await tab.ask("/show")
    await message.locator(".select").click()
    for name in ("a", "b", "c"):
        await message.get_by_role("option", name=name, exact=True).click()
    await expect(message.get_by_role("option", name="c")).to_have_attribute("aria-selected", "false")
    await message.get_by_role("option", name="b").click()
    await message.get_by_role("option", name="Done").click()
    await expect(tab.page.get_by_text("Choose 2, not 1.")).to_be_visible()
    await message.locator(".select").click()
    await message.get_by_role("option", name="c").click()
    await message.get_by_role("option", name="Done").click()
    await expect(message.locator(".content")).to_contain_text("a and c")
    await expect(tab.page.get_by_text("Choose 2, not 1.")).not_to_be_visible()


# --- modals


async def test_a_modal_is_filled_in_and_sent(tab: Tab) -> None:
    await tab.send("/form")
    await expect(tab.modal).to_be_visible()
    await expect(tab.modal.get_by_role("heading")).to_have_text("Feedback")
    name = tab.modal.get_by_label("Your name")
    await expect(name).to_be_focused()
    await tab.modal.get_by_role("button", name="Submit").click()
    await expect(tab.modal.get_by_text("Fill this in.")).to_be_visible()
    await expect(name).to_be_focused()
    await name.fill("x" * 21)
    await name.press("Enter")
    await expect(tab.modal.get_by_text("At most 20 characters, not 21.")).to_be_visible()
    assert len(tab.box.world.interactions) == 1
    await name.fill("Ada")
    await tab.modal.get_by_label("More").fill("two\nlines")
    await tab.modal.get_by_role("button", name="Submit").click()
    await expect(tab.modal).not_to_be_visible()
    await expect(tab.last.locator(".content")).to_have_text("thank you, Ada: two\nlines")
    # It can also be left. Nothing stays of the command that opened it.
    await tab.send("/form")
    await expect(tab.modal).to_be_visible()
    await tab.page.keyboard.press("Escape")
    await expect(tab.modal).not_to_be_visible()
    await tab.send("/form")
    await tab.modal.get_by_role("button", name="Cancel").click()
    await expect(tab.modal).not_to_be_visible()
    await expect(tab.messages).to_have_count(1)


class Form(discord.ui.Modal, title="<b>A form</b>"):
    """What modals can hold besides lines of text; its first submission is not answered."""

    day = discord.ui.Label[Any](
        text="Day",
        description="When?",
        component=discord.ui.Select(
            options=[discord.SelectOption(label=name) for name in ("Monday", "Tuesday")]
        ),
    )
    who = discord.ui.Label[Any](text="Who", component=discord.ui.UserSelect(required=False))
    note = discord.ui.TextDisplay[Any]("A **note**")

    async def on_submit(self, interaction: Seen) -> None:
        day, who = self.day.component, self.who.component
        assert isinstance(day, discord.ui.Select)
        assert isinstance(who, discord.ui.UserSelect)
        people = ", ".join(person.display_name for person in who.values)
        await interaction.response.send_message(f"{day.values[0]} with {people or 'nobody'}")


class Boxes(discord.ui.Modal, title="Boxes"):
    """Every other kind of input."""

    size = discord.ui.Label[Any](
        text="Size",
        component=discord.ui.RadioGroup(
            options=[discord.RadioGroupOption(label=name, value=name[0]) for name in ("Small", "Large")]
        ),
    )
    extras = discord.ui.Label[Any](
        text="Extras",
        component=discord.ui.CheckboxGroup(
            required=False,
            max_values=2,
            options=[
                discord.CheckboxGroupOption(label=name, value=name[0]) for name in ("Ham", "Egg", "Jam")
            ],
        ),
    )
    sure = discord.ui.Label[Any](text="Sure", component=discord.ui.Checkbox())
    files = discord.ui.Label[Any](text="Files", component=discord.ui.FileUpload(max_values=2))

    async def on_submit(self, interaction: Seen) -> None:
        size, extras = self.size.component, self.extras.component
        sure, files = self.sure.component, self.files.component
        assert isinstance(size, discord.ui.RadioGroup)
        assert isinstance(extras, discord.ui.CheckboxGroup)
        assert isinstance(sure, discord.ui.Checkbox)
        assert isinstance(files, discord.ui.FileUpload)
        contents = [(await file.read()).decode() for file in files.values]
        await interaction.response.send_message(f"{size.value} {extras.values} {sure.value} {contents}")


class FormButton(discord.ui.View):
    @discord.ui.button(label="Tick")
    async def tick(self, interaction: Seen, _: discord.ui.Button[FormButton]) -> None:
        await interaction.response.send_modal(Boxes())

    @discord.ui.button(label="Open")
    async def open(self, interaction: Seen, _: discord.ui.Button[FormButton]) -> None:
        await interaction.response.send_modal(Form())


async def test_a_modal_with_menus_from_a_button(tab: Tab, bot: ShowBot) -> None:
    bot.show("press", view=FormButton())
    await tab.ask("/show")
    await tab.button("Open").click()
    await expect(tab.modal.get_by_role("heading")).to_have_text("<b>A form</b>")
    await expect(tab.modal.locator("strong")).to_have_text("note")
    await tab.modal.get_by_role("button", name="Submit").click()
    await expect(tab.modal.get_by_text("Fill this in.")).to_be_visible()
    await tab.modal.get_by_label("Day").select_option("Tuesday")
    await tab.modal.get_by_role("button", name="Submit").click()
    await expect(tab.last.locator(".content")).to_have_text("Tuesday with nobody")
    await expect(tab.modal).not_to_be_visible()


async def test_a_modal_with_boxes_and_files(tab: Tab, bot: ShowBot) -> None:
    bot.show("press", view=FormButton())
    await tab.ask("/show")
    await tab.button("Tick").click()
    submit = tab.modal.get_by_role("button", name="Submit")
    await expect(tab.modal.get_by_role("radiogroup", name="Size")).to_be_visible()
    await submit.click()
    await expect(tab.modal.get_by_text("Fill this in.")).to_have_count(2)
    await expect(tab.modal.get_by_label("Small")).to_be_focused()
    await tab.modal.get_by_label("Large").check()
    for extra in ("Ham", "Egg", "Jam"):
        await tab.modal.get_by_label(extra).check()
    await tab.modal.get_by_label("Sure").check()
    files = [FilePayload(name=f"{name}.txt", mimeType="text/plain", buffer=name.encode()) for name in "ab"]
    await tab.modal.get_by_label("Files").set_input_files(files)
    await submit.click()
    await expect(tab.modal.get_by_text("At most 2 choices, not 3.")).to_be_visible()
    await tab.modal.get_by_label("Egg").uncheck()
    await submit.click()
    await expect(tab.last.locator(".content")).to_have_text("L ['H', 'J'] True ['a', 'b']")
    await expect(tab.modal).not_to_be_visible()


# --- silence


class Mute(discord.ui.Modal, title="Mute"):
    name: discord.ui.TextInput[Mute] = discord.ui.TextInput(label="Name")

    async def on_submit(self, interaction: Seen) -> None:
        """Say nothing."""


class Muting(Wall):
    @discord.ui.button(label="Modal")
    async def open(self, interaction: Seen, _: discord.ui.Button[Muting]) -> None:
        await interaction.response.send_modal(Mute())


async def test_what_is_shown_when_the_bot_does_not_answer(open_tab: OpenTab) -> None:
    clock = ManualClock()
    box = Sandbox(limits=Limits.without_rates(), clock=clock)
    Page(box)

    async def told(count: int) -> None:
        await box.until(lambda box: len(box.events("INTERACTION_CREATE")) == count)

    async with box, running(box, ShowBot()) as bot:
        assert isinstance(bot, ShowBot)
        tab = await open_tab(box=box)
        # A command.
        await tab.send("/silent")
        await expect(tab.last).to_contain_text("Sending command…")
        await told(1)
        clock.advance(3)
        await expect(tab.last.locator(".failure")).to_contain_text("The application did not respond")
        await expect(tab.last.locator(".used")).to_have_text("Student used /silent")
        # Buttons.
        wall = Muting()
        bot.show("a wall", view=wall)
        message = await tab.ask("/show")
        await tab.button("Never").click()
        await expect(tab.button("Never")).to_have_attribute("aria-busy", "true")
        await told(3)
        clock.advance(3)
        await expect(message.locator(".failure")).to_contain_text("This interaction failed")
        await expect(tab.button("Never")).to_have_attribute("aria-busy", "false")
        # Modals: what was typed is still there.
        await tab.button("Modal").click()
        await tab.modal.get_by_label("Name").fill("Ada")
        await expect(message.locator(".failure")).to_have_count(0)
        await tab.modal.get_by_role("button", name="Submit").click()
        await expect(tab.modal.get_by_role("button", name="Submit")).to_be_disabled()
        await told(5)
        clock.advance(3)
        await expect(tab.modal.get_by_role("alert")).to_have_text("Something went wrong. Try again.")
        await expect(tab.modal.get_by_role("button", name="Submit")).to_be_enabled()
        await expect(tab.modal.get_by_label("Name")).to_have_value("Ada")
        await tab.page.keyboard.press("Escape")
        # Suggestions.
        waiting = asyncio.Event()

        async def suggest(_: str) -> list[Any]:
            await waiting.wait()
            return []

        bot.suggest = suggest
        await tab.begin("search")
        await expect(tab.info).to_contain_text("Loading options…")
        await told(6)
        clock.advance(3)
        await expect(tab.info).to_contain_text("Loading options failed")
        waiting.set()
        # A promise that is not kept.
        await tab.page.keyboard.press("Escape")
        await tab.line.fill("")
        await tab.send("/stream")
        await expect(tab.last).to_contain_text("is thinking…")
        clock.advance(900)
        await expect(tab.last.locator(".failure")).to_contain_text("The application did not respond")
        # All of this is still there after the page is opened again.
        await tab.page.reload()
        await expect(tab.page.get_by_text("The application did not respond")).to_have_count(2)
        bot.gate.put_nowait("end")
