"""`python -m sandbox`: run a standalone sandbox for any bot."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal

from rich.console import Console

from sandbox.driver import Sandbox
from sandbox.page import Page
from sandbox.server import PORT, TOKEN
from sandbox.terminal import Terminal


async def serve(
    port: int,
    token: str,
    *,
    prompt: bool,
    privileged: bool,
    shards: int = 1,
    max_concurrency: int | None = None,
) -> None:
    """Run until SIGINT or SIGTERM, or until the user leaves the prompt."""
    console = Console(highlight=False, soft_wrap=True)
    stopped = asyncio.Event()
    if not prompt:  # The prompt handles Ctrl-C itself.
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows
                asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    box = Sandbox(port, token, privileged=privileged, shards=shards, max_concurrency=max_concurrency)
    Page(box)
    async with box:
        console.print(f"Open {box.url} in a browser.\n")
        console.print(
            f"api_url      {box.api_url}\ngateway_url  {box.gateway_url}\ntoken        {box.token}\n"
        )
        console.print("Point a discord.py bot at it before it starts:", style="dim")
        console.print(f"  discord.http.Route.BASE = {box.api_url!r}")
        console.print(f"  discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL({box.gateway_url!r})")
        if prompt:
            console.print("\nWaiting for a bot ...", style="dim")
            await box.ready(float("inf"))
            await Terminal(box, Console()).prompt_loop()
            return
        await stopped.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT, help="port on 127.0.0.1; 0 picks a free one")
    parser.add_argument("--token", default=TOKEN, help="the token that the bot must use")
    parser.add_argument(
        "--prompt", action="store_true", help="open a prompt for commands once a bot is there"
    )
    parser.add_argument(
        "--privileged", action="store_true", help="grant the members, presences and message content intents"
    )
    parser.add_argument("--shards", type=int, default=1, help="minimum number of shards of a bot")
    parser.add_argument(
        "--max-concurrency",
        type=int,
        help="number of shards that may start a session within 5 seconds; not enforced by default",
    )
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(
                serve(
                    arguments.port,
                    arguments.token,
                    prompt=arguments.prompt,
                    privileged=arguments.privileged,
                    shards=arguments.shards,
                    max_concurrency=arguments.max_concurrency,
                )
            )
        except OSError as error:
            parser.exit(1, f"Cannot use port {arguments.port}: {error.strerror}\n")


if __name__ == "__main__":
    main()
