"""What reports and exports need: a reply's neighbours and sources, who is in it, who allowed what, what went out."""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ADDED = ("prompt_id", "again", "question", "people", "sampling", "citations", "passages")


def upgrade() -> None:
    """Add columns and three tables; examples kept so far get the id of their prompt."""
    for name in ADDED:
        op.add_column("ft_examples", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.add_column("ft_examples", sa.Column("verbatim", sa.SmallInteger, nullable=False, server_default="1"))
    _name_prompts(op.get_bind())
    op.create_index("ft_examples_prompt", "ft_examples", ["prompt_id"])
    op.create_index("ft_examples_at", "ft_examples", ["at", "turn", "channel", "person"])
    op.create_table(
        "ft_again",
        sa.Column("turn", sa.Text, primary_key=True),
        sa.Column("replaced", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )
    op.create_index("ft_again_replaced", "ft_again", ["replaced"])
    op.create_table(
        "ft_choices",
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("allowed", sa.SmallInteger, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )
    op.create_table(
        "ft_exports",
        sa.Column("id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("who", "format", "file", "options", "sha256")),
        sa.Column("rows", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("left_out", "redacted")),
        sa.Column("at", sa.Double, nullable=False),
    )


def _name_prompts(connection: sa.Connection) -> None:
    select = sa.text("SELECT DISTINCT prompt FROM ft_examples WHERE prompt_id = '' AND prompt <> '[]' LIMIT 100")
    update = sa.text("UPDATE ft_examples SET prompt_id = :id WHERE prompt = :prompt")
    while prompts := list(connection.execute(select).scalars()):
        named = [{"id": hashlib.sha256(prompt.encode()).hexdigest(), "prompt": prompt} for prompt in prompts]
        connection.execute(update, named)
