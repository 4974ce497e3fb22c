"""Remembering within a conversation: what the user said, or what the system prompt knows about the user."""

from dataclasses import dataclass

from scripts.starter.chat import Chat
from scripts.starter.dialogue import Pair, typed
from scripts.starter.grammar import Grammar

__all__ = ["remembering"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of fact: `$x` is its value, drawn from `value`."""

    label: str
    value: str
    says: tuple[str, ...]
    noted: tuple[str, ...]
    asks: tuple[str, ...]
    answer: str
    unknown: str


def _favourite(thing: str, value: str) -> Kind:
    return Kind(
        label=f"{{favourite {thing}|favorite {thing}|{thing} they like best}}",
        value=value,
        says=(f"My {{favourite|favorite|fav}} {thing} is $x{{|.|!}}", f"$x is my {{favourite|favorite}} {thing}{{|.|!}}",
              f"I like $x {{best|most}}{{| of all}}, it is my favourite {thing}{{|.}}", f"{{Remember|Note|Please remember|Do not forget}}{{| that|:}} my favourite {thing} is $x{{|.}}"),
        noted=(f"Got it, your favourite {thing} is $x.", f"I will remember that your favourite {thing} is $x."),
        asks=(f"{{What|Which}} is my {{favourite|favorite|fav}} {thing}{{|?| again?}}", f"{{Do you|Can you}} {{know|remember|recall|tell me}} my {{favourite|favorite}} {thing}?",
              f"{{What|Which}} {thing} do I like{{ best| most|}}?", f"{{Tell me|Say|And}} my favourite {thing}{{|.|?|, please.}}", f"What did I say my favourite {thing} {{is|was}}?"),
        answer=f"Your favourite {thing} is $x.",
        unknown=f"You have not told me your favourite {thing} yet.",
    )  # fmt: skip


NAME = Kind(
    label="{name|Name|first name}",
    value="{$name|$name|$name|$name $odd}",
    says=("{My name is|my name's|I am|I'm|Im|Call me|You can call me|Please call me|The name is|My friends call me|They call me|It's|This is} $x{|.|!}", "{Hello|Hi|Hey}{,|!|.} {my name is|I am|I'm|this is|it's} $x{|.|!}",
          "$x is my name{|.}", "I am $x and I {like $food|live in $city|am new here}{|.}", "{Remember|Note|Please remember|Do not forget}{| that|:} my name is $x{|.}", "{Hi|Hello}{,| $me,} I'm $x, {nice to meet you|how are you|who are you}{|?|!|.}"),
    noted=("Nice to meet you, $x! How can I help you?", "Hello, $x! {What can I do for you?|Nice to meet you.}"),
    asks=("{What is|What's|Whats|what was} my name{|?| again?| please?}", "{Who am I|Do you know who I am|Do you remember who I am|Who is talking to you|Who are you talking to}{|?}", "{Do you|Can you} {know|remember|recall|say|tell me} my name{|?| still?}", "{Say|Tell me|Repeat|Write} my name{|.|, please.}",
          "{What|How} {am I called|did I say my name was|do you call me|do my friends call me}?", "{Did you forget|Have you forgotten|You know} my name?", "And my name?"),
    answer="Your name is $x.",
    unknown="You have not told me your name yet.",
)

FACTS = (
    _favourite("colour", "$colour"), _favourite("food", "$food"), _favourite("animal", "{the $animal|$animal}"),
    _favourite("city", "$city"), _favourite("hobby", "$hobby"), _favourite("thing", "my $adj $thing"), _favourite("number", "$small"), _favourite("fruit", "$fruit"), _favourite("season", "{spring|summer|autumn|winter}"), _favourite("drink", "{tea|coffee|water|milk|lemonade|$colour tea|cocoa|$fruit juice}"), _favourite("book", "{the $adj $thing|$noun and $noun|the $noun of $city}"), _favourite("day", "$day"), _favourite("game", "{chess|football|tennis|cards|$odd}"),
    Kind(label="{city|home|lives in|town}", value="$city", says=("I {live|am living|stay} in $x{|.|!| now.}", "I {am|come|'m} from $x{|.|!}", "My {city|home|home town} is $x{|.}"), noted=("I will remember that you live in $x.", "Nice! $x must be a good place to live."), asks=("{Where do I live|Which city do I live in|In which city do I live|Where am I from|Where do I come from|What is my city|What is my home town|Where is my home}{|?| again?}", "Do you {know|remember} where I {live|come from}?"), answer="You live in $x.", unknown="You have not told me where you live."),
    Kind(label="{job|profession|work|occupation}", value="a(n) $job", says=("I {am|work as} $x{|.|!}", "{My job is|My profession is}: $x{|.}", "I earn my money as $x{|.}"), noted=("I will remember that you are $x.", "How nice, you are $x!"), asks=("{What is my job|What do I do for a living|What do I work as|What is my profession|What do I do|Which job do I have}{|?| again?}", "Do you {know|remember} {my job|what I do|my profession}?"), answer="You are $x.", unknown="You have not told me what your job is."),
    Kind(label="{age|Age}", value="{2|3|4|5|6}$small", says=("I am $x years old{|.|!}", "I'm $x years old{|.}", "My age is $x{|.}"), noted=("I will remember that you are $x years old.",), asks=("How old am I{|?| again?}", "{What is my age|Do you know my age|Do you remember how old I am}{|?}"), answer="You are $x years old.", unknown="You have not told me how old you are."),
    Kind(label="{pet|pet's name}", value="$name", says=("{My $animal|My pet|My cat|My dog} is {called|named} $x{|.|!}", "I have a(n) $animal{| and it is| that is} called $x{|.}", "The name of my {pet|cat|dog|$animal} is $x{|.}"), noted=("$x is a nice name for a pet!", "I will remember that your pet is called $x."), asks=("{What is|What's} {my pet's name|the name of my pet|my pet called|my cat's name|my dog's name|the name of my dog|the name of my cat}{|?| again?}", "{What|How} is my {pet|dog|cat} called?", "Do you {know|remember} the name of my {pet|dog|cat}?"), answer="Your pet is called $x.", unknown="You have not told me about a pet."),
    Kind(label="{likes|loves|interests}", value="{$food|$hobby|$food and $hobby}", says=("I {like|love|really like|enjoy} $x{|.|!| very much.| a lot.}", "I am {fond of|a fan of} $x{|.}"), noted=("I will remember that you like $x.", "Nice, you like $x!"), asks=("What do I {like|love|enjoy}{|?| again?| to do?}", "{Do you know|Do you remember|Tell me} what I like{|?|.}", "What am I {fond of|a fan of}?"), answer="You like $x.", unknown="You have not told me what you like."),
    Kind(label="{meeting|appointment|next meeting}", value="{$day|$day at $hour|at $hour}", says=("My {meeting|appointment} is $x{|.}", "I have {a meeting|an appointment} $x{|.}", "{Remember|Note}: my meeting is $x{|.}"), noted=("I will remember that your meeting is $x.",), asks=("When is my {meeting|appointment}{|?| again?}", "Do you {know|remember} when my {meeting|appointment} is?"), answer="Your meeting is $x.", unknown="You have not told me about a meeting."),
    Kind(label="{code word|password for the game}", value="{$odd|$thing|$odd $thing|$noun}", says=("{The|My} {code word|secret word} is $x{|.}", "{Remember|Note|Keep in mind|Please remember} {the word|this word|the code word}{|:} $x{|.}"), noted=("I will remember the word $x.",), asks=("{What is|What's|what was} {the|my} {code word|secret word|word}{|?| again?}", "Do you {know|remember} {the|my} {code word|secret word|word}?", "{Which|What} word {did I tell you|should you remember|did I say}?"), answer="The word is $x.", unknown="You have not told me a word to remember."),
)  # fmt: skip

_HEADS = ("{Facts|Known facts|What you know|Notes|Memory} about the user{|:}", "Facts about the user:", "Facts about the user:", "About the user:", "What I know about you:")


def remembering(grammar: Grammar, chat: Chat) -> tuple[str, list[Pair]]:
    """Return a system prompt and a conversation in which one to four facts are told, kept and asked for."""
    known = [NAME] if grammar.chance(0.75) else []
    known += grammar.random.sample(FACTS, grammar.pick((0, 1, 1, 2, 3)) if known else grammar.pick((1, 2, 3)))
    grammar.random.shuffle(known)
    values = [(kind, grammar.say(kind.value)) for kind in known]
    system, pairs = chat.system(), []
    listed = grammar.chance(0.4)
    if listed:
        system = f"{system}{grammar.pick((' ', chr(10), chr(10) * 2)) if system else ''}{_listed(grammar, values)}"
        if NAME in known and grammar.chance(0.35):
            name = next(value for kind, value in values if kind is NAME)
            hello = grammar.say("{Hello|Hi|hi|hello|Hey|Good morning|Good evening|Hi there|Hello there}{|!|.}")
            pairs.append((hello, f"Hello, {name}! How can I help you?"))
    for kind, value in () if listed else values:
        pairs.append(_pair(grammar, kind.says, kind.noted, value, chat.name))
        if grammar.chance(0.25):
            pairs += chat.segment()
    if grammar.chance(0.5):
        pairs += chat.segment()
    asked = [*values, *((kind, "") for kind in grammar.random.sample((NAME, *FACTS), 3) if kind not in known)]
    grammar.random.shuffle(asked)
    for kind, value in asked[: grammar.random.randint(2, 5)]:
        pairs.append(_pair(grammar, kind.asks, (kind.answer if value else kind.unknown,), value, chat.name))
        if grammar.chance(0.15):
            pairs += chat.segment()
    if not listed and NAME in known and grammar.chance(0.15):
        renamed = grammar.word("name")
        pairs.append((grammar.say("{Actually|No|Sorry|Wait}, {my name is|call me|I am} $x{|.}", x=renamed), f"Nice to meet you, {renamed}! How can I help you?"))
        pairs.append(_pair(grammar, NAME.asks, (NAME.answer,), renamed, chat.name))
    return system, pairs


def _pair(grammar: Grammar, asks: tuple[str, ...], answers: tuple[str, ...], value: str, me: str) -> Pair:
    """A value must survive typing faults, so only the wording around it is touched."""
    ask = grammar.say(grammar.pick(asks), x="\0", me=me)
    ask = (typed(grammar, ask) if "\0" not in ask else grammar.pick((ask, ask, ask[:1].lower() + ask[1:]))).replace("\0", value)
    return ask, grammar.say(grammar.pick(answers), x=value)


def _listed(grammar: Grammar, values: list[tuple[Kind, str]]) -> str:
    mark, sign, gap = grammar.pick((("- ", ": ", "\n"), ("", ": ", "\n"), ("", ": ", "; "), ("", ": ", ", "), ("- ", " = ", "\n"), ("* ", ": ", "\n")))
    lines = [f"{mark}{grammar.say(kind.label)}{sign}{value}" for kind, value in values]
    if grammar.chance(0.15):
        lines = [f"{mark}{kind.answer.replace('$x', value).replace('Your', 'The user' + chr(39) + 's').replace('You are', 'The user is')}" for kind, value in values]
    head = grammar.say(grammar.pick(_HEADS))
    return f"{head}{'' if head.endswith(':') else ':'}{' ' if gap != chr(10) else chr(10)}{gap.join(lines)}"
