"""All sentences that people read, by name, in one Project Fluent file per language.

Code names a message and passes its facts; the language file decides the words, the order of the facts and the plural
forms. (Project Fluent: https://projectfluent.org)
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TypeAlias

import humanize
from babel import Locale
from babel.lists import format_list
from fluent.runtime import FluentBundle, FluentResource
from fluent.runtime.types import FluentType, fluent_number

log = logging.getLogger(__name__)

Fact: TypeAlias = str | int | float | Sequence[str]

FOLDER = Path(__file__).resolve().parent
LANGUAGE = "en"
LONGEST_FACT = 2500
"""Characters. Fluent's runtime rejects longer parts, to bound the length of messages."""
_words: tuple[tuple[str, str], ...] = ()
LOCALE = "en_GB"
"""For numbers and lists: no comma before the last "or"."""


def say(name: str, /, **facts: Fact) -> str:
    """The message of this name, as plain text; a sequence among the facts becomes "a, b or c".

    Raises KeyError if there is no such message.
    """
    return _say(name, None, facts)


def hint(name: str, /, facts: Mapping[str, Fact]) -> str:
    """The hint for admins, which others do not see; "" if there is none."""
    message = _bundle().get_message(name)
    return _say(name, "admin", facts) if "admin" in message.attributes else ""


def use_words(words: Mapping[str, str]) -> None:
    """Use these words for the terms in all messages, such as `-item = song`; an empty word keeps the default."""
    global _words  # noqa: PLW0603 - a process speaks one language
    chosen = tuple(sorted((term, word) for term, word in words.items() if word))
    if chosen != _words:
        _words = chosen
        _bundle.cache_clear()


def size(number: float) -> str:
    """A size in bytes for people, with decimal units; in messages `SIZE($bytes)`."""
    return humanize.naturalsize(number, format="%.3g")


def knows(name: str) -> bool:
    return _bundle().has_message(name)


def escaped(facts: Mapping[str, Fact], escape: Callable[[str], str]) -> dict[str, Fact]:
    """The facts with their strings escaped for display."""
    return {
        name: escape(fact)
        if isinstance(fact, str)
        else fact
        if isinstance(fact, int | float)
        else [escape(item) for item in fact]
        for name, fact in facts.items()
    }


class _Size(FluentType):
    """`SIZE($bytes)` in a message."""

    def __init__(self, number: float) -> None:
        self._number = number

    def format(self, _locale: Locale) -> str:
        return size(self._number)


def _say(name: str, attribute: str | None, facts: Mapping[str, Fact]) -> str:
    bundle = _bundle()
    message = bundle.get_message(name)
    pattern = message.value if attribute is None else message.attributes[attribute]
    if pattern is None:
        raise KeyError(name)
    text, errors = bundle.format_pattern(pattern, {fact: _value(value) for fact, value in facts.items()})
    if errors:
        log.error("the message %s is incomplete: %s", name, errors)
    return str(text)


def _value(fact: Fact) -> str | int | float | FluentType:
    if isinstance(fact, int | float):
        return fact
    return _clipped(fact) if isinstance(fact, str) else _Items(fact)


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST_FACT else text[: LONGEST_FACT - 1] + "…"


class _Items(FluentType):
    """A sequence among the facts: "a, b or c" unless it has its own separator."""

    def __init__(self, items: Sequence[str], separator: str | None = None) -> None:
        self.items = items
        self.separator = separator

    def format(self, locale: Locale) -> str:
        if self.separator is None:
            return _clipped(format_list(list(self.items), style="or", locale=locale))
        return _clipped(self.separator.join(self.items))


def _count(items: _Items) -> FluentType:
    """COUNT($facts) in a message, to choose a variant by."""
    return fluent_number(len(items.items))


def _join(items: _Items, separator: str = ", ") -> FluentType:
    """JOIN($facts, separator: "; ") in a message."""
    return _Items(items.items, separator)


def _capital(word: object) -> FluentType:
    """CAPITAL(-term) in a message: the word at the beginning of a sentence."""
    text = str(word)
    return _Items([text[:1].upper() + text[1:]])


def _article(word: object, capital: float = 0) -> FluentType:
    """A(-term, capital: 0 or 1) in an English message: the word with its indefinite article."""
    text = str(word)
    article = "an" if text[:1].casefold() in set("aeiou") else "a"
    return _Items([f"{article.capitalize() if capital else article} {text}"])


@cache
def _bundle() -> FluentBundle:
    # Isolation marks around facts would add invisible characters to every message.
    functions: dict[str, Callable[..., FluentType]] = {
        "A": _article,
        "CAPITAL": _capital,
        "COUNT": _count,
        "JOIN": _join,
        "SIZE": _Size,
    }
    bundle = FluentBundle([LOCALE], functions=functions, use_isolating=False)
    bundle.add_resource(FluentResource((FOLDER / f"{LANGUAGE}.ftl").read_text(encoding="utf-8")))
    terms = "".join(f"-{term} = {{ {json.dumps(word, ensure_ascii=False)} }}\n" for term, word in _words)
    bundle.add_resource(FluentResource(terms), allow_overrides=True)
    return bundle
