"""The doors of the HTTP port, as somebody who knows the protocol and means harm sees them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol
from uuid import uuid4

__all__ = ["KEY", "SELF", "V1", "Door", "Page", "Platform", "Request"]

KEY = "kZ3v-the-operators-own-key-9Qx1"
SELF = "SELF"
"""In a header: the bot's own address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One delivery, byte for byte."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"

    def but(self, **headers: str | None) -> "Request":
        """The same with other headers (`_` for `-`); None takes one away."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in self.headers.items() if name not in given}
        return replace(self, headers=kept | {name: value for name, value in given.items() if value is not None})


class Door(Protocol):
    """One way in."""

    good: int
    """The status of what is taken."""
    malformed: int
    """The status of an authentic delivery that cannot be used."""
    changed: int
    """The status of another text under the id of one that was taken."""
    sent: int
    """How many messages the bot sends for a reply; none where it is fetched."""

    def says(self, text: str, event: str = "") -> Request:
        """A true delivery; ``event`` = the platform's id of it, a fresh one where there is none."""
        ...

    def carrying(self, body: bytes) -> Request:
        """An authentic delivery of this body."""
        ...

    def forged(self) -> Iterator[tuple[str, Request, int]]:
        """What is wrong, a delivery that is true but for that, and the status it deserves."""
        ...


class Platform(Door, Protocol):
    """A way in through which a platform calls the bot."""

    def thumb(self, message: str, event: str) -> Request:
        """A thumb up below the message with this platform id."""
        ...

    def useless(self) -> Iterator[tuple[str, Request]]:
        """What is wrong, and an authentic delivery that nobody can use for that."""
        ...


class Page:
    """The chat page's API."""

    good, malformed, changed, sent = 202, 400, 202, 0
    visitor = "vQ8s2kLm4nPq6rSt8uVw0x"
    path = f"/api/conversations/{'c' * 22}/messages"
    headers: Mapping[str, str] = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {KEY}",
        "Cookie": f"botcore_visitor={visitor}",
        "Origin": SELF,
    }

    def says(self, text: str, event: str = "") -> Request:
        return self.carrying(json.dumps({"id": event or str(uuid4()), "text": text}).encode())

    def carrying(self, body: bytes) -> Request:
        return Request(path=self.path, body=body, headers=self.headers)

    def forged(self) -> Iterator[tuple[str, Request, int]]:
        true = self.says("forged")
        yield from _without_key(true)
        yield "no visitor", true.but(Cookie=None), 403
        yield "a made-up visitor", true.but(Cookie="botcore_visitor=../../../etc/passwd"), 403
        yield "another site's page", true.but(Origin="https://evil.example"), 403
        yield "no page at all", true.but(Origin=None), 403
        yield "a form", true.but(Content_Type="text/plain"), 415


class V1:
    """The OpenAI protocol."""

    good, malformed, changed, sent = 200, 400, 422, 0

    def says(self, text: str, event: str = "") -> Request:
        body = json.dumps({"model": "botcore", "messages": [{"role": "user", "content": text}]}).encode()
        return self.carrying(body).but(Idempotency_Key=event or str(uuid4()))

    def carrying(self, body: bytes) -> Request:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
        return Request(path="/v1/chat/completions", body=body, headers=headers)

    def forged(self) -> Iterator[tuple[str, Request, int]]:
        true = self.says("forged")
        yield from _without_key(true)
        yield "another site's page", true.but(Origin="https://evil.example"), 403
        yield "a form", true.but(Content_Type="text/plain"), 415


def _without_key(true: Request) -> Iterator[tuple[str, Request, int]]:
    yield "no key", true.but(Authorization=None), 401
    yield "a wrong key", true.but(Authorization=f"Bearer {KEY[:-1]}"), 401
    yield "half a key", true.but(Authorization=f"Bearer {KEY[: len(KEY) // 2]}"), 401
    yield "a foreign host", true.but(Host="evil.example"), 403
