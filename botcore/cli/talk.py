"""``botcore chat`` and ``botcore ask``: talk to the bot that runs on this data directory, or to one started for it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated, Any

import typer

from botcore.cli.common import AsJson, ConfigFiles, print_json, run_async, settings_for
from botcore.cli.page import Page, open_page
from botcore.errors import BotcoreError

if TYPE_CHECKING:
    from botcore.settings import Settings

__all__ = ["ask", "chat"]

SNIPPET_WIDTH = 100
"""Characters of a source that are quoted below a reply."""
PROMPT = "> "
STOP = "/stop"
"""An order, which gets no reply: whoever waited for one here would wait for ever."""


def ask(
    question: Annotated[list[str], typer.Argument(help="What to ask; '-' reads it from standard input.")],
    config: ConfigFiles = None,
    json: AsJson = False,
) -> None:
    """Ask one question and print the reply. Exit status 1 where the bot could not answer."""
    text = sys.stdin.read() if question == ["-"] else " ".join(question)
    if not text.strip():
        raise typer.BadParameter("the question is empty")
    if text.strip().lower() == STOP:
        raise typer.BadParameter(f"{STOP} ends a reply that is being written; Ctrl-C does that here")
    entry = run_async(_ask(settings_for(config), text, show=not json))
    if json:
        told = {key: entry[key] for key in ("text", "outcome", "reason", "model", "plugin", "citations")}
        print_json(told | {"reply_id": entry["reply"]})
    if entry["outcome"] != "answered":
        raise typer.Exit(1)


def chat(config: ConfigFiles = None) -> None:
    """Chat in the terminal. Ctrl-C stops the reply, Ctrl-D leaves."""
    run_async(_chat(settings_for(config)))


async def _ask(settings: "Settings", text: str, *, show: bool) -> dict[str, Any]:
    async with _page(settings, quiet=not show) as page:
        return await _reply(page, text, show=show)


async def _chat(settings: "Settings") -> None:
    async with _page(settings) as page, _prompting():
        typer.echo("Write something. Ctrl-C stops a reply, Ctrl-D leaves.")
        while (line := await asyncio.to_thread(_line)) is not None:  # reading a terminal blocks
            if line.strip().lower() == STOP:
                typer.echo("Nothing is running. Ctrl-C stops a reply.")
            elif line.strip():
                await _stoppable(page, line)


@asynccontextmanager
async def _prompting() -> AsyncIterator[None]:
    import signal

    loop = asyncio.get_running_loop()
    _at_the_prompt(loop)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _at_the_prompt(loop: asyncio.AbstractEventLoop) -> None:
    """From now on Ctrl-C in a terminal only says how to leave: it could not end the thread that reads."""
    import signal

    def say() -> None:
        typer.echo(f"\nNothing is running. Ctrl-D leaves.\n{PROMPT}", nl=False)

    loop.remove_signal_handler(signal.SIGINT)
    if sys.stdin.isatty():
        loop.add_signal_handler(signal.SIGINT, say)


async def _stoppable(page: Page, line: str) -> None:
    """The reply to one line; Ctrl-C ends the reply, not the chat."""
    import signal

    loop, replying = asyncio.get_running_loop(), asyncio.ensure_future(_reply(page, line, show=True))
    async with asyncio.TaskGroup() as group:
        loop.add_signal_handler(signal.SIGINT, lambda: group.create_task(page.stop(), name="stop"))
        try:
            await replying
        finally:
            _at_the_prompt(loop)


async def _reply(page: Page, text: str, *, show: bool) -> dict[str, Any]:
    async with aclosing(page.ask(text)) as pieces:
        async for said in pieces:
            if show:
                _print(said.text, said.note)
            if said.entry is not None:
                if show:
                    _print_end(said.entry)
                return said.entry
    raise BotcoreError("the connection ended before the reply; the bot still works on it")


@asynccontextmanager
async def _page(settings: "Settings", *, quiet: bool = False) -> AsyncIterator[Page]:
    from botcore.store import running_at

    address, key = running_at(settings.bot.data_dir), settings.http.key.get_secret_value()
    if address:
        async with open_page(address, key) as page:
            yield page
        return
    if not quiet:
        typer.echo("No bot runs on this data directory; starting one for this conversation.", err=True)
    async with _own_bot(settings) as address, open_page(address, key) as page:
        yield page


@asynccontextmanager
async def _own_bot(settings: "Settings") -> AsyncIterator[str]:
    from dataclasses import replace

    from botcore.bot import Bot

    channels = {name: table for name, table in settings.channels.items() if table.get("use", name) == "web"}
    here = replace(settings, channels=channels or {"web": {}}, http=settings.http.model_copy(update={"port": 0}))
    bot = Bot(here)
    async with asyncio.TaskGroup() as group:
        group.create_task(bot.run(), name="bot")
        await bot.started.wait()
        try:
            yield bot.address
        finally:
            bot.stop()


def _line() -> str | None:
    try:
        return input(PROMPT if sys.stdin.isatty() else "")
    except EOFError:
        return None


def _print(text: str, note: str) -> None:
    if note:
        typer.echo(f"({note})", err=True)
    typer.echo(text, nl=False)


def _print_end(entry: dict[str, Any]) -> None:
    typer.echo(f"\n({entry['reason']})" if entry["reason"] else "")
    for citation in entry["citations"]:
        page = f", p. {citation['page']}" if citation["page"] else ""
        source = f" - {citation['source']}" if citation["source"] else ""
        typer.echo(f"  [{citation['number']}] {citation['title']}{page}{source}")
        if citation["snippet"]:
            typer.echo(f"      {shorten(citation['snippet'], SNIPPET_WIDTH, placeholder=' …')}")
