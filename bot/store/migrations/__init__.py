"""Step-by-step migrations of older databases (Alembic).

Never change a released step: append a new one under `versions/`, and name it in `HEAD`.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

FOLDER = Path(__file__).resolve().parent

HEAD = "4"
"""The newest version. Not read from Alembic, whose import is slow: most databases need no migration at startup."""


def version(connection: Connection) -> str:
    """The version that Alembic has stored in a database; "" if none."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
