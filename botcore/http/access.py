"""Who may pass: Host and Origin, the key, the login session, and how often one may guess. Pure; `server` applies it.

Without a key only loopback is bound, and everybody on the machine may ask. Web pages of other sites run on the machine
too, so `Host` is checked there (a foreign name can resolve to 127.0.0.1), and the `Origin` of whatever makes a change.
"""

import hashlib
import hmac
import ipaddress
import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["SAFE_METHODS", "Attempts", "Denied", "Key", "host_name", "is_loopback", "same_origin", "sender"]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SESSION_SECONDS = 30 * 86_400
DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST_ADDRESS = 64
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
SESSION = re.compile(r"(\d{1,12})\.([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """Why a request may not pass, as the stranger is told."""

    status: int
    code: str
    message: str
    retry_after: int = 0
    """Seconds; 0 = no such header."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``; a name other than localhost counts as reachable."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(netloc: str) -> tuple[str, int | None] | None:
    """Host name and port of a ``Host`` header or an origin's netloc; None where it is neither."""
    try:
        parts = urlsplit(f"//{netloc}")
        if parts.netloc != netloc or parts.username is not None or not parts.hostname:
            return None
        return parts.hostname, parts.port
    except ValueError:
        return None


def host_name(header: str) -> str:
    """The lower-case name in a ``Host`` header, without port and brackets; "" where there is none."""
    split = _split(header)
    return split[0] if split else ""


def same_origin(*, host: str, origin: str, site: str, trusted: Iterable[str] = ()) -> bool:
    """Whether a changing request comes from our own page or from no page at all.

    ``host``, ``origin`` and ``site`` are the headers ``Host``, ``Origin`` and ``Sec-Fetch-Site``, "" where missing. The
    scheme may differ: behind a TLS proxy we see http where the browser saw https. ``trusted`` names count as ours.
    """
    if site:
        return site == "same-origin"
    if not origin:
        return True
    scheme, _, netloc = origin.partition("://")
    theirs, ours = _split(netloc), _split(host)
    if theirs is None or ours is None or scheme not in DEFAULT_PORTS:
        return False
    default = DEFAULT_PORTS[scheme]
    return theirs[0] in trusted or (theirs[0], theirs[1] or default) == (ours[0], ours[1] or default)


def sender(remote: str, forwarded: str, proxies: Sequence[Network]) -> str:
    """Who has sent a request: the address it came from, or whom it came for where that is one of our ``proxies``.

    A proxy writes whoever connects to it at the end of ``X-Forwarded-For``; what stands before may be a stranger's.
    So only what one of ours has written is believed. Some write the port as well, another for each connection.
    """
    hops = [*map(_without_port, filter(None, map(str.strip, forwarded.split(",")))), remote]
    while len(hops) > 1 and _within(hops[-1], proxies):
        hops.pop()
    return hops[-1][:LONGEST_ADDRESS]


def _without_port(hop: str) -> str:
    """The address of ``203.0.113.1:4711`` and ``[2001:db8::1]:4711``; everything else stays as it is."""
    split = None if hop.count(":") > 1 and not hop.startswith("[") else _split(hop)
    return split[0] if split else hop


def _within(address: str, networks: Sequence[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found  # how a socket that takes both shows the old ones
    return any(found in network for network in networks)


def _subscriber(peer: str) -> str:
    """Whose address it is: whoever has one of IPv6 has all 2^64 of its /64 (RFC 6177)."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv4Address) or address.ipv4_mapped:
        return peer
    return address.packed[:8].hex()


class Key:
    """The operator's key, and the session tokens made with it. Falsy where no key is set."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def __bool__(self) -> bool:
        return bool(self._key)

    def matches(self, guess: str) -> bool:
        """Whether ``guess`` is the key, in time that does not depend on it."""
        digests = (hashlib.sha256(text).digest() for text in (self._key, guess.encode("utf-8", "surrogatepass")))
        return bool(self._key) and hmac.compare_digest(*digests)

    def session(self, now: float) -> str:
        """A token that proves a login until `SESSION_SECONDS` after ``now`` (Unix seconds)."""
        expires = str(int(now) + SESSION_SECONDS)
        return f"{expires}.{self._sign(expires)}"

    def holds(self, token: str, now: float) -> bool:
        """Whether ``token`` is a session of this key that has not ended."""
        match = SESSION.fullmatch(token)
        return match is not None and hmac.compare_digest(self._sign(match[1]), match[2]) and int(match[1]) > now

    def _sign(self, expires: str) -> str:
        return hmac.new(self._key, f"botcore session {expires}".encode(), hashlib.sha256).hexdigest()


class Attempts:
    """At most ``limit`` wrong guesses a minute from one peer, or one network of IPv6; remembers the last 1,024.

    Beyond, the right key does not pass either: an answer that differs would be all that who guesses wants to know.
    """

    PEERS = 1024
    WINDOW_S = 60.0

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, peer: str, now: float) -> float:
        """Seconds until this peer may guess again, 0 where it may now; ``now`` is monotonic."""
        recent = [at for at in self._failures.get(_subscriber(peer), ()) if at > now - self.WINDOW_S]
        return recent[-self._limit] + self.WINDOW_S - now if len(recent) >= self._limit else 0.0

    def failed(self, peer: str, now: float) -> None:
        """Count a wrong guess."""
        peer = _subscriber(peer)
        recent = [at for at in self._failures.pop(peer, ()) if at > now - self.WINDOW_S]
        self._failures[peer] = [*recent, now][-self._limit :]
        while len(self._failures) > self.PEERS:
            self._failures.popitem(last=False)
