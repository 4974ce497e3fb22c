"""Segments of small talk, questions the model cannot answer, and the system prompts they happen under."""

from scripts.starter.dialogue import Pair, typed
from scripts.starter.grammar import Grammar
from scripts.starter.smalltalk import JOKES, TALK
from scripts.starter.unknown import SAID, UNKNOWN

__all__ = ["DO_NOT_KNOW", "Chat"]

DO_NOT_KNOW = (
    "I am a very small model and do not know that. Ask about the documents I was given, or switch to a larger model."
)

_SYSTEM = (
    "You are $me, a {friendly|helpful|kind|polite|small|cheerful} {assistant|chatbot|bot|companion|helper}.",
    "You are $me{|, an assistant|, a bot}.{| Answer {briefly|in one or two sentences|in plain English|politely}.| Be {kind|brief|honest|polite}.}",
    "You are $me, the {assistant|chatbot} of {a(n) $place|the $place in $city}.{| Answer briefly.}",
    "Your name is $me. {Help the user.|Be brief.|Answer questions politely.|You like to help.}",
)
_NAMELESS = ("You are a {helpful|friendly|kind} {assistant|chatbot|bot}.{| Answer {briefly|in plain English}.}", "{Be brief and friendly.|Answer briefly.|Be honest and kind.}")
_JOKE = ("{Tell|Tell me|Give me|I want|I want to hear|Do you know|Can you tell|Can you tell me|Got} {a|another|a good|a funny|some|one more} joke{|s}{|.|?|, please}", "{Make me laugh|Joke please|A joke, please|Say something funny|Cheer me up|joke|Be funny}{|.|!}")
_MORE = ("{Another one|One more|Again|More|Another|Another joke|One more, please|Next|Do you know another one|Tell me another one|Haha, another one}{|.|!|?}",)


class Chat:
    """Small talk of one conversation; the bot's name stays the same throughout."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        named = grammar.chance(0.35)
        self.name = grammar.pick((grammar.word("name"), grammar.odd().capitalize())) if named else "botcore"
        self.told = named

    def say(self, template: str) -> str:
        """Return a phrase in which `$me` is the bot's name."""
        return self.grammar.say(template, me=self.name)

    def system(self) -> str:
        """Return a system prompt that names the bot when its name is not botcore; else perhaps none."""
        if self.told or self.grammar.chance(0.5):
            return self.say(self.grammar.pick(_SYSTEM))
        return self.say(self.grammar.pick(_NAMELESS)) if self.grammar.chance(0.4) else ""

    def segment(self) -> list[Pair]:
        """Return one short exchange, mostly a single pair."""
        share = self.grammar.random.random()
        if share < 0.10:
            return self._jokes()
        if share < 0.30:
            return [self._typed(self.say(self.grammar.pick(UNKNOWN)), DO_NOT_KNOW)]
        if share < 0.36:
            asks, answers = self.grammar.pick(SAID)
            return [self._typed(self.say(self.grammar.pick(asks)), self.say(self.grammar.pick(answers)))]
        return self._talk(self.grammar.pick((*TALK, "greeting", "greeting", "who", "can", "how")))

    def _talk(self, intent: str) -> list[Pair]:
        asks, answers = TALK[intent]
        ask, answer = self.say(self.grammar.pick(asks)), self.say(self.grammar.pick(answers))
        pairs = [self._typed(ask, answer)]
        if answer.endswith("hear a joke?"):
            yes, no = ("{Yes|Sure|Ok|Yes please|Please|Why not|Of course|Go ahead}{|.|!}", self.grammar.pick(JOKES)), ("{No|No thanks|Not now|Nope}{|.}", "All right. I am here when you need me.")
            more, reply = yes if self.grammar.chance(0.75) else no
            pairs.append(self._typed(self.say(more), reply))
        elif answer.endswith(("How are you?", "And you?")) and self.grammar.chance(0.5):
            pairs += self._talk(self.grammar.pick(("well", "well", "sad")))
        return pairs

    def _jokes(self) -> list[Pair]:
        jokes = self.grammar.random.sample(JOKES, self.grammar.pick((1, 1, 2, 3)))
        return [self._typed(self.say(self.grammar.pick(_MORE if index else _JOKE)), joke) for index, joke in enumerate(jokes)]

    def _typed(self, ask: str, answer: str) -> Pair:
        return typed(self.grammar, ask), answer
