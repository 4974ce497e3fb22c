import pytest

from botcore.training.progress import MARK, curve, decode, duration, encode, sentence


def test_an_event_goes_through_a_line_and_other_lines_are_none() -> None:
    assert decode(encode("step", step=3, loss=1.5)) == {"event": "step", "step": 3, "loss": 1.5}
    for line in ("Loading weights: 100%", MARK + "{cut sho", MARK + "[1]", MARK + '{"step": 3}', ""):
        assert decode(line) is None


def test_people_read_loss_speed_and_time_left() -> None:
    step = {"event": "step", "step": 40, "loss": 3.21456, "speed": 8420.4, "left": 200.0, "progress": 0.4}
    assert sentence(step) == "40% step 40: loss 3.215, 8,420 tokens/s, 3 min left"
    look = {"event": "look", "step": 40, "loss": 2.0, "perplexity": 7.389}
    assert sentence(look) == "step 40: held-out loss 2.000, perplexity 7.39"
    assert sentence({"event": "saved", "step": 40}) == ""


def test_what_a_terminal_would_obey_is_not_shown() -> None:
    assert sentence({"event": "sample", "text": "a\x1b]0;b\x07\nc"}) == "  “a ]0;b c”"


def test_the_data_line_counts_what_was_skipped() -> None:
    card = {"event": "data", "documents": 2, "tokens": 1500, "held_out_tokens": 20, "skipped": 3, "hash": "ab" * 32}
    assert sentence(card) == "data: 2 documents, 1,500 tokens, 20 of them held out, 3 skipped, abababababab"


@pytest.mark.parametrize(("seconds", "said"), [(41.2, "41 s"), (600, "10 min"), (12_000, "3 h 20 min")])
def test_durations_read_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_curve_falls_as_its_values_do() -> None:
    assert curve([4.0, 3.0, 2.0, 1.0]) == "█▆▃▁"
    assert len(curve(list(range(1000)))) == 60
    assert curve([2.0, 2.0]) == "▁▁"
    assert curve([]) == ""
