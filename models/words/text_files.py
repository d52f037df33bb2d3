"""Word vectors as text: the word2vec and GloVe formats, with a word and its numbers on each line.

All lines must be consistent: a file with an error in one place cannot be trusted elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import IO

import numpy as np
from numpy.typing import NDArray

from models.failures import (
    DecimalComma,
    LineNotFinite,
    NotWordVectors,
    VectorCountWrong,
    VectorFilesJoined,
    VectorLengthWrong,
    VectorLineUnreadable,
)
from models.words.rows import LEAST, MOST, Floats, direction

HEADER = re.compile(rb"\s*(\d{1,12})\s+(\d{1,12})\s*")
"""The first line of the word2vec formats: the number of words, and the number of values for each."""
LONGEST_LINE = 1 << 23
"""Maximum bytes in a line of vectors."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
NUMBER = re.compile(
    rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]?(?:nan(?:\(\w*\))?|inf|infinity)", re.IGNORECASE
)
_DECIMAL = re.compile(rb"[+-]?\d*[.,]\d+(?:e[+-]?\d+)?", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(rb"[+-]?\d*,\d+(?:e[+-]?\d+)?", re.IGNORECASE)
_BROKEN_DECIMAL = re.compile(rb"[+-]\d*\.|\d*\.\d")
_PUNCTUATION = b",;:[](){}\"'"
_SHOWN = 40
"""Characters of an unreadable number to repeat in an error message."""
_BATCH = 256
"""Number of lines to parse together."""
_REPEATED = 0.05
"""Share of words repeated with a different vector above which a file is taken for several joined files."""


class Entries:
    """Words and their vectors as they are read. For a repeated word, the first vector is used."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.words: dict[str, int] = {}
        self.entries = 0
        """Number of entries read, including skipped ones."""
        self._numbers = bytearray()
        self._contradictions: list[tuple[str, int]] = []

    def add(self, word: bytes, row: bytes, place: int) -> None:
        """Add the entry at line or number `place`; an entry without a word is skipped, because it cannot be queried."""
        self.entries += 1
        name = word.decode("utf-8", "replace")
        if not name:
            return
        at = self.words.setdefault(name, len(self.words))
        if at * len(row) == len(self._numbers):
            self._numbers += row
        elif "\ufffd" not in name and self._numbers[at * len(row) : (at + 1) * len(row)] != row:
            self._contradictions.append((name, place))

    def finish(self, label: str) -> tuple[list[str], Floats]:
        """The words and their vectors (words, columns). Raises VectorFilesJoined if many words have two vectors."""
        repeated = len(self._contradictions)
        if repeated > max(1, _REPEATED * self.entries):
            word, line = self._contradictions[0]
            raise VectorFilesJoined(label, word, line, repeated)
        vectors = np.frombuffer(self._numbers, np.float32).reshape(len(self.words), self.columns)
        return list(self.words), vectors


def read(file: IO[bytes], label: str) -> tuple[list[str], Floats]:
    """The words and vectors of a file. Raises ModelError for the first line that is inconsistent with the others."""
    first_line, line = 1, file.readline(LONGEST_LINE).removeprefix(BYTE_ORDER_MARK)
    while line and not line.strip():
        first_line, line = first_line + 1, file.readline(LONGEST_LINE)
    lines = iter(partial(file.readline, LONGEST_LINE), b"")
    announced = None
    if header := HEADER.fullmatch(line):
        announced, columns = int(header[1]), int(header[2])
        if not columns:
            raise NotWordVectors(label)
        start = first_line + 1
    else:
        columns = _columns(line, first_line, label)
        lines, start = chain([line], lines), first_line
    found = Entries(columns)
    reader = _LineReader(found, label, first_line)
    for number, text in enumerate(lines, start):
        reader.feed(text, number)
    reader.flush()
    if announced is not None and found.entries != announced:
        raise VectorCountWrong(label, announced, found.entries)
    return found.finish(label)


class _LineReader:
    """Adds lines to `entries` in batches. Each must have as many numbers as line number `standard` has or announces."""

    def __init__(self, entries: Entries, label: str, standard: int) -> None:
        self._entries = entries
        self._label = label
        self._columns = entries.columns
        self._standard = standard
        self._waiting: list[tuple[int, bytes, bytes]] = []
        """Lines to be parsed: number, word, and the numbers separated by single spaces."""

    def feed(self, line: bytes, number: int) -> None:
        """Take the next line of the file; empty lines are skipped."""
        line = line.rstrip()
        word, _, rest = line.partition(b" ")
        if not word or rest.count(b" ") != self._columns - 1 or b"  " in rest or b"\t" in line:
            if not line:
                return
            word, rest = self._split(line, number)
        self._waiting.append((number, word, rest))
        if len(self._waiting) == _BATCH:
            self.flush()

    def flush(self) -> None:
        """Parse the pending lines."""
        waiting, self._waiting = self._waiting, []
        vectors = self._parsed([rest for _, _, rest in waiting])
        if vectors is None:
            raise next(
                self._contradiction([word, *rest.split()], number)
                for number, word, rest in waiting
                if self._parsed([rest]) is None
            )
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            squares = np.einsum("ij,ij->i", vectors, vectors)
            rows = vectors.astype(np.float32)
        for at in np.flatnonzero(~((squares > LEAST) & (squares < MOST))).tolist():
            if (scaled := direction(vectors[at])) is None:
                number, word, _ = waiting[at]
                raise LineNotFinite(self._label, word.decode("utf-8", "replace"), number)
            rows[at] = scaled
        packed, width = rows.tobytes(), self._columns * rows.itemsize
        for at, (number, word, _) in enumerate(waiting):
            self._entries.add(word, packed[at * width : (at + 1) * width], number)

    def _parsed(self, lines: Sequence[bytes]) -> NDArray[np.float64] | None:
        """The numbers of several lines, (lines, columns); None if a line has a different number."""
        try:
            numbers = np.fromstring(b" ".join(lines), np.float64, sep=" ")
        except ValueError:
            return None
        size = len(lines), self._columns
        return numbers.reshape(size) if len(numbers) == size[0] * size[1] else None

    def _split(self, line: bytes, number: int) -> tuple[bytes, bytes]:
        """The word and numbers of a line that is not simply a word and numbers separated by single spaces."""
        parts = line.split()
        nameless = line[:1].isspace() and len(parts) == self._columns
        words = 0 if nameless else len(parts) - self._columns
        rest = b" ".join(parts[words:])
        if (
            (words < 1 and not nameless)
            or (words > 1 and not _may_be_word(parts[:words], self._columns))
            or self._parsed([rest]) is None
        ):
            self.flush()  # an earlier line may contain the first error
            raise self._contradiction(parts, number)
        return line.rsplit(None, self._columns)[0].strip() if words else b"", rest

    def _contradiction(self, parts: Sequence[bytes], number: int) -> Exception:
        """The error for a line: not a number, or too many or too few numbers."""
        if (unreadable := _first_unreadable(parts[1:], self._columns)) is not None:
            return _unreadable(self._label, number, unreadable)
        return VectorLengthWrong(self._label, number, len(parts) - 1, self._columns, self._standard)


def _columns(line: bytes, number: int, label: str) -> int:
    """The number of values on the first line of a file without a header."""
    parts = line.split()
    numbers = 0
    while numbers + 1 < len(parts) and NUMBER.fullmatch(parts[-numbers - 1]):
        numbers += 1
    rest = parts[1 : len(parts) - numbers]
    if any(_DECIMAL.fullmatch(part.strip(_PUNCTUATION)) for part in rest):
        raise _unreadable(label, number, rest[-1])
    # A list of words and their frequencies is not a list of vectors.
    if numbers < 2 or len(line) >= LONGEST_LINE:  # noqa: PLR2004
        raise NotWordVectors(label)
    return numbers


def _may_be_word(parts: Sequence[bytes], columns: int) -> bool:
    """Whether the text before the numbers of a line may be a single word with spaces, such as ". . ." in GloVe.

    Numbers in it are more likely to be surplus values, or to belong to a truncated line.
    """
    surplus = parts[1:]
    numbers = sum(NUMBER.fullmatch(part) is not None for part in surplus)
    decimals = any(
        _DECIMAL.fullmatch(part.strip(_PUNCTUATION)) or _BROKEN_DECIMAL.match(part) for part in surplus
    )
    return not decimals and numbers < min(len(surplus), max(2, columns - 1))


def _first_unreadable(parts: Sequence[bytes], columns: int) -> bytes | None:
    """The first of the last `columns` parts of a line that is not a number; failing that, of the parts before them."""
    for some in (parts[-columns:], parts[:-columns]):
        for part in some:
            if not NUMBER.fullmatch(part):
                return part
    return None


def _unreadable(label: str, number: int, part: bytes) -> Exception:
    text = part.decode("utf-8", "replace")[:_SHOWN]
    kind = DecimalComma if _DECIMAL_COMMA.fullmatch(part) else VectorLineUnreadable
    return kind(label, number, text)
