"""The schema, as it stands after the newest migration. A test holds the two together.

    conversation   who holds it, what is stopped, when it next wants a worker
    inbox          every accepted delivery, once; `message` rows end in exactly one outcome
    turn           one exchange: what the person said, what the bot said, and the trace of why
    outbox         what a platform is to be told, part by part
    feedback       judgements, one per person and reply
    leader         who does what only one process may do
    forgotten      what is to be forgotten, until everybody has
    lora           tuned versions of the model, and which is wanted in service

No foreign keys between them: `forget` deletes by conversation, and each key check would be paid on every message.
Flags are integers and JSON is text, so that both databases hand back the same Python values without type processing.
"""

import sqlalchemy as sa

__all__ = ["conversation", "feedback", "forgotten", "inbox", "leader", "lora", "metadata", "outbox", "probe", "turn"]

metadata: sa.MetaData = sa.MetaData()

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _integer(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


def _real(name: str) -> "sa.Column[float]":
    return sa.Column(name, sa.Double, nullable=False, server_default="0")


conversation: sa.Table = sa.Table(
    "conversation",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    _text("channel"),
    _text("account"),
    _text("chat"),
    _text("thread"),
    _integer("private"),
    _text("person"),  # who wrote here first
    _text("title"),
    _real("last_at"),
    _text("owner"),
    _integer("epoch"),
    _real("lease_until"),
    # NULL = nothing open and nothing unsettled: then, and only then, a new message may claim on accept.
    sa.Column("next_at", sa.Double),
    _integer("stopped_through"),  # inbox id
    _integer("history_from"),  # turn number
    sa.Index(
        "ix_conversation_next",
        "next_at",
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    ),
    sa.Index("ix_conversation_person", "channel", "person"),
    sa.Index("ix_conversation_chat", "chat", "channel"),
    sqlite_with_rowid=False,
)

inbox: sa.Table = sa.Table(
    "inbox",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    _text("channel"),
    _text("account"),
    _text("event_id"),
    _text("kind"),  # message | control | feedback | raw
    _text("conversation"),
    _text("state"),  # waiting | running | answered | stopped | refused | failed | dead | rejected | done
    _integer("attempts"),
    _text("turn"),
    _text("platform_id"),
    _real("received_at"),
    _text("reason"),  # of its outcome; "stopped" while it is open: it only has to end
    _text("payload"),
    _text("person"),  # who wrote it
    _integer("deaths"),  # in a row: how often a process died while it worked on this
    _text("trace"),  # what is known of runs that ended without an outcome
    sa.UniqueConstraint("channel", "account", "event_id", name="uq_inbox_event"),
    sa.Index("ix_inbox_conversation", "conversation", "state"),
    sa.Index(
        "ix_inbox_waiting",
        "channel",
        "person",
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    ),
    sa.Index("ix_inbox_dead", "id", sqlite_where=sa.text("state = 'dead'"), postgresql_where=sa.text("state = 'dead'")),
    sqlite_autoincrement=True,  # an id that came back after `forget` would fool cursors and `stopped_through`
)

turn: sa.Table = sa.Table(
    "turn",
    metadata,
    sa.Column("number", _ID, primary_key=True),
    _text("id"),
    _text("conversation"),
    _integer("message"),  # inbox id
    _real("started_at"),
    _real("at"),
    _text("person"),
    _text("person_name"),
    _text("user_platform_id"),
    _text("user_text"),
    _integer("user_tokens"),  # never written: migrations only add
    _text("outcome"),
    _text("text"),
    _text("citations"),
    _text("model"),
    _text("plugin"),
    _text("reason"),
    _integer("prompt_tokens"),
    _integer("completion_tokens"),
    _text("details"),  # JSON of what few turns have: `again`, `attachments`
    _text("trace"),  # last: reading a window then never touches the pages a long trace spills into
    sa.UniqueConstraint("id", name="uq_turn_id"),
    sa.Index("ix_turn_conversation", "conversation", "number"),
    sqlite_autoincrement=True,
)

outbox: sa.Table = sa.Table(
    "outbox",
    metadata,
    sa.Column("turn", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("conversation"),
    _integer("message"),  # inbox id: the order of turns
    _text("state"),  # pending | sending | sent | failed | uncertain
    _integer("attempt"),
    _integer("resends"),
    _real("not_before"),
    _real("started_at"),
    _text("platform_id"),
    _text("reason"),
    _integer("last"),
    _integer("ask_feedback"),
    _text("reply_to"),
    _text("citations"),
    _text("text"),
    sa.Index("ix_outbox_conversation", "conversation", "state"),
    sa.Index(
        "ix_outbox_platform",
        "platform_id",
        sqlite_where=sa.text("platform_id <> ''"),
        postgresql_where=sa.text("platform_id <> ''"),
    ),
)

feedback: sa.Table = sa.Table(
    "feedback",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    _text("channel"),
    _text("account"),
    _text("chat"),
    _text("target"),  # "turn:<id>" once the reply is known, "sent:<platform id>" until then
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
    sa.Index("ix_feedback_turn", "turn"),
    sa.Index("ix_feedback_conversation", "conversation"),
    sa.Index("ix_feedback_at", "at", "id"),
    sqlite_autoincrement=True,
)

leader: sa.Table = sa.Table(
    "leader",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    _text("owner"),
    _integer("epoch"),
    _real("until"),
    sqlite_with_rowid=False,
)
"""Who does what only one process may do, and until when."""

forgotten: sa.Table = sa.Table(
    "forgotten",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    _real("at"),
    _text("channel"),
    _text("person"),  # or, where it is empty, the conversation
    _text("account"),
    _text("chat"),
    _text("thread"),
    _integer("private"),
    sqlite_autoincrement=True,
)

lora: sa.Table = sa.Table(
    "lora",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    _text("base"),
    _text("base_hash"),
    _text("path"),  # below data_dir
    _text("files_hash"),
    _text("method"),
    _text("run"),
    _text("dataset_hash"),
    _text("figures"),  # JSON
    _text("state"),  # offered | serving | off | refused: what is wanted
    _text("reason"),
    _text("progress"),  # from here on: what an engine says
    _real("made_at"),
    _real("changed_at"),
    _real("told_at"),
    _integer("live"),
)

probe: sa.Table = sa.Table(
    "probe",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    _real("at"),
)
