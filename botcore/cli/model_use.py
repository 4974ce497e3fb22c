"""Which model the next start loads: written into ``config/local.toml``, where it lasts and everything else stays."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botcore.cli.common import settings_for
from botcore.errors import ModelError

if TYPE_CHECKING:
    from botcore.engine.fit import Fit
    from botcore.engine.model import Model
    from botcore.models import Facts
    from botcore.settings import Settings

__all__ = ["Chosen", "choose", "refuse_elsewhere"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What was written, and what it does not change."""

    table: str
    """``engine``, or ``encoder`` for a model that makes vectors."""
    model: str
    before: str
    file: str
    overridden_by: str
    """What wins over the file all the same: a variable."""
    running: str
    """The address of a bot that runs now, with the model from before."""
    doubt: str
    """Why it may not run well here; empty where it fits."""

    @property
    def lines(self) -> list[str]:
        """For people."""
        was = "" if self.model == self.before else f" (it was {self.before or 'off'})"
        lines = [f"✓ {self.table}.model = {self.model} in {self.file}{was}"]
        lines += [f"! {self.doubt}"] if self.doubt else []
        if not was:
            lines.append("  it was that already: nothing to do, unless the bot was not started again since")
        elif self.overridden_by:
            lines.append(f"! {self.overridden_by} says otherwise, and wins; unset it")
        elif self.running:
            lines.append(f"  the bot at {self.running} goes on with the old one: stop it and start it again")
        else:
            lines.append("  it holds from the next start: botcore run")
        if self.table == "encoder":
            return [*lines, f'  undo: write kind = "off" below [encoder] in {self.file}']
        return [*lines, "  undo: botcore model use starter"] if self.model != "starter" else lines


def choose(name: str, config: "list[Path] | None", *, force: bool = False, agreed: bool = False) -> Chosen:
    """Write it. Raises `ModelError` where there is no such model, or it cannot serve here and ``force`` is not set.

    ``agreed``: somebody wants it whether it fits or not, but not whether it can chat or not.
    """
    from botcore.engine.fit import fit
    from botcore.engine.model import find_model
    from botcore.engine.room import room
    from botcore.local import LOCAL, save_local
    from botcore.models import facts_of
    from botcore.store import running_at

    settings = settings_for(config)
    model = find_model(name, data_dir=settings.bot.data_dir)
    facts = facts_of(Path(model.source))
    refuse_elsewhere(facts, settings)
    found = fit(facts, room(), settings.engine)
    if not force:
        _refuse_useless(name, facts, found, agreed=agreed)
    table = _table(facts)
    before, kind = _chosen(settings, table)
    value = _written(name, model)
    save_local([table], {"model": value, **({"kind": "vllm"} if kind == "off" else {})})
    after = settings_for(config)
    return Chosen(
        table=table,
        model=value,
        before=before,
        file=str(LOCAL),
        overridden_by=_overriding(after, table) if _chosen(after, table) != (value, "vllm") else "",
        running=running_at(settings.bot.data_dir),
        doubt=_doubt(found),
    )


def refuse_elsewhere(facts: "Facts", settings: "Settings") -> None:
    """Raises `ModelError` where another server has the model, so that none is to be chosen."""
    table = _table(facts)
    _, kind = _chosen(settings, table)
    if kind not in ("vllm", "off"):
        raise ModelError(f'{table}.kind is "{kind}", so the model is the other server\'s choice')


def _refuse_useless(name: str, facts: "Facts", found: "Fit", *, agreed: bool) -> None:
    if not (facts.encoder or facts.chat_template):
        raise ModelError(
            f"{name} has no chat template: it continues text, and cannot chat; take one made for chats, often called "
            f"…-Instruct; botcore model use --force chooses it all the same"
        )
    if found.verdict == "no" and not agreed:
        raise ModelError(f"{name} does not fit this machine: {found.why}; --force chooses it all the same")


def _table(facts: "Facts") -> str:
    return "encoder" if facts.encoder else "engine"


def _doubt(found: "Fit") -> str:
    return "" if found.verdict in ("fits", "unknown") else f"{found.verdict}: {found.why}"


def _chosen(settings: "Settings", table: str) -> tuple[str, str]:
    """The model of this table, and the kind of its server; no model where there is to be none."""
    if table == "engine":
        return settings.engine.model, settings.engine.kind
    encoder = settings.encoder
    return encoder.model if encoder.kind != "off" else "", encoder.kind


def _overriding(settings: "Settings", table: str) -> str:
    """What says otherwise than the file."""
    from botcore.local import LOCAL

    origins = (settings.origins.get(f"{table}.{key}", "") for key in ("model", "kind"))
    return next((origin for origin in origins if origin not in ("", str(LOCAL))), "")


def _written(name: str, model: "Model") -> str:
    """What to write for this model; a folder in full, for a bot may start elsewhere."""
    return model.source if Path(name).expanduser().is_dir() and name != "starter" else name
