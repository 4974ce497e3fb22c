"""The command line: ``botcore run|chat|ask|doctor|backup|restore|export|forget|config|dlq|engine|lora|model|train|…``.

One file or folder per group. Plugins add theirs (``ingest`` and ``sources`` are the QA plugin's), and channels their
set-up helpers (``telegram setup``). Commands import what they need when they run, so that ``--help`` answers at once.
Exit status: 0 done, 1 it did not work, 2 the call or the configuration is wrong, 130 interrupted, 143 told to end.
"""

import errno
import logging
import os
import sys
from io import TextIOWrapper
from typing import NoReturn

import typer

from botcore.cli import (
    backup,
    config,
    dlq,
    doctor,
    engine,
    evaluate,
    export,
    forget,
    lora,
    model,
    plugins,
    run,
    talk,
    train,
    version,
)
from botcore.cli.common import nobody_reads
from botcore.errors import BotcoreError, SettingsError

__all__ = ["app", "main"]

app: typer.Typer = typer.Typer(
    name="botcore",
    help="A plugin-based chatbot framework that owns its model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # rich costs 0.1 s of every --help
)
app.callback(help=app.info.help)(version.root)
app.command("run")(run.run)
app.command("chat")(talk.chat)
app.command("ask")(talk.ask)
app.command("doctor")(doctor.doctor)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("export")(export.export)
app.command("forget")(forget.forget)
app.command("plugins")(plugins.plugins)
app.command("version")(version.version)
app.add_typer(config.app, name="config")
app.add_typer(dlq.app, name="dlq")
app.add_typer(engine.app, name="engine")
app.add_typer(evaluate.app, name="eval")
app.add_typer(lora.app, name="lora")
app.add_typer(model.app, name="model")
app.add_typer(train.app, name="train")


def main() -> None:
    """Run one command; a `BotcoreError`, or what only a look at the machine mends, is one line on standard error."""
    _open_streams()
    logging.getLogger("botcore").addHandler(logging.NullHandler())  # commands say themselves what went wrong
    try:
        app(plugins.add_commands(app, _in_utf8(sys.argv[1:])))
    except BotcoreError as error:
        sys.stderr.write(f"botcore: {error}\n")
        sys.exit(2 if isinstance(error, SettingsError) else 1)
    except OSError as error:
        _leave(error)
    except KeyboardInterrupt:
        sys.exit(130)


def _open_streams() -> None:
    """Where the caller closed one of them (``<&-``), one that holds nothing, instead of None.

    What comes in another encoding is replaced, as the store does it; what cannot be said in the terminal's is escaped.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - as long as we live
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, "backslashreplace")):
        if isinstance(stream, TextIOWrapper):  # unless somebody has put another in its place
            stream.reconfigure(errors=errors)


def _leave(error: OSError) -> NoReturn:
    if error.errno == errno.ENAMETOOLONG:
        sys.stderr.write(f"botcore: {str(error.filename)[:40]}… is too long for the name of a file\n")
        sys.exit(2)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and error.filename:
        sys.stderr.write(f"botcore: {error.filename}: {error.strerror}; is this the user the bot runs as?\n")
        sys.exit(1)
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        raise error
    nobody_reads()  # or Python tries once more at its end
    where = error.filename or "the output"
    sys.stderr.write(f"botcore: cannot write {where}: {error.strerror}; free some and call this again\n")
    sys.exit(1)


def _in_utf8(arguments: list[str]) -> list[str]:
    """The arguments. Raises `SettingsError` for one that could be neither kept nor told, such as an old file's name."""
    for argument in arguments:
        told = argument.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        if told != argument:
            raise SettingsError(f"{told} is not UTF-8; write it so, or give the file another name")
    return arguments
