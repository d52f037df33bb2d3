"""The welcome on the demo's page: a description of the bot, and an example for each kind of model."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

from bot.client import Tokenwise
from bot.examples import Command, commands_of, example_of, examples_of
from models.hub import Hub
from models.results import SlotStatus, State
from models.service import Caller
from sandbox.page import Page
from sandbox.welcome import Example, Welcome
from texts import say

QUESTIONS = (("generate",), ("tokens",), ("similar", "embed"), ("recommend",))
"""The commands that answer each question; the first one whose model has not failed is used."""
WITHIN = 0.5
"""Seconds for a model to suggest an example."""


@contextlib.asynccontextmanager
async def welcoming(page: Page, bot: Tokenwise, hub: Hub) -> AsyncIterator[None]:
    """Meanwhile, keep the page's welcome up to date: an example can be clicked when its model is loaded."""
    task = asyncio.create_task(_keep_welcoming(page, bot, hub), name="welcome")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _keep_welcoming(page: Page, bot: Tokenwise, hub: Hub) -> None:
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def tell(_slot: str, _status: SlotStatus) -> None:
        with contextlib.suppress(RuntimeError):  # the event loop ended before the models loaded
            loop.call_soon_threadsafe(changed.set)

    hub.listen(tell)
    while True:
        changed.clear()
        page.greet(await welcome(bot))
        await changed.wait()


async def welcome(bot: Tokenwise) -> Welcome:
    """The welcome with an example for each question; those with a loaded model are ready."""
    status = await bot.service.status()
    states = {slot.slot: slot.state for slot in status.slots}
    commands = list(_answering(bot, states))
    ready = [command for command in commands if states[example_of(command).slot] is State.READY]
    asking = Caller("welcome", 0, WITHIN, typing=True)
    lines = dict(zip(ready, await examples_of(bot.service, asking, ready), strict=True))
    return Welcome(
        say("welcome-about"),
        tuple(
            Example(
                say(f"welcome-{command.name}"),
                lines.get(command, example_of(command).line),
                ready=command in lines,
            )
            for command in commands
        ),
    )


def _answering(bot: Tokenwise, states: dict[str, State]) -> Iterator[Command]:
    """The command for each question that the configured models can answer."""
    there = commands_of(bot.tree)
    for names in QUESTIONS:
        for name in names:
            command = there.get(name)
            if command and states.get(example_of(command).slot, State.FAILED) is not State.FAILED:
                yield command
                break
