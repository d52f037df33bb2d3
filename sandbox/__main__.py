"""`python -m sandbox`: run a sandbox by itself, for any bot."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal

from rich.console import Console

from sandbox.driver import Sandbox


async def serve(port: int, token: str) -> None:
    console = Console(highlight=False, soft_wrap=True)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, stopped.set)
    async with Sandbox(port, token) as box:
        console.print(
            f"api_url      {box.api_url}\ngateway_url  {box.gateway_url}\ntoken        {box.token}\n"
        )
        console.print("Point a discord.py bot at it before it starts:", style="dim")
        console.print(f"  discord.http.Route.BASE = {box.api_url!r}")
        console.print(f"  discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL({box.gateway_url!r})")
        await stopped.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8087, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--token", default="sandbox-token", help="what the bot must log in with")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.token))


if __name__ == "__main__":
    main()
