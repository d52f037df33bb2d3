"""Examples of the commands that work with the models that are loaded: for /help, /learn and the demo's page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from discord import app_commands

from models.service import Caller, Service

Command: TypeAlias = app_commands.Command[Any, ..., Any]
Fitted: TypeAlias = Callable[[Service, Caller], Awaitable[str]]
"""Makes an example of what the loaded model knows; "" if there is none."""

EXTRA = "guide"
"""The key of a command's `extras` under which its example is."""
PATIENCE = 1.0
"""Seconds for all examples of one answer. A model that takes longer leaves the example as it was written."""


@dataclass(frozen=True, slots=True)
class Example:
    """`line` is how the command is typed, `slot` the model that it needs, if any."""

    line: str = ""
    slot: str = ""
    fitted: Fitted | None = None


def commands_of(tree: app_commands.CommandTree[Any]) -> dict[str, Command]:
    """The commands that people type, by their full names."""
    return {
        command.qualified_name: command
        for command in tree.walk_commands()
        if isinstance(command, app_commands.Command)
    }


def example_of(command: Command) -> Example:
    """The example that a command brings, before it is fitted; an empty one if it brings none."""
    found = command.extras.get(EXTRA)
    return found if isinstance(found, Example) else Example()


async def examples_of(service: Service, asking: Caller, commands: Sequence[Command]) -> list[str]:
    """A line for each command, all within PATIENCE; "" for a command whose name alone is one."""
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
