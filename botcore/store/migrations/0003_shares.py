"""Who wrote what waits, how often a message saw its process die, and who does what only one process may do."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add what fair shares, poison and leadership need; a process that does not know of it works on beside."""
    op.add_column("inbox", sa.Column("person", sa.Text, nullable=False, server_default=""))
    op.add_column("inbox", sa.Column("deaths", sa.BigInteger, nullable=False, server_default="0"))
    where = sa.text("state = 'waiting'")
    op.create_index("ix_inbox_waiting", "inbox", ["channel", "person"], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "leader",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False, server_default=""),
        sa.Column("epoch", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("until", sa.Double, nullable=False, server_default="0"),
        sqlite_with_rowid=False,
    )
