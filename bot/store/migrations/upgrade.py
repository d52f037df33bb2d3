"""Bringing a database to the newest version. Apart from the rest, because importing Alembic takes a while."""

from __future__ import annotations

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from bot.failures import DatabaseTooNew
from bot.store import migrations
from bot.store.backend import Backend


def upgrade(connection: Connection, backend: Backend) -> None:
    """Take every step that is missing, within the transaction of the connection.

    DatabaseTooNew if a later version of the program has taken other steps.
    """
    backend.lock(connection)
    script = ScriptDirectory(str(migrations.FOLDER))
    context = MigrationContext.configure(connection)
    # Read within the lock: another process may have been faster.
    version = migrations.version(connection) or backend.version_before_alembic(connection)
    if version:
        try:
            script.get_revision(version)
        except CommandError as error:
            database = backend.name_of(connection.engine.url)
            raise DatabaseTooNew(database=database, version=version, known=migrations.HEAD) from error
        context.stamp(script, version)
    with Operations.context(context):
        for step in reversed(list(script.iterate_revisions("head", version or "base"))):
            step.module.upgrade()
            context.stamp(script, step.revision)
    backend.hand_over_to_alembic(connection)
