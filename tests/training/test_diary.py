"""What a run writes down on its way."""

from pathlib import Path

from botcore.training._inside.diary import Diary
from botcore.training.jsonl import lines_of


def test_a_run_that_goes_on_keeps_what_lies_before_its_state_whatever_is_in_it(tmp_path: Path) -> None:
    diary = Diary(tmp_path, writes=True)
    diary.note("samples", step=1, text="one\u2028two")
    diary.note("samples", step=3, text="three")
    diary.forget_after(2)
    assert lines_of(tmp_path / "samples.jsonl") == [{"step": 1, "text": "one\u2028two"}]
