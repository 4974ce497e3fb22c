"""How much memory there is, as Linux and its containers say it."""

from pathlib import Path

from botcore.ram import memory

GIB = 1 << 30


def test_a_containers_limit_is_the_memory_there_is(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 16777216 kB\nMemFree: 1 kB\nMemAvailable: 8388608 kB\n")
    assert memory(meminfo, tmp_path) == (16 * GIB, 8 * GIB)
    (tmp_path / "memory.max").write_text(f"{4 * GIB}\n")
    (tmp_path / "memory.current").write_text(f"{GIB}\n")
    assert memory(meminfo, tmp_path) == (4 * GIB, 3 * GIB)
    (tmp_path / "memory.stat").write_text(f"anon 1\ninactive_file {GIB // 2}\nactive_file 2\n")
    assert memory(meminfo, tmp_path) == (4 * GIB, int(3.5 * GIB))
    (tmp_path / "memory.max").write_text("max\n")
    assert memory(meminfo, tmp_path) == (16 * GIB, 8 * GIB)
