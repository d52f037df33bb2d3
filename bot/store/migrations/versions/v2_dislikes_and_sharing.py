"""Disliked songs, and which people share their likes for recommendations to others."""

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "dislikes",
        sa.Column("position", ID, primary_key=True),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("song_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("artist", sa.Text, nullable=False),
        sa.Column("disliked_at", sa.Text, nullable=False),
        sa.UniqueConstraint("user_id", "song_id"),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_table(
        "sharing",
        sa.Column("user_id", ID, primary_key=True, autoincrement=False),
        sa.Column("since", sa.Text, nullable=False),
        sqlite_strict=True,
    )
