"""Runs one of the two bots in a separate process and writes its event-loop lag to a file at the end.

    python -m bench.measured {tokenwise CONFIG | blocking MODEL} LAGFILE

The bot's own environment variables name the sandbox. Each line of the file describes one tick: the wall clock in
seconds, and how late the tick was in milliseconds.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bench.blocking_bot import BlockingBot
from bench.lag import LagSampler
from bot.client import Tokenwise
from bot.process import serve
from bot.settings.load import load


async def _tokenwise(config: str) -> int:
    bot = Tokenwise(load(Path(config)))
    return await serve(bot, os.environ["DISCORD_TOKEN"])


async def _blocking(model: str) -> int:
    Route.BASE = os.environ["TOKENWISE_DISCORD__API_URL"]
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["TOKENWISE_DISCORD__GATEWAY_URL"])
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with BlockingBot(model) as bot:
        running = asyncio.create_task(bot.start(os.environ["DISCORD_TOKEN"]))
        await stop.wait()
    await asyncio.gather(running, return_exceptions=True)
    return 0


def write(sampler: LagSampler, target: Path) -> None:
    lines = (f"{when:.3f} {late:.3f}\n" for when, late in sampler.samples)
    target.write_text("".join(lines), encoding="ascii")


async def main(kind: str, subject: str, lag_file: str) -> int:
    sampler = LagSampler()
    sampling = asyncio.create_task(sampler.run())
    try:
        return await (_tokenwise(subject) if kind == "tokenwise" else _blocking(subject))
    finally:
        sampling.cancel()
        write(sampler, Path(lag_file))


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
