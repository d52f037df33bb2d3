"""Indexes for boards and votes by person, and for old boards by time."""

from alembic import op

revision = "4"
down_revision = "3"


def upgrade() -> None:
    op.create_index("ix_boards_user_id", "boards", ["user_id"])
    op.create_index("ix_boards_since", "boards", ["since"])
    op.create_index("ix_votes_user_id", "votes", ["user_id"])
