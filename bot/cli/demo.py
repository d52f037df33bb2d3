"""`demo`: run the bot in a local Discord, with a prompt in the terminal."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import texts
from bot.cli import starter
from bot.cli.failures import NothingToAsk
from bot.cli.terminal import leave
from bot.settings.load import load
from bot.settings.schema import Database, Settings
from models.sections import LanguageSection

if TYPE_CHECKING:
    from rich.console import Console

    from bot.client import Tokenwise
    from models.results import SlotStatus
    from sandbox import Sandbox

SUMMARY = "try the bot without a Discord account"
CONFIGS = {
    "small": Path(__file__).resolve().parents[2] / "demo" / "config.toml",
    "starter": starter.CONFIG,
}
PATIENCE = 600.0
"""Seconds to wait for an answer before the demo gives up."""
FOLDER, FILES = "sandbox", "files"
"""Folder in the data folder for what people do in the demo; contains the files of its answers."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--say",
        action="append",
        metavar="LINE",
        help="run this command, print the answer and exit; repeatable, or several lines",
    )
    parser.add_argument(
        "--models",
        choices=sorted(CONFIGS),
        default="small",
        help="small: the bundled models (default); starter: real models, downloaded once",
    )
    parser.add_argument("--as", dest="who", choices=["student", "admin"], default="student", help="who asks")


def run(arguments: argparse.Namespace) -> int:
    lines = None
    if arguments.say is not None:
        lines = [line for said in arguments.say for line in said.split("\n") if line.strip()]
        if not lines:
            raise NothingToAsk
    from models.memory import use_few_arenas

    use_few_arenas()
    config = arguments.config or _config(arguments.models)
    return leave(asyncio.run(demo(load(config), lines, arguments.who)))


def _config(models: str) -> Path:
    """The configuration with these models; falls back to the small models if the others are not available."""
    config = CONFIGS[models]
    if models != "starter":
        return config
    from models.failures import StarterFailure

    try:
        list(starter.prepare_starters(load(config)))
    except StarterFailure as failure:
        _note(texts.say("terminal-demo-small", reason=str(failure)))
        return CONFIGS["small"]
    return config


async def demo(
    settings: Settings, lines: Sequence[str] | None, who: str, console: Console | None = None
) -> int:
    """Run `lines` and exit, or open a prompt. Returns 0, or 1 if a command got no answer."""
    from rich.console import Console

    from bot import logs
    from bot.cli.welcome import welcoming
    from bot.client import Tokenwise, local_service
    from bot.process import serve
    from models.hub import Hub
    from sandbox import Sandbox
    from sandbox.page import Page
    from sandbox.server import PORT, available

    logs.setup("DEBUG" if settings.log.level == "DEBUG" else "WARNING")
    if lines is not None:
        settings = at_full_speed(settings)
    # Cached models are shared with the bot; what people do in the sandbox is kept separately.
    hub = Hub(settings.specs())
    changes = {"data_dir": settings.data_dir / FOLDER, "database": Database()}
    settings = settings.model_copy(update=changes)
    files = settings.data_dir / FILES
    try:
        # Files of the last session, which nothing else deletes.
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _note(texts.say("terminal-no-data-folder", path=str(settings.data_dir), reason=str(error.strerror)))
        return 1
    _note(texts.say("terminal-demo-starts"))
    # For a single answer any port will do; otherwise a fixed port lets an open page reconnect after a restart.
    box = Sandbox(0 if lines is not None else available(PORT), bot_name="Tokenwise")
    page = Page(box)
    async with box:
        # The sandbox forgets the registered commands when it ends, so the data folder's record is outdated.
        settings = pointed_at(settings, box)
        bot = Tokenwise(settings, local_service(settings, hub), forget_commands=True)
        hub.listen(_teller(bot))
        running = asyncio.create_task(serve(bot, box.token), name="demo-bot")
        session = asyncio.create_task(
            _session(bot, box, lines, who, console or Console()), name="demo-session"
        )
        async with welcoming(page, bot, hub):
            await asyncio.wait({running, session}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():  # it failed or was stopped
            session.cancel()
            await asyncio.wait({session})
            return running.result()
        bot.request_stop()
        code = await running
        return session.result() or code


def at_full_speed(settings: Settings) -> Settings:
    """The settings without the speed limit, for answers that no one watches."""
    language = settings.section(LanguageSection)
    if language is None:
        return settings
    return settings.model_copy(update={"language": language.model_copy(update={"tokens_per_second": 0})})


def pointed_at(settings: Settings, box: Sandbox) -> Settings:
    """The settings for a bot in the sandbox."""
    from pydantic import SecretStr

    changes = {"api_url": box.api_url, "gateway_url": box.gateway_url, "guild_ids": []}
    discord = settings.discord.model_copy(update=changes)
    return settings.model_copy(update={"discord": discord, "token": SecretStr(box.token)})


async def _session(
    bot: Tokenwise, box: Sandbox, lines: Sequence[str] | None, who: str, console: Console
) -> int:
    from sandbox.terminal import Terminal

    await box.ready(PATIENCE)
    await box.commands_synced(PATIENCE)
    if lines is None:  # otherwise the page closes before anyone can open it
        console.print(texts.say("terminal-demo-at", url=box.url), style="dim")
    terminal = Terminal(box, console, bot.settings.data_dir / FILES, patience=PATIENCE)
    terminal.member = box.admin if who == "admin" else box.student
    failures = []

    async def failed(_interaction: object, error: BaseException) -> None:
        failures.append(error)

    bot.add_listener(failed, "on_interaction_failure")
    if lines is None:
        await bot.service.loaded()
        await terminal.prompt_loop(bot.idle)
        return 0
    for line in lines:
        if line.lstrip().startswith("/models"):
            await bot.service.loaded()  # /models should show the models, not their progress
        console.print(
            f"{terminal.member.name.lower()} > {line}",
            style="bold",
            markup=False,
        )
        if not await terminal.say(line, settled=bot.idle):
            failures.append(RuntimeError(line))
    return 1 if failures else 0


def _teller(bot: Tokenwise) -> Callable[[str, SlotStatus], None]:
    """Prints one line for each model: that it is loaded, or the reason for failure. Called on the loading thread."""
    from models.results import State

    told: dict[str, int] = {}

    def tell(slot: str, status: SlotStatus) -> None:
        if bot.stopping.is_set():
            return
        if status.state is State.READY and told.get(slot) != status.generation:
            told[slot] = status.generation
            seconds = f"{status.load_seconds:.1f}"
            _note("  " + texts.say("terminal-loaded", slot=slot, name=status.name, seconds=seconds))
        elif status.state is State.FAILED:
            _note(f"  {slot}: {status.failure or status.detail}")

    return tell


def _note(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
