"""What /help and /learn say of each command: where it stands in the tour, and an example that works here and now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from discord import app_commands

from bot.client import Interaction
from bot.limits import EVERYWHERE

Command: TypeAlias = app_commands.Command[Any, ..., Any]
Fitted: TypeAlias = Callable[[Interaction], Awaitable[str]]
"""Makes an example of what the loaded model knows; "" if there is none."""

PATIENCE = 1.0
"""Seconds for all examples of one answer. A model that takes longer leaves the example as it was written."""
_KEY = "guide"


class Topic(StrEnum):
    """The stations of the tour, in its order."""

    TOKENS = "tokens"
    TEXT = "text"
    INSIDE = "inside"
    VECTORS = "vectors"
    WORDS = "words"
    SONGS = "songs"
    LIKES = "likes"
    DATA = "data"
    ABOUT = "about"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Guide:
    """`slot` is the model that the command needs; without it in the settings the command is not shown."""

    topic: Topic
    slot: str = ""
    fitted: Fitted | None = None


def guide(topic: Topic, example: str, slot: str = "", fitted: Fitted | None = None) -> dict[str, Any]:
    """The `extras` of a command: `example` as the documentation has it, and `fitted` where that may not work.

    What somebody wants to know or delete of their own data is answered in every channel.
    """
    return {"example": example, EVERYWHERE: topic is Topic.DATA, _KEY: Guide(topic, slot, fitted)}


def guide_of(command: Command) -> Guide:
    """What a command says of itself; a command that says nothing stands with those about the bot."""
    found = command.extras.get(_KEY)
    return found if isinstance(found, Guide) else Guide(Topic.ABOUT)


async def examples_of(interaction: Interaction, commands: list[Command]) -> list[str]:
    """An example for each command, all within PATIENCE; "" for a command whose name alone is one."""
    written = [str(command.extras.get("example", "")) for command in commands]
    asked = {
        index: asyncio.ensure_future(fitted(interaction))
        for index, command in enumerate(commands)
        if (fitted := guide_of(command).fitted) is not None
    }
    if asked:
        await asyncio.wait(asked.values(), timeout=PATIENCE)
    for index, task in asked.items():
        if task.done() and not task.cancelled() and task.exception() is None and task.result():
            written[index] = task.result()
        task.cancel()
    return [
        "" if example == f"/{command.qualified_name}" else example
        for command, example in zip(commands, written, strict=True)
    ]
