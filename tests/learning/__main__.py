"""The learning loop as a person goes through it: ``python -m tests.learning [circle] [style]``; status 1 if it fails.

`circle` (3 minutes on two cores): ten judgements in a chat, `botcore train feedback`, `botcore lora use`, the same
questions in other words, `botcore lora off`. `style` (2 minutes): `botcore train sft` on 200 rows in a manner of their
own, then 20 other messages. Meanwhile sixteen people go on chatting. A real bot, a real vLLM, the model in the box.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.learning.circle import circle
from tests.learning.loop import Verdict
from tests.learning.style import style

SCENARIOS = {"circle": circle, "style": style}


def main() -> int:
    arguments = argparse.ArgumentParser(
        prog="python -m tests.learning", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("scenario", nargs="*", help="circle, style; both, if none is named")
    arguments.add_argument("--json", type=Path, help="write what was said, and the figures, to this file as well")
    asked = arguments.parse_args()
    if unknown := set(asked.scenario) - set(SCENARIOS):
        arguments.error(f"there is no scenario {min(unknown)!r}; there are: {', '.join(SCENARIOS)}")
    found = {name: asyncio.run(_one(name)) for name in asked.scenario or SCENARIOS}
    if asked.json:
        asked.json.write_text(json.dumps({name: verdict._asdict() for name, verdict in found.items()}, indent=1))
    return int(any(verdict.wrong for verdict in found.values()))


async def _one(name: str) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="botcore-learning-", ignore_cleanup_errors=True) as folder:
        verdict = await SCENARIOS[name](Path(folder))
    for asked, said in verdict.said.items():
        sys.stdout.write(f"{asked}\n" + "".join(f"    {when:8} {text!r}\n" for when, text in said.items()))
    sys.stdout.write("".join(f"{figure}: {value}\n" for figure, value in verdict.figures.items()))
    sys.stdout.write("".join(f"NOT HELD: {line}\n" for line in verdict.wrong) or f"{name} holds\n")
    return verdict


if __name__ == "__main__":
    sys.exit(main())
