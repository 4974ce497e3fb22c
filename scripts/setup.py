"""Makes `.venv`: everything a bot needs (`core`), or that and what tests need (`dev`).

Here: the Python check, the virtual environment, the locked packages, the project itself. Only the standard library, so
that any Python can run it. Not here: the engine's environment, which `botcore engine install` makes behind the page.

A stamp is written when all is done, so a second run costs nothing and an interrupted one is taken up again.
"""

from __future__ import annotations

import os
import sys

OLDEST, NEWEST = (3, 11), (3, 13)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
BIN = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
PYTHON = os.path.join(BIN, "python.exe" if os.name == "nt" else "python")
LOG = os.path.join(ROOT, "data", "logs", "setup.log")
LOCKS = {"core": "requirements/core.txt", "dev": "requirements/dev.txt"}
# Megabytes fetched into an empty environment on x86-64 Linux, Python 3.11 (2026-11-23).
DOWNLOAD_MB = {"core": 38, "dev": 128}


class SetupError(Exception):
    """What went wrong and the next step, in words for the person at the terminal."""


def main() -> int:
    """The exit code: 0 when the environment is ready, 1 with one line that says why not, 130 when interrupted."""
    kind = sys.argv[1] if len(sys.argv) > 1 else "core"
    if kind not in LOCKS:
        return fail(f"unknown set-up '{kind}': say core or dev")
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return run_with_a_fitting_python()
    if is_ready(kind):
        return 0
    try:
        set_up(kind)
    except (SetupError, OSError) as problem:
        return fail(str(problem))
    except KeyboardInterrupt:
        print(flush=True)
        fail("interrupted; the same command goes on from here")
        return 130
    return 0


def fail(message: str) -> int:
    """1, with the message on standard error."""
    print("setup: " + message, file=sys.stderr, flush=True)
    return 1


def run_with_a_fitting_python() -> int:
    """Hands over to another Python on the path, or says which one to get."""
    import shutil

    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        if other and not os.environ.get("BOTCORE_SETUP_HANDED_OVER"):
            os.environ["BOTCORE_SETUP_HANDED_OVER"] = "1"
            os.execv(other, [other, *sys.argv])
    return fail(
        f"botcore needs Python {dotted(OLDEST)} to {dotted(NEWEST)}; {sys.executable} is {dotted(sys.version_info)}. "
        f"Next: install Python {dotted(OLDEST)}, then add PYTHON=/path/to/python{dotted(OLDEST)} to the command"
    )


def dotted(version: tuple[int, ...]) -> str:
    """'3.11' for (3, 11, …)."""
    return "{}.{}".format(*version[:2])


# -------------------------------------------------------------------------------------------------------- the stamp


def stamp_path(kind: str) -> str:
    """Where a finished set-up is noted."""
    return os.path.join(VENV, ".setup-" + kind)


def fingerprint(kind: str) -> str:
    """What the environment depends on: the lock, the project's metadata, where it lies and which Python made it."""
    import hashlib

    digest = hashlib.sha256(f"{ROOT} {dotted(sys.version_info)}".encode())
    for name in (LOCKS[kind], "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def is_ready(kind: str) -> bool:
    """Whether this set-up, or a larger one, was finished from the same lock."""
    return os.path.exists(PYTHON) and any(read(stamp_path(k)) == fingerprint(k) for k in {kind, "dev"})


def read(path: str) -> str:
    """The file's text, empty where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


# -------------------------------------------------------------------------------------------------------- the steps


def set_up(kind: str) -> None:
    """Brings `.venv` to what the lock says. Raises SetupError; leaves no stamp unless every step succeeded."""
    os.makedirs(os.path.dirname(LOG), exist_ok=True)
    with open(LOG, "a", encoding="utf-8") as log:
        only_one(log)
        if is_ready(kind):  # the one we waited for did it
            return
        make_environment(log)
        install_packages(kind, log)
        install_project(log)
    with open(stamp_path(kind), "w", encoding="utf-8") as file:
        file.write(fingerprint(kind))


def only_one(log: object) -> None:
    """Waits until no other set-up works on the same `.venv`: `make run` and `make test` may start together."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[arg-type]
    except OSError:
        print("another set-up is running here, waiting for it", flush=True)
        fcntl.flock(log, fcntl.LOCK_EX)  # type: ignore[arg-type]


def make_environment(log: object) -> None:
    """A `.venv` whose Python starts and has pip: the one that is there, or a new one in its place."""
    import importlib.util
    import shutil

    version = dotted(sys.version_info)
    probe = f"import pip, sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    if os.path.exists(PYTHON) and run([PYTHON, "-c", probe], log) == 0:
        return
    if not importlib.util.find_spec("ensurepip"):
        raise SetupError(
            "this Python cannot make virtual environments (no ensurepip). On Debian or Ubuntu: "
            f"sudo apt-get install python{version}-venv"
        )
    with step(f"environment .venv, Python {version}"):
        shutil.rmtree(VENV, ignore_errors=True)
        if run([sys.executable, "-m", "venv", VENV], log) != 0:
            raise SetupError(f"cannot make {VENV}; the reason is at the end of {LOG}")


def install_packages(kind: str, log: object) -> None:
    """Every package of the lock, each checked against its hash."""
    missing = wanted(kind) - installed()
    size = f", at most {DOWNLOAD_MB[kind]} MB to fetch" if missing else ""
    with step(f"packages    {len(missing)} of {len(wanted(kind))} ({LOCKS[kind]}){size}") as progress:
        lock = os.path.join(ROOT, LOCKS[kind])
        pip(["install", "--no-deps", "--require-hashes", "-r", lock], log, progress)


def install_project(log: object) -> None:
    """The project itself, linked rather than copied. Its build back end is in the lock: nothing is fetched."""
    with step("botcore     linked into .venv"):
        pip(["install", "--no-deps", "--no-build-isolation", "--no-index", "--editable", ROOT], log)


def wanted(kind: str) -> set[str]:
    """The lock's packages as 'name==version', those for other platforms left out."""
    import re

    with open(os.path.join(ROOT, LOCKS[kind]), encoding="utf-8") as file:
        pins = re.findall(r"^([\w.-]+)==(\S+)(.*)", file.read(), re.MULTILINE)
    elsewhere = ("win32'", "emscripten'")
    here = (pin for pin in pins if not any(word in pin[2] and "==" in pin[2] for word in elsewhere))
    return {normal(name) + "==" + version for name, version, _ in here}


def installed() -> set[str]:
    """What `.venv` holds, as 'name==version', read from the names of its metadata folders."""
    import glob

    folders = glob.glob(os.path.join(VENV, "[Ll]ib", "**", "site-packages", "*.dist-info"), recursive=True)
    names = (os.path.basename(folder)[: -len(".dist-info")].partition("-") for folder in folders)
    return {normal(name) + "==" + version for name, _, version in names}


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    import re

    return re.sub(r"[-_.]+", "-", name).lower()


# ------------------------------------------------------------------------------------------- running and telling


class step:
    """One line on the terminal: what is being done, how far it is, how long it took."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __enter__(self) -> step:
        import time

        self.began = time.monotonic()
        self.live = sys.stdout.isatty()
        print(f"  {self.text}", end="" if self.live else "\n", flush=True)
        return self

    def tell(self, note: str) -> None:
        """Shows how far it is, where the line can be drawn again."""
        if self.live:
            print(f"\r\033[K  {self.text} · {note[:60]}", end="", flush=True)

    def __exit__(self, kind: object, *_: object) -> None:
        import time

        took = f"{time.monotonic() - self.began:.0f} s"
        if self.live:
            print(f"\r\033[K{'✓' if kind is None else '✗'} {self.text} · {took}", flush=True)
        elif kind is None:
            print(f"  … done in {took}", flush=True)


def run(command: list[str], log: object) -> int:
    """The command's exit code, 127 where it cannot be started; what it says goes to the log."""
    import subprocess

    try:
        return subprocess.call(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # type: ignore[arg-type]
    except OSError:
        return 127


def pip(arguments: list[str], log: object, progress: step | None = None) -> None:
    """Runs pip in `.venv`. Raises SetupError with pip's own reason and the next step."""
    import subprocess

    command = [PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments, "--progress-bar", "off"]
    reason = ""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as child:
        assert child.stdout
        for line in child.stdout:
            print(line, end="", file=log, flush=True)  # type: ignore[call-overload]
            reason = line.strip() if line.startswith("ERROR:") and not reason else reason
            if progress and line.startswith(("Collecting", "  Downloading", "Installing")):
                progress.tell(line.strip().partition("==")[0].partition(":")[0])
    if child.returncode != 0:
        raise SetupError(
            f"pip failed: {reason or 'no reason given'}\n  log:  {LOG}\n  next: settle that, then run this again"
        )


if __name__ == "__main__":
    sys.exit(main())
