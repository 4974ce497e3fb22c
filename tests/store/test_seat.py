"""Who was in a data_dir before: known after a crash, unknown after a proper end or beside somebody who lives there."""

import subprocess
import sys
from pathlib import Path

from botcore.store.seat import Former, Seat
from tests.store.conftest import OpenStore
from tests.store.kit import begin

DIES = """
import os, sys
from pathlib import Path
from botcore.store.seat import Seat, note_faults
note_faults(Path(sys.argv[1]))
seat = Seat(Path(sys.argv[1]))
seat.find()
seat.take("one")
{how}
"""


def die(folder: Path, how: str) -> int:
    done = subprocess.run([sys.executable, "-c", DIES.format(how=how), str(folder)], capture_output=True)
    return done.returncode


def found(folder: Path) -> Former:
    seat = Seat(folder)
    try:
        return seat.find()
    finally:
        seat.leave()


def test_nobody_was_in_a_new_place(tmp_path: Path) -> None:
    assert found(tmp_path / "data") == Former("", False)


def test_who_left_properly_is_not_missed(tmp_path: Path) -> None:
    assert die(tmp_path, "seat.leave()") == 0
    assert found(tmp_path) == Former("", False)


def test_who_was_killed_has_a_name_and_no_fault(tmp_path: Path) -> None:
    assert die(tmp_path, "os.kill(os.getpid(), 9)") == -9
    assert found(tmp_path) == Former("one", False)


def test_a_fault_of_the_process_is_on_record_and_counts_once(tmp_path: Path) -> None:
    assert die(tmp_path, "os.abort()") == -6
    assert found(tmp_path) == Former("one", True)  # and is still known where the start fails after that
    seat = Seat(tmp_path)
    assert seat.find() == Former("one", True)
    seat.take("two")
    seat.leave()
    assert found(tmp_path) == Former("", False)
    assert "Aborted" in (tmp_path / "logs" / "fault.last.log").read_text()


def test_beside_somebody_who_lives_there_nobody_is_missed(tmp_path: Path) -> None:
    here = Seat(tmp_path)
    here.find()
    here.take("one")
    assert found(tmp_path) == Former("", False)
    here.leave()


async def test_what_a_dead_process_held_is_free_at_the_next_start(make_store: OpenStore, tmp_path: Path) -> None:
    async with make_store("one") as store:
        claim = await begin(store)
        if store.dialect == "postgresql":
            assert await store.take_lead("telegram", lease_s=10)
    (tmp_path / "data" / "owner").write_text("one")  # it never left
    async with make_store("two") as store:
        again = await store.claim_next()
        assert again
        assert (again.message_id, again.suspect) == (claim.message_id, True)
        if store.dialect == "postgresql":
            assert await store.take_lead("telegram", lease_s=10)
