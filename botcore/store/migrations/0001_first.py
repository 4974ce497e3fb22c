"""The first schema: conversation, inbox, turn, outbox, feedback, probe."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _integer(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


def _real(name: str) -> "sa.Column[float]":
    return sa.Column(name, sa.Double, nullable=False, server_default="0")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "conversation",
        sa.Column("key", sa.Text, primary_key=True),
        _text("channel"),
        _text("account"),
        _text("chat"),
        _text("thread"),
        _integer("private"),
        _text("person"),
        _text("title"),
        _real("last_at"),
        _text("owner"),
        _integer("epoch"),
        _real("lease_until"),
        sa.Column("next_at", sa.Double),
        _integer("stopped_through"),
        _integer("history_from"),
        sqlite_with_rowid=False,
    )
    where = sa.text("next_at IS NOT NULL")
    op.create_index("ix_conversation_next", "conversation", ["next_at"], sqlite_where=where, postgresql_where=where)
    op.create_index("ix_conversation_person", "conversation", ["channel", "person"])
    op.create_index("ix_conversation_chat", "conversation", ["chat", "channel"])
    op.create_table(
        "inbox",
        sa.Column("id", _ID, primary_key=True),
        _text("channel"),
        _text("account"),
        _text("event_id"),
        _text("kind"),
        _text("conversation"),
        _text("state"),
        _integer("attempts"),
        _text("turn"),
        _text("platform_id"),
        _real("received_at"),
        _text("reason"),
        _text("payload"),
        sa.UniqueConstraint("channel", "account", "event_id", name="uq_inbox_event"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_inbox_conversation", "inbox", ["conversation", "state"])
    where = sa.text("state = 'dead'")
    op.create_index("ix_inbox_dead", "inbox", ["id"], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "turn",
        sa.Column("number", _ID, primary_key=True),
        _text("id"),
        _text("conversation"),
        _integer("message"),
        _real("started_at"),
        _real("at"),
        _text("person"),
        _text("person_name"),
        _text("user_platform_id"),
        _text("user_text"),
        _integer("user_tokens"),
        _text("outcome"),
        _text("text"),
        _text("citations"),
        _text("model"),
        _text("plugin"),
        _text("reason"),
        _integer("prompt_tokens"),
        _integer("completion_tokens"),
        _text("details"),
        _text("trace"),
        sa.UniqueConstraint("id", name="uq_turn_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_turn_conversation", "turn", ["conversation", "number"])
    op.create_table(
        "outbox",
        sa.Column("turn", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        _text("conversation"),
        _integer("message"),
        _text("state"),
        _integer("attempt"),
        _integer("resends"),
        _real("not_before"),
        _real("started_at"),
        _text("platform_id"),
        _text("reason"),
        _integer("last"),
        _text("reply_to"),
        _text("citations"),
        _text("text"),
    )
    op.create_index("ix_outbox_conversation", "outbox", ["conversation", "state"])
    where = sa.text("platform_id <> ''")
    op.create_index("ix_outbox_platform", "outbox", ["platform_id"], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "feedback",
        sa.Column("id", _ID, primary_key=True),
        _text("channel"),
        _text("account"),
        _text("chat"),
        _text("target"),
        _text("person"),
        _text("person_name"),
        _text("turn"),
        _text("platform_id"),
        _text("conversation"),
        _text("event_id"),
        _real("at"),
        _integer("value"),
        _text("reasons"),
        _text("comment"),
        _text("correction"),
        sa.UniqueConstraint("channel", "account", "chat", "target", "person", name="uq_feedback_person"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feedback_turn", "feedback", ["turn"])
    op.create_index("ix_feedback_conversation", "feedback", ["conversation"])
    op.create_table(
        "probe",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        _real("at"),
    )
