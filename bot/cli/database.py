"""`database`: what whoever runs the bot does with the database by hand."""

from __future__ import annotations

import argparse
import asyncio

from bot.cli import backup

SUMMARY = "back the database up, or restore it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", required=True, metavar="ACTION")
    backup.add_actions(actions)


def run(arguments: argparse.Namespace) -> int:
    code: int = asyncio.run(arguments.act(arguments))
    return code
