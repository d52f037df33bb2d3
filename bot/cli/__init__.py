"""The command line: one module per command, with its arguments and its implementation.

Each command imports only what it needs, when it runs: `check` loads no model library, `tokens` no torch model, and
`--help` almost nothing.
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
    serve,
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
    """The interface of a command's module. The command has the module's name."""

    SUMMARY: str

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None: ...

    def run(self, arguments: argparse.Namespace, /) -> int:
        """Return the exit code. `main` prints Failure and ConfigError, one line each."""


COMMANDS: Mapping[str, Command] = {
    "run": run,
    "demo": demo,
    "serve": serve,
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
    """Run one command and return the exit code: 0, 1 for a failure, 2 for wrong usage or settings."""
    # Unknown arguments belong to the command, so show its usage.
    arguments, unknown = _parser().parse_known_args(argv)
    if unknown:
        arguments.usage.error(f"unrecognized arguments: {' '.join(unknown)}")
    wait_briefly()
    try:
        # Text is UTF-8, regardless of the terminal's locale.
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
        # The reader has closed the pipe; keep Python from complaining when it flushes at exit.
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
        description="A Discord bot for study groups that want to see what a language model sees.",
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
