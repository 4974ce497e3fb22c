"""An answer from a document in vLLM's own words: shown only where every quotation in it stands in the document.

Of ten questions about this handbook the model in the box answers two well enough; for the others the plugin quotes by
itself. These are the two: greedy, they were the same 28 times out of 28 on one processor. Another one rounds
differently, so one of them is enough.
"""

import asyncio

import pytest

from botcore.bot import Bot
from tests.documents import make_pdf
from tests.e2e.doors import WebDoor
from tests.e2e.here import kept, made

PATIENCE_S = 60
PAGES = [
    "This is the handbook of the harbour.",
    "The northern pier is 412 metres long and was built by convicts.",
    "The lighthouse keeper feeds the cats at noon.",
    "The ferry to the island leaves at half past eight every morning.",
    "The harbour master is called Ines Duarte and lives above the customs house.",
    "Fresh water is sold at the western quay for two crowns a barrel.",
]
QUESTIONS = {"When does the lighthouse keeper feed the cats?": 3, "When does the ferry to the island leave?": 4}

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="session")]


async def test_the_model_writes_answers_and_every_citation_is_checked(bot: Bot) -> None:
    written = [question for question, page in QUESTIONS.items() if await by_the_model(bot, question, page)]
    assert written, "each of them was quoted in the model's place"


async def by_the_model(bot: Bot, question: str, page: int) -> bool:
    """Whether the model wrote the answer; the right page is cited whoever did."""
    async with asyncio.timeout(PATIENCE_S), WebDoor.open(bot.address) as ana:
        await ana.uploads("harbour.pdf", make_pdf(PAGES, title="Harbour handbook"), question)
        heard = await ana.hears()
    exchange = max(
        await kept(bot, "web"), key=lambda each: each["number"]
    )  # conversations come in the order of their ids
    source = await made(bot, exchange)
    assert heard.sources == f"[1] Harbour handbook, p. {page}\n{PAGES[page - 1]}"
    assert page in [passage["page"] for passage in source["passages"]]
    if not source["verbatim"]:
        return False
    assert heard.text == exchange["reply"] == f'"{PAGES[page - 1]}" [1]'
    assert source["model"] == bot.engine.model
    assert exchange["completion_tokens"] > 10
    assert PAGES[page - 1] in str(source["prompt"])
    return True
