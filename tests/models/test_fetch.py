"""From the hub to a folder: what is taken, what is refused, and what becomes of every interruption."""

import asyncio
import hashlib
import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from botcore.errors import ModelError, StoreError
from botcore.models import Shelf, fetch
from botcore.models import hub as hubs
from botcore.models.hub import open_hub
from botcore.models.parts import Part
from botcore.models.shelf import differences
from botcore.testing import ManualClock
from tests.models.fake_hub import FakeHub, Fault, Repo
from tests.models.made import CONFIG, encoder_files, model_files, safetensors

NAME, WEIGHTS = "owner/tiny", "model.safetensors"


class Told(NamedTuple):
    file: str
    have: int
    total: int


class PatientClock(ManualClock):
    """Sleeps without waiting, and remembers for how long."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def get(
    hub: FakeHub, shelf: Shelf, *, token: str = "", clock: PatientClock | None = None, told: list[Told] | None = None
) -> Path:
    clock = clock or PatientClock()
    heard = [] if told is None else told
    async with open_hub({"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": token}, clock=clock) as client:
        planned = await fetch.plan(client, shelf, NAME)
        return await fetch.fetch(client, shelf, planned, lambda *told: heard.append(Told(*told)), clock=clock)


def ranges(hub: FakeHub) -> list[str]:
    return [span for file, span in hub.asked if file == WEIGHTS]


async def test_what_a_model_needs_is_taken_and_nothing_else(hub: FakeHub, shelf: Shelf) -> None:
    folder = await get(hub, shelf)
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "botcore-model.json",
        "config.json",
        WEIGHTS,
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert all((folder / name).read_bytes() == model_files()[name] for name in ("config.json", WEIGHTS))
    assert not shelf.parts(NAME).exists()


async def test_of_an_encoder_its_modules_are_taken_too(hub: FakeHub, shelf: Shelf) -> None:
    hub.repos[NAME].files = encoder_files()
    folder = await get(hub, shelf)
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*/*")) == [
        "1_Pooling/config.json",
        "2_Dense/config.json",
        "2_Dense/model.safetensors",
    ]
    assert (folder / "1_Pooling" / "config.json").read_bytes() == encoder_files()["1_Pooling/config.json"]
    record = shelf.record(NAME)
    assert record
    assert list(differences(folder, record)) == []


async def test_folders_of_other_models_are_left_where_they_are(hub: FakeHub, shelf: Shelf) -> None:
    hub.repos[NAME].files |= {"1_Pooling/config.json": b"{}"}
    assert [path for path in (await get(hub, shelf)).iterdir() if path.is_dir()] == []


async def test_revision_licence_and_hashes_are_on_record(hub: FakeHub, shelf: Shelf) -> None:
    folder = await get(hub, shelf)
    record = shelf.record(NAME)
    assert record
    assert (record.name, record.revision, record.licence) == (NAME, hub.repos[NAME].commit, "apache-2.0")
    weights = next(file for file in record.files if file.name == WEIGHTS)
    digest = hashlib.sha256(model_files()[WEIGHTS]).hexdigest()
    assert (weights.sha256, weights.hub) == (digest, f"sha256:{digest}")
    assert list(differences(folder, record)) == []


async def test_a_change_on_the_disk_is_found(hub: FakeHub, shelf: Shelf) -> None:
    folder = await get(hub, shelf)
    record = shelf.record(NAME)
    assert record
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (folder / WEIGHTS).write_bytes(content)
    (folder / "config.json").unlink()
    (folder / "README.md").write_text("longer than it was")
    (folder / "more.safetensors").touch()
    assert {file: problem.split("(")[0].split(",")[0].strip() for file, problem in differences(folder, record)} == {
        "README.md": "has 18 bytes",
        "config.json": "is missing",
        WEIGHTS: "is not what was fetched",
        "more.safetensors": "was not fetched",
    }


async def test_progress_counts_all_files_together(hub: FakeHub, shelf: Shelf) -> None:
    told = list[Told]()
    await get(hub, shelf, told=told)
    assert told[-1].have == told[-1].total
    assert [one.have for one in told] == sorted(one.have for one in told)


# ------------------------------------------------------------------ interruptions


async def test_what_a_kill_left_of_the_one_before_is_not_in_the_way(hub: FakeHub, shelf: Shelf) -> None:
    folder = await get(hub, shelf)
    left = shelf.path / f".old-.ready-{folder.name}"
    left.mkdir()
    (left / WEIGHTS).touch()
    assert await get(hub, shelf) == folder
    assert not left.exists()


async def test_a_cut_is_taken_up_where_it_was(hub: FakeHub, shelf: Shelf) -> None:
    hub.faults += [Fault(cut=1000), Fault(cut=500)]
    await get(hub, shelf)
    assert ranges(hub) == ["", "bytes=1000-", "bytes=1500-"]


async def test_what_an_earlier_fetch_left_is_taken_up(hub: FakeHub, shelf: Shelf) -> None:
    hub.faults += [Fault(cut=3000, hold=True)]
    running = asyncio.create_task(get(hub, shelf))
    await hub.holding.wait()
    part = shelf.parts(NAME) / f"sha256-{hashlib.sha256(model_files()[WEIGHTS]).hexdigest()}"
    while not part.exists() or part.stat().st_size < 3000:  # noqa: ASYNC110 -- the kernel hands the bytes over
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert shelf.record(NAME) is None
    assert [name for name, _ in shelf.unfinished()] == [NAME]
    await get(hub, shelf)
    assert ranges(hub) == ["", "bytes=3000-"]
    assert list(shelf.unfinished()) == []


async def test_a_new_commit_goes_on_with_the_files_it_shares(hub: FakeHub, shelf: Shelf) -> None:
    hub.faults += [Fault(cut=1000), *[Fault(status=503)] * 5]
    with pytest.raises(ModelError, match="answered 503"):
        await get(hub, shelf)
    stale = shelf.parts(NAME) / ("git-" + "0" * 40)
    stale.touch()
    hub.repos[NAME].files["README.md"] = b"# Another text\n"
    hub.asked.clear()
    folder = await get(hub, shelf)
    assert ranges(hub) == ["bytes=1000-"]
    assert (folder / "README.md").read_bytes() == b"# Another text\n"


async def test_what_an_older_commit_left_is_not_counted_as_there(hub: FakeHub, shelf: Shelf) -> None:
    shelf.parts(NAME).mkdir(parents=True)
    (shelf.parts(NAME) / ("sha256-" + "0" * 64)).write_bytes(bytes(10_000))
    async with open_hub({"HF_ENDPOINT": hub.endpoint}, clock=PatientClock()) as client:
        assert (await fetch.plan(client, shelf, NAME)).here == 0


async def test_a_hub_without_ranges_sends_the_whole_file_again(hub: FakeHub, shelf: Shelf) -> None:
    hub.faults += [Fault(cut=1000), Fault(whole=True)]
    folder = await get(hub, shelf)
    assert (folder / WEIGHTS).read_bytes() == model_files()[WEIGHTS]


async def test_a_wrong_file_is_fetched_once_more_and_never_kept(hub: FakeHub, shelf: Shelf) -> None:
    wrong = bytes(len(model_files()[WEIGHTS]))
    hub.faults += [Fault(content=wrong)]
    folder = await get(hub, shelf)
    assert (folder / WEIGHTS).read_bytes() == model_files()[WEIGHTS]
    shutil.rmtree(folder)
    hub.faults += [Fault(content=wrong), Fault(content=wrong)]
    with pytest.raises(ModelError, match=r"came twice and was not what the hub says it is \(sha256:"):
        await get(hub, shelf)
    assert shelf.record(NAME) is None


async def test_a_file_without_end_is_ended(hub: FakeHub, shelf: Shelf) -> None:
    hub.faults += [Fault(content=bytes(1 << 20))]
    with pytest.raises(ModelError, match="longer than the"):
        await get(hub, shelf)


async def test_a_busy_hub_is_asked_again_when_it_wants_to_be(hub: FakeHub, shelf: Shelf) -> None:
    hub.faults += [Fault(status=429, headers={"Retry-After": "17"}), Fault(status=502), Fault(status=503)]
    hub.api_faults += [Fault(status=429, headers={"RateLimit": '"api";r=0;t=55'})]
    clock = PatientClock()
    await get(hub, shelf, clock=clock)
    assert clock.slept == [55, 17, 2, 4]


async def test_a_hub_that_stays_away_is_given_up_in_one_line(hub: FakeHub, shelf: Shelf) -> None:
    hub.faults += [Fault(status=500)] * 20
    clock = PatientClock()
    with pytest.raises(ModelError, match=r"cannot be fetched from .*: it answered 500; tried 6 times"):
        await get(hub, shelf, clock=clock)
    assert clock.slept == [1, 2, 4, 8, 16]


async def test_a_second_fetch_of_the_same_model_does_not_start(hub: FakeHub, shelf: Shelf) -> None:
    hub.faults += [Fault(cut=1000, hold=True)]
    running = asyncio.create_task(get(hub, shelf))
    await hub.holding.wait()
    with pytest.raises(ModelError, match="another process is fetching owner/tiny"):
        await get(hub, shelf)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_full_disk_is_said_before_a_byte_is_fetched(
    hub: FakeHub, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "SPARE", 1 << 60)
    with pytest.raises(ModelError, match=r"GB are free; make room, or set bot\.data_dir"):
        await get(hub, shelf)
    assert hub.asked == []
    assert list(shelf.unfinished()) == []


async def test_a_disk_that_fills_up_meanwhile_is_one_line(
    hub: FakeHub, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_up = Part.take_up

    def onto_a_full_disk(part: Part) -> None:
        take_up(part)
        part.__exit__()
        part._out = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 -- the part closes it

    monkeypatch.setattr(Part, "take_up", onto_a_full_disk)
    with pytest.raises(StoreError, match="No space left on device"):
        await get(hub, shelf)


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"config.json": b"{}", "pytorch_model.bin": b""}, r"only as a pickle \(pytorch_model.bin\)"),
        ({"config.json": b"{}", "model.gguf": b""}, "GGUF"),
        ({"config.json": b"{}"}, "no weights"),
        ({"adapter_config.json": b"{}", "adapter_model.safetensors": b""}, "a LoRA adapter, not a model"),
        ({"model.safetensors": b""}, "no config.json"),
        ({"config.json": b"[1]", "model.safetensors": b""}, "no model's configuration"),
        ({"config.json": b"{", "model.safetensors": b""}, "does not answer as a hub does"),
    ],
)
async def test_what_is_no_model_is_refused_with_the_reason(
    hub: FakeHub, shelf: Shelf, files: dict[str, bytes], why: str
) -> None:
    hub.repos[NAME] = Repo(files)
    with pytest.raises(ModelError, match=why):
        await get(hub, shelf)
    assert hub.asked == []


@pytest.mark.parametrize(
    ("repo", "token", "why"),
    [
        (None, "", r"there is no model owner/tiny at .*\(a private one needs HF_TOKEN\)"),
        (Repo({}, private=True), "", "a private one needs HF_TOKEN"),
        (None, "hf_right", "there is no model owner/tiny"),
        (Repo(model_files(), gated=True), "", "is gated: accept its terms at .*/owner/tiny and set HF_TOKEN"),
        (Repo(model_files()), "hf_wrong", "does not accept HF_TOKEN"),
    ],
)
async def test_who_may_not_have_it_is_told_what_to_do(
    hub: FakeHub, shelf: Shelf, repo: Repo | None, token: str, why: str
) -> None:
    hub.repos.clear()
    if repo:
        hub.repos[NAME] = repo
    with pytest.raises(ModelError, match=why) as caught:
        await get(hub, shelf, token=token)
    assert "hf_" not in str(caught.value)


async def test_a_token_opens_a_gated_model_and_stays_with_the_hub(hub: FakeHub, shelf: Shelf) -> None:
    hub.repos[NAME].gated = True
    await get(hub, shelf, token="hf_right")
    assert hub.asked
    assert not hub.leaked


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"[]", b'{"sha": "x"}', b"[" * 100_000, b"null"])
async def test_nonsense_instead_of_a_listing_is_one_line(hub: FakeHub, shelf: Shelf, body: bytes) -> None:
    hub.api_faults.append(Fault(status=200, content=body))
    with pytest.raises(ModelError, match=r"hub"):
        await get(hub, shelf)


async def test_a_listing_too_long_to_be_one_is_not_read_to_its_end(
    hub: FakeHub, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "ANSWER_LIMIT", 1000)
    hub.api_faults.append(Fault(status=200, content=bytes(2000)))
    with pytest.raises(ModelError, match="longer than 1000 bytes"):
        await get(hub, shelf)


async def test_names_that_lead_out_of_the_folder_are_never_written(hub: FakeHub, shelf: Shelf) -> None:
    hub.repos[NAME].files |= {"../evil.json": b"{}", "/etc/evil.json": b"{}", "a/b.json": b"{}", ".hidden.json": b"{}"}
    folder = await get(hub, shelf)
    assert not [path for path in shelf.path.parent.parent.rglob("*") if "evil" in path.name or "hidden" in path.name]
    assert not (folder / "a").exists()


async def test_weights_that_are_there_twice_are_fetched_once(hub: FakeHub, shelf: Shelf) -> None:
    hub.repos[NAME].files["consolidated.safetensors"] = safetensors({"w": ("BF16", [9])})
    folder = await get(hub, shelf)
    assert not (folder / "consolidated.safetensors").exists()


async def test_two_files_with_one_content_are_both_there(hub: FakeHub, shelf: Shelf) -> None:
    hub.repos[NAME].files |= {"LICENSE": b"same", "NOTICE": b"same"}
    folder = await get(hub, shelf)
    assert (folder / "LICENSE").read_bytes() == (folder / "NOTICE").read_bytes() == b"same"


async def test_a_newer_commit_takes_the_old_ones_place(hub: FakeHub, shelf: Shelf) -> None:
    await get(hub, shelf)
    hub.repos[NAME] = Repo({"config.json": json.dumps(CONFIG).encode(), WEIGHTS: safetensors({"w": ("F32", [7])})})
    folder = await get(hub, shelf)
    assert sorted(path.name for path in folder.iterdir()) == ["botcore-model.json", "config.json", WEIGHTS]
    assert [path.name for path in shelf.path.iterdir() if path.name != ".fetching"] == [folder.name]


async def test_an_address_that_is_none_is_said() -> None:
    with pytest.raises(ModelError, match="HF_ENDPOINT is no address"):
        async with open_hub({"HF_ENDPOINT": "hub.example.org"}, clock=ManualClock()):
            pass


async def test_a_hub_that_cannot_be_reached_is_said(shelf: Shelf) -> None:
    clock = PatientClock()
    async with open_hub({"HF_ENDPOINT": "http://127.0.0.1:9"}, clock=clock) as client:
        with pytest.raises(ModelError, match=r"cannot be reached \(no network"):
            await client.listing(NAME)
    assert clock.slept == [1, 2]
