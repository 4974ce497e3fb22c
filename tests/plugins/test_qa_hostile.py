"""Texts made to be slow to read. They are read in the bot's own process, where `re` lets nobody else run meanwhile."""

import subprocess
import sys
from pathlib import Path

import pytest

UNITS = (
    *("# a", "# ", "#", " #", " ", "\t", "[", "](", "![", "(", ")", "[a](", "[](", "[a]:", "*", "*a", "**a", "_", "_a"),
    *("`", "`a", "```", "~", "~~~", "<", "<a", ">", "> ", "-", "- ", "1", "1. ", "1.1.", "|", "|a", "\\", "&"),
    *(".", ". ", "a. ", ".'", "! ", '"', "'", "“", "…", "。", "中", "\u0301", "\u00ad", "a", "A ", "ing", "s", "a-\n"),
    *("\n", "\n\n", "a\n", "# a\n", "- a\n", "|a|\n", "```\n", "~~~\n", "> a\n", "  \n", "\r", "\u2028"),
)
"""What a hostile text repeats; each alone, in a heading, and behind a word."""
BYTES = 100_000
CPU_S = 20
"""Processor time for one of them: text of this size takes half a second where a machine is slow, its square minutes."""

CHILD = f"""
import resource, sys
from botcore_qa import markdown, quotes, words
from botcore_qa.reader import prose

def look(text):
    list(markdown.sections(text))
    for read in (markdown.blocks, markdown.sentences, markdown.unwrapped, words.stems, quotes.defused, prose.reflowed):
        read(text)
    markdown.title(text, "a.md")

for unit in sys.argv[1:]:
    for before, behind in (("", ""), ("# a", "x"), ("a", "x")):
        text = before + unit * ({BYTES} // len((unit).encode())) + behind
        print(ascii(before + unit), flush=True)
        used = resource.getrusage(resource.RUSAGE_SELF)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + {CPU_S}, -1))
        look(text)
print("all")
"""


def assert_quick(*units: str) -> None:
    done = subprocess.run([sys.executable, "-c", CHILD, *units], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "all", f"status {done.returncode}, {done.stderr}"


def test_no_heading_takes_long() -> None:
    assert_quick(" ", " #", "[")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_text_takes_long() -> None:
    assert_quick(*UNITS)


ASKING = f"""
import asyncio, random, resource, sys, tempfile
from functools import partial
from pathlib import Path
import botcore_qa
from botcore.store import Store
from botcore.testing import ManualClock
from botcore_qa.search import look_up

async def main(letters):
    data, clock = Path(tempfile.mkdtemp(dir=sys.argv[1])), ManualClock()
    begins, ends = "a" * (letters - 6), random.Random(1)
    words = [begins + "".join(ends.choices("bcdfghjk", k=6)) for _ in range(60_000 // letters)]
    (data / "words.txt").write_text(" ".join(words))
    async with Store(f"sqlite:///{{data}}/bot.db", clock=clock, data_dir=data) as store:
        await store.migrate("qa", botcore_qa.MIGRATIONS)
        await botcore_qa.ingest(store, [data / "words.txt"], clock=clock)
        used = resource.getrusage(resource.RUSAGE_SELF)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + {CPU_S}, -1))
        asked = [begins + "".join(ends.choices("lmnpq", k=6)) for _ in range(2_000 // letters)]
        await store.read(partial(look_up, words=asked))

asyncio.run(main(int(sys.argv[2])))
"""


@pytest.mark.slow
@pytest.mark.timeout(120)  # its processor time is bounded in there; a busy machine takes its time
@pytest.mark.parametrize("letters", [12, 30, 600])
def test_no_words_make_a_question_take_long(tmp_path: Path, letters: int) -> None:
    subprocess.run([sys.executable, "-c", ASKING, str(tmp_path), str(letters)], check=True)
