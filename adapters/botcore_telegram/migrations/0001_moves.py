"""The first schema: which group each supergroup was."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "telegram_moves",
        sa.Column("chat", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("was", sa.BigInteger, nullable=False, unique=True),
    )
