"""Bringing a database to the newest version. Apart from the rest, because importing Alembic takes a while."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from bot.failures import DatabaseTooNew
from bot.store import migrations, sqlite


def upgrade(connection: Connection, database: str) -> None:
    """Take every step that is missing, within the transaction of the connection. DatabaseTooNew if it has steps of its own.

    `database` is how a failure calls it.
    """
    on_sqlite = connection.dialect.name == "sqlite"
    if on_sqlite:
        sqlite.lock(connection)
    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    # Read within the lock: another process may have been faster.
    if version := migrations.version(connection):
        try:
            ScriptDirectory.from_config(config).get_revision(version)
        except CommandError as error:
            raise DatabaseTooNew(database=database, version=version, known=migrations.HEAD) from error
        command.stamp(config, version)
    command.upgrade(config, "head")
    if on_sqlite:
        sqlite.hand_over_to_alembic(connection)
