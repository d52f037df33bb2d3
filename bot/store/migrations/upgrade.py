"""Migrating a database to the newest version. A separate module, because importing Alembic is slow."""

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
    """Run all missing steps within the connection's transaction.

    Raises DatabaseTooNew if a newer version of the program has run further steps.
    """
    backend.lock(connection)
    script = ScriptDirectory(str(migrations.FOLDER))
    context = MigrationContext.configure(connection)
    # Read inside the lock, because another process may have been faster.
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
