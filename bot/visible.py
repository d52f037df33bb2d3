"""Makes invisible characters visible, including those that a terminal or client would interpret.

The marks are the same wherever tokens are shown; docs/commands.md explains them.
"""

# ruff: noqa: RUF001 - the lookalike marks are intended: they are quotation marks

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.results import Piece

ZERO_WIDTH_SPACE = "\u200b"
_MARKDOWN = re.compile(r"[\\`*_~|<>\[\]()#]|:(?=//)")
_WHITE = {" ": "·", "\t": "→", "\n": "↵", "\r": "␍"}
_KEPT = {"\n", "\t", "\u200c", "\u200d"}  # line breaks, tabs, and joiners for scripts and emoji


def named(character: str) -> str:
    """An invisible character, shown by its code point."""
    return f"‹U+{ord(character):04X}›"


def invisible(character: str) -> bool:
    """Controls, direction overrides and lone surrogates, which change a text invisibly."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def harmless(text: str) -> str:
    """The text with escape codes, direction overrides and similar characters spelled out."""
    text = text.replace("\r\n", "\n")
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(
        named(character) if invisible(character) and character not in _KEPT else character
        for character in text
    )


def spelt(source: str) -> tuple[str, set[str]]:
    """The text with white space and other invisible characters as marks, and the marks used."""
    parts: list[str] = []
    marks: set[str] = set()
    if source and unicodedata.category(source[0]) in {"Mn", "Me"}:
        parts.append("◌")  # carries an accent that would otherwise combine with the preceding bar
    for character in source:
        if character in _WHITE:
            parts.append(_WHITE[character])
            marks.add(_WHITE[character])
        elif _shapeless(character):
            parts.append(named(character))
            marks.add("‹U+…›")
        else:
            parts.append(character)
    return "".join(parts), marks


def spelt_piece(piece: Piece) -> tuple[str, set[str]]:
    """A token for display, and the marks used."""
    if piece.special or piece.unknown:
        return f"«{spelt(piece.token)[0]}»", {"«»"}
    if piece.partial:
        shown = " ".join(f"{byte:02X}" for byte in piece.raw) if piece.raw else spelt(piece.token)[0]
        return f"‹{shown}›", {"‹E2›"}
    text, marks = spelt(source(piece))
    if piece.word_start and text.startswith("▁"):
        marks |= {"▁"}
    if piece.continues and text.startswith("##"):
        marks |= {"##"}
    return text, marks


def source(piece: Piece) -> str:
    """The text of a token. A byte-level token is decoded from its bytes. Other vocabularies spell tokens literally:
    decoding one alone would lose the mark at the start of a word.
    """
    return piece.raw.decode("utf-8", "replace") if piece.raw is not None else piece.token


def _shapeless(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zs", "Zl", "Zp"}


def size(text: str) -> int:
    """Length as Discord's clients count it: UTF-16 code units, never fewer than code points."""
    return len(text) + sum(character > "\uffff" for character in text)


def inline(text: str, limit: int = 2000) -> str:
    """One line that is safe inside markdown: nothing in it is formatted, linked or mentioned."""
    line = " ".join(harmless(text).split())
    escaped = [
        f"\\{character}" if _MARKDOWN.match(line, place) else character.replace("@", "@" + ZERO_WIDTH_SPACE)
        for place, character in enumerate(line)
    ]
    if size("".join(escaped)) <= limit:
        return "".join(escaped)
    kept, used = [], size("…")
    for part in escaped:
        used += size(part)
        if used > limit:
            break
        kept.append(part)
    return "".join(kept) + "…"
