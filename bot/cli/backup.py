"""`database backup` and `database restore`: copies of the SQLite file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import texts
from bot.cli.arguments import add_config
from bot.settings.load import load
from bot.visible import harmless

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    Actions = _SubParsersAction[argparse.ArgumentParser]


def add_actions(actions: Actions) -> None:
    """Add both to the actions of `database`."""
    for name, act, file, summary in (
        (
            "backup",
            _backup,
            "the copy; it must not exist yet",
            "copy the SQLite database to a file, even while the bot runs",
        ),
        (
            "restore",
            _restore,
            "a file written by `backup`",
            "replace the database by such a copy; stop the bot first",
        ),
    ):
        description = f"{summary[0].upper()}{summary[1:]}."
        parser = actions.add_parser(name, help=summary, description=description)
        add_config(parser)
        parser.add_argument("file", type=Path, metavar="FILE", help=file)
        parser.set_defaults(usage=parser, act=act)


async def _backup(arguments: argparse.Namespace) -> int:
    from bot.store.backup import back_up

    size = back_up(_database(arguments), arguments.file)
    print(harmless(texts.say("terminal-backed-up", file=str(arguments.file), size=texts.size(size))))
    return 0


async def _restore(arguments: argparse.Namespace) -> int:
    from bot.store.backup import restore

    database = _database(arguments)
    kept = await restore(arguments.file, database)
    print(harmless(texts.say("terminal-restored", file=str(arguments.file), database=str(database))))
    if kept is not None:
        print(harmless(texts.say("terminal-set-aside", file=str(kept))))
    return 0


def _database(arguments: argparse.Namespace) -> Path:
    """The database file in the settings. Raises DatabaseOnServer if they name a server."""
    from bot.store.backup import file_of
    from bot.store.store import url_in

    settings = load(arguments.config)
    return file_of(url_in(settings.data_dir, settings.database.url))
