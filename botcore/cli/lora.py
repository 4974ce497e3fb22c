"""``botcore lora``: tuned versions of the model: which there are, which one serves, and one command back."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from botcore.cli.common import (
    AsJson,
    ConfigFiles,
    command_group,
    opened,
    print_json,
    progress,
    run_async,
    settings_for,
    when,
)

if TYPE_CHECKING:
    from botcore.bot import Bot
    from botcore.settings import Settings
    from botcore.versions import Lora

__all__ = ["app"]

app: typer.Typer = command_group("LoRA versions of the model: list, try, use, off.")

Name = Annotated[str, typer.Argument(help="The version's name, as `botcore lora list` says it; or a training run's.")]
LOOK_S = 0.3
NOBODY_S = 10.0
"""After so long without a word there is no bot that takes notice: a running one looks once a second."""
SILENCE_S = 60.0
"""After so long without another word the bot is gone, or hangs: one at work says something every ten seconds."""
PROMPTS = ("Hello!", "Who are you?", "What can you do?")


@app.command("list")
def list_versions(config: ConfigFiles = None, json: AsJson = False) -> None:
    """List all versions, oldest first: base, training, figures, state and why."""
    settings = settings_for(config)
    versions = run_async(_all(settings))
    if json:
        print_json([dataclasses.asdict(version) for version in versions])
        return
    for version in versions:
        typer.echo(_line(version))
        if remark := version.reason or version.progress or _said_of_its_run(settings, version):
            typer.echo(f"    {remark}")
    if not versions:
        typer.echo("There are no LoRA versions; botcore train sft or botcore train feedback makes one.")


@app.command("use")
def use(name: Name, config: ConfigFiles = None, json: AsJson = False) -> None:
    """Let new turns have this version; waits until the running bot says so. `botcore lora off` goes back."""
    with progress(quiet=json) as tell:
        version = run_async(_used(settings_for(config), name, tell))
    if json:
        print_json(dataclasses.asdict(version))
    elif version.live:
        typer.echo(f"✓ {name} is in service; botcore lora off goes back to the base")
    else:
        typer.echo(f"✓ {name} comes in service when the bot runs: botcore run")


@app.command("off")
def off(config: ConfigFiles = None, json: AsJson = False) -> None:
    """Let new turns have the base again; waits until the running bot says so."""
    with progress(quiet=json) as tell:
        versions = run_async(_off(settings_for(config), tell))
    if json:
        print_json([dataclasses.asdict(version) for version in versions])
    elif not versions:
        typer.echo("✓ the base answers; no version was in service")
    else:
        typer.echo(f"✓ the base answers; botcore lora use {versions[-1].name} brings the version back")


@app.command("try")
def try_out(
    name: Name,
    prompts: Annotated[list[str] | None, typer.Argument(help="What to ask, each in quotes.")] = None,
    config: ConfigFiles = None,
    json: AsJson = False,
) -> None:
    """Show what the base and this version answer, side by side; people who chat notice nothing."""
    from botcore.cli.lora_try import compared
    from botcore.training.progress import printable

    with progress(quiet=json) as tell:
        answers = run_async(compared(settings_for(config), name, prompts or list(PROMPTS), tell))
    if json:
        print_json([{"prompt": prompt, "base": base, "version": own} for prompt, base, own in answers])
        return
    width = max(len(name), len("base"))
    for prompt, base, own in answers:
        typer.echo(f"› {prompt}")
        for who, said in (("base", base), (name, own)):
            typer.echo(f"  {who:<{width}}  {printable(said)}")


@app.command("add")
def add(
    folder: Annotated[Path, typer.Argument(help="adapter_config.json and adapter_model.safetensors are in it.")],
    name: Annotated[str, typer.Option(help="What to call it; else the folder's name.")] = "",
    base: Annotated[str, typer.Option(help="The model it was made for; else engine.model.")] = "",
    config: ConfigFiles = None,
    json: AsJson = False,
) -> None:
    """Offer an adapter that was made elsewhere; a copy of its two files is kept."""
    version = run_async(_added(settings_for(config), folder, name or folder.resolve().name, base))
    if json:
        print_json(dataclasses.asdict(version))
    else:
        typer.echo(f"✓ {version.name} is offered; botcore lora try {version.name}, botcore lora use {version.name}")


async def _all(settings: "Settings") -> "list[Lora]":
    from botcore.bot import visiting

    async with visiting(settings, existing=True) as bot:
        return list(await bot.loras.list())


async def _added(settings: "Settings", folder: Path, name: str, base: str) -> "Lora":
    async with opened(settings) as bot:
        return await bot.loras.offer(folder, name=name, method="", base=base)


async def _used(settings: "Settings", name: str, say: Callable[[str], None]) -> "Lora":
    from botcore.cli.lora_offer import offered
    from botcore.errors import ModelError

    async with opened(settings) as bot:
        await offered(bot, name)
        asked = await bot.loras.use(name)
        version = await _heeded(settings, bot, asked, say, lambda now: now.live or now.state != "serving")
    if version.state != "serving":
        raise ModelError(version.reason or f"{name} was switched off meanwhile")
    return version


async def _off(settings: "Settings", say: Callable[[str], None]) -> "list[Lora]":
    from botcore.bot import visiting

    async with visiting(settings, existing=True) as bot:
        asked = await bot.loras.off()
        return [await _heeded(settings, bot, version, say, lambda now: not now.live) for version in asked]


async def _heeded(
    settings: "Settings", bot: "Bot", version: "Lora", say: Callable[[str], None], true: "Callable[[Lora], bool]"
) -> "Lora":
    """The version when it is true of it, or when there is no bot that would make it so.

    What was said counts from when it is met here: the bot's clock may be another machine's, and any may be set back.
    """
    from botcore.store import running_at

    alone = bot.database.dialect == "sqlite"
    patience, met = SILENCE_S if alone else NOBODY_S, bot.clock.monotonic()
    while not true(now := await _one(bot, version.name)):
        if now.told_at != version.told_at:
            version, patience, met = now, SILENCE_S, bot.clock.monotonic()
        if bot.clock.monotonic() - met > patience or (alone and not running_at(settings.bot.data_dir)):
            break
        say(now.progress or "waiting for the bot")
        await bot.clock.sleep(LOOK_S)
    return now


async def _one(bot: "Bot", name: str) -> "Lora":
    from botcore.errors import ModelError

    found = [version for version in await bot.loras.list() if version.name == name]
    if not found:
        raise ModelError(f"there is no LoRA version {name}; `botcore lora list` says which there are")
    return found[0]


def _line(version: "Lora") -> str:
    state = "in service" if version.live else "wanted" if version.state == "serving" else version.state
    base = version.base if len(version.base) <= 24 else f"…{version.base[-23:]}"
    line = f"{version.name:<16} {state:<11} {when(version.made_at)}  {base:<12} {version.method:<4} {_figures(version)}"
    return f"{line.rstrip()}  from {version.run}" if version.run not in ("", version.name) else line.rstrip()


def _said_of_its_run(settings: "Settings", version: "Lora") -> str:
    """Such as that somebody was forgotten whom it learnt from; "" where that run is gone."""
    from botcore.errors import TrainingError
    from botcore.training.runs import find_run

    try:
        record = find_run(settings.bot.data_dir, version.run).read()
    except TrainingError:
        return ""
    return record.reason if record.data == version.dataset_hash else ""


def _figures(version: "Lora") -> str:
    """The plain numbers among them, rows first."""
    numbers = {key: value for key, value in version.figures.items() if isinstance(value, int | float)}
    told = sorted(numbers, key=lambda key: key != "rows")
    return ", ".join(f"{key} {numbers[key]:.4g}" for key in told[:5])
