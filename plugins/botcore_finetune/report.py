"""What the commands print, pure: the same facts as lines for people and as data for scripts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from textwrap import indent
from typing import Any

from botcore import REASONS
from botcore_finetune import ledger
from botcore_finetune.examples import Example
from botcore_finetune.ledger import Export, Person
from botcore_finetune.search import Found

__all__ = ["Told", "exported", "exports", "listed", "shown"]

SHORT = 60
"""Characters of a text in a list."""
KINDS = {
    "secret": "keys and passwords",
    "email": "e-mail addresses",
    "iban": "bank accounts",
    "card": "card numbers",
    "phone": "phone numbers",
    "ip": "IP addresses",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An answer to an operator."""

    text: str
    data: Any
    done: bool = True
    """False where nothing came of it."""


def listed(found: Sequence[Found], total: int) -> Told:
    """One line for each verdict."""
    lines = [_line(one) for one in found]
    if not total:
        lines = ["Nothing was judged yet, or nothing that you asked for."]
    elif total > len(found):
        lines.append(f"… and {total - len(found)} more: --limit")
    return Told(text="\n".join(lines), data=[_brief(one) for one in found])


def _line(found: Found) -> str:
    one = found.example
    parts = (one.turn, _time(one.at), f"{_verdict(one):<9}", f"{one.channel}/{one.person}", _why(one))
    said = f"“{_short(one.question)}” → “{_short(one.reply)}”" if one.question else f"“{_short(one.reply)}”"
    better = f" ✎ “{_short(one.correction)}”" if one.correction else ""
    again = " ↻" if found.replaced else ""
    return plain("  ".join(part for part in parts if part) + f"  {said}{better}{again}")


def _brief(found: Found) -> dict[str, Any]:
    one = found.example
    names = ("at", "channel", "person", "verdict", "reasons", "comment", "question", "reply", "correction")
    brief = {name: getattr(one, name) for name in (*names, "model", "plugin", "trainable")}
    return {"reply_id": one.turn} | brief | {"answered_again": found.replaced}


def _verdict(one: Example) -> str:
    return {1: "good", -1: "bad"}.get(one.verdict, "corrected" if one.correction else "said")


def _why(one: Example) -> str:
    reasons = ", ".join(REASONS.get(reason, reason).lower() for reason in one.reasons)
    return ": ".join(part for part in (reasons, _short(one.comment)) if part)


def shown(
    found: Sequence[Found],
    *,
    rivals: Sequence[Found],
    later: Sequence[str],
    made: Mapping[Person, bool],
    default: bool,
) -> Told:
    """Everything about one reply."""
    one = found[0].example
    lines = [
        f"{one.turn}  {one.channel}  {one.plugin}  {_model(one)}",
        *_block("prompt, as it was sent", (f"[{line.role}] {line.content}" for line in one.prompt)),
        *_block("question", [one.question] if one.question and not one.prompt else ()),
        *_block("reply", [one.reply]),
        *_block("sources", (_source(cited) for cited in one.citations)),
        *_block("sampling", [", ".join(f"{name} {value}" for name, value in one.sampling.items() if value)]),
        *_block("verdicts", (_judged(each, made, default) for each in found)),
        *_block("answered again", _chain(one, later)),
        *_block("better than", (f"{rival.example.turn} “{_short(rival.example.reply)}”" for rival in rivals)),
    ]
    return Told(text=plain("\n".join(lines), keep="\n"), data=_everything(found, rivals, later, made, default))


def _model(one: Example) -> str:
    if not one.trainable:
        return "quoted from documents without the model: for reports, never for training"
    return f"model {one.model}" + ("" if one.verbatim else " (changed on the way out: its own words are not a lesson)")


def _source(cited: Any) -> str:
    page = f", p. {cited.page}" if cited.page else ""
    return f"[{cited.number}] {cited.title}{page} ({cited.source})"


def _judged(each: Found, made: Mapping[Person, bool], default: bool) -> str:
    one = each.example
    used = "training may use it" if ledger.allowed(one, made, default=default) else "not for training: not allowed"
    used = used if one.trainable else ""
    contested = "others judged the same words the other way" if each.contested else ""
    better = f"better: {one.correction}" if one.correction else ""
    head = (_verdict(one), f"{one.channel}/{one.person}", _time(one.at), used, contested)
    reasons = ", ".join(REASONS.get(reason, reason) for reason in one.reasons)
    return "\n".join(part for part in ("  ".join(filter(None, head)), reasons, one.comment, better) if part)


def _chain(one: Example, later: Sequence[str]) -> Iterator[str]:
    if one.again:
        yield f"in the place of {one.again}"
    for turn in later:
        yield f"its place was taken by {turn}"


def _everything(
    found: Sequence[Found], rivals: Sequence[Found], later: Sequence[str], made: Mapping[Person, bool], default: bool
) -> dict[str, Any]:
    own = ("person", "verdict", "reasons", "comment", "correction", "consent", "at")
    rest = {name: value for name, value in asdict(found[0].example).items() if name not in (*own, "turn")}
    verdicts = [
        {name: getattr(each.example, name) for name in own}
        | {"allowed": ledger.allowed(each.example, made, default=default), "contested": each.contested}
        for each in found
    ]
    return (
        {"reply_id": found[0].example.turn}
        | rest
        | {
            "trainable": found[0].example.trainable,
            "verdicts": verdicts,
            "answered_again_by": list(later),
            "better_than": [rival.example.turn for rival in rivals],
        }
    )


def exported(done: Export) -> Told:
    """What was written, what was left out, and under which conditions."""
    written = f"{_lines(done)} for {done.format} in {done.file}"
    written = written if done.rows else "Nothing to export: no file was written."
    left = (f"{reason}: {number}" for reason, number in sorted(done.left_out.items(), key=lambda one: -one[1]))
    lines = [written, *_block("left out", left), *_block("replaced", _replaced(done)), *_warnings(done)]
    return Told(text=plain("\n".join(lines), keep="\n"), data=asdict(done), done=bool(done.rows))


def _replaced(done: Export) -> Iterator[str]:
    for kind, number in done.redacted.items():
        yield f"{KINDS[kind]}: {number}"


def _warnings(done: Export) -> Iterator[str]:
    if done.options["all_consents"]:
        yield "Contains what people did not allow (--all-consents)."
    if not done.options["redacted"]:
        yield "Not redacted: personal data may be in it."


def exports(made: Sequence[Export]) -> Told:
    """One line for each export."""
    lines = [_export_line(one) for one in made] or ["Nothing was exported yet."]
    return Told(text=plain("\n".join(lines), keep="\n"), data=[asdict(one) for one in made])


def _export_line(one: Export) -> str:
    conditions = ", ".join(f"{name} {value}" for name, value in one.options.items() if value)
    return f"{_time(one.at)}  {one.who}  {one.format}  {_lines(one)}  {one.file}  {conditions}  sha256 {one.sha256}"


def _lines(one: Export) -> str:
    return "1 line" if one.rows == 1 else f"{one.rows} lines"


def _block(title: str, texts: Any) -> list[str]:
    """A title and what belongs below it; nothing where that is nothing."""
    lines = [indent(text, "  ") for text in texts if text]
    return [f"{title}:", *lines] if lines else []


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, tz=UTC):%Y-%m-%d %H:%M}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHORT else line[: SHORT - 1] + "…"


def plain(text: str, keep: str = "") -> str:
    """The text without what a terminal would obey."""
    return "".join(sign if sign.isprintable() or sign in keep else " " for sign in text)
