"""`database`: maintain the database by hand."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import texts
from bot.cli import backup
from bot.cli.arguments import add_config
from bot.cli.failures import NoSuchPath, NotPostgresql, NotSqlite
from bot.cli.terminal import loading
from bot.settings.load import load

SUMMARY = "migrate, copy, back up or restore the database"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", required=True, metavar="ACTION")
    summary = "migrate the configured database to the newest version"
    migrate = actions.add_parser("migrate", help=summary, description=f"{summary.capitalize()}.")
    copy = actions.add_parser(
        "copy",
        help="copy everything from an SQLite file to a PostgreSQL server",
        description="Copy everything from an SQLite file to a PostgreSQL server and verify it. Resumes an interrupted "
        "copy. Stop the bot first.",
    )
    for action, act in ((migrate, _migrate), (copy, _copy)):
        add_config(action)
        action.set_defaults(usage=action, act=act)
    copy.add_argument("sqlite", metavar="SQLITE", help="the file, such as data/tokenwise.db, or its URL")
    copy.add_argument(
        "postgresql",
        metavar="POSTGRES",
        help="the URL of the server; - uses the one in the settings. If it has no password, PGPASSWORD or ~/.pgpass applies",
    )
    backup.add_actions(actions)


def run(arguments: argparse.Namespace) -> int:
    code: int = asyncio.run(arguments.act(arguments))
    return code


async def _migrate(arguments: argparse.Namespace) -> int:
    from bot.store import Store

    settings = load(arguments.config)
    store = await Store.open(settings.data_dir, settings.database.url)
    await store.close()
    print(texts.say("terminal-migrated", database=store.name, version=store.version))
    return 0


async def _copy(arguments: argparse.Namespace) -> int:
    from bot.store import copying
    from bot.store.database import Database
    from bot.store.sqlite import url_of
    from bot.store.store import parsed

    source = parsed(arguments.sqlite) if "://" in arguments.sqlite else url_of(Path(arguments.sqlite))
    target = parsed(
        load(arguments.config).database.url if arguments.postgresql == "-" else arguments.postgresql
    )
    if source.get_backend_name() != "sqlite":
        raise NotSqlite
    if target.get_backend_name() != "postgresql":
        raise NotPostgresql
    # Opening would create a new file.
    if not await asyncio.to_thread(Path(source.database or "").is_file):
        raise NoSuchPath(source.database or "")
    reading = await Database.open(source)
    try:
        writing = await Database.open(target)
        try:
            with loading() as progress:

                def show(table: str, copied: int, everything: int) -> None:
                    progress(table, copied / everything)

                counts = await copying.copy(reading, writing, show)
        finally:
            await writing.close()
    finally:
        await reading.close()
    for table, count in counts.items():
        print(texts.say("terminal-copied", table=table, count=count))
    return 0
