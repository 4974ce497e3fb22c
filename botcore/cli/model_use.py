"""Which model the next start loads: written into ``config/local.toml``, where it lasts and everything else stays."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botcore.cli.common import settings_for
from botcore.errors import ModelError

if TYPE_CHECKING:
    from botcore.settings import Settings

__all__ = ["Chosen", "choose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What was written, and what it does not change."""

    model: str
    before: str
    file: str
    overridden_by: str
    """What wins over the file all the same: a variable."""
    running: str
    """The address of a bot that runs now, with the model from before."""

    @property
    def lines(self) -> list[str]:
        """For people."""
        was = "" if self.model == self.before else f" (it was {self.before})"
        lines = [f"✓ engine.model = {self.model} in {self.file}{was}"]
        if not was:
            lines.append("  it was that already: nothing to do, unless the bot was not started again since")
        elif self.overridden_by:
            lines.append(f"! {self.overridden_by} says otherwise, and wins; unset it")
        elif self.running:
            lines.append(f"  the bot at {self.running} goes on with the old one: stop it and start it again")
        else:
            lines.append("  it holds from the next start: botcore run")
        return [*lines, "  undo: botcore model use starter"] if self.model != "starter" else lines


def choose(name: str, config: "list[Path] | None", *, force: bool = False) -> Chosen:
    """Write it. Raises `ModelError` where there is no such model, or where it does not fit and ``force`` is not set."""
    from botcore.local import LOCAL, save_local
    from botcore.store import running_at

    settings = settings_for(config)
    if settings.engine.kind != "vllm":
        raise ModelError(f'engine.kind is "{settings.engine.kind}", so the model is the other server\'s choice')
    value = _usable(name, settings, force=force)
    save_local(["engine"], {"model": value})
    after = settings_for(config)
    return Chosen(
        model=value,
        before=settings.engine.model,
        file=str(LOCAL),
        overridden_by=after.origins["engine.model"] if after.engine.model != value else "",
        running=running_at(settings.bot.data_dir),
    )


def _usable(name: str, settings: "Settings", *, force: bool) -> str:
    """What to write for this model; a folder in full, for a bot may start elsewhere."""
    from botcore.engine.fit import fit
    from botcore.engine.model import find_model
    from botcore.engine.room import room
    from botcore.models import facts_of

    model = find_model(name, data_dir=settings.bot.data_dir)
    found = fit(facts_of(Path(model.source)), room(), settings.engine)
    if found.verdict == "no" and not force:
        raise ModelError(f"{name} does not fit this machine: {found.why}; --force chooses it all the same")
    return model.source if Path(name).expanduser().is_dir() and name != "starter" else name
