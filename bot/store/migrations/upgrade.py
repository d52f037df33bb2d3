"""Bringing a database to the newest version. Apart from the rest, because importing Alembic takes a while."""

from __future__ import annotations

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from bot.failures import DatabaseTooNew
from bot.store import migrations, sqlite


def upgrade(connection: Connection, database: str) -> None:
    """Take every step that is missing, within the transaction of the connection.

    DatabaseTooNew, in which the database is called `database`, if a later version of the program has taken other steps.
    """
    on_sqlite = connection.dialect.name == "sqlite"
    if on_sqlite:
        sqlite.lock(connection)
    script = ScriptDirectory(str(migrations.FOLDER))
    context = MigrationContext.configure(connection)
    # Read within the lock: another process may have been faster.
    version = migrations.version(connection)
    if on_sqlite:
        version = version or sqlite.version_before_alembic(connection)
    if version:
        try:
            script.get_revision(version)
        except CommandError as error:
            raise DatabaseTooNew(database=database, version=version, known=migrations.HEAD) from error
        context.stamp(script, version)
    with Operations.context(context):
        for step in reversed(list(script.iterate_revisions("head", version or "base"))):
            step.module.upgrade()
            context.stamp(script, step.revision)
    if on_sqlite:
        sqlite.hand_over_to_alembic(connection)
