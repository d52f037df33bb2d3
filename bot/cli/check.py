"""`check`: what is wrong with the settings, or what is in force."""

from __future__ import annotations

import argparse

import texts
from bot.cli.terminal import MISUSED, complain
from bot.settings.check import effective, inspect
from bot.settings.load import load
from bot.settings.schema import ConfigError
from bot.visible import harmless

SUMMARY = "say what is wrong with the settings, or show those in force"


def add_arguments(_parser: argparse.ArgumentParser, /) -> None:
    """It takes none."""


def run(arguments: argparse.Namespace) -> int:
    try:
        settings = load(arguments.config)
        problems, warnings = inspect(settings)
    except ConfigError as error:
        problems, warnings = error.problems, []
    complain(*(texts.say("terminal-warning", line=line) for line in warnings), code=0)
    print("\n".join(map(harmless, problems or effective(settings))))
    return MISUSED if problems else 0
