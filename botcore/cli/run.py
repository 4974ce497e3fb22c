"""``botcore run``: the bot in the foreground, with its progress in the terminal."""

import asyncio
import gc
import os
import platform
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from botcore import __version__
from botcore.cli.common import (
    AsJson,
    ConfigFiles,
    LogLevel,
    counted,
    log_level,
    nobody_reads,
    print_json,
    run_async,
    secrets_of,
    settings_for,
)

if TYPE_CHECKING:
    from botcore.bot import Bot
    from botcore.ports import Encoder, EngineStatus
    from botcore.settings import Settings

__all__ = ["run"]

LAST_S = 5.0
"""After the second signal, for a plugin or channel that is cancelled and does not end."""


def run(
    config: ConfigFiles = None,
    port: Annotated[int | None, typer.Option(help="Port of the page and the API.", envvar="PORT")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    data_dir: Annotated[str | None, typer.Option(help="Where the bot keeps its data.")] = None,
    engine: Annotated[str | None, typer.Option(help="vllm, openai, scripted, or a plugin's.")] = None,
    model: Annotated[str | None, typer.Option(help="starter, a folder, or a fetched model.")] = None,
    log: LogLevel = "warning",
    json: AsJson = False,
) -> None:
    """Run the bot until Ctrl-C or SIGTERM; a second one ends it at once."""
    settings = settings_for(
        config, http__port=port, http__host=host, bot__data_dir=data_dir, engine__kind=engine, engine__model=model
    )
    from botcore.failpoints import arm
    from botcore.observe import configure_logging
    from botcore.store.seat import note_faults

    arm()
    configure_logging(log_level(log), secrets_of(settings))
    note_faults(settings.bot.data_dir)
    lines = _Lines(json)
    try:
        run_async(_run(settings, lines))
    except asyncio.CancelledError:
        lines.say("stopped", "at once; what was not answered yet is answered after the next start", good=False)
        raise typer.Exit(1) from None


async def _run(settings: "Settings", lines: "_Lines") -> None:
    from botcore.bot import Bot

    bot = Bot(settings)
    _stop_on_signals(bot)
    lines.header()
    async with asyncio.TaskGroup() as group:
        told = group.create_task(_tell(bot, lines), name="progress in the terminal")
        await bot.run()
        told.cancel()
    lines.say("stopped", "nothing accepted was lost")


def _stop_on_signals(bot: "Bot") -> None:
    loop, main = asyncio.get_running_loop(), asyncio.current_task()

    def stop() -> None:
        if bot.stopping and main is not None:
            main.cancel()
            loop.call_later(LAST_S, _leave)
        bot.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


def _leave() -> None:
    """The end of a process that something keeps from ending; the next start goes on from the database."""
    typer.echo(f"! stopped    something did not end within {LAST_S:g} s; left without it", err=True)
    os._exit(1)


async def _tell(bot: "Bot", lines: "_Lines") -> None:
    await bot.listening.wait()
    lines.say("web page", f"{bot.address}   <- open this", url=bot.address)
    for name, problem in bot.health().items():
        if problem != "ok":
            lines.say(name, problem, good=False)
    await bot.started.wait()
    _spare_the_collector()
    async with asyncio.TaskGroup() as group:
        if bot.encoder:
            group.create_task(_tell_of_encoder(bot.encoder, lines), name="the encoder in the terminal")
        while True:
            lines.engine(bot.engine)
            await bot.engine_changed()


async def _tell_of_encoder(encoder: "Encoder", lines: "_Lines") -> None:
    while True:
        lines.encoder(encoder.status)
        await encoder.changed()


def _spare_the_collector() -> None:
    """Look seldom for cycles, and never in what was loaded at start: it was a tenth of the processor time of a message.

    Turns leave next to no cycles; what there is dies young.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    _give_back()


def _give_back() -> None:
    """Hand the memory that starting took to the system: 1 of 99 MB. Only glibc keeps so much, and only it is asked."""
    import ctypes

    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def _whoever_reads() -> Iterator[None]:
    """A terminal that is gone, or no room for ``> bot.log``: the bot goes on without a word, and the log has it."""
    try:
        yield
    except OSError:
        nobody_reads()


class _Lines:
    """One line an event; on a terminal the engine's progress overwrites its own line."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._live = sys.stdout.isatty() and not as_json
        self._last: tuple[str, str] = ("", "")
        self._last_encoder = ""

    @_whoever_reads()
    def header(self) -> None:
        from botcore.engine.room import cores

        python = platform.python_version()
        if self._json:
            print_json({"event": "start", "version": __version__, "python": python, "cores": cores()})
        else:
            typer.echo(f"botcore {__version__} · Python {python} · {counted(cores(), 'core')}")

    @_whoever_reads()
    def say(self, what: str, text: str, *, good: bool = True, **fields: object) -> None:
        if self._json:
            print_json({"event": what, "text": text, "ok": good, **fields})
        else:
            typer.echo(f"{'✓' if good else '!'} {what:<10} {text}")

    @_whoever_reads()
    def engine(self, status: "EngineStatus") -> None:
        """Where the engine stands, unless that was said already."""
        if status.stage == "off":
            return
        ready = status.stage == "ready"
        before, self._last = self._last, (status.stage, status.lora if ready else "")
        new = self._last != before
        if self._json:
            told = {name: getattr(status, name) for name in ("stage", "detail", "progress", "lora")}
            print_json({"event": "engine", **told})
        elif ready or status.stage == "failed":
            if new:  # else a remark, such as on the server that is to take over, or one more look: the log has them
                self._end_live()
                self.say("engine", _served(status) if ready else status.detail, good=ready)
        elif self._live:
            percent = "" if status.progress is None else f" {status.progress:.0%}"
            line = f"… engine     {status.stage}{percent} {status.detail}"
            typer.echo(f"\r\x1b[K{line[:100]}", nl=False)
        elif new:
            typer.echo(f"… engine     {status.stage} {status.detail}")

    @_whoever_reads()
    def encoder(self, status: "EngineStatus") -> None:
        """Where it has come to, without its progress: nobody waits for it."""
        before, self._last_encoder = self._last_encoder, status.stage
        if status.stage == before or status.stage == "off":
            return
        if self._json:
            told = {name: getattr(status, name) for name in ("stage", "detail", "model")}
            print_json({"event": "encoder", **told})
        elif status.stage in ("ready", "failed"):
            self._end_live()
            ready = status.stage == "ready"
            self.say("encoder", f"ready: {status.model}" if ready else status.detail, good=ready)

    def _end_live(self) -> None:
        if self._live:
            typer.echo("\r\x1b[K", nl=False)


def _served(status: "EngineStatus") -> str:
    lora = f" with {status.lora}" if status.lora else ""
    window = f", {status.window} tokens of context" if status.window else ""
    return f"ready: {status.model}{lora}{window}"
