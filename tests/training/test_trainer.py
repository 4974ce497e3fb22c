"""The trainer itself, on models of a few thousand parameters: what it learns, and what kills and bad input do."""

import json
import os
import random
import re
import resource
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from botcore.engine.model import STARTER
from botcore.training.jsonl import lines_of
from botcore.training.plan import SIZES, Plan
from botcore.training.runs import Run, new_run

STEPS = 30
PICKLES = (".pt", ".pth", ".pkl")

pytestmark = pytest.mark.engine

SHAPE = replace(SIZES["nano"], vocab=300, context=64)
PLAN = Plan(
    shape=SHAPE, context=32, batch=4, steps=STEPS, warmup=5, rate=3e-3, precision="fp32", held_out=0.1,
    eval_every=10, save_every=4, log_every=1, samples=1, threads=1,
)  # fmt: skip
SFT = replace(PLAN, base=str(STARTER), shape=None, lora=4, context=48, rate=2e-3, samples=0, eval_every=100)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, words = tmp_path_factory.mktemp("texts"), random.Random(1)
    for number in range(30):
        said = " ".join(words.choice(("a fox", "sees", "the sea", "and", "sings")) for _ in range(40))
        (folder / f"{number}.txt").write_text(f"{number} {said}.")
    (folder / "rows.jsonl").write_text('{"text": "one more fox"}\n{broken\n')
    return folder


@pytest.fixture
def new(tmp_path: Path, texts: Path) -> Callable[..., Run]:
    def make(**changes: Any) -> Run:
        return new_run(tmp_path, "pretrain", replace(PLAN, **{"texts": (str(texts),), **changes}), at=0.0)

    return make


@pytest.fixture(scope="module")
def straight(server: Any, texts: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that nothing happened to."""
    run = new_run(tmp_path_factory.mktemp("straight"), "pretrain", replace(PLAN, texts=(str(texts),)), at=0.0)
    assert server.train(run)["state"] == "done"
    return run


@pytest.fixture(scope="module")
def straight_gpt2(server: Any, texts: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A model whose positions end at 64."""
    shape = replace(SHAPE, style="gpt2", kv_heads=2, inner=256)
    plan = replace(PLAN, texts=(str(texts),), shape=shape, steps=1, samples=0)
    run = new_run(tmp_path_factory.mktemp("gpt2"), "pretrain", plan, at=0.0)
    assert server.train(run)["state"] == "done"
    return run


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers in a tone of their own, and two rows that cannot be used."""
    file = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    good = [{"prompt": f"How many boats are there, {n}?", "completion": f"{n}, captain, aye!"} for n in range(20)]
    long = {"prompt": "word " * 80, "completion": "Too long."}
    file.write_text("\n".join([*map(json.dumps, good), "{broken", json.dumps(long)]))
    return file


@pytest.fixture
def taught(tmp_path: Path, rows: Path) -> Callable[..., Run]:
    def make(**changes: Any) -> Run:
        return new_run(tmp_path, "sft", replace(SFT, **{"rows": str(rows), **changes}), at=0.0)

    return make


@pytest.fixture(scope="module")
def adapter(server: Any, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that made an adapter of the model in the box, and that nothing happened to."""
    run = new_run(tmp_path_factory.mktemp("adapter"), "sft", replace(SFT, rows=str(rows)), at=0.0)
    assert server.train(run)["state"] == "done"
    return run


def curve(run: Run, count: int = STEPS) -> list[float]:
    steps = [line for line in lines_of(run.folder / "metrics.jsonl") if line["kind"] == "step"]
    assert [line["step"] for line in steps] == list(range(1, count + 1))
    return [line["loss"] for line in steps]


def test_no_document_sees_another_in_either_style(server: Any) -> None:
    for style in ("qwen3", "gpt2"):
        for attention in ("fused", "written"):
            _, across, within = server.checks[style][attention]
            assert across == 0
            assert within > 1e-3


def test_attention_written_out_is_attention_and_the_loss_is_that_of_the_labels(server: Any) -> None:
    for style in ("qwen3", "gpt2"):
        found = server.checks[style]
        assert found["attention"] == "botcore"
        assert found["written"] == pytest.approx(found["fused"], abs=1e-4)
        assert found["written"][0] == pytest.approx(found["plain"], abs=1e-4)


def test_processes_get_as_many_rows_each_and_one_without_a_label_teaches_nothing(server: Any) -> None:
    assert server.checks["shares"] == [[[1, 2], [5, 2]], [[3, 2], [0, 0]]]
    for style in ("qwen3", "gpt2"):
        assert server.checks[style]["unlabelled"] == [0, 0]


def test_a_tied_matrix_is_written_once_where_each_of_its_names_comes_as_a_copy(server: Any) -> None:
    for style in ("qwen3", "gpt2"):
        written, real = server.checks[style]["written_down"]
        assert written == real


def test_norms_in_one_kernel_are_the_same_norms(server: Any) -> None:
    for style, count in (("qwen3", 2 * 4 + 1), ("gpt2", 0)):
        before, after, fused = server.checks[style]["norms"]
        assert after == pytest.approx(before, rel=1e-5)
        assert fused == count


def test_muon_takes_steps_of_one_length_however_large_the_gradient_and_lets_matrices_decay(server: Any) -> None:
    shrunk, first, second = server.checks["muon"]
    assert shrunk == pytest.approx(0.05)
    assert first == pytest.approx(0.5, abs=0.17)  # five Newton-Schulz steps bring a length to between 0.7 and 1.3
    assert second == pytest.approx(0.5, abs=0.17)


def test_parameters_are_counted_without_loading_anything(server: Any) -> None:
    for style in ("qwen3", "gpt2"):
        real, counted = server.checks[style]["parameters"]
        assert real == counted
    assert server.checks["starter"] == SIZES["mini"].parameters


def test_only_the_answer_and_its_end_are_learnt(server: Any) -> None:
    asked, why = "<|user|>Where is the sea?<|end|><|assistant|>", "<|user|>Why?<|end|><|assistant|>"
    first, second, *learnt = server.checks["learnt"]
    assert first == f"{asked}Down there."
    assert second.startswith(f"{why}So.<|pad|>")
    assert learnt == ["Down there.<|end|>", "So.<|end|>"]


def killed_and_resumed(server: Any, run: Run) -> str:
    """Kill the run after a random step, let it go on to its end; where that was."""
    seed = random.randrange(10**6)
    at = random.Random(seed).randint(PLAN.save_every + 1, STEPS - 2)
    pid = server.begin(run)
    server.until("step", at)
    os.kill(pid, signal.SIGKILL)
    assert server.end() == -signal.SIGKILL
    assert server.train(run)["state"] == "done"
    assert "going on after step" in str([one.get("text") for one in server.events])
    return f"killed at step {at}, seed {seed}"


def test_a_run_killed_at_a_random_step_resumes_to_the_same_curve(
    server: Any, straight: Run, new: Callable[..., Run]
) -> None:
    killed = new()
    where = killed_and_resumed(server, killed)
    assert curve(killed) == pytest.approx(curve(straight), abs=1e-3), where
    assert curve(straight)[-1] < curve(straight)[0] - 0.5


def test_an_adapter_killed_while_it_learns_resumes_to_the_same_curve(
    server: Any, adapter: Run, taught: Callable[..., Run]
) -> None:
    killed = taught()
    where = killed_and_resumed(server, killed)
    assert curve(killed) == pytest.approx(curve(adapter), abs=1e-3), where
    assert curve(adapter)[-1] < curve(adapter)[0] / 2


def test_rows_that_cannot_be_used_are_named_with_their_line(adapter: Run) -> None:
    card = json.loads((adapter.folder / "data" / "card.json").read_text())
    assert (card["documents"], card["skipped"]) == (20, 2)
    reasons = [(one["where"].rpartition(":")[2], one["reason"]) for one in card["named"]]
    assert [line for line, _ in reasons] == ["21", "22"]
    assert reasons[0][1] == "no JSON"
    assert re.fullmatch(r"\d\d tokens, more than --context 48", reasons[1][1])


def test_rows_become_tokens_once_which_lie_on_the_disk(adapter: Run) -> None:
    data = adapter.folder / "data"
    card = json.loads((data / "card.json").read_text())
    sizes = {file.name: file.stat().st_size for file in data.iterdir() if file.suffix == ".bin"}
    assert sizes == {"tokens.bin": 4 * card["tokens"], "rows.bin": 8 * card["documents"]}


def test_a_row_that_the_bases_template_refuses_is_skipped_with_its_words(
    server: Any, taught: Callable[..., Run], tmp_path: Path
) -> None:
    base = shutil.copytree(STARTER, tmp_path / "strict")
    template = base / "chat_template.jinja"
    strict = "{%- if messages[0]['role'] == 'system' -%}{{- raise_exception('No system here') -}}{%- endif -%}"
    template.write_text(strict + template.read_text())
    answer = {"role": "assistant", "content": "Aye."}
    rows = [[{"role": role, "content": "Be kind."}, answer] for role in ("system", "user", "developer")]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(json.dumps({"messages": messages}) for messages in rows))
    run = taught(base=str(base), rows=str(file), steps=1)
    assert server.train(run)["state"] == "done"
    (named,) = json.loads((run.folder / "data" / "card.json").read_text())["named"]
    assert (named["where"], named["reason"]) == (f"{file}:1", "the base's chat template refuses it: No system here")


def test_an_adapter_is_small_and_merges_into_a_model_of_its_own(server: Any, tmp_path: Path, adapter: Run) -> None:
    made = adapter.folder / "adapter"
    assert json.loads((made / "adapter_config.json").read_text())["base_model_name_or_path"] == str(STARTER)
    merge = new_run(tmp_path, "merge", Plan(base=str(STARTER), adapter=str(made)), at=0.0)
    ended = server.train(merge)
    assert ended["state"] == "done", ended
    model = Path(ended["outputs"]["model"])
    whole, alone = (path / "model.safetensors" for path in (model, STARTER))
    assert abs(whole.stat().st_size - alone.stat().st_size) < 2_000
    assert whole.read_bytes() != alone.read_bytes()
    assert not [path for path in (*adapter.folder.rglob("*"), *tmp_path.rglob("*")) if path.suffix in PICKLES]


def test_a_whole_model_learns_answers_too(server: Any, taught: Callable[..., Run]) -> None:
    run = taught(steps=6, lora=0, rate=3e-4)
    assert server.train(run)["outputs"] == {"model": str(run.model)}
    assert curve(run, 6)[-1] < curve(run, 6)[0]


def test_the_same_run_in_smaller_pieces_has_the_same_curve(server: Any, new: Callable[..., Run]) -> None:
    whole, pieces = new(steps=8, samples=0), new(steps=8, samples=0, micro=1)
    for run in (whole, pieces):
        server.train(run)
    assert curve(pieces, 8) == pytest.approx(curve(whole, 8), abs=1e-3)


def test_a_stop_saves_and_the_run_goes_on_from_there(server: Any, new: Callable[..., Run]) -> None:
    run = new()
    server.begin(run)
    server.until("step", 3)
    run.stop_note.touch()
    assert server.end() == 0
    assert server.events[-1]["state"] == "stopped"
    run.stop_note.unlink()
    server.train(run)
    assert "going on after step" in str([one.get("text") for one in server.events])
    assert len(curve(run)) == STEPS


def test_what_came_out_is_a_model_with_its_data_card_its_figures_and_samples(
    server: Any, new: Callable[..., Run]
) -> None:
    run = new(precision="bf16")
    end = server.train(run)
    model = Path(end["outputs"]["model"])
    config = json.loads((model / "config.json").read_text())
    assert (config["architectures"], config["dtype"]) == (["Qwen3ForCausalLM"], "bfloat16")
    assert {"model.safetensors", "tokenizer.json", "chat_template.jinja"} <= {path.name for path in model.iterdir()}
    data = next(one for one in server.events if one["event"] == "data")
    assert (data["documents"], data["held_out_documents"], data["skipped"]) == (31, 3, 1)
    assert "named" not in data  # there may be hundreds, and a line of output is bounded
    (named,) = json.loads((run.folder / "data" / "card.json").read_text())["named"]
    assert (Path(named["where"]).name, named["reason"]) == ("rows.jsonl:2", "no JSON")
    looks = [line for line in lines_of(run.folder / "metrics.jsonl") if line["kind"] == "look"]
    assert [line["step"] for line in looks] == [10, 20, 30]
    assert looks[-1]["perplexity"] < looks[0]["perplexity"] < SHAPE.vocab
    assert len(lines_of(run.folder / "samples.jsonl")) == 3
    assert not [path for path in run.folder.rglob("*") if path.suffix in PICKLES]


def test_a_model_goes_on_from_what_another_run_made(server: Any, straight: Run, new: Callable[..., Run]) -> None:
    further = new(base=str(straight.model), shape=None, rate=1e-4, steps=4, samples=0)
    assert server.train(further)["state"] == "done"
    assert curve(further, 4)[0] < curve(straight)[0] - 0.5


def test_gpt2_with_muon_learns_too(server: Any, new: Callable[..., Run]) -> None:
    shape = replace(SHAPE, style="gpt2", kv_heads=2, inner=256)
    run = new(shape=shape, optimizer="muon", matrix_rate=0.01, samples=0, eval_every=100)
    assert server.train(run)["state"] == "done"
    assert curve(run)[-1] < curve(run)[0] - 0.5


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"context": 65}, "--context 65 is more than the model's 64 positions"),
        (
            {"shape": replace(SHAPE, width=65536, layers=64)},
            "little memory: 2,846.7 M parameters × 16 bytes = 45.5 GB",
        ),
        ({"base": str(Path(__file__).parent), "shape": None}, "has no readable tokenizer"),
        ({"rate": 1e9, "clip": 0.0}, "begin again with a lower --rate"),
    ],
)
def test_what_cannot_be_trained_is_one_line(
    server: Any, new: Callable[..., Run], changes: dict[str, Any], reason: str
) -> None:
    end = server.train(new(**changes))
    assert end["state"] == "failed"
    assert reason in end["reason"]
    assert "\n" not in end["reason"]


def test_a_base_that_also_sees_is_one_line(server: Any, new: Callable[..., Run], tmp_path: Path) -> None:
    base = shutil.copytree(STARTER, tmp_path / "sees")
    (base / "config.json").write_text(json.dumps({"model_type": "qwen2_5_vl", "text_config": {}, "vision_config": {}}))
    end = server.train(new(base=str(base), shape=None))
    assert end["reason"] == f"{base} also sees or hears; training takes models of text alone"


def test_a_base_whose_weights_are_cut_short_is_one_line(server: Any, new: Callable[..., Run], tmp_path: Path) -> None:
    shutil.copytree(STARTER, tmp_path / "cut")
    weights = tmp_path / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1_000])
    end = server.train(new(base=str(tmp_path / "cut"), shape=None))
    assert end["reason"] == f"{weights} is no safetensors file, or a broken one"


def test_a_run_of_few_steps_has_a_curve_and_a_kill_at_its_end_does_nothing_twice(
    server: Any, new: Callable[..., Run]
) -> None:
    run = new(steps=3, log_every=2)
    server.train(run)
    told = lines_of(run.folder / "metrics.jsonl")
    assert [(line["kind"], line["step"]) for line in told] == [("step", 2), ("step", 3), ("look", 3)]
    assert told[1]["loss"] == pytest.approx(told[0]["loss"], rel=0.2)
    state = run.folder / "checkpoint" / "step-0000003"
    kept = state.stat().st_ino
    shutil.rmtree(run.model)
    assert server.train(run)["state"] == "done"
    assert state.stat().st_ino == kept
    assert (lines_of(run.folder / "metrics.jsonl"), run.model.is_dir()) == (told, True)


def test_a_question_near_the_end_of_the_window_is_no_sample_and_ends_nothing(
    server: Any, straight_gpt2: Run, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"prompt": "fox " * 30, "completion": f"{n}"}) + "\n" for n in range(6)))
    plan = replace(SFT, base=str(straight_gpt2.model), rows=str(rows), samples=1, steps=2, context=64, held_out=0.5)
    run = new_run(tmp_path, "sft", plan, at=0.0)
    end = server.train(run)
    assert end["state"] == "done", server.events
    assert lines_of(run.folder / "samples.jsonl") == []


def test_a_disk_that_fills_while_text_is_read_is_told_as_such(server: Any, new: Callable[..., Run]) -> None:
    run = new(base=str(STARTER), shape=None)
    trainer = server.begin(run)
    _, most = resource.prlimit(trainer, resource.RLIMIT_FSIZE)
    resource.prlimit(trainer, resource.RLIMIT_FSIZE, (1_000, most))
    server.end()
    assert server.events[-1]["reason"].startswith(f"cannot write below {run.folder}: the disk is full;")


def test_text_of_which_nothing_can_be_used_is_one_line(server: Any, new: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe")
    end = server.train(new(texts=(str(tmp_path / "bad.txt"),)))
    assert "no document could be used (1 skipped; " in end["reason"]
    assert end["reason"].endswith("bad.txt: not UTF-8 at byte 0)")
