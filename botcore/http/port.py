"""The listening socket: the wanted port or the next free one, and one clear line where there is none."""

import errno
import logging
import socket

from botcore.errors import SettingsError

__all__ = ["bind", "reachable"]

log: logging.Logger = logging.getLogger(__name__)

PORTS_TRIED = 21
"""The wanted port and the twenty behind it."""


def bind(host: str, wanted: int) -> socket.socket:
    """A socket that listens on ``wanted`` or the next free port (0 = any). Raises `SettingsError`."""
    last = wanted if wanted == 0 else min(wanted + PORTS_TRIED - 1, 65_535)
    for port in range(wanted, last + 1):
        listener = _listener(host, port)
        if listener is None:
            continue
        if port != wanted:
            log.warning("port %d is taken by another program; using %d instead", wanted, port)
        return listener
    raise SettingsError(f"http.port: {wanted} to {last} are all taken on {host}; choose another")


def reachable(host: str) -> str:
    """The name under which this machine reaches what listens on ``host``, as it stands in a URL."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"[{name}]" if ":" in name else name


def _listener(host: str, port: int) -> socket.socket | None:
    """A bound socket, None where the port is taken; `SettingsError` for everything else."""
    if host == "localhost":
        host = "127.0.0.1"  # the name may mean ::1 first, which is not what people type next
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise SettingsError(f'http.host: "{host}" is no address of this machine: {error.strerror}') from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            return None
        if error.errno == errno.EACCES:
            raise SettingsError(f"http.port: {port} may not be opened; choose one above 1023") from None
        raise SettingsError(f'http.host: cannot listen on "{host}" port {port}: {error.strerror}') from None
    return listener
