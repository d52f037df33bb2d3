"""The sandbox with other client libraries: the same small bot in each, over its real client.

`make clients` installs the libraries next to the project, each in its own environment, because some of them share
the same names; those that are not there are skipped.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox import Limits, Sandbox

ROOT = Path(__file__).resolve().parents[2]
BOTS = Path(__file__).parent / "bots"
ENVIRONMENTS = Path(os.environ.get("TOKENWISE_CLIENTS", ROOT / ".clients"))
"""A virtual environment for each library of Python, and a folder of npm for discord.js."""
PYTHON = ("pycord", "nextcord", "disnake", "hikari")
LIBRARIES = ("discordpy", "discordjs", *PYTHON)
PATIENCE = 30
MISSING = "other Discord libraries, which are not installed: `make clients`"


def command_of(library: str) -> list[str]:
    """How to run the bot of a library; skips the test where the library is not installed."""
    if library == "discordpy":
        return [sys.executable, str(BOTS / "discordpy_bot.py")]
    if library == "discordjs":
        node, modules = shutil.which("node"), ENVIRONMENTS / "discordjs" / "node_modules"
        if node is None or not (modules / "discord.js").is_dir():
            pytest.skip(MISSING)
        return [node, str(BOTS / "discordjs_bot.mjs")]
    python = ENVIRONMENTS / library / "bin" / "python"
    if not python.exists():
        pytest.skip(MISSING)
    return [str(python), str(BOTS / f"{library}_bot.py")]


@contextlib.asynccontextmanager
async def running(box: Sandbox, library: str, folder: Path) -> AsyncIterator[None]:
    """A library's bot in its own process, from ready to exit; fails with its output if it ends early."""
    command = command_of(library)
    if library == "discordjs":  # Node looks for packages beside the file
        copy = folder / "bot.mjs"
        copy.write_bytes((BOTS / "discordjs_bot.mjs").read_bytes())
        (folder / "node_modules").symlink_to(ENVIRONMENTS / "discordjs" / "node_modules")
        command = [command[0], str(copy)]
    process = await asyncio.create_subprocess_exec(
        *command,
        env={
            **os.environ,
            "CLIENT_API": box.api_url,
            "CLIENT_GATEWAY": box.gateway_url,
            "CLIENT_TOKEN": box.token,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    output = asyncio.create_task(process.stdout.read())
    try:
        started = asyncio.create_task(_started(box))
        await asyncio.wait({started, output}, return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            started.cancel()
            pytest.fail((await output).decode(errors="replace")[-3000:])
        await started
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await output


async def _started(box: Sandbox) -> None:
    await box.ready(PATIENCE)
    await box.commands_synced(PATIENCE)
    await box.until(lambda box: set(box.commands) >= {"go", "menus", "form", "file"}, PATIENCE)


@pytest.mark.parametrize("library", LIBRARIES)
async def test_a_small_bot(library: str, tmp_path: Path) -> None:
    async with Sandbox(limits=Limits.without_rates()) as box, running(box, library, tmp_path):
        assert (await box.ask("/go text:there")).text == "go there"
        assert [one["value"] for one in await box.autocomplete("/go text:al")] == ["alpha"]

        menus = (await box.ask("/menus")).message
        assert menus is not None
        role = box.guild.roles[0]
        chosen: dict[str, tuple[list[object], str]] = {
            "strings": (["one", "two"], "one,two"),
            "users": ([box.admin], box.admin.name),
            "roles": ([role], role.name),
            "channels": ([box.channel], box.channel.name),
            "mentionables": ([box.student], box.student.name),
        }
        for name, (values, shown) in chosen.items():
            answer = await box.select(menus, name, values)
            await answer.until(lambda it: it.text)
            assert answer.text.casefold() == f"{name} {shown}".casefold()

        form = (await box.ask("/form")).modal
        # Libraries know of a form only once they have read the answer to the request that opened it.
        assert (await box.ask("/go text:on")).text == "go on"
        assert (await box.submit(form, {"note": "written"})).text == "form written"

        filed = await box.ask("/file")
        await filed.until(lambda answer: answer.text == "file")
        assert filed.message is not None
        (attachment,) = filed.message.attachments
        assert (attachment.filename, attachment.bytes) == ("note.txt", b"hello")

        identified = len(box.events("READY"))
        assert await box.drop() == 1
        await box.until(lambda box: box.events("RESUMED"), PATIENCE)
        assert (await box.ask("/go text:again")).text == "go again"
        assert len(box.events("READY")) == identified
