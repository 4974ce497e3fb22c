"""LoRA versions of the model: what is known of each, and which is wanted in service."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_TEXTS = ("base", "base_hash", "path", "files_hash", "method", "run", "dataset_hash", "figures", "state", "reason")


def upgrade() -> None:
    """Add the table; a process that does not know of it answers with the base."""
    op.create_table(
        "lora",
        sa.Column("name", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False, server_default="") for name in (*_TEXTS, "progress")),
        *(sa.Column(name, sa.Double, nullable=False, server_default="0") for name in ("made_at", "changed_at")),
        sa.Column("told_at", sa.Double, nullable=False, server_default="0"),
        sa.Column("live", sa.BigInteger, nullable=False, server_default="0"),
    )
