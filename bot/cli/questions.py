"""Shared by the commands that use a model: the text, the settings section, and both output formats."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import texts
from bot.cli.failures import InputNotUtf8, TextNotUtf8
from bot.cli.terminal import FAILED, complain, print_json
from bot.settings.schema import ConfigError, SectionT, Settings
from models.failures import NotThere
from models.slots import SLOTS
from models.specs import Spec

if TYPE_CHECKING:
    from rich.console import Console

Answer: TypeAlias = dict[str, object]
"""An answer as JSON."""
Ask: TypeAlias = "Callable[[argparse.Namespace, Console | None], Answer]"
"""Answers the command, and shows the answer on a console if given one."""
SpecT = TypeVar("SpecT", bound=Spec)


def reply(arguments: argparse.Namespace, ask: Ask) -> int:
    """Answer a command, as text or JSON, and return the exit code."""
    from rich.console import Console

    if "text" in arguments:
        arguments.text = _text(arguments.text)
    console = None if arguments.json else Console(soft_wrap=True, highlight=False)
    try:
        answer = ask(arguments, console)
    except NotThere as error:
        if arguments.config is not None or getattr(arguments, "tokenizer", None):
            raise
        return complain(f"{error} {texts.say('terminal-small-models')}", code=FAILED)
    if arguments.json:
        print_json(answer)
    return 0


def _text(given: str | list[str]) -> str:
    text = " ".join(given) if isinstance(given, list) else given
    if text == "-":
        try:
            text = sys.stdin.buffer.read().decode("utf-8")
        except UnicodeDecodeError:
            raise InputNotUtf8 from None
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise TextNotUtf8
    return text


def required_section(settings: Settings, kind: type[SectionT]) -> SectionT:
    """The section of one kind of model. Raises ConfigError if the settings have none."""
    if (section := settings.section(kind)) is None:
        raise _missing(next(slot.name for slot in SLOTS.values() if slot.section is kind))
    return section


def required_spec(settings: Settings, kind: type[SpecT]) -> SpecT:
    """The spec of one kind of model. Raises ConfigError if the settings have no section for it."""
    for spec in settings.specs().values():
        if isinstance(spec, kind):
            return spec
    raise _missing(next(slot.name for slot in SLOTS.values() if slot.spec is kind))


def _missing(slot: str) -> ConfigError:
    return ConfigError([texts.say("setting-section-needed", slot=slot)])
