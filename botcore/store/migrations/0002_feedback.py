"""Which parts ask for a verdict, and verdicts in the order in which they were given."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add a column and an index; nothing is rewritten."""
    op.add_column("outbox", sa.Column("ask_feedback", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("ix_feedback_at", "feedback", ["at", "id"])
