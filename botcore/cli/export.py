"""``botcore export``: conversations as JSON lines, for whoever may have them."""

import json as json_format
import sys
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from botcore.cli.common import (
    AsJson,
    ConfigFiles,
    Force,
    Tell,
    counted,
    mind_sigterm,
    nobody_reads,
    progress,
    run_async,
    settings_for,
)
from botcore.moments import moment
from botcore.newfile import new_file, plainly

if TYPE_CHECKING:
    from botcore.settings import Settings
    from botcore.store.export import Wanted

__all__ = ["export"]


def export(
    file: Annotated[str, typer.Argument(help="The file to write, such as chats.jsonl; '-' is standard output.")],
    config: ConfigFiles = None,
    channel: Annotated[str, typer.Option(help="Only this channel: web, telegram…")] = "",
    user: Annotated[
        str, typer.Option(help="Only what this person (an id) wrote, the replies, and their feedback.")
    ] = "",
    conversation: Annotated[str, typer.Option(help="Only this one, named as in an exported line.")] = "",
    since: Annotated[str, typer.Option(help="Only from then on: 2026-11-25, or 12h, 7d, 4w ago.")] = "",
    force: Force = False,
    json: AsJson = False,
) -> None:
    """Write conversations as JSON lines: each one, followed by its exchanges, oldest first."""
    from botcore.clock import SystemClock
    from botcore.store.export import Wanted

    start = moment(since, SystemClock().now()) if since else 0.0
    wanted = Wanted(channel=channel, person=user, conversation=conversation, since=start)
    settings = settings_for(config)
    mind_sigterm()
    with _opened(file, force) as out, progress(quiet=json or file == "-") as tell:
        counts = run_async(_write(settings, wanted, out, tell))
    told = ", ".join(counted(number, what) for what, number in counts.items())
    typer.echo(json_format.dumps({"file": file, **counts}) if json else f"{file}: {told}", err=file == "-")


async def _write(settings: "Settings", wanted: "Wanted", out: IO[bytes], tell: Tell) -> dict[str, int]:
    from botcore.clock import SystemClock
    from botcore.store import Store
    from botcore.store.engines import require
    from botcore.store.export import records

    counts = {"conversation": 0, "exchange": 0}
    url, data_dir = settings.store_url, settings.bot.data_dir
    require(url)
    store = Store(url, clock=SystemClock(), data_dir=data_dir, alone=False)
    async with store, aclosing(records(store, wanted)) as found:
        async for record in found:
            out.write(json_format.dumps(record, ensure_ascii=False).encode() + b"\n")
            counts[record["record"]] = counts.get(record["record"], 0) + 1
            tell(counted(counts["exchange"], "exchange"))
    return counts


@contextmanager
def _opened(name: str, force: bool) -> Iterator[IO[bytes]]:
    if name != "-":
        with new_file(Path(name), force=force) as file, plainly(f"cannot write {name}"):
            yield file
        return
    try:
        yield sys.stdout.buffer
        sys.stdout.flush()
    except BrokenPipeError:
        nobody_reads()  # or Python complains once more at its end
        raise typer.Exit(1) from None
