"""Texts that a group continues token by token, and the votes for their next token."""

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "boards",
        sa.Column("id", ID, primary_key=True, autoincrement=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("taken", sa.Text, nullable=False),
        sa.Column("rounds", sa.Text, nullable=False),
        sa.Column("temperature", sa.Float, nullable=False),
        sa.Column("top_k", sa.Integer, nullable=False),
        sa.Column("top_p", sa.Float, nullable=False),
        sa.Column("min_p", sa.Float, nullable=False),
        sa.Column("locked", sa.Boolean, nullable=False),
        sa.Column("voting", sa.Boolean, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
    )
    op.create_table(
        "votes",
        sa.Column("board_id", ID, sa.ForeignKey("boards.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("user_id", ID, primary_key=True, autoincrement=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("token_id", sa.Integer, nullable=False),
    )
