"""A folder appears whole or not at all: also where the disk refuses, and where the process is killed in the middle."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from botcore.training.whole import whole_folder

CHILD = """
import resource, signal, sys
from pathlib import Path
from botcore.training.whole import whole_folder
how, path = sys.argv[1], Path(sys.argv[2])
if how == "full":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
with whole_folder(path) as draft:
    (draft / "a").write_text("new")
    if how == "killed":
        import os
        os.kill(os.getpid(), signal.SIGKILL)
    (draft / "b").write_bytes(b"x" * 10_000)
"""


def write(path: Path, text: str) -> None:
    with whole_folder(path) as draft:
        (draft / "a").write_text(text)


def test_the_new_one_takes_the_place_of_the_old(tmp_path: Path) -> None:
    write(tmp_path / "model", "old")
    write(tmp_path / "model", "new")
    assert (tmp_path / "model" / "a").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_body_that_fails_leaves_the_old_one_alone(tmp_path: Path) -> None:
    write(tmp_path / "model", "old")
    with pytest.raises(FileNotFoundError), whole_folder(tmp_path / "model") as draft:
        (draft / "a").write_text((draft / "gone").read_text())
    assert (tmp_path / "model" / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize(("how", "code"), [("full", 1), ("killed", -signal.SIGKILL)])
def test_a_full_disk_or_a_kill_leaves_the_old_one_alone(tmp_path: Path, how: str, code: int) -> None:
    write(tmp_path / "model", "old")
    command = [sys.executable, "-c", CHILD, how, str(tmp_path / "model")]
    done = subprocess.run(command, capture_output=True, timeout=20, check=False)
    assert done.returncode == code, done.stderr
    assert (tmp_path / "model" / "a").read_text() == "old"
    write(tmp_path / "model", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
