"""The sandbox in a terminal: what is drawn, what never reaches the terminal, and what can be typed."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.application import create_app_session, get_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

from sandbox import EventLog, Limits, Message, Sandbox, User
from sandbox.clock import ManualClock
from sandbox.drawing import Painter, ansi, clean, size
from sandbox.terminal import Suggestions, Terminal
from sandbox.world import World
from tests.sandbox.client import PNG, StudyBot, running

ROOT = Path(__file__).resolve().parents[2]


def console(width: int = 80, *, terminal: bool = False) -> Console:
    return Console(
        file=io.StringIO(),
        width=width,
        force_terminal=terminal,
        color_system="truecolor" if terminal else None,
    )


def written(terminal: Terminal | Console) -> str:
    """What has been written since the last call."""
    file = (terminal.console if isinstance(terminal, Terminal) else terminal).file
    assert isinstance(file, io.StringIO)
    text = file.getvalue()
    file.seek(0)
    file.truncate()
    return text


@pytest.fixture(scope="module")
def world() -> World:
    return World(ManualClock(), EventLog(), "Bot")


def draw(world: World, content: str = "", *, width: int = 60, **embed: object) -> str:
    message = Message(
        1,
        world.channel,
        User(2, "Bot", bot=True),
        content,
        [embed] if embed else [],
        [],
        [],
        flags=0,
        created=0.0,
    )
    there = console(width)
    there.print(Painter(world.guild).message(message, {}))
    return written(there)


# --- drawing


@given(st.text())
def test_no_control_character_reaches_the_terminal(world: World, text: str) -> None:
    for drawn in (
        draw(world, text),
        draw(world, f"```ansi\n{text}\n```"),
        draw(
            world,
            title=text,
            description=f"**{text}**",
            footer={"text": text},
            fields=[{"name": text, "value": text}],
        ),
    ):
        # The console writes no colours here, so every escape would be the bot's.
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", drawn)


@given(st.text())
def test_clean_loses_nothing_harmless(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    harmless = "".join(character for character in text if character.isprintable() or character in "\n\t")
    assert clean(harmless) == harmless


def test_controls_are_spelled_out(world: World) -> None:
    assert clean("a\x1b[2J\x07\r\nb\x9b\u202e") == "a\\x1b[2J\\x07\nb\\x9b\\u202e"
    assert "\\x1b]0;evil\\x07" in draw(world, "\x1b]0;evil\x07")


def test_ansi_blocks_have_discords_colours() -> None:
    text = ansi("\x1b[1;31mred\x1b[0m plain \x1b[4;44mback\x1b[38;5;9m?\x1b[2J")
    assert text.plain == "red plain back?\\x1b[2J"
    styles = {text.plain[span.start : span.end]: span.style for span in text.spans}
    red, back = styles["red"], styles["back"]
    assert not isinstance(red, str)
    assert not isinstance(back, str)
    assert red.bold
    assert red.color is not None
    assert red.color.name == "#dc322f"
    assert back.underline
    assert back.bgcolor is not None
    assert back.bgcolor.name == "#839496"


def test_markdown(world: World) -> None:
    student = world.student.mention
    text = f"# Title\n**bold** *it* _it_ __under__ `co*de*` ~~no~~ ||psst|| {student} </likes add:12> <t:0:R> <:cat:5>\n"
    text += "> said\n- item\n-# small\nsnake_case_name 2 * 3 * 4 \\*star\\* [site](https://example.org) <#1> <@&1> <@1>"
    lines = draw(world, text, width=100).splitlines()
    assert [line.rstrip() for line in lines] == [
        "Title",
        "bold it it under co*de* no psst @Student /likes add 01 January 1970 00:00 UTC :cat:",
        "▏ said",
        "• item",
        "small",
        "snake_case_name 2 * 3 * 4 *star* site (https://example.org) #unknown @unknown-role @unknown-user",
    ]


def test_code_blocks_keep_their_lines(world: World) -> None:
    drawn = draw(world, "before\n```python\nif x:\n    **y**\n```\nafter ```inline```")
    assert [line.strip() for line in drawn.splitlines()] == ["before", "if x:", "**y**", "after", "inline"]
    assert "     **y**" in drawn


def test_embeds_stand_behind_a_bar(world: World) -> None:
    fields = [{"name": f"f{number}", "value": str(number), "inline": True} for number in range(4)]
    drawn = draw(
        world, title="T", description="D", fields=[*fields, {"name": "wide", "value": "w"}], color=0xFF0000
    )
    lines = [line.rstrip() for line in drawn.splitlines() if line.strip("▌ ")]
    assert all(line.startswith("▌ ") for line in lines)
    assert lines[2].split() == ["▌", "f0", "f1", "f2"]
    assert lines[4].split() == ["▌", "f3"]
    assert lines[6:] == ["▌ wide", "▌ w"]


def test_sizes() -> None:
    assert [size(count) for count in (0, 999, 1234, 10_000_000)] == [
        "0 bytes",
        "999 bytes",
        "1.2 KB",
        "10.0 MB",
    ]


# --- saying


@pytest.fixture
def terminal(box: Sandbox, bot: StudyBot, tmp_path: Path) -> Terminal:
    assert bot.is_ready()
    return Terminal(box, console(), tmp_path / "files")


async def at_once() -> None:
    """The bot of these tests has finished when its first answer is there."""


async def test_an_answer_is_drawn_and_its_files_are_saved(terminal: Terminal, tmp_path: Path) -> None:
    assert await terminal.say("/picture", settled=at_once)
    drawn = written(terminal)
    assert "▌ A map" in drawn
    addresses = re.findall(r"📎 (\S+)  (.*?)  (file://\S+)$", drawn, re.MULTILINE)
    assert [(name, length) for name, length, _ in addresses] == [
        ("map.png", "70 bytes"),
        ("my_page.html", "9 bytes"),
    ]
    saved = Path(addresses[0][2].removeprefix("file://"))
    assert saved.parent == tmp_path / "files"
    assert saved.read_bytes() == PNG


async def test_what_fails(terminal: Terminal) -> None:
    for line, complaint in [
        ("/nope", "✗ There is no command /nope."),
        ("/echo", "✗ /echo needs text"),
        ("/echo text:x times:10", "✗ times must be at most 9."),
        ("hello", "✗ Start with a slash"),
        ("press 1", "✗ There is no button 1"),
        ("as nobody", "✗ There is no nobody; members: admin, student."),
    ]:
        assert not await terminal.say(line, settled=at_once)
        assert complaint in written(terminal)


async def test_an_answer_that_does_not_come() -> None:
    async with Sandbox(limits=Limits(answer_seconds=0.1)) as box, running(box) as bot:
        terminal = Terminal(box, console(), patience=0.3)
        assert not await terminal.say("/silent", settled=at_once)
        assert written(terminal) == "✗ The application did not respond\n"
        assert not await terminal.say("/stream", settled=at_once)
        assert "✗ No answer within 0.3 seconds." in written(terminal)
        bot.gate.put_nowait("end")


async def test_buttons_menus_and_people(terminal: Terminal) -> None:
    assert await terminal.say("/choose", settled=at_once)
    drawn = written(terminal)
    assert "[1]  🔒 Private" in drawn
    assert "Off  (disabled)" in drawn
    assert "[2] ▾ Choose  Cat, Dog" in drawn
    assert await terminal.say("press 1", settled=at_once)
    assert "for you alone\nOnly you can see this" in written(terminal)
    assert not await terminal.say("press 2", settled=at_once)
    assert "There is no button 2 that can be used now" in written(terminal)
    assert "[3] ▾ Choose  users" in drawn
    assert await terminal.say("choose 3 admin", settled=at_once)
    assert "chose Admin" in written(terminal)
    assert not await terminal.say("choose 3 nobody", settled=at_once)
    assert "no such thing as nobody among users" in written(terminal)
    assert await terminal.say("choose 2 dog, cat", settled=at_once)
    assert "chose d, c" in written(terminal)
    assert not await terminal.say("/manage", settled=at_once)
    assert await terminal.say("as Admin")
    assert await terminal.say("/manage", settled=at_once)
    assert "You are now Admin." in written(terminal)
    assert await terminal.say("/count", settled=at_once)
    assert await terminal.say("press 1", settled=at_once)
    assert "[1]  Count 1" in written(terminal)


async def test_help_lists_what_there_is(terminal: Terminal) -> None:
    assert await terminal.say("help")
    drawn = written(terminal)
    assert "/song title:… [year:…]  Find a song" in drawn
    assert "/manage" not in drawn


async def test_without_a_word_from_the_bot_an_answer_is_finished_when_it_rests(
    terminal: Terminal, bot: StudyBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.terminal.QUIET", 0.05)
    for text in ("one", "two", "end"):
        bot.gate.put_nowait(text)
    assert await terminal.say("/stream")
    assert written(terminal) == "two\n"


async def test_a_growing_answer_is_drawn_as_it_grows(box: Sandbox, bot: StudyBot) -> None:
    terminal = Terminal(box, console(terminal=True))
    finished = asyncio.Event()
    saying = asyncio.create_task(terminal.say("/stream", settled=finished.wait))
    await box.until(lambda box: box.requests("POST", "/callback"))
    assert "thinking" in written(terminal)

    def edited(times: int) -> Callable[[Sandbox], bool]:
        return lambda box: len(box.requests("PATCH", "@original")) == times

    for count, text in enumerate(("one", "two"), 1):
        bot.gate.put_nowait(text)
        await box.until(edited(count))
        assert text in written(terminal)
    bot.gate.put_nowait("end")
    finished.set()
    assert await saying
    assert written(terminal).rstrip().endswith("two")


# --- the prompt


async def test_plain_lines_without_a_terminal(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys, "stdin", io.StringIO("/echo text:hi\n\nas admin\n/nope\nquit\n/echo text:never\n")
    )
    assert await terminal.prompt_loop(at_once) is False
    drawn = written(terminal)
    assert drawn.startswith(
        "student > /echo text:hi\nhi\nstudent > as admin\nYou are now Admin.\nadmin > /nope\n✗ "
    )
    assert "never" not in drawn
    monkeypatch.setattr(sys, "stdin", io.StringIO("/echo text:hi"))
    assert await terminal.prompt_loop(at_once) is True


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[PipeInput]:
    class Keyboard(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Keyboard())
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        yield keys


@pytest.mark.usefixtures("bot")
async def test_the_prompt(box: Sandbox, keys: PipeInput) -> None:
    terminal = Terminal(box, console(terminal=True))
    keys.send_text("/echo text:typed\r")
    # A form is asked for field by field.
    keys.send_text("/form\rAda\rengines\rquit\r")
    assert await asyncio.wait_for(terminal.prompt_loop(at_once), 20)
    drawn = written(terminal)
    assert "typed" in drawn
    assert "thank you, Ada: engines" in drawn


async def test_ctrl_c_gives_the_prompt_back_while_the_answer_goes_on(
    box: Sandbox, bot: StudyBot, keys: PipeInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.terminal.QUIET", 0.05)
    terminal = Terminal(box, console(terminal=True))
    finished = asyncio.Event()
    session = asyncio.create_task(terminal.prompt_loop(finished.wait))
    drawn = ""

    async def until(text: str) -> None:
        nonlocal drawn
        async with asyncio.timeout(10):
            while text not in drawn:
                await asyncio.sleep(0.01)
                drawn += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written(terminal))

    keys.send_text("/stream\r")
    await until("thinking")
    bot.gate.put_nowait("one")
    await until("one")
    assert "Ctrl-C: back to the prompt, to press a button" in drawn
    # What is typed while an answer is watched stands in the prompt afterwards.
    keys.send_text("/cou\x03nt\r")
    await until("[1]  Count 0")
    keys.send_text("press 1\r")
    await until("[1]  Count 1")
    bot.gate.put_nowait("two")
    bot.gate.put_nowait("end")
    await box.until(lambda box: len(box.requests("PATCH", "@original")) == 2)
    assert "two" not in drawn
    finished.set()
    await until("two")
    keys.send_text("press 1\r")
    await until("Count 2")
    keys.send_text("quit\r")
    assert await asyncio.wait_for(session, 10)


async def test_the_prompt_can_be_left_while_an_answer_goes_on(
    box: Sandbox, bot: StudyBot, keys: PipeInput
) -> None:
    terminal = Terminal(box, console(terminal=True))
    session = asyncio.create_task(terminal.prompt_loop(asyncio.Event().wait))
    keys.send_text("/stream\r")
    await box.until(lambda box: box.requests("POST", "/callback"))
    keys.send_text("\x03quit\r")
    assert await asyncio.wait_for(session, 10)
    bot.gate.put_nowait("end")


@pytest.mark.parametrize("junk", ["\x1b[35M", "\x1b[<1;2;3;4M", "\x1b[<M", "\x1b[M\x00\x00\x00", "\x1b\x1b["])
async def test_keys_that_look_like_a_mouse_do_no_harm(
    terminal: Terminal, keys: PipeInput, capsys: pytest.CaptureFixture[str], junk: str
) -> None:
    terminal.console = console(terminal=True)
    keys.send_text(f"{junk}\r/echo text:still here\r")
    keys.send_text("quit\r")
    async with asyncio.timeout(10):
        await terminal.prompt_loop(at_once)
    assert "still here" in written(terminal)
    assert "Traceback" not in capsys.readouterr().out


async def suggestions(terminal: Terminal, line: str) -> list[tuple[str, str, str]]:
    """What completion offers: the line after it is taken, what is shown, and what stands beside it."""
    found = []
    async for one in Suggestions(terminal).get_completions_async(Document(line), CompleteEvent()):
        done = line[: len(line) + one.start_position] + one.text
        found.append((done, one.display_text, one.display_meta_text))
    return found


async def test_completion(terminal: Terminal) -> None:
    assert await suggestions(terminal, "/ec") == [("/echo ", "/echo", "Say it again")]
    assert ("/echo text:", "text:", "what to say") in await suggestions(terminal, "/echo ")
    assert await suggestions(terminal, "/song year:1984 title:ju") == [
        ("/song year:1984 title:ju 1 (1984)", "ju 1 (1984)", ""),
        ("/song year:1984 title:ju 2 (1984)", "ju 2 (1984)", ""),
    ]
    assert await suggestions(terminal, "pr") == [("press ", "press ", "")]
    assert await suggestions(terminal, "/manage") == []


async def test_a_suggestion_stands_in_the_line_by_its_name(terminal: Terminal) -> None:
    (line, *_), _ = await suggestions(terminal, "/song title:ju")
    assert line == "/song title:ju 1 (None)"
    assert await terminal.say(line, settled=at_once)
    assert "ju1 None" in written(terminal)
    assert await terminal.say("/song title:ju2", settled=at_once)
    assert "ju2 None" in written(terminal)


async def test_a_misspelt_option_gets_a_hint_and_goes_through(terminal: Terminal) -> None:
    assert await terminal.say("/echo text:so many tims:3", settled=at_once)
    drawn = written(terminal)
    assert "tims: was taken as text. Did you mean the option times:?" in drawn
    assert "so many tims:3" in drawn
    assert await terminal.say("/echo text:Dear Sarah: see https://example.org", settled=at_once)
    assert "Did you mean" not in written(terminal)


@pytest.mark.parametrize("key", ["\t", "\r"], ids=["tab", "enter"])
async def test_an_option_that_was_completed_offers_its_values_at_once(
    terminal: Terminal, keys: PipeInput, key: str
) -> None:
    terminal.console = console(terminal=True)
    session = asyncio.create_task(terminal.prompt_loop(at_once))

    async def offered(text: str) -> None:
        async with asyncio.timeout(10):
            while True:
                app = get_app_session().app
                state = app.current_buffer.complete_state if app else None
                if state and text in [one.display_text for one in state.completions]:
                    return
                await asyncio.sleep(0.01)

    keys.send_text("/song ti")
    await offered("title:")
    keys.send_text("\t")
    keys.send_text(key)
    await offered(" 1 (None)")
    keys.send_text("x\x15quit\r")
    assert await asyncio.wait_for(session, 10)


# --- by itself


async def test_python_m_sandbox() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", "--port", "0", "--privileged",
        stdout=asyncio.subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    lines = [(await asyncio.wait_for(process.stdout.readline(), 20)).decode().rstrip() for _ in range(9)]
    assert re.fullmatch(r"Open http://127\.0\.0\.1:\d+ in a browser\.", lines[0])
    del lines[:2]
    assert re.fullmatch(r"api_url      http://127\.0\.0\.1:\d+/api/v10", lines[0])
    assert (
        lines[2] == "token        MTAwMDAwMDAwMDAwMDAwMDAwMA.SANDBX.a-stand-in-for-Discord-has-no-secrets-x"
    )
    assert lines[5] == f"  discord.http.Route.BASE = {lines[0].split()[1]!r}"
    assert "DEFAULT_GATEWAY = yarl.URL('ws://127.0.0.1:" in lines[6]
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_python_m_sandbox_on_a_port_that_is_taken() -> None:
    async with Sandbox() as box:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sandbox", "--port", str(box.port), stderr=asyncio.subprocess.PIPE, cwd=ROOT
        )
        _, printed = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert re.fullmatch(rf"Cannot use port {box.port}: .+\n", printed.decode())
