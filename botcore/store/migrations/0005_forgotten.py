"""What is to be forgotten and is not yet, by everybody."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table; a process that does not know of it works on beside."""
    op.create_table(
        "forgotten",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", sa.Double, nullable=False, server_default="0"),
        sa.Column("channel", sa.Text, nullable=False, server_default=""),
        sa.Column("person", sa.Text, nullable=False, server_default=""),
        sa.Column("account", sa.Text, nullable=False, server_default=""),
        sa.Column("chat", sa.Text, nullable=False, server_default=""),
        sa.Column("thread", sa.Text, nullable=False, server_default=""),
        sa.Column("private", sa.BigInteger, nullable=False, server_default="0"),
        sqlite_autoincrement=True,
    )
