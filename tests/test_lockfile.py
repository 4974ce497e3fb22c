"""Who holds the lock on a file is alone with it until the file is closed."""

from pathlib import Path

from botcore.lockfile import lock


def test_one_at_a_time_until_the_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as first, path.open("w") as second:
        assert lock(first)
        assert not lock(second)
        first.close()
        assert lock(second)
