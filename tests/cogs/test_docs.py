"""docs/commands.md matches the commands."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from discord import app_commands
from discord.ext import commands

from bot.client import EXTENSIONS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## /([\w ]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))

Command = app_commands.Command[Any, ..., Any]


def every_command() -> Iterator[Command]:
    for extension in EXTENSIONS:
        for _, cog in inspect.getmembers(importlib.import_module(extension), inspect.isclass):
            if not issubclass(cog, commands.Cog) or not cog.__module__.startswith(f"{extension}."):
                continue
            group = cog.__cog_group_name__ if issubclass(cog, commands.GroupCog) else ""
            for command in cog.__cog_app_commands__:
                assert isinstance(command, app_commands.Command)
                command.extras["full name"] = f"{group} {command.name}".strip()
                yield command


COMMANDS = {command.extras["full name"]: command for command in every_command()}


def test_every_command_is_documented_and_nothing_else() -> None:
    assert {"generate", "tokens", "similar", "recommend", "likes list", "models reload"} <= COMMANDS.keys()
    assert COMMANDS.keys() == SECTIONS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_options_and_examples_are_documented(name: str) -> None:
    command, section = COMMANDS[name], SECTIONS[name]
    rows = set(re.findall(r"^\| (\*{0,2}[a-z_]+\*{0,2}) \|", section, re.MULTILINE)) - {"option", "mark"}
    options = {
        f"**{option.display_name}**" if option.required else option.display_name
        for option in command.parameters
    }
    assert rows == options
    example = command.extras["example"]
    assert f"Example: `{example}`" in section
    assert example.startswith(f"/{name}")
    for option in re.findall(r" (\w+):", example):
        assert option in {parameter.display_name for parameter in command.parameters}


@pytest.mark.parametrize("name", COMMANDS)
def test_everything_is_described_where_people_type(name: str) -> None:
    command = COMMANDS[name]
    assert len(command.description) > 10
    for option in command.parameters:
        assert len(str(option.description)) > 10, f"/{name} {option.name}"
        assert len(str(option.description)) <= 100
