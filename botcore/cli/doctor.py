"""``botcore doctor``: what this bot needs, one line each, with the fix where something is missing."""

import os
import shutil
import sys
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from botcore.cli.common import AsJson, ConfigFiles, counted, print_json, run_async, secrets_of, settings_for
from botcore.errors import BotcoreError

if TYPE_CHECKING:
    from botcore.loader import Loaded
    from botcore.ports import Channel
    from botcore.registry import BuildEngine
    from botcore.settings import Settings

__all__ = ["doctor"]

LINE = 240
AVX = 'vLLM needs AVX2; use another server with [engine] kind = "openai"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the examination."""

    what: str
    state: Literal["ok", "hint", "wrong"]
    found: str
    fix: str = ""


def doctor(config: ConfigFiles = None, json: AsJson = False) -> None:
    """Check what the bot needs, with the fix where something is missing. Exit status 1 where something is wrong."""
    findings = run_async(_examine(settings_for(config), show=not json))
    if json:
        print_json([asdict(finding) for finding in findings])
    if any(finding.state == "wrong" for finding in findings):
        raise typer.Exit(1)


async def _examine(settings: "Settings", *, show: bool) -> list[Finding]:
    findings = list[Finding]()
    async for finding in _all(settings):
        findings.append(finding)
        if show:
            _print(finding)
    return findings


async def _all(settings: "Settings") -> AsyncIterator[Finding]:
    from botcore.loader import load

    for finding in _machine(settings.bot.data_dir):
        yield finding
    loaded = load(settings)
    async for finding in _engine(settings, loaded.registered.engines):
        yield finding
    async for finding in _encoder(settings):
        yield finding
    for finding in _plugins(loaded):
        yield finding
    yield await _database(settings)
    async for finding in _lora(settings):
        yield finding
    async for finding in _channels(settings, loaded.registered.channels):
        yield finding
    yield _clock(settings.bot.data_dir)


def _machine(data_dir: Path) -> Iterator[Finding]:
    from botcore.engine.machine import flags
    from botcore.engine.room import GIB, cores, gib
    from botcore.ram import memory

    version = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield _finding("python", good, version, "install Python 3.11, 3.12 or 3.13 and run make again")
    yield _disk(data_dir)
    _, available = memory()
    yield _finding(
        "memory", available > 3 * GIB, f"{gib(available)} available", "the local engine needs about 3 GiB", hint=True
    )
    known = flags()
    wanted = "avx512f" in known or "avx2" in known or not known
    yield _finding("cpu", wanted, f"{counted(cores(), 'core')}, {_vector(known)}", AVX, hint=True)


def _disk(data_dir: Path) -> Finding:
    from botcore.engine.machine import existing
    from botcore.engine.room import GIB, gib

    there = existing(data_dir)
    if not os.access(there, os.R_OK | os.W_OK | os.X_OK):
        fix = "call this as the user the bot runs as, or give that one the folder"
        return _finding("disk", False, f"{there} cannot be read and written", fix)
    free = shutil.disk_usage(there).free
    return _finding(
        "disk", free > GIB, f"{gib(free)} free at {data_dir}", "free at least 1 GiB there, or set bot.data_dir"
    )


async def _engine(settings: "Settings", offered: "Mapping[str, BuildEngine]") -> AsyncIterator[Finding]:
    if settings.engine.kind == "vllm":
        yield await _vllm(settings)
        yield _model(settings)
    else:
        yield await _served(settings, offered)


async def _vllm(settings: "Settings") -> Finding:
    from botcore.engine.environment import find_engine

    try:
        found = await find_engine(settings.engine, settings.bot.data_dir)
        return _finding("engine", True, f"vLLM {found.version} ({found.build}) in {found.path}")
    except BotcoreError as error:
        return _finding("engine", False, str(error), "`botcore run` installs it, or: botcore engine install", hint=True)


async def _encoder(settings: "Settings") -> AsyncIterator[Finding]:
    """Whether the model is there, or the server answers; nothing where no encoder is configured."""
    encoder = settings.encoder
    if encoder.kind == "vllm":
        if settings.engine.kind != "vllm":
            yield await _vllm(settings)
        yield _encoder_here(settings)
    elif encoder.kind == "openai":
        yield await _encoder_there(settings)


def _encoder_here(settings: "Settings") -> Finding:
    from botcore.engine.vllm_encoder import encoder_model

    try:
        model = encoder_model(settings.encoder, settings.bot.data_dir)
    except BotcoreError as error:
        return _finding("encoder", False, str(error), "see [encoder] model; the bot goes on without it")
    return _finding("encoder", True, f"{model.name}: {model.source}")


async def _encoder_there(settings: "Settings") -> Finding:
    from botcore.clock import SystemClock
    from botcore.engine.remote_encoder import RemoteEncoder
    from botcore.engine.transport import shown
    from botcore.observe import Redactor

    encoder = settings.encoder
    try:
        model = await RemoteEncoder(encoder, clock=SystemClock()).look()
    except BotcoreError as error:
        found = _short(Redactor(secrets_of(settings)).clean(str(error)))
        fix = "start that server, or see [encoder] base_url, model and api_key; the bot goes on without it"
        return _finding("encoder", False, found, fix)
    return _finding("encoder", True, f"{model} at {shown(encoder.base_url)}")


async def _served(settings: "Settings", offered: "Mapping[str, BuildEngine]") -> Finding:
    """An engine that is not ours to start: whether it answers, and with which model."""
    from botcore.clock import SystemClock
    from botcore.engine.build import build_engine, build_remote
    from botcore.engine.transport import shown
    from botcore.observe import Redactor

    engine, clock = settings.engine, SystemClock()
    try:
        if engine.kind == "openai":
            return _finding("engine", True, f"{await build_remote(engine, clock).look()} at {shown(engine.base_url)}")
        if engine.kind not in offered:
            build_engine(engine, data_dir=settings.bot.data_dir, clock=clock, offered=offered)
    except BotcoreError as error:
        found = _short(Redactor(secrets_of(settings)).clean(str(error)))
        fix = "start that server, or see [engine] base_url, model and api_key"
        return _finding("engine", False, found, fix if engine.kind == "openai" else "set [engine] kind to one of these")
    return _finding("engine", True, engine.kind)


def _model(settings: "Settings") -> Finding:
    """Whether it is there, whole, and fits; of the starter what it is, and the command that takes a better one."""
    from botcore.engine.fit import fit
    from botcore.engine.known import STARTER_LABEL, better_command
    from botcore.engine.model import find_model
    from botcore.engine.room import room
    from botcore.models import facts_of

    here, engine = room(), settings.engine
    try:
        model = find_model(engine.model, data_dir=settings.bot.data_dir)
        facts = facts_of(Path(model.source))
    except BotcoreError as error:
        return _finding("model", False, str(error), "botcore model list says which there are")
    if model.name == "starter":
        return _finding("model", False, f"starter: {STARTER_LABEL}", better_command(here, engine), hint=True)
    if not facts.chat_template and "--chat-template" not in engine.args:
        said = f"{model.name} has no chat template, and cannot chat"
        return _finding("model", False, said, "take one made for chats, or give it a --chat-template in engine.args")
    found = fit(facts, here, engine)
    good = found.verdict in ("fits", "unknown")
    said = f"{model.name}: {model.source}" if good else f"{model.name}, {found.verdict}: {found.why}"
    return _finding("model", good, said, "botcore model list says what fits", hint=found.verdict != "no")


def _plugins(loaded: "Loaded") -> Iterator[Finding]:
    yield _finding("plugins", not loaded.problems, ", ".join(loaded.plugins), "see the lines below")
    for name, problem in loaded.problems.items():
        yield _finding(name, False, problem, "or set enabled = false in its table")


async def _database(settings: "Settings") -> Finding:
    from botcore.bot import visiting
    from botcore.store import running_at
    from botcore.store.engines import database_file, parse

    address = running_at(settings.bot.data_dir)
    if address:
        return _finding("database", True, f"in use by the bot at {address}")
    try:
        file = database_file(parse(settings.store_url))
        if file and not file.exists():
            return _finding("database", False, f"none at {file} yet", "the bot's first start makes it", hint=True)
        # As a visitor: what a crash has left there is for the bot's next start to find.
        async with visiting(settings) as bot:
            found = await bot.database.check()
            said = f"{bot.database.dialect}: {found}"
            return _finding("database", found == "ok", said, "restore a backup, or move the file away")
    except BotcoreError as error:
        return _finding("database", False, str(error), "check store.url and that the data directory can be written")


async def _lora(settings: "Settings") -> AsyncIterator[Finding]:
    """The version that is wanted, or why the last one could not be; nothing where the base is what is wanted."""
    from botcore.bot import visiting
    from botcore.store import loras

    try:
        async with visiting(settings, existing=True) as bot:
            wanted, trouble = await bot.database.read(loras.wish)
    except BotcoreError:  # told of the database already
        return
    if trouble:
        yield _finding("lora", False, _short(trouble), "the base answers; botcore lora off if that is what you want")
    elif wanted:
        said = wanted.progress or "it comes in service when the bot runs"
        found = f"{wanted.name} is in service" if wanted.live else _short(f"{wanted.name} is wanted: {said}")
        yield _finding("lora", wanted.live, found, "botcore lora list says how it stands", hint=True)


async def _channels(settings: "Settings", channels: "Mapping[str, Channel]") -> AsyncIterator[Finding]:
    """Each channel's own examination, such as Telegram's getMe. What a platform answers may be anything."""
    from botcore.clock import SystemClock
    from botcore.observe import Redactor

    clean = Redactor(secrets_of(settings)).clean
    for name, channel in channels.items():
        check = getattr(channel, "check", None)
        if check is None:
            continue
        try:
            yield _finding(name, True, await check(SystemClock()))
        except BotcoreError as error:
            yield _finding(name, False, _short(clean(str(error))), f"see [channels.{name}]")
        except Exception as error:
            found = f"its check failed: {type(error).__name__}: {error}"
            yield _finding(name, False, _short(clean(found)), f"see [channels.{name}]")


def _short(text: str) -> str:
    """One line that fits a terminal, whoever wrote it."""
    line = " ".join(text.split())
    return line if len(line) <= LINE else f"{line[: LINE - 1]}…"


def _clock(data_dir: Path) -> Finding:
    """A clock that is behind the newest file it wrote itself was turned back: leases and signatures depend on it."""
    from botcore.clock import SystemClock
    from botcore.engine.machine import existing

    behind = _newest(existing(data_dir)) - SystemClock().now()
    return _finding(
        "clock",
        behind < 60,
        "runs forward" if behind < 60 else f"{behind:.0f} s behind its own files",
        "set the time, best by NTP",
    )


def _newest(folder: Path) -> float:
    """When something in it was written last, 0 where nobody may look."""
    try:
        return max((path.lstat().st_mtime for path in folder.iterdir()), default=0.0)
    except OSError:
        return 0.0


def _finding(what: str, good: bool, found: str, fix: str = "", *, hint: bool = False) -> Finding:
    state: Literal["ok", "hint", "wrong"] = "ok" if good else "hint" if hint else "wrong"
    return Finding(what=what, state=state, found=found, fix="" if good else fix)


def _print(finding: Finding) -> None:
    mark = {"ok": "✓", "hint": "·", "wrong": "✗"}[finding.state]
    typer.echo(f"{mark} {finding.what:<10} {finding.found}")
    if finding.fix:
        typer.echo(f"  {'':<10} → {finding.fix}")


def _vector(flags: Collection[str]) -> str:
    known = [flag for flag in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if flag in flags]
    return ", ".join(known) or "vector instructions unknown"
