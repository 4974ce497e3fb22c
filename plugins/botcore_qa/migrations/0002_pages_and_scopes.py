"""Passages know their page, documents who may ask them: words are counted for each scope apart."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Everything that is there is for everybody (scope "") and has no pages yet: the next run reads it again."""
    for column in (
        sa.Column("scope", sa.Text, nullable=False, server_default=""),
        sa.Column("kind", sa.Text, nullable=False, server_default=""),
        sa.Column("pages", sa.Integer, nullable=False, server_default="0"),
        sa.Column("passages", sa.Integer, nullable=False, server_default="0"),
        sa.Column("added", sa.Double, nullable=False, server_default="0"),  # Unix seconds, when its reading began
    ):
        op.add_column("qa_document", column)
    op.add_column("qa_passage", sa.Column("page", sa.Integer, nullable=False, server_default="0"))
    counted = "SELECT count(*) FROM qa_passage p WHERE p.document = qa_document.id"
    op.execute(f"UPDATE qa_document SET passages = ({counted})")
    op.drop_index("qa_document_path", "qa_document")
    op.create_index("qa_document_place", "qa_document", ["scope", "path"])
    _words_of_each_scope()


def _words_of_each_scope() -> None:
    """A table of its own in its place: SQLite cannot change a primary key."""
    op.create_table(
        "qa_word_of",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("term", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), primary_key=True),
        sa.Column("passages", sa.BigInteger, nullable=False),
    )
    op.execute("INSERT INTO qa_word_of (scope, term, passages) SELECT '', term, passages FROM qa_word")
    op.drop_table("qa_word")
    op.rename_table("qa_word_of", "qa_word")
