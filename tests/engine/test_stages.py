import pytest

from botcore.engine.stages import Story, read_step

CORE = "(EngineCore pid=6921) INFO 11-23 20:23:55 [cpu_model_runner.py:68] "


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (f"{CORE}Starting to load model /models/tiny...", "loading the weights"),
        (
            "Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:00<00:00, 87.92it/s]",
            "loading the weights, 50 %",
        ),
        (f"{CORE}CPU KV cache size: 524,288 tokens", "laying out the KV cache"),
        (
            "(APIServer pid=6562) INFO 11-23 20:24:00 [entry.py:140] Starting vLLM server on unix:/x",
            "opening the socket",
        ),
    ],
)
def test_a_line_becomes_a_step_in_words(line: str, detail: str) -> None:
    step = read_step(line)
    assert step
    assert step.detail == detail
    assert 0 < step.progress < 1


def test_other_lines_are_no_steps() -> None:
    assert read_step("INFO:     Waiting for application startup.") is None


def story(*lines: str) -> Story:
    story = Story()
    for line in lines:
        story.add(line)
    return story


LAST = "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}"
ERROR = "(EngineCore pid=1) ERROR 11-23 20:23:55 [core.py:1] "


@pytest.mark.parametrize(
    ("lines", "code", "reason"),
    [
        ([f"{ERROR}ValueError: unsupported architecture", LAST], 1, "ValueError: unsupported architecture"),
        (
            [f"{ERROR}torch.OutOfMemoryError: CUDA out of memory.", LAST],
            1,
            "out of memory: torch.OutOfMemoryError: CUDA",
        ),
        (["Fatal Python error: Illegal instruction"], None, "Fatal Python error: Illegal instruction"),
        (["loading"], 137, "killed by signal 9: the system ran out of memory, or somebody killed it"),
        (["loading"], -9, "killed by signal 9"),
        (["loading"], 139, "ended by signal 11"),
        (["usage: api_server", "api_server: error: unrecognized arguments: --x"], 2, "unrecognized arguments: --x"),
        ([], 0, "exit code 0"),
    ],
)
def test_why_it_ended_is_one_line(lines: list[str], code: int | None, reason: str) -> None:
    said = story(*lines).reason(code)
    assert reason in said
    assert "\n" not in said
    assert len(said) <= 300


def test_what_the_server_has_outlived_is_not_why_it_ended() -> None:
    told = story(f"{ERROR}ValueError: LoRA rank 64 is greater than max_lora_rank 16.", "CUDA out of memory")
    told.outlived()
    assert told.reason(137).startswith("killed by signal 9")


def test_the_root_cause_wins_over_what_follows_from_it() -> None:
    dead = "vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue. See stack trace (above)"
    assert story("KeyError: 'lm_head'", dead, LAST).cause == "KeyError: 'lm_head'"
    assert story(dead).cause == ""
