"""What an exported text must not carry, pure: addresses, numbers and keys become words like ``[email]``.

Every pattern is linear in the length of the text: each repetition is bounded or cannot overlap its neighbour. What has
a checksum (cards, IBANs) is checked, so an order number stays. Names and street addresses are not recognised.

    [secret]   private keys, tokens by their issuer's prefix, bearer and bot tokens, ``password=…``, credentials in URLs
    [email]  [iban]  [card]  [phone]   and, where asked for, [ip]
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

__all__ = ["Redactor", "iban", "luhn"]

_PREFIXED = "|".join(
    (
        r"sk-[\w-]{16,400}",  # OpenAI, Anthropic
        r"[spr]k_(?:live|test)_\w{10,200}|whsec_\w{16,200}",  # Stripe
        r"gh[pousr]_\w{20,300}|github_pat_\w{20,300}|glpat-[\w-]{16,100}",
        r"xox[a-z](?:\.xox[a-z])?-[\w-]{10,300}|xapp-[\w-]{10,300}",  # Slack
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",  # AWS
        r"AIza[\w-]{30,60}|ya29\.[\w-]{20,400}|GOCSPX-[\w-]{20,60}",  # Google
        r"hf_[A-Za-z0-9]{20,100}|npm_[A-Za-z0-9]{30,60}|pypi-[\w-]{16,400}|dop_v1_\w{30,100}|shp(?:at|ss|ca|pa)_\w{20,60}",
        r"SG\.[\w-]{16,40}\.[\w-]{16,80}",  # SendGrid
        r"eyJ[\w-]{8,4000}+\.[\w-]{4,4000}+(?:\.[\w-]{1,4000})?",  # JSON web tokens
        r"\d{6,12}:[A-Za-z0-9_-]{30,60}",  # Telegram
        r"[A-Za-z0-9_-]{23,28}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,45}",  # Discord
    )
)
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.S)
_URL_LOGIN = re.compile(r"(?<=://)[^\s/?#]{1,400}(?=@)")
_WEBHOOK = re.compile(r"(?<=hooks\.slack\.com/services/)[\w/]{8,200}|(?<=/api/webhooks/)\d{5,30}/[\w-]{20,200}")
_TOKEN = re.compile(rf"(?<![\w-])(?:{_PREFIXED})")
_BEARER = re.compile(r"(?<=\bbearer )[\w.~+/=-]{8,4000}|(?<=\bbasic )[A-Za-z0-9+/]{12,4000}={0,2}", re.I)
_NAMED = re.compile(
    r"(?P<name>(?:password|passwd|passphrase|pwd|secret|token|api[_ -]?key|access[_ -]?key|private[_ -]?key|signature)"
    r"[\"']?[ \t]{0,3}(?:[:=]|is[ \t](?=\S{0,40}\d))[ \t]{0,3})"
    r"(?P<value>\"[^\"\n]{4,400}\"|'[^'\n]{4,400}'|(?!\[[a-z]{2,6}\])[^\s\"'&,;]{4,400})",
    re.I,
)
_EMAIL = re.compile(r"[\w.+%'-]{1,64}@(?:[\w-]{1,63}\.){1,8}[\w-]{2,63}")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}")
_DIGITS = re.compile(r"\d(?:[ \u00a0\u2009.\-\u2010-\u2015]{0,2}\d)*")
_GAP = r"[ \u00a0.\-\u2010-\u2015]"
_PHONE = re.compile(r"(?<![\w.])(?:\+|\()?\(?\d(?:[ \u00a0()./\-\u2010-\u2015]{0,3}\d){6,16}(?![\w])")
_DATE = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{2,4}|\d{4}([./-])\d{1,2}\2\d{1,2}.*", re.S)
_NATIONAL = re.compile(rf"(?:1{_GAP})?\(?[2-9]\d{{2}}\)?{_GAP}{{0,2}}\d{{3}}{_GAP}?\d{{4}}|\d{{3}}-\d{{4}}")
_CALLED = re.compile(
    r"(?:tel|phone|mobile|cell|call|fax|whatsapp|telefon|handy|mobil)[a-z]{0,4}"
    r"(?: me| us| is| number| no| at| on){0,3}[.:# ]{1,3}\Z",
    re.I,
)
_IP4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]\d|\w)")
_IP6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])", re.I)
_CARD_LENGTHS = range(19, 12, -1)
_IBAN_LENGTHS = range(34, 14, -1)


@dataclass(slots=True)
class Redactor:
    """Takes out of texts what must not leave the house, and counts it by kind."""

    ips: bool = False
    """Whether IP addresses go too."""
    found: Counter[str] = field(default_factory=Counter[str])

    def clean(self, text: str) -> str:
        """The text with placeholders; a cleaned text stays as it is."""
        for pattern in (_KEY_BLOCK, _URL_LOGIN, _WEBHOOK, _TOKEN, _BEARER):
            text = pattern.sub(self._always("secret"), text)
        text = _NAMED.sub(self._named, text)
        text = _EMAIL.sub(self._always("email"), text)
        text = _IBAN.sub(self._iban, text)
        text = _DIGITS.sub(self._cards, text)
        text = _PHONE.sub(self._phone, text)
        if self.ips:
            text = _IP6.sub(self._ip, _IP4.sub(self._ip, text))
        return text

    def _always(self, kind: str) -> Callable[[re.Match[str]], str]:
        return lambda found: found[0] if found[0] == f"[{kind}]" else self._as(kind)

    def _as(self, kind: str) -> str:
        self.found[kind] += 1
        return f"[{kind}]"

    def _named(self, found: re.Match[str]) -> str:
        return found["name"] + self._as("secret")

    def _iban(self, found: re.Match[str]) -> str:
        """As much from the beginning of the match as a checksum holds for; words may follow it."""
        ends = [place + 1 for place, sign in enumerate(found[0]) if sign.isalnum()]
        for length in _IBAN_LENGTHS:
            if length <= len(ends) and iban(found[0][: ends[length - 1]]):
                return self._as("iban") + found[0][ends[length - 1] :]
        return found[0]

    def _cards(self, found: re.Match[str]) -> str:
        """Card numbers are looked for at the bounds of each group of digits, however the groups were separated."""
        groups = [(part.start(), part.end()) for part in re.finditer(r"\d+", found[0])]
        kept, place = list[str](), 0
        for start, end in _numbers(found[0], groups):
            kept += [found[0][place:start], self._as("card")]
            place = end
        return "".join(kept) + found[0][place:]

    def _phone(self, found: re.Match[str]) -> str:
        return self._as("phone") if _is_phone(found) else found[0]

    def _ip(self, found: re.Match[str]) -> str:
        try:
            ipaddress.ip_address(found[0])
        except ValueError:
            return found[0]
        return self._as("ip")


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def iban(text: str) -> bool:
    """Whether the two digits behind the country check the others (ISO 13616)."""
    plain = "".join(sign for sign in text.upper() if sign.isalnum())
    return int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1


def _numbers(text: str, groups: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Where card numbers begin and end, left to right, without overlap."""
    place = 0
    while place < len(groups):
        last = _card_from(text, groups, place)
        if last is not None:
            yield groups[place][0], groups[last][1]
        place = place + 1 if last is None else last + 1


def _card_from(text: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """The last group of a card number that begins with the group ``first``."""
    digits = ""
    for last in range(first, len(groups)):
        digits += text[slice(*groups[last])]
        if len(digits) > _CARD_LENGTHS[0]:
            return None
        if len(digits) in _CARD_LENGTHS and digits[0] in "23456" and luhn(digits):
            return last
    return None


def _is_phone(found: re.Match[str]) -> bool:
    """International and trunk prefixes, the North American form, or a word like "call" before it; no dates."""
    text = found[0]
    number = sum(sign.isdigit() for sign in text)
    if not 7 <= number <= 15 or _DATE.fullmatch(text) or re.match(r"0[.,]", text):
        return False
    before = found.string[max(0, found.start() - 32) : found.start()]
    return text[0] in "+(0" or bool(_NATIONAL.fullmatch(text)) or bool(_CALLED.search(before))
