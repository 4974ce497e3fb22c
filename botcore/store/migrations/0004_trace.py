"""What is known of a message's runs that ended without an outcome."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the trace of a dead letter; a process that does not know of it works on beside."""
    op.add_column("inbox", sa.Column("trace", sa.Text, nullable=False, server_default=""))
