"""`run`: the bot on Discord."""

from __future__ import annotations

import argparse
import signal
import sys

from bot.cli.failures import NoToken
from bot.cli.terminal import leave
from bot.settings.load import load

SUMMARY = "run the bot on Discord"


def add_arguments(_parser: argparse.ArgumentParser, /) -> None:
    """It takes none."""


def run(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config)
    if settings.token is None:
        raise NoToken
    # Until the bot listens for them itself, being told to stop is no failure.
    for name in ("SIGTERM", "SIGHUP"):
        if number := getattr(signal, name, None):
            signal.signal(number, lambda *_: sys.exit(0))
    import asyncio

    from bot import logs
    from models.memory import use_few_arenas

    use_few_arenas()
    from bot.client import Tokenwise
    from bot.process import serve

    token = settings.token.get_secret_value()
    logs.setup(settings.log.level, token)

    async def start() -> int:
        return await serve(Tokenwise(settings), token)

    return leave(asyncio.run(start()))
