"""Text to words and words to stems, pure: one spelling for the index, the score and the extracts, on either database.

Stemming is light on purpose (suffixes are taken off until none is left): both sides go through it, so what matters is
that the forms of one word meet, not that the stem is a word. Chinese, Japanese and Korean, which put no spaces between
words, become pairs of signs, and what they ask with is no part of a question's subject. What hyphens join is also one
word ("Wi-Fi" is "wifi", "AX-200" is "ax200"), and a word with a digit in it is a name: it has no endings and no slips
("AX-200S" is another device).
"""

import re
import unicodedata
from functools import lru_cache

__all__ = ["FORMS", "LIGHT", "LONGEST_GUESSED", "joined", "near", "question_stems", "slips", "stem", "stems"]

WORD = re.compile(r"[^\W_]+")
COMPOUND = re.compile(r"[^\W_]+(?:[-\u2010\u2011][^\W_]+)*")
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+")
ASKING = re.compile(
    "请问|請問|什么时候|什麼時候|(?:什|甚|怎|多)[么麼]|怎样|怎樣|如何|[为為]何|哪[里裡裏儿兒个個些天]|几[点天个号]|幾[點天個號]|多[少久长長大]|是否"
    "|是不是|有没有|有沒有|可以|能不能|我[们們]?|[谁誰吗嗎呢吧是]"
    "|ですか|ますか|でしょうか|ください|何時|いつ|どこ|だれ|どう|どの|どれ|どんな|いくら|いくつ|なぜ|[何誰は]"
    "|언제|어디서?|얼마|무엇|누구|어떻게|인가요|나요|습니까"
)
"""What asks, where no space stands around it."""
PHRASES = re.compile(
    r"\b(?:what time(?! (?:zone|limit|budget|frame|slot))|what(?:'s| is) the time(?= (?:in|now|there)\b|\W*$)"
    r"|um wie ?viel uhr|wie ?viel uhr|quelle heure|qu[eé] horas?|che ora|hoe laat)\b",
    re.IGNORECASE,
)
"""When, in several words."""
ORDINAL = re.compile(r"^(\d+)(?:st|nd|rd|th)$")
_SUFFIXES = """
izations ization ations ation ating ators ator ated ates ate ingly edly ments ment ings ing ions ion
ships ship ers er ors or ed es als al ly
"""
SUFFIXES = tuple(_SUFFIXES.split())
SHORTEST = 3
"""Letters a suffix must leave, one of them a vowel: "string" is no form of "str"."""
FORMS = 4
"""Letters a word must have to stand for longer ones."""
LONGER = ("er", "or", "ers", "ors", "als", "al", "ly", "ships", "ship")
"""These must leave one more: "reply" is no form of "rep", nor "order" of "ord", nor "letter" of "let"."""

_EMPTY = """
a about above after again all already also always am an and another any anybody anyone anything are around as ask at
be became because become becomes been before being below between both but by can cannot come could couldn d day days
did didn do does doesn doing don done down during each either else etc ever every everything explain far few find
for from further gave get gets getting give given go goes going good got had happen happened happens has have having
he hello help her here hers hey hi him his hmm how however hows i if in instead into is isn it its itself just kind
know let life like ll long look lot m make makes making many may maybe me mean meaning means might mine more most much
must my need needs neither news next no nor not now of off often ok okay on once one only onto or other our out over own
perhaps please possible put quite rather re really s same say says see shall she should show since so some somebody
someone something somewhere sort still such sure t take tell than thank thanks that the their them then there these
they thing things this those though through thus to today together too true try under understand until up upon us
use used uses using usually ve very via want wants was wasn way ways we well were what whatever whats when where
wheres whether which while who whom whos whose why will with within without won work worked working works would
wouldn yes yet you your yours
"""
_EMPTY_ELSEWHERE = """
aan ab abbiamo aber al alla ao aos au auch auf aus aux avec avez avoir avons bei beim bis bitte bonjour ca cette che
chi ciao combien como con cosa cual cuales cuando cuanta cuantas cuanto cuantos da daar dai dal dalla dan dans darf
das dat de debe debo dei del della delle dem der des deve devo deze di dit dois doit donde durch durfen e een ein eine
einem einen einer eines el ella elle elles ellos em en er es est estan este esto et etait faire fait faut fazer fur
gegen geht gibt gli gracias grazie ha habe haben hace hacer hallo hasta heb hebben heeft het hier hij hoch hoelang
hoeveel hola ich ik il ils im ist ja je kan kann konnen kunnen la lange las le les leur leurs lo los lui ma mag mais
mein meine meinen meiner merci meu meus mi mia mich mie mijn minha minhas mio mir mis mochte moet moeten mogen mon
muss mussen na naar nach nao nas nei nein nel nella nicht niet noch nog non nos notre nous nuestra nuestro nur
obrigada obrigado oder ohne ola onde ons onze ou oui para pas pelo pendant per perche pero peut peuvent peux plait
pode podem podemos por porque possiamo posso possono pourquoi pouvons preciso puede pueden puedo puis puo qu quais
qual quale quali quand quando quanta quantas quante quanti quanto quantos que quel quelle quelles quels quem qui quien
quienes quoi sa sans se si sich sie sind soll sollen sollte sono sont svp tem tener tengo tenho tiene uber uit um uma
un una unas und une unos uns unser unsere unter viel viele vom von voor vor waar waarom wann wanneer warum wat welche
welchem welchen welcher welches welke wem wen wenn wer werden weshalb wie wieso wieviel wieviele wij wir wird wo wofur
woher wohin womit worden y zijn zo zu zum zur
"""
_EMPTY_IN_OTHER_LETTERS = """
а без бы быть в вам вас ваш ваша ваши вы где для до его ее если есть же за зачем и из или их к как какая какие каких
какого какои когда коли кто куда ли меня мне можно мои моя мы на навіщо надо нам нас наш наша не нет но нужно о об он
она они от откуда по под почему при с сколько скільки со та так такии там то треба тут у хто це чего чем чи чому что
чтобы що эта это этот я як яка якии які є і із
αν απο αυτη αυτο για γιατι δεν εγω ειμαι ειναι ενα εναν η θα καθε και με μια μου μπορω να ο οι οποιοσ ποια ποιεσ ποιο
ποιοι ποιον ποιοσ ποσα ποσεσ ποσο ποσοι ποσον ποτε που πρεπει προσ πωσ σασ σε στα στη στην στισ στο στον στουσ τα τη
την τησ τι τισ το τον του τουσ των υπαρχει υπαρχουν ωσ
اذا التي الذي الى ان انا او اي اين ب بكم توجد ثم على عن عند في كان كم كيف كيفية ل لا لم لماذا لن لي ليس ما ماذا متى مع
من مين نحن هذا هذه هل هناك هو هي و يجب يمكن يمكنني يوجد
"""
EMPTY = frozenset(f"{_EMPTY} {_EMPTY_ELSEWHERE} {_EMPTY_IN_OTHER_LETTERS}".split())
"""Words that say nothing about the subject: grammar, courtesy, and the frame of a question. Of German, French, Spanish,
Italian, Portuguese and Dutch those that mean nothing else in English, and no "you": "Wie heißt du?" is small talk.
Russian, Ukrainian, Greek and Arabic have letters of their own."""
_LIGHT = "allowed bring cost forbidden permitted darf den hat kosten kostet machen man mitbringen"


def stems(text: str) -> list[str]:
    """Every word of ``text`` as its stem, in order; what hyphens join is followed by itself as one word."""
    found = list[str]()
    for word in COMPOUND.findall(_folded(text)):
        parts = WORD.findall(word)
        found += [stem for part in parts for stem in _parts(part)]
        if len(parts) > 1 and len(word) <= LONGEST_JOINED:
            found += _parts("".join(parts))
    return found


def question_stems(text: str) -> list[str]:
    """The stems that say what ``text`` is about, each once; empty for small talk.

    What hyphens join stays as it is written ("wi-fi"), since only the documents tell whether it is one word (`joined`).
    """
    found = list[str]()
    for word in COMPOUND.findall(_folded(_unasked(text))):
        parts = WORD.findall(word)
        if EMPTY.issuperset(parts) or (len(word) == 1 and UNSPACED.match(word)):  # a sign of a pair it asked with
            continue
        found += _parts(word) if len(parts) == 1 else ["-".join(parts)]
    return list(dict.fromkeys(found))


def _unasked(text: str) -> str:
    """``text`` without what it asks with where that is no word of its own."""
    return PHRASES.sub(" ", ASKING.sub(" ", text.replace("’", "'")))


def joined(word: str) -> tuple[str, list[str]]:
    """The stem of a word with hyphens, written as one, and the stems of its parts that say something."""
    parts = word.split("-")
    return _parts("".join(parts))[0], [stem for part in parts if part not in EMPTY for stem in _parts(part)]


def _folded(text: str) -> str:
    """One spelling ("Straße" is "strasse"), and a space where writing without spaces begins and ends: "9点"."""
    signs = unicodedata.normalize("NFKD", text.casefold())
    folded = unicodedata.normalize("NFC", "".join(sign for sign in signs if not unicodedata.combining(sign)))
    return UNSPACED.sub(r" \g<0> ", folded)


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """``word`` (lower case) without its endings."""
    before = ""
    while word != before:
        before, word = word, _shorter(word)
    if word.endswith("ll") and len(word) >= len("cancel"):  # it is "cancelled" here and "canceled" there
        return word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > SHORTEST else word


def _shorter(word: str) -> str:
    if word == "children":
        return "child"
    if word.endswith("ies") and len(word) > len("ties"):
        return word[:-3] + "y"
    if word.endswith("ery") and len(word) > len("query"):
        return word[:-1]
    single = word.removesuffix("s")
    if single.endswith("ation") and len(single) < SHORTEST + len("ation"):  # "station" is no form of "state"
        return single
    for suffix in SUFFIXES:
        rest = word.removesuffix(suffix)
        bare = _single(rest) if rest != word and len(rest) >= SHORTEST else ""
        if len(bare) >= SHORTEST + (suffix in LONGER) and re.search("[aeiouy]", rest):
            return bare
    if word.endswith(("e", "s")) and not word.endswith("ss") and len(word) > SHORTEST:
        return word[:-1]
    return word


def _single(rest: str) -> str:
    """running, stopped: the doubled consonant belongs to the ending; that of "install" does not."""
    return rest[:-1] if rest[-1] == rest[-2] and rest[-1] not in "aeioulsz" else rest


def _parts(word: str) -> list[str]:
    if any(sign.isdigit() for sign in word):
        return [ORDINAL.sub(r"\1", word)]
    if not UNSPACED.search(word):
        return [stem(word)]
    return [word[at : at + 2] for at in range(max(1, len(word) - 1))]


LIGHT = frozenset(stem(word) for word in _LIGHT.split())
"""Stems a question is put with more often than they are its subject, and that an answer need not hold: "A mug is nine
euros" costs, "Dogs are welcome" allows. Among them what is grammar in German and a word in English."""
LONGEST_JOINED = 30
"""Letters of several words with hyphens between them that are also one."""
LONGEST_GUESSED = 30
"""Letters of a word that is guessed at or guessed: hardly anybody slips in a longer one and asks about it."""


def near(word: str, other: str) -> bool:
    """Whether ``other`` is what ``word`` was probably meant to be: a longer form, or one slip (two in a long word).

    Hardly anybody slips on the first letter, and "weather" is not "leather".
    """
    if word[:1] != other[:1]:
        return False
    if word == other or (len(word) >= FORMS and other.startswith(word)):
        return True
    if max(len(word), len(other)) > LONGEST_GUESSED:
        return False
    most = slips(word)
    return abs(len(word) - len(other)) <= most and _distance(word, other, most) <= most


def slips(word: str) -> int:
    """How many slips of the pen a word of this length may hold."""
    if any(sign.isdigit() for sign in word):
        return 0
    return 0 if len(word) < 5 else 1 if len(word) < 9 else 2


def _distance(one: str, two: str, most: int) -> int:
    """Letters to add, drop, change or swap with their neighbour (optimal string alignment), as far as ``most``.

    Only what stands near the diagonal is compared, and no further than it takes to know that it is more.
    """
    before, last = list[int](), list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        row = [i if i <= most else most + 1] + [most + 1] * len(two)
        for j in range(max(1, i - most), min(len(two), i + most) + 1):
            b = two[j - 1]
            row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and (a, one[i - 2]) == (two[j - 2], b):
                row[j] = min(row[j], before[j - 2] + 1)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return last[-1]
