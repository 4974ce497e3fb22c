"""``botcore train``: models from one's own text. A run is a child process, and a folder below ``data_dir/training``.

`pretrain` learns from text, `sft` from answers, `feedback` from what people taught; `runs` lists, shows and resumes;
`conduct` begins a run and follows it to its end, `lines` is what is said of it, `offer` hands an adapter to the bot.
"""

import typer

from botcore.cli.common import command_group
from botcore.cli.train import feedback, pretrain, runs, sft
from botcore.cli.train.conduct import begin

__all__ = ["app", "begin"]

app: typer.Typer = command_group("Train models on your own text.")
app.command("pretrain")(pretrain.pretrain)
app.command("sft")(sft.sft)
app.command("feedback")(feedback.feedback)
app.command("merge")(sft.merge)
app.command("resume")(runs.resume)
app.command("list")(runs.list_runs)
app.command("show")(runs.show_run)
