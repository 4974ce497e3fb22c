"""What is exported: in which shape, whose words, cleaned how, and what is left out."""

import errno
import json
import os
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from botcore import BotcoreError, PromptMessage, StoreUnavailable
from botcore.store import Store
from botcore_finetune import Example, examples, ledger
from botcore_finetune.export import PAGE, Wish, export
from botcore_finetune.ledger import Export
from botcore_finetune.redact import Redactor
from botcore_finetune.search import Which

NUMBERS = count(1)
ASKED = (PromptMessage(role="system", content="Be kind."), PromptMessage(role="user", content="When?"))
PROMPT = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "When?"}]


def example(**more: Any) -> Example:
    number = next(NUMBERS)
    given = {"turn": f"t{number:04}", "reply": f"At {number}.", "verdict": 1, "at": float(number)} | more
    return Example(
        **{
            "channel": "web",
            "person": "ana",
            "conversation": "web//ana/",
            "prompt": ASKED,
            "model": "base",
            "plugin": "textgen",
            "consent": True,
        }
        | given
    )


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


@pytest.fixture
async def house(store: Store) -> Store:
    await store.migrate("ft", examples.MIGRATIONS)
    return store


async def keep(store: Store, *kept: Example) -> None:
    for one in kept:
        await store.write(lambda connection, one=one: examples.put(connection, one))


async def exported(
    store: Store, tmp_path: Path, format: Any, **wish: Any
) -> tuple[list[dict[str, Any]], dict[str, int], Export]:
    """The lines of the file, what was left out and why, and the record."""
    file = tmp_path / f"{format}-{next(NUMBERS)}.jsonl"
    wanted = Wish(**{"format": format, "consent": True, "redactor": None} | wish)
    done = await export(store, wanted, file, who="operator", at=1.0)
    rows = [json.loads(line) for line in file.read_text().splitlines()] if done.rows else []
    return rows, dict(done.left_out), done


# ------------------------------------------------------------------ shapes


async def test_sft_learns_corrections_and_good_replies_only_where_asked(house: Store, tmp_path: Path) -> None:
    await keep(house, example(verdict=-1, correction="At nine."), example(reply="At ten."), example(verdict=-1))
    rows, left, _ = await exported(house, tmp_path, "sft")
    assert rows == [{"prompt": PROMPT, "completion": said("At nine.")}]
    assert left == {"nothing in it for this format": 2}
    rows, _, _ = await exported(house, tmp_path, "sft", good=True)
    assert [row["completion"] for row in rows] == [said("At ten."), said("At nine.")]


async def test_kto_takes_thumbs_and_a_correction_counts_twice(house: Store, tmp_path: Path) -> None:
    await keep(
        house,
        example(reply="good", verdict=1),
        example(reply="bad", verdict=-1),
        example(reply="corrected", verdict=0, correction="better"),
    )
    rows, _, _ = await exported(house, tmp_path, "kto")
    assert all(row["prompt"] == PROMPT for row in rows)
    assert [(row["completion"], row["label"]) for row in rows] == [
        (said("better"), True),
        (said("corrected"), False),
        (said("bad"), False),
        (said("good"), True),
    ]


async def test_dpo_prefers_the_correction_to_the_reply(house: Store, tmp_path: Path) -> None:
    await keep(house, example(reply="At ten.", verdict=-1, correction="At nine."))
    rows, _, _ = await exported(house, tmp_path, "dpo")
    assert rows == [{"prompt": PROMPT, "chosen": said("At nine."), "rejected": said("At ten.")}]


async def test_dpo_prefers_the_good_reply_to_a_bad_one_of_the_same_prompt(house: Store, tmp_path: Path) -> None:
    elsewhere = (PromptMessage(role="user", content="Where?"),)
    bad = example(reply="bad", verdict=-1, person="ben")
    await keep(house, bad, example(reply="good"), example(reply="other", verdict=-1, prompt=elsewhere))
    rows, _, _ = await exported(house, tmp_path, "dpo")
    assert rows == [{"prompt": PROMPT, "chosen": said("good"), "rejected": said("bad")}]


async def test_dpo_prefers_the_answer_given_again_to_the_bad_one_it_replaced(house: Store, tmp_path: Path) -> None:
    later = (*ASKED[:1], PromptMessage(role="user", content="When, by the new passages?"))
    bad = example(reply="bad", verdict=-1)
    await keep(house, bad, example(reply="good", prompt=later, again=bad.turn))
    rows, _, _ = await exported(house, tmp_path, "dpo")
    assert [(row["chosen"], row["rejected"]) for row in rows] == [(said("good"), said("bad"))]
    assert rows[0]["prompt"][-1]["content"] == "When, by the new passages?"


async def test_an_answer_given_again_without_a_verdict_on_the_first_is_no_pair(house: Store, tmp_path: Path) -> None:
    await keep(house, example(again="never-judged"))
    assert (await exported(house, tmp_path, "dpo"))[0] == []


# ------------------------------------------------------------------ what is left out


async def test_what_no_model_was_asked_for_is_never_trained_on(house: Store, tmp_path: Path) -> None:
    await keep(house, example(prompt=(), correction="better"), example(reply="good"))
    for format in ("sft", "kto", "dpo"):
        rows, left, _ = await exported(house, tmp_path, format, good=format == "sft")
        assert left["quoted from documents, no model was asked"] == 1
        assert len(rows) == (0 if format == "dpo" else 1)


async def test_words_that_are_not_the_models_own_teach_nothing_but_their_correction_does(
    house: Store, tmp_path: Path
) -> None:
    await keep(house, example(verbatim=False), example(verbatim=False, verdict=-1, correction="better"))
    rows, left, _ = await exported(house, tmp_path, "kto")
    assert [(row["completion"], row["label"]) for row in rows] == [(said("better"), True)]
    assert left == {"not the model's own words (cut short, filtered or quoted)": 2}


async def test_what_people_disagree_about_is_left_out(house: Store, tmp_path: Path) -> None:
    await keep(house, example(turn="t", reply="x"), example(turn="t", reply="x", person="ben", verdict=-1))
    rows, left, _ = await exported(house, tmp_path, "kto")
    assert (rows, left) == ([], {"judged good and bad by different people": 2})
    await keep(house, example(turn="t", reply="x", person="eve", verdict=-1, correction="y"))
    rows, left, _ = await exported(house, tmp_path, "dpo")
    assert (rows, left["judged good and bad by different people"]) == ([], 1)
    await keep(house, example(reply="worse", verdict=-1), example(reply="better"))
    rows, _, _ = await exported(house, tmp_path, "dpo")
    assert [(row["chosen"], row["rejected"]) for row in rows] == [(said("better"), said("worse"))]


async def test_the_same_line_is_written_once_whatever_its_case_and_spaces(house: Store, tmp_path: Path) -> None:
    await keep(house, *(example(reply=reply, person=reply) for reply in ("At  Nine.", "at nine.", "At ten.")))
    rows, left, _ = await exported(house, tmp_path, "kto")
    assert [row["completion"] for row in rows] == [said("At ten."), said("at nine.")]
    assert left == {"the same line is there already": 1}


async def test_nobody_can_fill_the_file(house: Store, tmp_path: Path) -> None:
    await keep(house, *(example() for _ in range(30)), example(person="ben", reply="Ben's."))
    rows, left, _ = await exported(house, tmp_path, "kto")
    assert (len(rows), left) == (21, {"more than 20 from one person": 10})
    assert len((await exported(house, tmp_path, "kto", max_per_person=0))[0]) == 31


async def test_a_correction_to_the_same_words_teaches_nothing(house: Store, tmp_path: Path) -> None:
    await keep(house, example(reply="At nine.", verdict=-1, correction="At  nine."))
    assert (await exported(house, tmp_path, "dpo"))[1] == {"corrected to the same words": 1}


async def test_only_what_is_asked_for(house: Store, tmp_path: Path) -> None:
    old = example(reply="old")
    await keep(house, old, example(reply="new", channel="telegram"), example(reply="worse", verdict=-1))
    whiches = (Which(value="bad"), Which(channel="telegram"), Which(since=old.at + 0.5), Which(value="corrected"))
    told = [
        [row["completion"][0]["content"] for row in (await exported(house, tmp_path, "kto", which=which))[0]]
        for which in whiches
    ]
    assert told == [["worse"], ["new"], ["worse", "new"], []]


async def test_more_than_a_page_is_written_whole(house: Store, tmp_path: Path) -> None:
    await keep(house, *(replace(example(), at=5.0) for _ in range(2 * PAGE + 7)))
    rows, left, done = await exported(house, tmp_path, "kto", max_per_person=0)
    assert (len(rows), done.rows, left) == (2 * PAGE + 7, 2 * PAGE + 7, {})


# ------------------------------------------------------------------ consent


@pytest.mark.parametrize(
    ("setting", "then", "choice", "used"),
    [
        (True, True, None, True),
        (False, True, None, False),  # what was allowed once is not, while the operator says no
        (True, False, None, False),  # people were told that it is not used when they judged it
        (True, True, False, False),
        (False, False, True, True),
    ],
)
async def test_a_persons_own_choice_wins_else_the_setting_then_and_now(
    house: Store, tmp_path: Path, setting: bool, then: bool, choice: bool | None, used: bool
) -> None:
    await keep(house, example(consent=then))
    if choice is not None:
        await house.write(lambda connection: ledger.choose(connection, "web", "ana", allowed=choice, at=1.0))
    rows, left, _ = await exported(house, tmp_path, "kto", consent=setting)
    assert len(rows) == used
    assert left == ({} if used else {"somebody in it has not allowed it": 1})


async def test_one_no_in_a_group_keeps_the_exchange_out(house: Store, tmp_path: Path) -> None:
    await keep(house, example(people=("ana", "ben")))
    await house.write(lambda connection: ledger.choose(connection, "web", "ben", allowed=False, at=1.0))
    assert (await exported(house, tmp_path, "kto"))[0] == []
    assert len((await exported(house, tmp_path, "kto", all_consents=True))[0]) == 1


async def test_the_bad_reply_of_somebody_who_said_no_is_nobodys_pair(house: Store, tmp_path: Path) -> None:
    await keep(house, example(reply="bad", verdict=-1, person="ben"), example(reply="good"))
    await house.write(lambda connection: ledger.choose(connection, "web", "ben", allowed=False, at=1.0))
    assert (await exported(house, tmp_path, "dpo"))[0] == []


# ------------------------------------------------------------------ redaction, the file, the record


async def test_everything_that_is_written_is_cleaned(house: Store, tmp_path: Path) -> None:
    prompt = (PromptMessage(role="user", content="I am ana@mail.example, call +49 171 2345678"),)
    await keep(house, example(prompt=prompt, reply="4111 1111 1111 1111", correction="sk-abcdefghijklmnop1234"))
    for format, names in (("kto", ("completion",)), ("sft", ("completion",)), ("dpo", ("chosen", "rejected"))):
        rows, _, done = await exported(house, tmp_path, format, redactor=Redactor())
        assert rows[0]["prompt"][0]["content"] == "I am [email], call [phone]"
        found = {row[name][0]["content"] for row in rows for name in names}
        assert found <= {"[card]", "[secret]"}
        assert done.redacted["email"] >= 1


async def test_the_file_is_its_owners_and_takes_nobodys_place(house: Store, tmp_path: Path) -> None:
    await keep(house, example())
    file, wish = tmp_path / "out.jsonl", Wish(format="kto", consent=True)
    await export(house, wish, file, who="operator", at=1.0)
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("mine")
    with pytest.raises(BotcoreError, match="exists; give another name"):
        await export(house, wish, file, who="operator", at=1.0)
    assert file.read_text() == "mine"
    await export(house, wish, file, who="operator", at=1.0, force=True)
    assert json.loads(file.read_text())["label"] is True
    assert [name for name in os.listdir(tmp_path) if "out" in name] == ["out.jsonl"]


async def test_a_place_that_cannot_be_written_is_one_clear_line_and_not_on_record(house: Store, tmp_path: Path) -> None:
    await keep(house, example())
    with pytest.raises(BotcoreError, match="there is no folder"):
        await export(house, Wish(format="kto"), tmp_path / "nowhere" / "out.jsonl", who="operator", at=1.0)
    assert await house.read(lambda connection: ledger.exports(connection, 10)) == []


async def test_a_file_that_cannot_be_finished_is_not_on_record(
    house: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    await keep(house, example())
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BotcoreError, match="No space left"):
        await export(house, Wish(format="kto", consent=True), tmp_path / "out.jsonl", who="operator", at=1.0)
    assert not (tmp_path / "out.jsonl").exists()
    assert await house.read(lambda connection: ledger.exports(connection, 10)) == []


async def test_a_file_that_cannot_be_noted_does_not_stay(
    house: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(*_: Any, **__: Any) -> None:
        raise StoreUnavailable

    await keep(house, example())
    monkeypatch.setattr(house, "write", unavailable)
    with pytest.raises(StoreUnavailable):
        await export(house, Wish(format="kto", consent=True), tmp_path / "out.jsonl", who="operator", at=1.0)
    assert not (tmp_path / "out.jsonl").exists()


async def test_an_export_is_on_record_and_one_of_nothing_leaves_neither_file_nor_record(
    house: Store, tmp_path: Path
) -> None:
    empty = await export(house, Wish(format="kto"), tmp_path / "empty.jsonl", who="operator", at=1.0)
    assert (empty.rows, (tmp_path / "empty.jsonl").exists()) == (0, False)
    await keep(house, example())
    _, _, done = await exported(house, tmp_path, "kto")
    assert await house.read(lambda connection: ledger.exports(connection, 10)) == [done]
    assert (done.who, done.rows, done.options["redacted"], len(done.sha256)) == ("operator", 1, False, 64)
