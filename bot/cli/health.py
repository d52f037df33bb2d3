"""`health`: whether the running bot is well."""

from __future__ import annotations

import argparse

from bot.cli.failures import HealthNotServed, NobodyAnswers
from bot.cli.terminal import FAILED
from bot.settings.load import load

SUMMARY = "ask the running bot whether it is well; exit code 0 or 1"


def add_arguments(_parser: argparse.ArgumentParser, /) -> None:
    """It takes none."""


def run(arguments: argparse.Namespace) -> int:
    import http.client
    import json

    health = load(arguments.config).health
    if not health.enabled:
        raise HealthNotServed
    connection = http.client.HTTPConnection(health.host, health.port, timeout=4)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        content = json.loads(response.read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NobodyAnswers(health.host, str(health.port), str(error)) from None
    finally:
        connection.close()
    print(json.dumps(content))
    return 0 if response.status == http.client.OK else FAILED
