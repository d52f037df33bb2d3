"""What Alembic runs for each command; `upgrade.py` hands it the connection, in a transaction."""

from alembic import context

from bot.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
