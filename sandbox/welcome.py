"""The welcome of the page: a description of the bot, and examples that run on click."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sandbox import commandline
from sandbox.commandline import CommandLineError
from sandbox.rules import Json
from sandbox.state import Command


@dataclass(frozen=True)
class Example:
    """A command as typed, such as `/tokens text:hello`, and the question that it answers.

    One that is not `ready` yet has its place on the page but cannot be clicked.
    """

    question: str
    line: str
    ready: bool = True


@dataclass(frozen=True)
class Welcome:
    """`text` describes the bot, one paragraph per line."""

    text: str
    examples: tuple[Example, ...] = ()

    def offered(self, commands: Mapping[str, Command]) -> Json:
        """The welcome for a member with these commands: without examples that cannot be sent."""
        return {
            "text": self.text,
            "examples": [
                asdict(example) for example in self.examples if _can_be_sent(example.line, commands)
            ],
        }


def _can_be_sent(line: str, commands: Mapping[str, Command]) -> bool:
    try:
        commandline.parse(line, commands)
    except CommandLineError:
        return False
    return True
