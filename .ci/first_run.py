"""`make run` as a stranger would: how long until the page, how long until vLLM replies, and what is left after a stop.

Only the standard library: it runs before there is an environment. Exits 1 with one line where a bound is missed.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

STOP_S = 30
"""What the bot promises between SIGTERM and its end."""
ORPHAN_S = 5
"""After that none of its processes, vLLM's included, may be left."""


def main() -> int:
    """0 when page, reply and stop came within their bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=float, required=True, help="seconds until the page answers")
    parser.add_argument("--reply", type=float, required=True, help="seconds until a reply from vLLM")
    bounds = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        port = free_port()
        environ = os.environ | {"PORT": str(port), "BOTCORE_BOT__DATA_DIR": data}
        began = time.monotonic()
        make = subprocess.Popen(["make", "run"], stdin=subprocess.DEVNULL, env=environ, start_new_session=True)
        try:
            check(port, make, began, bounds)
            engine = descendants(make.pid)
            stop(make)
        finally:
            if make.poll() is None:
                os.killpg(make.pid, signal.SIGKILL)
                make.wait()
        no_orphans(engine)
    return 0


def check(port: int, make: subprocess.Popen[bytes], began: float, bounds: argparse.Namespace) -> None:
    """The page, then the engine, then one reply, each timed."""
    until(lambda: fetch(port, "/") is not None, make, began, bounds.page, "the page")
    until(lambda: fetch(port, "/readyz") is not None, make, began, bounds.reply, "the engine")
    question = {"model": "botcore", "messages": [{"role": "user", "content": "Hello! How are you?"}], "max_tokens": 24}
    answer = fetch(port, "/v1/chat/completions", question)
    text = json.loads(answer or b"{}").get("choices", [{}])[0].get("message", {}).get("content", "")
    print(f"{time.monotonic() - began:6.1f} s  the reply: {text!r}", flush=True)
    if not text.strip():
        sys.exit(f"no reply: {answer!r}")


def until(done: Callable[[], bool], make: subprocess.Popen[bytes], began: float, bound: float, what: str) -> None:
    """Waits for it and says how long it took."""
    while not done():
        if make.poll() is not None:
            sys.exit(f"`make run` ended with {make.returncode} before {what} was there")
        if time.monotonic() - began > bound:
            sys.exit(f"{what} was not there after {bound:.0f} s")
        time.sleep(0.05)
    print(f"{time.monotonic() - began:6.1f} s  {what}", flush=True)


def fetch(port: int, path: str, body: object = None) -> bytes | None:
    """The body of a 2xx answer; None while there is none."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.read()
    except urllib.error.HTTPError as error:
        return None if body is None else error.read()
    except OSError:
        return None


def stop(make: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the bot itself: it must end with 0 in time."""
    children = Path(f"/proc/{make.pid}/task/{make.pid}/children").read_text().split()
    began = time.monotonic()
    os.kill(int(children[0]) if children else make.pid, signal.SIGTERM)
    try:
        code = make.wait(STOP_S)
    except subprocess.TimeoutExpired:
        sys.exit(f"the bot was still running {STOP_S} s after SIGTERM")
    print(f"{time.monotonic() - began:6.1f} s  from SIGTERM to the end", flush=True)
    if code != 0:
        sys.exit(f"the bot ended with {code} after SIGTERM, not 0")


def no_orphans(family: set[tuple[int, str]]) -> None:
    """None of these processes lives any more: the bot, vLLM's server, its EngineCore."""
    began = time.monotonic()
    while left := family & {(pid, born) for pid, _, born in processes()}:
        if time.monotonic() - began > ORPHAN_S:
            sys.exit(f"processes are left {ORPHAN_S} s after the bot's end: {sorted(left)}")
        time.sleep(0.1)


def descendants(ancestor: int) -> set[tuple[int, str]]:
    """What this process started, directly or not, as (pid, time of birth): a pid alone is used again."""
    family, table = {ancestor}, processes()
    while more := {pid for pid, parent, _ in table if parent in family} - family:
        family |= more
    return {(pid, born) for pid, _, born in table if pid in family}


def processes() -> list[tuple[int, int, str]]:
    """(pid, parent, time of birth) of everything that runs; the dead who wait for their parent left out."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            found.append((int(stat.parent.name), int(fields[1]), fields[19]))
    return found


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    sys.exit(main())
