"""Hostile input, and components from an earlier run: the answer is one private sentence without side effects."""

from __future__ import annotations

import re

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.visible import inline, invisible
from models.results import Song
from sandbox import Sandbox
from tests.wire.conftest import Launch, Live

NASTY = (
    "<@&123456789>",
    "<@1> @everyone @here",
    "https://evil.example/x [text](https://evil.example)",
    "``` **bold** ~~gone~~",
    "|| spoiler || > quote",
    "\x1b[31mred\x00",
    "abc\u202edcba\u2066",
    "# heading",
    "<t:0:R> <#12> </help:1> <:a:1>",
)
LINES = (
    "/similar word:{}",
    "/similar word:king, {}",
    "/similar word:king + {}",
    "/recommend song:{}",
    "/likes add song:{}",
    "/likes remove song:{}",
    "/tokens text:x tokenizer:{}",
    "/decode tokenizer:{} ids:1",
)
ACTIVE = re.compile(
    r"(?<!\\)<[@#:t/]|(?<!\\)https?://|@everyone|@here|[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]"
)


@pytest.mark.parametrize("line", LINES)
async def test_what_people_wrote_is_repeated_as_text(live: Live, line: str) -> None:
    await live.bot.service.loaded()
    for text in NASTY:
        name, _, _ = line.partition(" ")
        values = dict(re.findall(r"(\w+):((?:(?! \w+:).)*)", line.partition(" ")[2]))
        filled = {key: value.replace("{}", text) for key, value in values.items()}
        command = name[1:] if name != "/likes" else " ".join(line.split()[:2])[1:]
        filled = {
            key: value for key, value in filled.items() if key in {"word", "song", "text", "tokenizer", "ids"}
        }
        answer = await live.box.ask_command(command, filled)
        for message in answer.messages:
            shown = message.content + "".join(
                str(embed.get("title", "")) + str(embed.get("description", "")) for embed in message.embeds
            )
            outside = re.sub(r"```.*?```", "", shown, flags=re.DOTALL)
            assert not ACTIVE.search(outside), outside
            assert outside.count("```") == 0


@given(st.text(max_size=60))
def test_nothing_acts_in_a_line(text: str) -> None:
    shown = inline(text)
    assert not ACTIVE.search(shown)
    assert "\n" not in shown
    assert not any(invisible(character) for character in shown if character not in "\u200b\u200c\u200d")
    for mark in ("**", "__", "~~", "||", "```"):
        assert mark not in shown.replace("\\" + mark[0], "")


async def test_unknown_buttons_and_menus_get_a_sentence(launch: Launch, box: Sandbox) -> None:
    live = await launch()
    await live.bot.wait_until_ready()
    channel = live.bot.get_channel(box.channel.id)
    assert isinstance(channel, discord.TextChannel)
    view = discord.ui.View()
    view.add_item(discord.ui.Button(label="Old", custom_id="of-an-older-version:1"))
    view.add_item(discord.ui.Select(custom_id="old-menu", options=[discord.SelectOption(label="a")]))
    message = await channel.send("from before", view=view)
    view.stop()
    sent = box.world.messages[message.id]
    for answer in (await box.press(sent, "Old"), await box.select(sent, "old-menu", ["a"])):
        assert answer.ephemeral
        assert "has expired" in answer.text


async def test_a_form_that_was_open_while_the_bot_restarted(launch: Launch, box: Sandbox) -> None:
    live = await launch()
    answer = await box.ask("/recommend")
    assert answer.message is not None
    form = (await box.press(answer.message, "Name three favourites")).modal
    await live.stop()
    await launch()
    sent = await box.submit(form, {"A song": "Song Alpha"})
    assert sent.ephemeral
    assert "You now like these" in sent.text


@pytest.mark.parametrize("line", ["/tokens text:hello", "/similar word:king", "/embed text:engineer"])
async def test_a_file_over_the_limit_costs_the_file(live: Live, line: str) -> None:
    await live.bot.service.loaded()
    fault = live.box.fail(
        "PATCH", "@original", 413, body='{"code": 40005, "message": "Request entity too large"}'
    )
    answer = await live.box.ask(line)
    await answer.until(lambda answer: answer.text)
    assert fault.hits == 1
    assert answer.message is not None
    assert not answer.message.attachments
    assert "too large for this server" in answer.text
    assert not any((embed.get("image") or {}).get("url") for embed in answer.message.embeds)


async def test_favourites_are_kept_all_or_none(live: Live) -> None:
    songs = [Song("1", "One", "A"), Song("2", "Two", "B")]
    await live.bot.store.likes.add_all(7, songs)
    assert [like.song for like in await live.bot.store.likes.list(7)] == songs
