"""Measure a checkpoint: `python -m scripts.starter.evaluate botcore/starter` prints counts and the wrong answers.

Greedy answers in bfloat16 through transformers. Words come from the part of words.py kept back from training; the hand-written
prompts of phrases/held_out.toml are checked against a large sample of the corpus.
"""

import random
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from scripts.starter.chat import Chat
from scripts.starter.corpus import Corpus
from scripts.starter.framing import REFUSAL, quoted
from scripts.starter.grammar import Grammar
from scripts.starter.memory import NAME, OTHERS
from scripts.starter.natural import held_out
from scripts.starter.passages import asking
from scripts.starter.phrases import load
from scripts.starter.tales import ask_for

HELD_OUT = load("held_out")
Talk = list[dict[str, str]]
PERSONA = (
    "You are botcore, a helpful assistant in a chat. "
    "Answer briefly and in the language of the message. When you do not know something, say so."
)
SYSTEMS = ("", PERSONA, f"{PERSONA}\n\nWhat you know:\n- likes: tea")


class Model:
    """A checkpoint that answers conversations one by one, as a chat does."""

    def __init__(self, path: Path, dtype: torch.dtype = torch.bfloat16) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(path)
        self.model = AutoModelForCausalLM.from_pretrained(path, dtype=dtype).eval()

    def ids(self, talk: Talk) -> torch.Tensor:
        """Return the prompt, `[1, time]`."""
        text = self.tokenizer.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
        return torch.tensor([self.tokenizer(text, add_special_tokens=False)["input_ids"]])

    def answer(self, talk: Talk, *, sample: bool = False, limit: int = 200) -> str:
        """Return the reply, greedy or sampled at temperature 0.8."""
        how = (
            {"do_sample": True, "temperature": 0.8, "top_p": 0.95}
            if sample
            else {"do_sample": False, "temperature": None, "top_p": None}
        )
        ids = self.ids(talk)
        out = self.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=limit, **how)
        return self.tokenizer.decode(out[0, ids.size(1) :], skip_special_tokens=True)


def said(system: str, *texts: str) -> Talk:
    """Return a conversation: the user begins, user and assistant alternate."""
    talk = [{"role": "system", "content": system}] if system else []
    return talk + [{"role": ("user", "assistant")[index % 2], "content": text} for index, text in enumerate(texts)]


def score(label: str, wrong: list[str], total: int) -> None:
    """Print one line of counts and up to six wrong answers."""
    print(f"{label}: {total - len(wrong)}/{total}", flush=True)
    for line in wrong[:6]:
        print("   wrong:", line.replace("\n", " / ")[:300])


def talks(model: Model) -> None:
    """Hand-written small talk, instructions and questions of fact, under three system prompts in turn."""
    wrong = []
    for index, (ask, words) in enumerate(HELD_OUT["talks"]):
        answer = model.answer(said(SYSTEMS[index % 3], ask))
        wrong += [] if any(word in answer for word in words) else [f"{ask} -> {answer}"]
    score("hand-written talk", wrong, len(HELD_OUT["talks"]))


def memory(model: Model) -> None:
    """Held-out names: told in the talk with another exchange between, or listed in the system prompt; then other facts."""
    g = Grammar(71, held=True)
    for label, kinds in (("name", (NAME,) * 40), ("other facts", OTHERS * 2)):
        wrong = []
        for index, kind in enumerate(kinds):
            value, ask = g.say(kind.value), g.pick(kind.asks)
            if index % 2:
                talk = said(f"{PERSONA}\n\nWhat you know:\n- {g.say(kind.label)}: {value}", g.say(ask))
            else:
                tell, noted = g.say(g.pick(kind.says), x=value, me="botcore"), g.say(kind.noted[0], x=value)
                talk = said("", tell, noted, "Tell me a joke.", "Why do bees hum? They forgot the words.", g.say(ask))
            answer = model.answer(talk)
            wrong += [] if value in answer else [f"{value}: {talk[-1]['content']} -> {answer}"]
        score(f"memory, {label}", wrong, len(kinds))


def passages(model: Model) -> None:
    """Questions from the grammar, with words or wordings or both kept back from training; then hand-written ones."""
    for label, g in (
        ("held-out words", Grammar(72, held=True)),
        ("held-out phrasing", Grammar(74, unseen=True)),
        ("held-out words and phrasing", Grammar(75, held=True, unseen=True)),
    ):
        _from_grammar(model, label, g)
    wrong: dict[bool, list[str]] = {True: [], False: []}
    for case in HELD_OUT["passages"]:
        gold = quoted(case["sentence"], case["number"]) if case["number"] else REFUSAL
        wrong[gold != REFUSAL] += _asked(model, case["texts"], case["ask"], gold)
    answered = sum(case["number"] > 0 for case in HELD_OUT["passages"])
    score("passages by hand, exact quote", wrong[True], answered)
    score("passages by hand, refusal", wrong[False], len(HELD_OUT["passages"]) - answered)


def _from_grammar(model: Model, label: str, g: Grammar) -> None:
    missed: dict[bool, list[str]] = {True: [], False: []}
    cited, counts = 0, {True: 0, False: 0}
    while min(counts.values()) < 40:
        system, pairs = asking(g, Chat(g), inside_system=g.chance(0.35))
        ask, gold = pairs[0]
        told = gold.startswith('"')
        if not (told or gold == REFUSAL) or counts[told] == (80 if told else 40):
            continue
        answer = model.answer(said(system, ask))
        counts[told] += 1
        cited += told and answer[-3:] == gold[-3:]
        missed[told] += [] if answer == gold else [f"{gold} -> {answer}"]
    score(f"{label}, exact quote", missed[True], counts[True])
    print(f"{label}, right number: {cited}/{counts[True]}")
    score(f"{label}, refusal", missed[False], counts[False])


def natural(model: Model) -> None:
    """Every question about the natural passages kept back, each passage among two others of them."""
    draw = random.Random(76)
    wrong: dict[bool, list[str]] = {True: [], False: []}
    total = {True: 0, False: 0}
    for passage in held_out():
        others = draw.sample([other.text for other in held_out() if other is not passage], 2)
        number = draw.randint(1, 3)
        texts = [*others[: number - 1], passage.text, *others[number - 1 :]]
        for ask, at in passage.questions:
            gold = REFUSAL if at is None else quoted(passage.sentences[at], number)
            total[at is not None] += 1
            wrong[at is not None] += _asked(model, texts, ask, gold)
    score("natural passages, exact quote", wrong[True], total[True])
    score("natural passages, refusal", wrong[False], total[False])


def _asked(model: Model, texts: list[str], ask: str, gold: str) -> list[str]:
    """Return the question and its answer if that is wrong."""
    listed = "\n".join(f"[{index}] {text}" for index, text in enumerate(texts, 1))
    answer = model.answer(said(SYSTEMS[1], f"Passages:\n{listed}\nQuestion: {ask}"))
    return [] if answer == gold else [f"{ask} -> {answer}"]


def tales(model: Model, count: int = 40) -> None:
    """Stories, poems and news on held-out topics at temperature 0.8: the topic is named, nothing is said twice."""
    torch.manual_seed(0)
    g = Grammar(73, held=True)
    texts, named, repeated = [], 0, 0
    for index in range(count):
        ask, topic = ask_for(g, ("story", "poem", "news")[index % 3])
        text = model.answer(said("", ask), sample=True)
        named += topic.split()[-1].lower() in text.lower()
        words = text.split()
        grams = [tuple(words[at : at + 6]) for at in range(len(words) - 5)]
        repeated += len(set(grams)) < len(grams)
        texts.append(text)
        if index < 6:
            print("   ", ask, "->", text.replace("\n", " / "))
    again = {model.answer(said("", "Write a short story about a fox."), sample=True) for _ in range(20)}
    print(
        f"tales: topic named {named}/{count}, a run of six words twice {repeated}/{count}, distinct {len(set(texts))}/{count}"
    )
    print(f"one prompt twenty times: {len(again)}/20 distinct")


def unseen() -> None:
    """Fail if the corpus says one of the hand-written prompts."""
    corpus = Corpus(99)
    said_often = {m.text for _ in range(60_000) for m in corpus.conversation("all") if m.role == "user"}
    print("hand-written prompts found in the corpus:", [ask for ask, _ in HELD_OUT["talks"] if ask in said_often])


if __name__ == "__main__":
    torch.set_num_threads(1)
    checkpoint = Model(Path(sys.argv[1]))
    for measure in (talks, memory, passages, natural, tales):
        measure(checkpoint)
    unseen()
