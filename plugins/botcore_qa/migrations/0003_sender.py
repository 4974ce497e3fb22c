"""Documents know who sent them, so that those in groups can be forgotten with the person."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Of those in groups so far nobody knows it ("")."""
    op.add_column("qa_document", sa.Column("sender", sa.Text, nullable=False, server_default=""))
