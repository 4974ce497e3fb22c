"""``botcore engine``: the engine's own environment."""

import typer

from botcore.cli.common import AsJson, ConfigFiles, command_group, print_json, run_async, settings_for

__all__ = ["app"]

app: typer.Typer = command_group("Install the local engine without starting the bot.")


@app.command("install")
def install(config: ConfigFiles = None, json: AsJson = False) -> None:
    """Install vLLM into an environment of its own, as `botcore run` would on its first start."""
    from botcore.engine.install import ensure_engine_environment

    settings = settings_for(config)
    said = ""

    def report(detail: str, _: float | None) -> None:
        nonlocal said
        if detail != said and not json:
            typer.echo(f"… {detail}")
        said = detail

    python = run_async(ensure_engine_environment(settings.engine, settings.bot.data_dir, report))
    print_json({"python": str(python)}) if json else typer.echo(f"✓ engine environment: {python}")
