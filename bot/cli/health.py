"""`health`: check the running bot."""

from __future__ import annotations

import argparse
from typing import Any

from bot.cli.failures import HealthNotServed, NobodyAnswers
from bot.cli.terminal import FAILED, print_json
from bot.settings.load import load
from bot.settings.schema import Health

SUMMARY = "check whether the running bot is ready; exit code 0 or 1"
PATIENCE = 4.0
"""Seconds."""


def add_arguments(parser: argparse.ArgumentParser, /) -> None:
    parser.add_argument(
        "--live", action="store_true", help="check only the process, not Discord or the models"
    )


def run(arguments: argparse.Namespace) -> int:
    import http.client

    health = load(arguments.config).health
    if not health.enabled:
        raise HealthNotServed
    status, content = ask(health, "/livez" if arguments.live else "/healthz")
    print_json(content)
    return 0 if status == http.client.OK else FAILED


def ask(health: Health, path: str) -> tuple[int, dict[str, Any]]:
    """The status and body of the running bot's response. Raises NobodyAnswers if there is none."""
    import http.client
    import json

    connection = http.client.HTTPConnection(health.host, health.port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        content = json.loads(response.read())
        if not isinstance(content, dict):
            raise ValueError("no object")  # noqa: TRY004, TRY301 - told below
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NobodyAnswers(health.host, str(health.port), str(error)) from None
    finally:
        connection.close()
    return response.status, content
