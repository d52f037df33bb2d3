"""`run`: the bot on Discord."""

from __future__ import annotations

import argparse
import re
import signal
import sys

from bot.cli.failures import NoToken
from bot.cli.terminal import leave
from bot.settings.load import load

MOST_SHARDS = 100_000

SUMMARY = "run the bot on Discord"


def add_arguments(parser: argparse.ArgumentParser, /) -> None:
    parser.add_argument(
        "--shards",
        type=shards,
        metavar="IDS/COUNT",
        help="the shards of this process and the total number, such as 0-3/16 or 0,2,5-7/8",
    )


def shards(text: str) -> tuple[list[int], int]:
    """Parse shard ids and the total number: "0-3/16" is ([0, 1, 2, 3], 16)."""
    ids: list[int] = []
    parts, slash, count = text.partition("/")
    if slash and count.isdecimal() and 0 < int(count) <= MOST_SHARDS:
        for part in parts.split(","):
            if not (found := re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part.strip(), re.ASCII)):
                break
            first, last = int(found[1]), int(found[2] or found[1])
            if not first <= last < int(count):
                break
            ids += range(first, last + 1)
        else:
            if len(set(ids)) == len(ids):
                return sorted(ids), int(count)
    raise argparse.ArgumentTypeError(
        f"{text!r} does not name shards, each less than the number of all, as 0-3/16 does"
    )


def run(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config)
    if arguments.shards:
        ids, count = arguments.shards
        sharded = settings.discord.model_copy(update={"shard_ids": ids, "shard_count": count})
        settings = settings.model_copy(update={"discord": sharded})
    if settings.token is None:
        raise NoToken
    # Being stopped before the bot handles signals itself is not a failure.
    for name in ("SIGTERM", "SIGHUP"):
        if number := getattr(signal, name, None):
            signal.signal(number, lambda *_: sys.exit(0))
    import asyncio

    from bot import logs
    from models.memory import use_few_arenas

    use_few_arenas()
    from bot.client import Tokenwise, make_service
    from bot.process import serve

    token = settings.token.get_secret_value()
    logs.setup(settings.log.level, token)

    async def start() -> int:
        service = make_service(settings)
        await service.connect()
        return await serve(Tokenwise(settings, service), token)

    return leave(asyncio.run(start()))
