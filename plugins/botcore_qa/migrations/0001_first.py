"""The first schema: documents, their passages, and the full text index over the passages' stems."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")

# FTS5 reads the text it indexes from qa_passage; the triggers keep both in step.
_SQLITE = (
    "CREATE VIRTUAL TABLE qa_fts USING fts5(heading_stems, body_stems, content='qa_passage', content_rowid='id',"
    " tokenize='unicode61 remove_diacritics 0')",
    "CREATE TRIGGER qa_passage_insert AFTER INSERT ON qa_passage BEGIN"
    " INSERT INTO qa_fts (rowid, heading_stems, body_stems) VALUES (new.id, new.heading_stems, new.body_stems); END",
    "CREATE TRIGGER qa_passage_delete AFTER DELETE ON qa_passage BEGIN"
    " INSERT INTO qa_fts (qa_fts, rowid, heading_stems, body_stems)"
    " VALUES ('delete', old.id, old.heading_stems, old.body_stems); END",
)
_POSTGRES = (
    "ALTER TABLE qa_passage ADD COLUMN words tsvector GENERATED ALWAYS AS ("
    "setweight(to_tsvector('simple', heading_stems), 'A') || setweight(to_tsvector('simple', body_stems), 'D')) STORED",
    "CREATE INDEX qa_passage_words ON qa_passage USING gin (words)",
    'ALTER TABLE qa_word ALTER COLUMN term TYPE text COLLATE "C"',  # ranges of words in the order of their signs
)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "qa_document",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),  # reading → live → leaving
        sqlite_autoincrement=True,
    )
    op.create_index("qa_document_path", "qa_document", ["path"])
    op.create_table(
        "qa_passage",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("document", sa.BigInteger, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("heading", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("heading_stems", sa.Text, nullable=False),
        sa.Column("body_stems", sa.Text, nullable=False),
    )
    op.create_index("qa_passage_document", "qa_passage", ["document"])
    op.create_table(
        "qa_word",
        sa.Column("term", sa.Text, primary_key=True),
        sa.Column("passages", sa.BigInteger, nullable=False),
    )
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRES:
        op.execute(statement)
