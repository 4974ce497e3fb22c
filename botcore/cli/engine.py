"""``botcore engine``: the engine's own environment."""

import typer

from botcore.cli.common import AsJson, ConfigFiles, print_json, run_async, settings_for

__all__ = ["app"]

app: typer.Typer = typer.Typer(help="Install the local engine without starting the bot.", no_args_is_help=True)


@app.command("install")
def install(config: ConfigFiles = None, json: AsJson = False) -> None:
    """Install vLLM into an environment of its own, as `botcore run` would on its first start."""
    from botcore.engine.install import ensure_engine_environment

    settings = settings_for(config)
    said = [""]

    def report(detail: str, progress: float | None = None) -> None:
        if detail != said[0] and not json:
            typer.echo(f"… {detail}")
        said[0] = detail

    python = run_async(ensure_engine_environment(settings.engine, settings.bot.data_dir, report))
    print_json({"python": str(python)}) if json else typer.echo(f"✓ engine environment: {python}")
