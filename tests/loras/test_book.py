"""Versions are offered with their files, used by name, and switched off: what every process of a bot then reads."""

import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from botcore.errors import ModelError, StoreError
from botcore.loras import LoraBook
from botcore.store import Store
from botcore.testing.clock import ManualClock
from tests.models.made import adapter_files, model_files


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return write(tmp_path / "run" / "model", adapter_files())


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[LoraBook]:
    base = write(tmp_path / "base", model_files())
    clock = ManualClock()
    async with Store(f"sqlite:///{tmp_path}/data/botcore.db", clock=clock, data_dir=tmp_path / "data") as store:
        yield LoraBook(store, data_dir=tmp_path / "data", model=str(base), clock=clock)


async def test_a_version_keeps_a_copy_of_its_own_without_the_pickle(
    book: LoraBook, adapter: Path, tmp_path: Path
) -> None:
    version = await book.offer(adapter, name="feedback-1", method="kto", figures={"rows": 12})
    kept = tmp_path / "data" / version.path
    assert {path.name for path in kept.iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}
    assert await book.list() == [version]
    assert (version.state, version.figures, version.base) == ("offered", {"rows": 12}, str(tmp_path / "base"))
    assert len(version.base_hash) == len(version.files_hash) == 64


async def test_a_name_is_used_once_and_for_ever(book: LoraBook, adapter: Path) -> None:
    await book.offer(adapter, name="sft-1", method="sft")
    with pytest.raises(ModelError, match="there is a LoRA version sft-1 already"):
        await book.offer(adapter, name="sft-1", method="sft")


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", "x" * 65])
async def test_a_name_that_is_none_is_told(book: LoraBook, adapter: Path, name: str) -> None:
    with pytest.raises(ModelError, match="cannot name a LoRA version"):
        await book.offer(adapter, name=name, method="sft")


async def test_the_name_that_the_engine_serves_the_base_by_is_taken(book: LoraBook, adapter: Path) -> None:
    with pytest.raises(ModelError, match="base2 means the model itself"):
        await book.offer(adapter, name="base2", method="sft", base=str(write(adapter.parent / "base2", model_files())))


@pytest.mark.parametrize(("error", "said"), [(errno.ENOSPC, "No space left on device"), (errno.EACCES, "Permission")])
async def test_a_disk_that_does_not_take_the_copy_is_one_line(
    book: LoraBook, adapter: Path, monkeypatch: pytest.MonkeyPatch, error: int, said: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr("shutil.copyfile", refuse)
    with pytest.raises(StoreError, match=f"cannot copy {adapter} to .*sft-1: {said}"):
        await book.offer(adapter, name="sft-1", method="sft")
    assert await book.list() == []


async def test_a_copy_that_a_crash_left_without_a_row_is_taken_where_it_is_the_same(
    book: LoraBook, adapter: Path, tmp_path: Path
) -> None:
    left = write(tmp_path / "data" / "loras" / "sft-1", adapter_files())
    assert (await book.offer(adapter, name="sft-1", method="sft")).path == "loras/sft-1"
    left.rename(left.with_name("sft-2"))
    write(left.with_name("sft-2"), adapter_files(r=4))
    with pytest.raises(ModelError, match="sft-2 is there already"):
        await book.offer(adapter, name="sft-2", method="sft")


async def test_a_version_cannot_be_called_as_the_model_is(book: LoraBook, adapter: Path) -> None:
    with pytest.raises(ModelError, match="base means the model itself"):
        await book.offer(adapter, name="base", method="sft")


async def test_one_is_wanted_at_a_time(book: LoraBook, adapter: Path) -> None:
    for name in ("a", "b"):
        await book.offer(adapter, name=name, method="sft")
    assert (await book.use("a")).state == "serving"
    assert (await book.use("b")).state == "serving"
    assert [version.state for version in await book.list()] == ["off", "serving"]
    assert [version.name for version in await book.off()] == ["b"]
    assert [version.state for version in await book.list()] == ["off", "off"]
    assert await book.off() == []


async def test_what_was_refused_is_kept_and_never_used(book: LoraBook, adapter: Path) -> None:
    await book.offer(adapter, name="feedback-2", method="dpo", refused="9 of 10 samples repeat one word")
    with pytest.raises(ModelError, match="feedback-2 was refused: 9 of 10 samples"):
        await book.use("feedback-2")


async def test_a_name_there_is_not_is_told(book: LoraBook) -> None:
    with pytest.raises(ModelError, match="no LoRA version nobody; `botcore lora list`"):
        await book.use("nobody")


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"r": 0}, "ranks from 1 to 512"),
        ({"r": 1024}, "ranks from 1 to 512"),
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"bias": "all"}, "trained biases"),
        ({"rank_pattern": {"q_proj": 4}}, "rank_pattern"),
        ({"peft_type": "IA3"}, "not of a LoRA adapter"),
    ],
)
async def test_an_adapter_that_vllm_cannot_load_is_not_taken(
    book: LoraBook, tmp_path: Path, config: dict[str, object], why: str
) -> None:
    adapter = write(tmp_path / "odd", adapter_files(**config))
    with pytest.raises(ModelError, match=why):
        await book.offer(adapter, name="odd", method="sft")
    assert await book.list() == []


@pytest.mark.parametrize("lacking", ["adapter_config.json", "adapter_model.safetensors"])
async def test_a_folder_without_an_adapter_is_told(book: LoraBook, adapter: Path, lacking: str) -> None:
    (adapter / lacking).unlink()
    with pytest.raises(ModelError, match="holds no LoRA adapter"):
        await book.offer(adapter, name="x", method="sft")


async def test_an_adapter_that_was_cut_is_told(book: LoraBook, adapter: Path) -> None:
    weights = adapter / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelError, match="is not whole"):
        await book.offer(adapter, name="x", method="sft")
