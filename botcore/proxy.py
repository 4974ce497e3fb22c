"""The way out: through the proxy that the environment names, as HTTPS_PROXY and NO_PROXY say, or straight."""

from urllib.parse import urlsplit

__all__ = ["proxy_to"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def proxy_to(url: str) -> str | None:
    """The proxy to reach this address by, None where there is none to pass: `aiohttp.ClientSession(proxy=…)` takes it.

    Asked once, as a session opens. With ``trust_env`` aiohttp asks on two threads before each call, which costs three
    times the call itself, and gives the password it finds in ~/.netrc to whoever is called.
    """
    from urllib.request import getproxies, proxy_bypass  # importing botcore does not pay for it

    address = urlsplit(url)
    host = address.hostname or ""
    return None if host in LOOPBACK or proxy_bypass(host) else getproxies().get(address.scheme)
