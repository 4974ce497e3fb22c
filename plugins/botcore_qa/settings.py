"""What an operator may choose about answers from documents: ``[plugins.qa]``."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["QASettings"]


class QASettings(BaseModel):
    """``[plugins.qa]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: tuple[str, ...] = ("self",)
    """Files and folders that are read at every start; ``self`` = botcore's own documents. What is taken out of this
    list leaves the index; what ``botcore ingest`` added stays."""
    answer: Literal["extracts", "model"] = "extracts"
    """``extracts`` quotes the documents word for word and needs no engine. ``model`` lets the model write the answer,
    checks its citations, and falls back to extracts."""
    one_sentence: bool = True
    """With ``model``: an engine that can (vLLM) lets it choose only among the sentences of the passages and "The
    passages do not say." ``false`` = it writes freely; worth it with a model of several billion parameters."""
    otherwise: str = Field(default="", max_length=2_000)
    """Said where the documents do not answer, instead of what the next plugin would say. Greetings, other talk without
    a subject and wishes ("tell me a story") still go to that one. Empty: all of it does."""
    threshold: float = Field(default=0.56, gt=0, le=1)
    """How much of a question's meaning the documents must cover to answer it (`botcore_qa.score`). Higher: fewer and
    surer answers."""
    strong: float = Field(default=0.9, gt=0, le=1)
    """The same for a message that is not put as a question."""
    passages: int = Field(default=3, ge=1, le=8)
    """Passages an answer may draw on."""
    passage_chars: int = Field(default=700, ge=200, le=4_000)
    """Longest passage, in characters (about 150 words: one thought with its context)."""
    max_file_bytes: int = Field(default=20_000_000, ge=1_000)
    """A larger file is refused: what bots on Telegram can fetch, and room for a handbook with pictures."""
    max_tokens: int = Field(default=300, ge=16, le=4_096)
    """Longest answer of the model, in tokens."""
    reading_mb: int = Field(default=1_024, ge=256)
    """Memory in MB of the child that reads one PDF, Word or HTML file: a scanned book takes about 300."""
    reading_cpu_s: int = Field(default=30, ge=1)
    """Processor time in seconds of the same child: 200 pages of text take about one."""
    uploads: bool = True
    """Whether people may send documents in the chat. These answer only whoever, or the group that, they came from."""
    uploads_each: int = Field(default=20, ge=1, le=1_000)
    """Documents one person, or one group, may have here at a time."""
    uploads_each_passages: int = Field(default=5_000, ge=10)
    """Passages of all these together: eight handbooks of 200 pages, and a twentieth of the room for everybody."""
    uploads_passages: int = Field(default=100_000, ge=100)
    """Passages of all documents that were sent in chats: 280 MB of database, searched in 2 to 5 ms."""
