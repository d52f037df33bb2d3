"""How databases of older versions become databases of this one, step by step (Alembic).

A step that was released is never changed: append the next one under `versions/`, and name it in `HEAD`.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

FOLDER = Path(__file__).resolve().parent

HEAD = "4"
"""The newest version, known without Alembic: most starts find it in the database and have nothing to do."""


def version(connection: Connection) -> str:
    """What Alembic has written into a database; "" if it has never been there."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
