"""`check`: report mistakes in the settings and missing models, or show the settings in force."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import texts
from bot.cli.failures import NobodyAnswers
from bot.cli.health import ask
from bot.cli.terminal import FAILED, MISUSED, complain, loading
from bot.settings.check import effective, inspect, missing_models
from bot.settings.load import load
from bot.settings.schema import ConfigError, Settings
from bot.visible import harmless
from models.failures import ModelError

SUMMARY = "report mistakes in the settings and missing models, or show the settings in force"


def add_arguments(parser: argparse.ArgumentParser, /) -> None:
    parser.add_argument(
        "--load", action="store_true", help="also load and test every model, which takes a while"
    )


def run(arguments: argparse.Namespace) -> int:
    try:
        settings = load(arguments.config)
    except ConfigError as error:
        problems = error.problems
    else:
        problems, warnings = inspect(settings)
        warnings += [*missing_models(settings), *_running(settings)]
        complain(*(texts.say("terminal-warning", line=line) for line in warnings), code=0)
    print("\n".join(map(harmless, problems or effective(settings))))
    if problems:
        return MISUSED
    return _loaded(settings) if arguments.load else 0


def _running(settings: Settings) -> Iterator[str]:
    """The reasons why a bot that is running with these settings is not ready."""
    if not settings.health.enabled:
        return
    try:
        _, content = ask(settings.health, "/healthz")
    except NobodyAnswers:
        return
    for line in content.get("problems", ()):
        yield texts.say("terminal-running-bot", line=str(line))


def _loaded(settings: Settings) -> int:
    """Load every model and print one line each; 0 only if all of them load."""
    from models.hub import Hub

    hub, code = Hub(settings.specs()), 0
    for slot in hub.slots:
        try:
            with loading() as progress:
                status = hub.load(slot, progress)
        except ModelError as error:
            code = complain(f"{slot}: {error}", code=FAILED)
        else:
            seconds = f"{status.load_seconds:.1f}"
            print(
                harmless(texts.say("terminal-loaded", slot=slot, name=status.name, seconds=seconds)),
                flush=True,
            )
    hub.close()
    return code
