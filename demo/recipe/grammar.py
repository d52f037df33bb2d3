"""The grammar that templates and glosses need."""

from __future__ import annotations

import re

# Written with a vowel and spoken with a consonant, and the other way round.
_SPOKEN_CONSONANT = re.compile(
    r"(?:uni(?!n|m)|use|usu|uti|ute|eu|ewe|one\b|once|ubiq|uku|ura|uro)", re.IGNORECASE
)
_SPELLED = re.compile(r"[AEFHILMNORSX](?:[A-Z]|\b)")  # an LLM
_SPOKEN_VOWEL = re.compile(r"(?:hour|honest|hono(?:u?)r|heir|x-)", re.IGNORECASE)


def article(phrase: str) -> str:
    """`a` or `an`, by how the phrase begins when spoken."""
    if _SPELLED.match(phrase) or _SPOKEN_VOWEL.match(phrase):
        return "an"
    if _SPOKEN_CONSONANT.match(phrase):
        return "a"
    return "an" if phrase[:1].lower() in "aeiou" else "a"


def with_article(phrase: str) -> str:
    return f"{article(phrase)} {phrase}"


def capital(text: str) -> str:
    """The text with its first letter in upper case, the rest untouched."""
    return text[:1].upper() + text[1:]


def listing(items: list[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(items) < 2:  # one item needs no comma and no "and"
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"
