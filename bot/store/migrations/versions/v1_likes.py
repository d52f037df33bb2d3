"""The songs that people like."""

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None

# SQLite numbers rows only by INTEGER columns. Other databases ignore options that start with sqlite_.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "likes",
        sa.Column("position", ID, primary_key=True),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("song_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("artist", sa.Text, nullable=False),
        sa.Column("liked_at", sa.Text, nullable=False),
        sa.UniqueConstraint("user_id", "song_id"),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
