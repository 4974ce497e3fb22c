"""Who asks: the visitor behind a request of the page, and whether the page itself sends it."""

from aiohttp import web

from botcore import Conversation, Person
from botcore_web import wire
from botcore_web.problem import Problem

__all__ = ["from_our_page", "place", "visitor"]


def visitor(request: web.Request) -> Person:
    """Whose cookie it is."""
    secret = wire.visitor(request.cookies.get(wire.VISITOR_COOKIE, ""))
    if not secret:
        raise Problem(403, "visitor", "open the page / first: it gives you the cookie your conversations belong to")
    return wire.person(secret)


def place(request: web.Request, channel: str) -> tuple[Person, Conversation]:
    """The visitor, and their conversation that the address names."""
    who = visitor(request)
    return who, wire.conversation(channel, who, request.match_info["id"])


def from_our_page(request: web.Request) -> None:
    """A 403 `Problem` where no browser says that our own page sends this."""
    if not wire.same_origin_proof(request.headers):
        raise Problem(403, "origin", "only this bot's own page may do that; scripts use /v1/chat/completions")
