"""Groups tokens into words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from models.results import Piece, Word

_WORD_START = "\u2581"


def words(pieces: Sequence[Piece], start: int = 0, end: int | None = None) -> list[Word]:
    """The words in the tokens `[start, end)`, with separate punctuation and without special tokens.

    In scripts without spaces, each token is a word, or the tokens that share a character are.
    """
    found: list[Word] = []
    for places, text in _characters(pieces, start, len(pieces) if end is None else end):
        if found and found[-1].places[-1] == places[0] - 1 and _goes_on(found[-1].text, text):
            found[-1] = Word(found[-1].text + text, (*found[-1].places, *places))
        else:
            found.append(Word(text, places))
    return [Word(word.text.strip() or word.text, word.places) for word in found]


def _characters(pieces: Sequence[Piece], start: int, end: int) -> Iterator[tuple[tuple[int, ...], str]]:
    """The indices of one token, or of several that share a character, and their text with its leading space."""
    places: list[int] = []
    waiting = b""
    for place in range(start, end):
        piece = pieces[place]
        if piece.special:
            if places:
                yield tuple(places), waiting.decode("utf-8", "replace")
            places, waiting = [], b""
            continue
        places.append(place)
        waiting += _bytes(piece)
        try:
            text = waiting.decode()
        except UnicodeDecodeError:
            continue
        yield tuple(places), text
        places, waiting = [], b""
    if places:
        yield tuple(places), waiting.decode("utf-8", "replace")


def _bytes(piece: Piece) -> bytes:
    if piece.raw is not None:
        return piece.raw
    return piece.token.replace(_WORD_START, " ").encode("utf-8", "replace")


def _goes_on(before: str, text: str) -> bool:
    """Whether a text continues the word before it."""
    if not text or text[0].isspace() or before[-1:].isspace() != text.isspace():
        return not text or (text.isspace() and before.isspace())
    return _kind(before[-1]) == _kind(text[0]) and not _stands_alone(text[0])


def _kind(character: str) -> str:
    return "word" if character.isalnum() or unicodedata.category(character)[0] == "M" else "other"


def _stands_alone(character: str) -> bool:
    """Whether a script has no spaces between its words."""
    name = unicodedata.name(character, "")
    return name.startswith(("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR"))
