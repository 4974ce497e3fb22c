"""What people press and fill in below a reply, as botcore's records. Pure.

    thumb            → Feedback   the value; a thumb down also carries the ticket that opens the form
    "again"          → Message    "/again" about the message the button stands below
    the sent form    → Feedback   reasons, comment, correction, and the same thumb down

Slack gives these deliveries no event id: a press is named by its time, a form by its own id.
"""

import json
from typing import Any, Literal

from botcore import REASONS, Feedback, Message, Person
from botcore_slack.wire import Heard, Identity, Json, Unusable, channel_and_ts, place, platform_id, understood, word

__all__ = ["AGAIN", "COMMENT", "CORRECTION", "FORM", "REASON", "THUMBS", "keep", "read_action"]

THUMBS, AGAIN = "botcore_thumbs", "botcore_again"
FORM, REASON, COMMENT, CORRECTION = "botcore_form", "reasons", "comment", "correction"
VALUES: dict[str, Literal[-1, 1]] = {"good": 1, "bad": -1}
TEXT_LIMIT = 3000
"""Characters of an answer in a form: Slack's own limit."""


def keep(heard: Heard) -> str:
    """What the form must remember of the thumb that opened it; Slack hands it back with the answers."""
    place, message = heard.record.conversation, getattr(heard.record, "platform_id", "")
    return json.dumps({"message": message, "thread": place.thread, "private": place.private})


def read_action(payload: Json, me: Identity) -> Heard | None:
    """The record an interaction stands for, None where it is none of ours. Raises `Unusable`."""
    with understood():
        match payload["type"]:
            case "block_actions":
                return _pressed(payload, me)
            case "view_submission":
                return _filled_in(payload, me)
    return None


def _pressed(payload: Json, me: Identity) -> Heard | None:
    action = next((one for one in payload["actions"] if one.get("action_id") in (THUMBS, AGAIN)), None)
    message = payload.get("message")
    if action is None or not message:
        return None
    channel, ts = word(payload["channel"], "id"), word(message, "ts")
    thread = message.get("thread_ts") or ""
    where = place(me, channel, "" if thread == ts else str(thread), private=channel.startswith("D"))
    below = platform_id(channel, ts)
    event_id = f"{_team(payload, me)}:{channel}:{ts}:{action['action_id']}:{word(action, 'action_ts')}"
    person = _person(payload)
    if action["action_id"] == AGAIN:
        record = Message(event_id=event_id, conversation=where, person=person, text="/again", reply_to=below)
        # Whoever reads the answer as it grows is named with their own workspace; a shared channel has others, too.
        return Heard(record=record, team=str(payload["user"].get("team_id") or _team(payload, me)))
    value = VALUES[word(action, "value")]
    feedback = Feedback(event_id=event_id, conversation=where, person=person, platform_id=below, value=value)
    return Heard(record=feedback, trigger=str(payload.get("trigger_id") or "") if value < 0 else "")


def _filled_in(payload: Json, me: Identity) -> Heard | None:
    view = payload["view"]
    if view.get("callback_id") != FORM:
        return None
    kept = json.loads(word(view, "private_metadata"))
    channel, _ = channel_and_ts(word(kept, "message"))
    answers = view["state"]["values"]
    record = Feedback(
        event_id=f"{_team(payload, me)}:{word(view, 'id')}:sent",
        conversation=place(me, channel, str(kept["thread"]), private=bool(kept["private"])),
        person=_person(payload),
        platform_id=word(kept, "message"),
        value=-1,
        reasons=tuple(chosen["value"] for chosen in _answer(answers, REASON, "selected_options") or ()),
        comment=str(_answer(answers, COMMENT, "value") or "").strip()[:TEXT_LIMIT],
        correction=str(_answer(answers, CORRECTION, "value") or "").strip()[:TEXT_LIMIT],
    )
    if not REASONS.keys() >= set(record.reasons):
        raise Unusable("a reason that was not offered")
    return Heard(record=record)


def _answer(answers: Json, name: str, kind: str) -> Any:
    """One field of the form; its block and its element share one name."""
    return answers.get(name, {}).get(name, {}).get(kind)


def _team(payload: Json, me: Identity) -> str:
    return str((payload.get("team") or {}).get("id") or me.team)


def _person(payload: Json) -> Person:
    user = payload["user"]
    return Person(id=word(user, "id"), name=str(user.get("name") or user.get("username") or ""))
