"""Decodes bytes in common encodings to text, and splits lines."""

from __future__ import annotations

import codecs
import re

_INVALID = re.compile("[\udc80-\udcff]")
_UTF16 = ((1, "utf-16-le"), (0, "utf-16-be"))
"""The positions of zero bytes in English text."""
_HEAD = 1024


def decoded(data: bytes, encoding: str = "") -> tuple[str, int]:
    """The text, and the number of bytes that could not be decoded.

    Without an encoding: UTF-16 if it looks like it, otherwise UTF-8, with invalid bytes read as Latin-1.
    """
    if encoding:
        text = data.decode(encoding, "replace").removeprefix("\ufeff")
        return text, text.count("\N{REPLACEMENT CHARACTER}")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return decoded(data, "utf-16")
    head = data[:_HEAD]
    for place, name in _UTF16:
        if len(head) > 1 and head[place::2].count(0) > len(head) / 4 and not head[1 - place :: 2].count(0):
            return decoded(data, name)
    text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    # Each invalid byte is now a lone surrogate with that byte as its lower half.
    return _INVALID.sub(lambda match: chr(ord(match[0]) - 0xDC00), text), len(_INVALID.findall(text))


def lines_of(text: str) -> list[str]:
    """The lines of a file from any system. Unlike `splitlines`, form feeds and the like do not end a line."""
    text = plain(text)
    return text.removesuffix("\n").split("\n") if text else []


def plain(text: str) -> str:
    """A text with line ends converted to the form used here."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def head_of(text: str, lines: int) -> list[str]:
    """The first non-blank lines of a `plain` text, without a last one that may be truncated."""
    start = text[: 1 << 16]
    found = [line for line in start.split("\n") if line.strip()]
    return found[: min(lines, len(found) - (len(start) < len(text)))] or found[:1]
