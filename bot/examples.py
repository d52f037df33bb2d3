"""Examples of commands that work with the loaded models, for /help, /learn and the demo's page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from discord import app_commands

from models.service import Caller, Service

Command: TypeAlias = app_commands.Command[Any, ..., Any]
Fitted: TypeAlias = Callable[[Service, Caller], Awaitable[str]]
"""Makes an example that fits the loaded model; "" if there is none."""

EXTRA = "guide"
"""The key of a command's example in its `extras`."""
PATIENCE = 1.0
"""Seconds for all examples of one answer. If a model takes longer, the example stays unadapted."""


@dataclass(frozen=True, slots=True)
class Example:
    """`line` is the command as typed, `slot` the model that it needs, if any."""

    line: str = ""
    slot: str = ""
    fitted: Fitted | None = None


def commands_of(tree: app_commands.CommandTree[Any]) -> dict[str, Command]:
    """The slash commands, by their full names."""
    return {
        command.qualified_name: command
        for command in tree.walk_commands()
        if isinstance(command, app_commands.Command)
    }


def example_of(command: Command) -> Example:
    """A command's example before it is adapted; an empty one if it has none."""
    found = command.extras.get(EXTRA)
    return found if isinstance(found, Example) else Example()


async def examples_of(service: Service, asking: Caller, commands: Sequence[Command]) -> list[str]:
    """One line per command, all within PATIENCE; "" for a command without an example."""
    examples = [example_of(command) for command in commands]
    lines = [example.line for example in examples]
    asked = {
        index: asyncio.ensure_future(example.fitted(service, asking))
        for index, example in enumerate(examples)
        if example.fitted is not None
    }
    if asked:
        await asyncio.wait(asked.values(), timeout=PATIENCE)
    for index, task in asked.items():
        if task.done() and not task.cancelled() and task.exception() is None and task.result():
            lines[index] = task.result()
        task.cancel()
    return [
        "" if line == f"/{command.qualified_name}" else line
        for line, command in zip(lines, commands, strict=True)
    ]
