"""What an encoder made of each passage, beside it: made anew where it is lost, so no backup is worse without it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "qa_vector",
        sa.Column("passage", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("encoder", sa.Text, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
