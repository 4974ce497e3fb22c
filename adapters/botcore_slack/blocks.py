"""What a reply looks like: Markdown, its sources below, thumbs and "again"; and the form behind a thumb down. Pure.

Slack renders standard Markdown itself, so nothing is converted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botcore import REASONS, Citation, Part
from botcore_slack.actions import AGAIN, COMMENT, CORRECTION, FORM, REASON, TEXT_LIMIT, THUMBS
from botcore_slack.text import escaped, harmless, harmless_and_short, head

__all__ = ["LIMIT", "MARKDOWN_LIMIT", "Body", "below", "body", "form", "plain", "plain_pieces", "preview"]

LIMIT = 11_000
"""Characters of one message: all Markdown of a message together is refused from about 13,200 on, and what keeps people
from being called adds to it."""
MARKDOWN_LIMIT = 12_000
"""Of one block, and of one piece of a stream."""
EDIT_LIMIT = 4000
"""Of the text of an edit: a longer one is refused, while a new message takes 40,000."""
NOTICE_LIMIT = 3000
"""Of the text beside the blocks, so that every edit takes it."""
GOES_ON = "\n\n_… goes on below_"
LONGEST_ENTITY = 5
TITLE_LIMIT, SNIPPET_LIMIT, SOURCES_LIMIT = 80, 160, 2900
"""Of a source; and of all of them: one text element takes 3,000."""
Block = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What one message says: ``text`` is for notifications, and for whoever shows no blocks."""

    text: str
    blocks: Sequence[Block] = ()


def body(part: Part) -> Body:
    """A part with everything that belongs below it."""
    said = harmless(part.text)
    if len(said) > MARKDOWN_LIMIT:
        said = harmless_and_short(part.text)
    return Body(text=_notice(part.text), blocks=[_markdown(said), *below(part)])


def plain(part: Part) -> Body:
    """A part without blocks, for a workspace that refuses them."""
    return Body(text=escaped(part.text) + _plain_sources(part.citations))


def plain_pieces(part: Part) -> list[Body]:
    """The same for an edit, which takes less than a new message: what it can say, and what has to follow it."""
    pieces, rest, sources = list[Body](), escaped(part.text.rstrip()), _plain_sources(part.citations)
    while len(rest) + len(sources) > EDIT_LIMIT:
        at = _gap(rest, EDIT_LIMIT - len(GOES_ON))
        pieces.append(Body(text=rest[:at] + GOES_ON))
        rest = rest[at:]
    return [*pieces, Body(text=(rest + sources).lstrip("\n"))]


def preview(text: str) -> Body:
    """An unfinished text: its end, which is what a reader wants to see."""
    shown = text if len(text) <= LIMIT else f"…{text[1 - LIMIT :]}"
    return Body(text=_notice(shown), blocks=[_markdown(harmless(shown)[-MARKDOWN_LIMIT:])])


def below(part: Part) -> list[Block]:
    """What stands below the text: sources, and where a verdict is wanted, buttons."""
    return [*_sources(part.citations), *(_buttons() if part.ask_feedback else ())]


def form(kept: str) -> Block:
    """What is asked after a thumb down; ``kept`` comes back with the answers."""
    options = [{"text": _label(label), "value": reason} for reason, label in REASONS.items()]
    return {
        "type": "modal",
        "callback_id": FORM,
        "private_metadata": kept,
        "title": _label("What was wrong?"),
        "submit": _label("Send"),
        "close": _label("Not now"),
        "blocks": [
            _input(REASON, "Reasons", {"type": "checkboxes", "options": options}),
            _input(COMMENT, "Comment", _text_field()),
            _input(CORRECTION, "What should it have said?", _text_field()),
        ],
    }


def _plain_sources(citations: Sequence[Citation]) -> str:
    sources = "\n".join(_source(citation) for citation in _unique(citations))
    return f"\n\n{head(sources, SOURCES_LIMIT)}" if sources else ""


def _gap(text: str, limit: int) -> int:
    """Where escaped text can be cut: after a line, after a word, or at least not within an "&amp;"."""
    if len(text) <= limit:
        return len(text)
    at = text.rfind("\n", limit // 2, limit) + 1 or text.rfind(" ", limit // 2, limit) + 1
    if at:
        return at
    entity = text.rfind("&", limit - LONGEST_ENTITY, limit)
    return entity if entity >= 0 and ";" not in text[entity:limit] else limit


def _notice(text: str) -> str:
    return head(escaped(text), NOTICE_LIMIT)


def _markdown(text: str) -> Block:
    return {"type": "markdown", "text": text}


def _sources(citations: Sequence[Citation]) -> list[Block]:
    lines, room = list[str](), SOURCES_LIMIT
    for line in (_source(citation) for citation in _unique(citations)):
        if len(line) + 1 > room:
            lines.append("…")
            break
        lines.append(line)
        room -= len(line) + 1
    text = "\n".join(["*Sources*", *lines])
    return [{"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}] if lines else []


def _unique(citations: Sequence[Citation]) -> list[Citation]:
    return list({citation.number: citation for citation in citations}.values())


def _source(citation: Citation) -> str:
    title = escaped(head(_line(citation.title) or citation.source, TITLE_LIMIT))
    if citation.source.startswith(("http://", "https://")) and not set(citation.source) & set("<>|"):
        title = f"<{escaped(citation.source)}|{title.replace('|', '¦')}>"
    page = f", p. {citation.page}" if citation.page else ""
    snippet = escaped(head(_line(citation.snippet), SNIPPET_LIMIT))
    return f"[{citation.number}] {title}{page}{f' — {snippet}' if snippet else ''}"


def _line(text: str) -> str:
    return " ".join(text.split())


def _buttons() -> list[Block]:
    thumbs: Mapping[str, Any] = {
        "type": "feedback_buttons",
        "action_id": THUMBS,
        "positive_button": {"text": _label("👍"), "value": "good", "accessibility_label": "Good answer"},
        "negative_button": {"text": _label("👎"), "value": "bad", "accessibility_label": "Bad answer"},
    }
    again = {"type": "button", "action_id": AGAIN, "text": _label("🔄 Again"), "value": "again"}
    return [{"type": "context_actions", "elements": [thumbs]}, {"type": "actions", "elements": [again]}]


def _input(name: str, label: str, element: Block) -> Block:
    return {
        "type": "input",
        "block_id": name,
        "optional": True,
        "label": _label(label),
        "element": {**element, "action_id": name},
    }


def _text_field() -> Block:
    return {"type": "plain_text_input", "multiline": True, "max_length": TEXT_LIMIT}


def _label(text: str) -> Block:
    return {"type": "plain_text", "text": text}
