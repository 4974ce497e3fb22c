"""Segments of small talk, questions the model cannot answer, and the system prompts they happen under."""

from scripts.starter.dialogue import Pair, typed
from scripts.starter.grammar import Grammar
from scripts.starter.phrases import Forms, load

__all__ = ["DO_NOT_KNOW", "JOKES", "TALK", "UNKNOWN", "Chat"]

DO_NOT_KNOW = (
    "I am a very small model and do not know that. Ask about the documents I was given, or switch to a larger model."
)
TALK = {intent: Forms.of(table) for name in ("smalltalk", "moretalk") for intent, table in load(name)["talk"].items()}
_WIDER: dict[str, list[str]] = load("widertalk")["asks"]
_ADDED: dict[str, list[str]] = load("added")["asks"]
_WORDING = load("chat")
JOKES: list[str] = _WORDING["jokes"]
UNKNOWN: list[str] = _WORDING["unknown"]
_TOLD = [Forms.of(table) for table in _WORDING["told"]]
_FREQUENT = ("greeting", "greeting", "who", "can", "how")
_YES = "{Yes|Sure|Ok|Yes please|Please|Why not|Of course|Go ahead}{|.|!}"
_NO = ("{No|No thanks|Not now|Nope}{|.}", "All right. I am here when you need me.")


class Chat:
    """Small talk of one conversation; the bot's name stays the same throughout."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.named = grammar.chance(0.35)
        self.name = grammar.pick((grammar.word("name"), grammar.odd().capitalize())) if self.named else "botcore"

    def say(self, template: str) -> str:
        """Return a phrase in which `$me` is the bot's name."""
        return self.grammar.say(template, me=self.name)

    def system(self) -> str:
        """Return a system prompt that names the bot when its name is not botcore; else perhaps none."""
        if self.named or self.grammar.chance(0.5):
            return self.say(self.grammar.pick(_WORDING["systems"]))
        return self.say(self.grammar.pick(_WORDING["nameless_systems"])) if self.grammar.chance(0.4) else ""

    def segment(self) -> list[Pair]:
        """Return one short exchange, mostly a single pair."""
        share = self.grammar.random.random()
        if share < 0.10:
            return self._jokes()
        if share < 0.30:
            return [self._typed(self.say(self.grammar.pick(_WORDING["unknown"])), DO_NOT_KNOW)]
        if share < 0.36:
            told = self.grammar.pick(_TOLD)
            return [self._typed(self.say(self.grammar.pick(told.asks)), self.say(self.grammar.pick(told.answers)))]
        return self._talk(self.grammar.pick((*TALK, *_FREQUENT)))

    def wider(self) -> list[Pair]:
        """Return one exchange that begins in the wording of widertalk.toml, or of added.toml."""
        asks = _ADDED if self.grammar.added and self.grammar.chance(0.6) else _WIDER
        intent = self.grammar.pick(tuple(asks))
        ask, answer = self.grammar.pick(asks[intent]), self.grammar.pick(TALK[intent].answers)
        return [self._typed(self.say(ask), self.say(answer))]

    def _talk(self, intent: str) -> list[Pair]:
        forms = TALK[intent]
        ask, answer = self.say(self.grammar.pick(forms.asks)), self.say(self.grammar.pick(forms.answers))
        pairs = [self._typed(ask, answer)]
        if answer.endswith("hear a joke?"):
            joke = self.grammar.pick(_WORDING["jokes"])
            more, reply = (_YES, joke) if self.grammar.chance(0.75) else _NO
            pairs.append(self._typed(self.say(more), reply))
        elif answer.endswith(("How are you?", "And you?")) and self.grammar.chance(0.5):
            pairs += self._talk(self.grammar.pick(("well", "well", "sad")))
        return pairs

    def _jokes(self) -> list[Pair]:
        jokes = self.grammar.random.sample(_WORDING["jokes"], self.grammar.pick((1, 1, 2, 3)))
        asks = [_WORDING["ask_more" if index else "ask_joke"] for index in range(len(jokes))]
        return [self._typed(self.say(self.grammar.pick(ask)), joke) for ask, joke in zip(asks, jokes, strict=True)]

    def _typed(self, ask: str, answer: str) -> Pair:
        return typed(self.grammar, ask), answer
