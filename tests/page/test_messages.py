"""Messages draw as in Discord, follow the bot's edits, and never become markup."""

from __future__ import annotations

import io
import re

import discord
import pytest
from playwright.async_api import Locator, expect

from sandbox import Sandbox
from sandbox.page import Page
from tests.page.browser import Tab
from tests.page.client import HOSTILE, ShowBot
from tests.page.conftest import OpenTab
from tests.sandbox.client import PNG, running

pytestmark = pytest.mark.asyncio(loop_scope="session")

RED, BOLD_GREEN, ON_BLUE, END = "\x1b[31m", "\x1b[1;32m", "\x1b[0;44m", "\x1b[0m"


async def style(of: Locator, name: str) -> str:
    value = await of.evaluate("(element, name) => getComputedStyle(element).getPropertyValue(name)", name)
    assert isinstance(value, str)
    return value


async def shown(tab: Tab, bot: ShowBot, content: str | None = None, **message: object) -> Locator:
    """The content of a message of the bot's."""
    bot.show(content, **message)
    return (await tab.ask("/show")).locator(".content")


# --- text


async def test_markdown(tab: Tab, bot: ShowBot) -> None:
    content = await shown(
        tab,
        bot,
        "# Heading\n"
        "**bold** *italic* _also_ __under__ ~~gone~~ `code` ***both*** snake_case_name \\*plain\\*\n"
        "> quoted\n"
        "- one\n"
        "  - inner\n"
        "1. first\n"
        "-# small print\n"
        "[a label](https://example.com/a) <https://example.com/b> https://example.com/c.\n"
        f"<@{tab.box.student.id}> <#{tab.box.channel.id}> <t:0:d> ||hidden||",
    )
    for tag, text in (
        ("h3", "Heading"),
        ("strong:not(em *)", "bold"),
        ("em:text-is('italic')", "italic"),
        ("em:text-is('also')", "also"),
        ("u", "under"),
        ("s", "gone"),
        ("code", "code"),
        ("em > strong", "both"),
        ("blockquote", "quoted"),
        ("ul ul li", "inner"),
        ("ol li", "first"),
        ("small", "small print"),
        ("a[href='https://example.com/a']", "a label"),
        ("a[href='https://example.com/b']", "https://example.com/b"),
        ("a[href='https://example.com/c']", "https://example.com/c"),
        (".mention >> nth=0", "@Student"),
        (".mention >> nth=1", "#general"),
    ):
        await expect(content.locator(tag)).to_have_text(text)
    await expect(content).to_contain_text("snake_case_name *plain*")
    await expect(content.locator("time")).to_have_attribute("datetime", "1970-01-01T00:00:00.000Z")
    for anchor in await content.locator("a").all():
        await expect(anchor).to_have_attribute("rel", re.compile("noopener noreferrer"))
    spoiler = content.get_by_role("button", name="Spoiler")
    await expect(content.get_by_text("hidden")).not_to_be_visible()
    await spoiler.press("Enter")
    await expect(content.get_by_text("hidden")).to_be_visible()


async def test_code_blocks_keep_what_they_hold(tab: Tab, bot: ShowBot) -> None:
    content = await shown(tab, bot, "before\n```py\nif a < b:\n    **x**\n```\nafter ```one line``` end")
    blocks = content.locator("pre")
    await expect(blocks).to_have_count(2)
    assert await blocks.first.inner_text() == "if a < b:\n    **x**"
    assert await blocks.last.inner_text() == "one line"
    await expect(blocks.locator("strong")).to_have_count(0)
    await expect(content.locator("p")).to_have_text(["before", "after", "end"])


async def test_ansi_blocks_are_coloured(tab: Tab, bot: ShowBot) -> None:
    text = f"```ansi\n{RED}red{BOLD_GREEN}green{ON_BLUE} blue {END}plain\x1b[2Jodd\n```"
    content = await shown(tab, bot, text)
    block = content.locator("pre")
    assert await block.inner_text() == "redgreen blue plain\\x1b[2Jodd"
    plain = await style(block, "color")
    red, green, blue = (
        block.locator("span").all_inner_texts(),
        block.get_by_text("green"),
        block.get_by_text("blue"),
    )
    assert await red == ["red", "green", " blue "]
    assert await style(block.get_by_text("red", exact=True), "color") != plain
    assert await style(green, "color") not in {
        plain,
        await style(block.get_by_text("red", exact=True), "color"),
    }
    assert await style(green, "font-weight") == "700"
    assert await style(blue, "font-weight") == "400"
    assert await style(blue, "background-color") != "rgba(0, 0, 0, 0)"
    # Only `ansi` blocks are coloured; elsewhere control characters do nothing.
    await expect((await shown(tab, bot, f"```\n{RED}red\n```")).locator("span")).to_have_count(0)


# --- embeds and files


async def test_an_embed_with_a_picture_and_a_file(tab: Tab) -> None:
    message = await tab.ask("/picture")
    embed = message.locator(".embed")
    await expect(embed.locator(".title")).to_have_text("A map")
    await expect(embed.locator("strong")).to_have_text("bold")
    await expect(embed.locator("code")).to_have_text("code")
    await expect(embed.locator("dt")).to_have_text(["Left", "Right"])
    await expect(embed.locator("dd")).to_have_text(["1", "2"])
    await expect(embed.locator("footer")).to_have_text("the foot")
    assert await style(embed, "border-left-color") == "rgb(51, 102, 255)"
    # Fields that are inline stand side by side.
    left, right = [await part.bounding_box() for part in await embed.locator("dl > div").all()]
    assert left is not None
    assert right is not None
    assert left["y"] == right["y"]
    assert left["x"] < right["x"]
    # The picture is in the embed and not once more below it; the page that was attached is only a link.
    await expect(message.locator("img")).to_have_count(1)
    picture = embed.locator("img")
    await expect(picture).to_have_js_property("complete", True)
    await expect(picture).to_have_js_property("naturalWidth", 1)
    await expect(message.locator(".file")).to_contain_text("my_page.html")
    await expect(message.locator(".file")).to_contain_text("9 bytes")
    href = await message.locator(".file a").get_attribute("href")
    assert href is not None
    answer = await tab.page.request.get(href)
    assert await answer.body() == b"<b>hi</b>"
    assert answer.headers["content-type"] == "application/octet-stream"


async def test_pictures_stand_in_the_message_with_what_they_show(tab: Tab, bot: ShowBot) -> None:
    files = [
        discord.File(io.BytesIO(PNG), "dot.png", description="one dot"),
        discord.File(io.BytesIO(PNG), "b.png"),
    ]
    message = (await shown(tab, bot, "look", files=files)).locator("..")
    await expect(message.locator(".files img")).to_have_count(2)
    await expect(message.get_by_alt_text("one dot")).to_have_js_property("naturalWidth", 1)
    await expect(message.get_by_alt_text("b.png")).to_be_attached()


# --- changes


async def test_thinking_streaming_and_the_end(tab: Tab, bot: ShowBot) -> None:
    await tab.send("/stream")
    await expect(tab.last.locator(".content")).to_have_text("Sandboxed Bot is thinking…")
    await expect(tab.last).to_have_attribute("aria-busy", "true")
    element = await tab.last.element_handle()
    for text in ("one", "one two", "one two three"):
        bot.gate.put_nowait(text)
        await expect(tab.last.locator(".content > p")).to_have_text(re.compile(rf"^{text}( \(edited\))?$"))
    await expect(tab.last).to_have_attribute("aria-busy", "false")
    await expect(tab.last.locator(".edited")).to_be_visible()
    assert await tab.last.evaluate("(now, before) => now === before", element)
    bot.gate.put_nowait("end")


async def test_edits_leave_the_focus_where_it_is(tab: Tab, bot: ShowBot) -> None:
    await shown(tab, bot, "a", view=buttons("Stop"))
    await tab.button("Stop").focus()
    await bot.seen[-1].edit_original_response(content="a and b")
    await expect(tab.last.locator(".content")).to_contain_text("a and b")
    await expect(tab.button("Stop")).to_be_focused()


async def test_edits_leave_readers_of_code_where_they_are(tab: Tab, bot: ShowBot) -> None:
    await tab.send("/stream")
    lines = "\n".join(f"line {number}" for number in range(60))
    bot.gate.put_nowait(f"```\n{lines}\n```")
    block = tab.last.locator("pre")
    await block.focus()
    await block.evaluate("(block) => { block.scrollTop = 300; }")
    await tab.page.clock.install()
    bot.gate.put_nowait(f"```\n{lines}\nand more\n```")
    await expect(block).to_contain_text("and more")
    await expect(block).to_be_focused()
    await expect(block).to_have_js_property("scrollTop", 300)
    # Screen readers are to read it when it rests.
    await expect(tab.last.locator(".content")).to_have_attribute("aria-busy", "true")
    await tab.page.clock.fast_forward(3000)
    await expect(tab.last.locator(".content")).to_have_attribute("aria-busy", "false")
    bot.gate.put_nowait("end")


async def test_pictures_of_the_sandbox_are_loaded_from_where_the_page_is(tab: Tab, bot: ShowBot) -> None:
    tab.forgiven = "Failed to load resource"
    embed = discord.Embed(title="x").set_image(url=f"{tab.box.url}//example.com/x.png")
    message = (await shown(tab, bot, embed=embed)).locator("..")
    await expect(message.locator("img")).to_have_attribute("src", f"{tab.box.url}//example.com/x.png")


def buttons(*labels: str) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for label in labels:
        view.add_item(discord.ui.Button(label=label, custom_id=label))
    return view


async def test_a_reply_names_what_it_answers_without_its_marks(tab: Tab, bot: ShowBot) -> None:
    await shown(tab, bot, "> **bold** question\n```\ncode\n```\n-# small")
    (first,) = bot.seen
    await first.followup.send("another")
    await expect(tab.last.locator(".used")).to_have_text("↪ Sandboxed Bot bold question code small")


async def test_a_note_that_a_text_was_edited_stands_at_its_end(tab: Tab, bot: ShowBot) -> None:
    for text in ("plain", "plain\n-# small print"):
        content = await shown(tab, bot, "before")
        await bot.seen[-1].edit_original_response(content=text)
        await expect(content.locator(":scope > :last-child .edited")).to_be_visible()


async def test_quotes_hold_no_quotes(tab: Tab, bot: ShowBot) -> None:
    content = await shown(tab, bot, "> " * 900 + "deep")
    await expect(content.locator("blockquote")).to_have_count(1)
    await expect(content).to_contain_text("> > deep")


async def test_edits_of_embeds_files_and_deletes(tab: Tab, bot: ShowBot) -> None:
    await shown(tab, bot, "first", embed=discord.Embed(title="Old"))
    (first,) = bot.seen
    await first.edit_original_response(
        content="second",
        embed=discord.Embed(title="New"),
        attachments=[discord.File(io.BytesIO(PNG), "a.png")],
    )
    await expect(tab.last.locator(".title")).to_have_text("New")
    await expect(tab.last.locator("img")).to_have_js_property("naturalWidth", 1)
    await first.followup.send("another")
    await expect(tab.messages).to_have_count(2)
    await expect(tab.last.locator(".used")).to_contain_text("second")
    await first.delete_original_response()
    await expect(tab.messages).to_have_count(1)
    await expect(tab.last.locator(".content")).to_have_text("another")


async def test_private_messages_are_seen_by_one_member(tab: Tab, open_tab: OpenTab, box: Sandbox) -> None:
    admin = await open_tab(box.admin)
    await tab.send("/stream private:True")
    await expect(tab.last).to_contain_text("is thinking…")
    await tab.ask("/song title:secret")
    await expect(tab.last).to_contain_text("secret None")
    await expect(tab.last).to_contain_text("Only you can see this")
    await tab.ask("/echo text:public")
    # What is public came later, over the same socket: what is private is not under way.
    await expect(admin.last.locator(".content")).to_have_text("public")
    await expect(admin.messages).to_have_count(1)
    await tab.messages.nth(1).get_by_role("button", name="Dismiss message").click()
    await expect(tab.messages).to_have_count(2)
    await expect(tab.line).to_be_focused()
    await tab.page.reload()
    await expect(tab.messages).to_have_count(2)
    await expect(tab.page.get_by_text("secret")).to_have_count(0)


async def test_direct_messages_are_a_place_of_their_own(tab: Tab, open_tab: OpenTab, box: Sandbox) -> None:
    admin = await open_tab(box.admin)
    await admin.page.get_by_role("button", name="direct messages").click()
    await expect(admin.page.locator("#welcome")).to_contain_text("Direct messages")
    await tab.ask("/echo text:in the channel")
    await tab.page.get_by_role("button", name="direct messages").click()
    await expect(tab.page.locator("#welcome")).to_contain_text("Direct messages")
    await expect(tab.messages).to_have_count(0)
    await tab.ask("/echo text:between us")
    await expect(tab.last).to_contain_text("between us")
    await admin.ask("/echo text:something else")
    await expect(admin.messages).to_have_count(1)
    await tab.page.get_by_role("button", name="Sandbox", exact=True).click()
    await expect(tab.last).to_contain_text("in the channel")
    await expect(tab.messages).to_have_count(1)


# --- context menus


async def test_commands_about_messages_and_members(tab: Tab) -> None:
    await tab.ask("/echo text:to be quoted")
    menu = tab.last.get_by_role("combobox", name="Apps")
    await menu.click()
    await expect(tab.last.get_by_role("option")).to_have_count(2)
    await tab.last.get_by_role("option", name="Quote").click()
    await expect(tab.messages).to_have_count(2)
    await expect(tab.last.locator("blockquote")).to_have_text("to be quoted")
    await expect(tab.last.locator(".used")).to_have_text("Student used Quote")
    menu = tab.last.get_by_role("combobox", name="Apps")
    await menu.focus()
    await tab.page.keyboard.press("Enter")
    await tab.last.get_by_role("option", name="Who is this").wait_for()
    for _ in range(await tab.last.get_by_role("option").count()):
        if "Who" in (await tab.last.locator("[role=option].active").inner_text()):
            break
        await tab.page.keyboard.press("ArrowDown")
    await tab.page.keyboard.press("Enter")
    await expect(tab.messages).to_have_count(3)
    await expect(tab.last.locator(".content")).to_have_text("Sandboxed Bot")


async def test_commands_of_menus_in_direct_messages(tab: Tab) -> None:
    await tab.page.get_by_role("button", name="direct messages").click()
    await tab.ask("/echo text:between us")
    for name in ("Quote", "Who is this"):
        await tab.messages.first.get_by_role("combobox", name="Apps").click()
        await tab.messages.first.get_by_role("option", name=name).click()
        await expect(tab.last.locator(".used")).to_have_text(f"Student used {name}")
    await expect(tab.messages).to_have_count(3)
    await tab.page.get_by_role("button", name="Sandbox", exact=True).click()
    await expect(tab.messages).to_have_count(0)


# --- layouts


class Layout(discord.ui.LayoutView):
    """The parts of which messages without content are made."""

    card: discord.ui.Container[Layout] = discord.ui.Container(
        discord.ui.TextDisplay("**a card**"),
        discord.ui.Section(
            "beside", accessory=discord.ui.Thumbnail("attachment://dot.png", description="the dot")
        ),
        discord.ui.Separator(),
        discord.ui.MediaGallery(discord.MediaGalleryItem("attachment://dot.png", description="once more")),
        discord.ui.File("attachment://note.txt"),
        accent_colour=0x3366FF,
    )
    row: discord.ui.ActionRow[Layout] = discord.ui.ActionRow()

    @row.button(label="Pressed?")
    async def press(self, interaction: discord.Interaction, _: discord.ui.Button[Layout]) -> None:
        await interaction.response.send_message("pressed", ephemeral=True)


async def test_layouts(tab: Tab, bot: ShowBot) -> None:
    files = [discord.File(io.BytesIO(PNG), "dot.png"), discord.File(io.BytesIO(b"hello"), "note.txt")]
    message = (await shown(tab, bot, view=Layout(), files=files)).locator("..")
    card = message.locator(".container")
    assert await style(card, "border-left-color") == "rgb(51, 102, 255)"
    await expect(card.locator("strong")).to_have_text("a card")
    await expect(card.locator("hr")).to_be_visible()
    for alternative in ("the dot", "once more"):
        await expect(card.get_by_alt_text(alternative)).to_have_js_property("naturalWidth", 1)
    await expect(card.locator(".file a")).to_have_text("note.txt")
    # Files that the layout shows are not listed once more.
    await expect(message.locator("img")).to_have_count(2)
    await expect(message.locator(".file")).to_have_count(1)
    await tab.button("Pressed?").click()
    await expect(tab.messages.nth(1).locator(".content")).to_have_text("pressed")


# --- hostile text

BIDI = "safe\u202etxt.exe\u2066\u200f"


async def test_hostile_text_is_drawn_as_text(tab: Tab, bot: ShowBot) -> None:
    embed = discord.Embed(title=HOSTILE, description=HOSTILE, url="https://example.com")
    embed.add_field(name=HOSTILE, value=HOSTILE).set_footer(text=HOSTILE).set_author(name=HOSTILE)
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label=HOSTILE, custom_id=HOSTILE))
    view.add_item(
        discord.ui.Select(
            custom_id="menu",
            placeholder=HOSTILE,
            options=[discord.SelectOption(label=HOSTILE, value=HOSTILE, description=HOSTILE)],
        )
    )
    file = discord.File(io.BytesIO(b"x"), f"{HOSTILE}.txt")
    content = await shown(
        tab, bot, f"{HOSTILE}\n```{HOSTILE}\n{HOSTILE}```", embed=embed, view=view, file=file
    )
    message = content.locator("..")
    await expect(content.locator("p").first).to_have_text(HOSTILE)
    await expect(content.locator("pre")).to_contain_text(HOSTILE)
    for part in (".author", ".title", ".description", "dt", "dd", "footer"):
        await expect(message.locator(f".embed {part}")).to_have_text(HOSTILE)
    await expect(tab.button(HOSTILE)).to_be_visible()
    await expect(message.locator(".select")).to_contain_text(HOSTILE)
    await message.locator(".select").click()
    option = message.get_by_role("option")
    await expect(option.locator(".label")).to_have_text(HOSTILE)
    await expect(option.locator(".detail")).to_have_text(HOSTILE)
    await expect(message.locator("img, script")).to_have_count(0)
    # The wire shows it as well.
    await tab.page.locator("#watch").click()
    row = tab.page.locator("#wire li.rest", has_text="callback").last
    await row.locator("summary").click()
    await expect(row.locator("pre")).to_contain_text("onerror")
    await expect(tab.page.locator("#wire img, #wire script")).to_have_count(0)


async def test_hostile_names_are_drawn_as_text(open_tab: OpenTab) -> None:
    box = Sandbox(bot_name=HOSTILE)
    Page(box)
    member = box.add_member(f"{HOSTILE} {BIDI}", roles=[HOSTILE])
    async with box, running(box, ShowBot()):
        tab = await open_tab(member, box=box)
        await expect(tab.page.locator("#presence")).to_have_text(f"● {HOSTILE} is online")
        await expect(tab.page.locator("#member option:checked")).to_have_text(member.name)
        await tab.begin("meet")
        await expect(tab.listed.filter(has_text=HOSTILE)).to_have_count(2)
        await tab.listed.get_by_text(f"@{member.name}", exact=True).click()
        await tab.page.locator(".tail").fill("role:")
        await expect(tab.listed.filter(has_text=f"@{HOSTILE}")).to_have_count(2)
        await tab.listed.filter(has_text=f"@{HOSTILE}").first.click()
        await tab.page.keyboard.press("Enter")
        await expect(tab.last.locator(".name")).to_have_text(HOSTILE)
        await expect(tab.last.locator(".used")).to_have_text(f"{member.name} used /meet")
        await expect(tab.last.locator(".content")).to_contain_text(HOSTILE)
        await expect(tab.page.locator("img, body script")).to_have_count(0)


async def test_no_link_runs_anything_or_hides_another(tab: Tab, bot: ShowBot) -> None:
    content = await shown(
        tab,
        bot,
        "[x](javascript:alert(1)) <javascript:alert(1)> javascript:alert(1) [x](data:text/html,x)\n"
        "[https://good.example](https://bad.example) [a **b** c](https://plain.example)",
    )
    targets = [await anchor.get_attribute("href") for anchor in await content.locator("a").all()]
    assert all(target is not None and target.startswith("https://") for target in targets)
    await expect(content.locator("a a")).to_have_count(0)
    await expect(content.locator("a[href='https://plain.example/']")).to_have_text("a b c")
    # As in Discord, a label that is itself an address makes no link: both addresses are seen.
    await expect(content).to_contain_text("[https://good.example](https://bad.example)")


async def test_turned_text_stays_within_its_line(tab: Tab, bot: ShowBot) -> None:
    content = await shown(tab, bot, f"{BIDI}\nnext line")
    await expect(content).to_have_text(f"{BIDI}\nnext line")
    assert await style(content.locator("p"), "unicode-bidi") in {"isolate", "plaintext"}
    await expect(content.locator("..").locator(".head time")).to_be_visible()


MARKS = (
    "`", "*", "_", "|", "~", "[", "> ", ">>> ", "- ", "1. ", "**a ", "***a", "_a", "*a ", "|~", "``` ", "```a\n", "```````a",
    "[](", "[a](", "https://", "<@", "\x1b[", "\\", "**__~~||", "# ", "a_", "<t:",
)  # fmt: skip


async def test_no_text_takes_long_to_draw(tab: Tab, bot: ShowBot) -> None:
    """A message is redrawn at every edit, and a bot repeats what its users write: no text may make the page hang."""
    slow = await tab.page.evaluate(
        """async (marks) => {
            const { markdown } = await import("/page/markdown.js");
            const slow = [];
            for (const mark of marks) {
                for (const text of [mark.repeat(4096 / mark.length), mark.repeat(2048 / mark.length) + "x"]) {
                    const start = performance.now();
                    const box = document.createElement("div");
                    box.append(...markdown(text, {}));
                    document.body.append(box);
                    box.offsetHeight;
                    box.remove();
                    const took = performance.now() - start;
                    if (took > 2000) slow.push(`${mark}: ${Math.round(took)} ms`);
                }
            }
            return slow;
        }""",
        list(MARKS),
    )
    assert slow == []
    await expect(await shown(tab, bot, "`" * 2000)).to_have_text("`" * 2000)
