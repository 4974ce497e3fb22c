"""Prompts: append-only, inside the window, and what was cut is said."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from botcore.context import Recalled
from botcore.messages import Entry, Passage, Person, PromptMessage
from botcore.ports import Prompt
from botcore.prompt import compose, estimate, fit, shorter, within


def line(role: str, text: str) -> PromptMessage:
    return PromptMessage(role=role, content=text)  # type: ignore[arg-type]


def history(*texts: str) -> list[Entry]:
    roles = ["user", "assistant"]
    return [Entry(id=n, role=roles[n % 2], text=text, at=0) for n, text in enumerate(texts)]  # type: ignore[arg-type]


async def nobody_counts(messages: Sequence[PromptMessage]) -> int | None:
    raise AssertionError("asked for a count that was not needed")


def test_what_was_said_first_stands_first() -> None:
    messages = compose("Be kind.", Recalled(history=history("hi", "hello")), "how are you?")
    assert messages == [
        line("system", "Be kind."),
        line("user", "hi"),
        line("assistant", "hello"),
        line("user", "how are you?"),
    ]


def test_the_next_prompt_only_appends_to_this_one() -> None:
    before = compose("Be kind.", Recalled(history=history("hi", "hello")), "and now?")
    after = compose("Be kind.", Recalled(history=history("hi", "hello", "and now?", "well")), "more")
    assert after[: len(before)] == before


def test_facts_join_the_system_text_and_passages_the_newest_message() -> None:
    recalled = Recalled(facts=["name: Ana"], passages=[Passage(text="Water is wet.", title="t", source="s")])
    system, message = compose("Be kind.", recalled, "Is water wet?")
    assert system.content.endswith("What you know:\n- name: Ana")
    assert message.content == "Passages:\n[1] Water is wet.\nQuestion: Is water wet?"


def test_facts_have_their_share_of_the_window_and_one_that_is_too_long_goes_alone() -> None:
    long = "é" * 2_000
    recalled = Recalled(facts=["first", long, "last"])
    assert within(recalled, 4_096) == (Recalled(facts=["first", "last"]), ("1 of 3 facts",))
    assert within(Recalled(facts=["a" * 3_000, "b" * 100]), 4_096)[0].facts == ["a" * 3_000]
    assert within(recalled, 0) == (recalled, ())


def test_neighbouring_lines_of_one_role_become_one() -> None:
    messages = compose("", Recalled(history=history("first")), "second")
    assert messages == [line("user", "first\nsecond")]


def test_in_a_group_of_several_each_line_has_its_speaker() -> None:
    ana, ben = Person(id="1", name="Ana"), Person(id="2", name=f"Ben\n{'n' * 50}")
    told = [replace(line, person=ana if line.role == "user" else None) for line in history("My budget is 5.", "Noted.")]
    alone = compose("", Recalled(history=told), "What is my budget?", speaker=ana)
    assert [line.content for line in alone] == ["My budget is 5.", "Noted.", "What is my budget?"]
    together = compose("", Recalled(history=told), "What is my budget?", speaker=ben)
    assert [line.content for line in together] == [
        "Ana: My budget is 5.",
        "Noted.",
        f"Ben {'n' * 36}: What is my budget?",
    ]
    nameless = compose("", Recalled(history=told), "What is my budget?", speaker=Person(id="U02"))
    assert nameless[-1].content == "What is my budget?"


async def test_a_prompt_that_surely_fits_is_not_counted() -> None:
    prompt = await fit([line("user", "hi")], window=1000, reserve=100, count=nobody_counts)
    assert prompt == Prompt(messages=(line("user", "hi"),))


async def test_the_engine_is_asked_once_before_anything_is_cut() -> None:
    async def count(messages: Sequence[PromptMessage]) -> int | None:
        return 40

    messages = [line("user", "x" * 400)]
    prompt = await fit(messages, window=100, reserve=50, count=count)
    assert (prompt.tokens, prompt.exact, prompt.cut) == (40, True, ())


async def test_the_oldest_history_goes_first_and_it_is_said() -> None:
    async def count(messages: Sequence[PromptMessage]) -> int | None:
        return None

    talk = [line("system", "s"), *(line(("user", "assistant")[n % 2], f"{n}" * 20) for n in range(21))]
    prompt = await fit(talk, window=300, reserve=100, count=count)
    assert prompt.messages[0] == talk[0]
    assert prompt.messages[-1] == talk[-1]
    assert prompt.messages[1].role == "user"
    assert estimate(prompt.messages) <= 200
    assert prompt.cut == (f"{len(talk) - len(prompt.messages)} oldest messages",)


async def test_after_a_cut_the_next_prompts_only_append() -> None:
    async def count(messages: Sequence[PromptMessage]) -> int | None:
        return estimate(messages) // 3

    talk = [line("system", "s"), *(line(("user", "assistant")[n % 2], f"{n}" * 20) for n in range(101))]
    lengths = range(len(talk) - 40, len(talk) + 1, 2)
    prompts = [(await fit(talk[:length], window=1000, reserve=100, count=count)).messages for length in lengths]
    kept = [after[: len(before)] == before for before, after in pairwise(prompts)]
    assert all(len(prompt) < length for prompt, length in zip(prompts, lengths, strict=True))
    assert sum(kept) >= 15, kept


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=30), st.integers(50, 400))
async def test_whatever_is_said_the_new_message_is_kept(texts: list[str], window: int) -> None:
    async def count(messages: Sequence[PromptMessage]) -> int | None:
        return estimate(messages)

    messages = compose("system", Recalled(history=history(*texts)), "the new one")
    prompt = await fit(messages, window=window, reserve=30, count=count)
    assert prompt.messages[0] == messages[0]
    assert prompt.messages[-1].content.endswith("the new one")


def test_a_shorter_prompt_drops_the_older_half_until_none_is_left() -> None:
    prompt: Prompt | None = Prompt(
        messages=(line("system", "s"), line("user", "a"), line("assistant", "b"), line("user", "c"))
    )
    assert prompt
    prompt = shorter(prompt)
    assert prompt
    assert [message.content for message in prompt.messages] == ["s", "c"]
    assert shorter(prompt) is None
