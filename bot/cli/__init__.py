"""The command line: a module per command, found by its name, with what it takes beside what it does.

Each command imports what it needs when it runs and nothing else: `check` loads no model library, `tokens` no torch
model, and `--help` next to nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import texts
from bot.cli import (
    attention,
    check,
    database,
    decode,
    demo,
    embed,
    evaluate,
    fetch,
    generate,
    health,
    lens,
    paths,
    recommend,
    run,
    similar,
    surprise,
    tokens,
    train,
    why,
)
from bot.cli import next as next_token
from bot.cli.arguments import Parser, add_config
from bot.cli.failures import Misuse
from bot.cli.terminal import FAILED, INTERRUPTED, MISUSED, complain
from bot.settings.schema import ConfigError
from models.failures import Failure
from models.threads import wait_briefly


class Command(Protocol):
    """What the module of a command has. Its name on the command line is the module's."""

    SUMMARY: str

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None: ...

    def run(self, arguments: argparse.Namespace, /) -> int:
        """The exit code. Failure and ConfigError are told by `main`, a line each."""


COMMANDS: Mapping[str, Command] = {
    "run": run,
    "demo": demo,
    "check": check,
    "fetch": fetch,
    "health": health,
    "database": database,
    "tokens": tokens,
    "decode": decode,
    "generate": generate,
    "next": next_token,
    "surprise": surprise,
    "lens": lens,
    "attention": attention,
    "why": why,
    "paths": paths,
    "embed": embed,
    "similar": similar,
    "recommend": recommend,
    "train": train,
    "evaluate": evaluate,
}
"""In the order of `--help`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0, 1 for what could not be done, 2 for usage and settings."""
    # What is left over is the command's fault, so its usage is what helps.
    arguments, unknown = _parser().parse_known_args(argv)
    if unknown:
        arguments.usage.error(f"unrecognized arguments: {' '.join(unknown)}")
    wait_briefly()
    try:
        # Text is UTF-8, whatever the terminal's locale says.
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding="utf-8")
        code = COMMANDS[arguments.command].run(arguments)
        sys.stdout.flush()
    except ConfigError as error:
        return complain(*error.problems, code=MISUSED)
    except Failure as error:
        return complain(str(error), code=MISUSED if isinstance(error, Misuse) else FAILED)
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python must not complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        reason = " ".join(str(error).split())
        return complain(
            texts.say("terminal-unforeseen", kind=type(error).__name__, reason=reason), code=FAILED
        )
    return code


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="tokenwise",
        description="A Discord bot for study groups that are learning what a language model sees.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings (default: config.toml)")
    subparsers = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        summary = command.SUMMARY
        child = subparsers.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        add_config(child)
        child.set_defaults(usage=child)
        command.add_arguments(child)
    return parser
