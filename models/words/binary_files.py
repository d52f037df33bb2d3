"""The word2vec binary format: a header, then each word, a space, and its numbers of 4 bytes each."""

from __future__ import annotations

from typing import IO

from models.failures import BrokenEntry, NotWordVectors, VectorCountWrong, VectorsGoOn
from models.words.rows import Floats
from models.words.text_files import HEADER, NUMBER, Entries

LONGEST_WORD = 1 << 16
MOST_COLUMNS = 1 << 20
_CHUNK = 1 << 20
_FLOAT = 4
_CONTROLS = bytes({*range(32)} - {*b"\t\n\v\f\r"})


def is_binary(head: bytes) -> bool:
    """Whether a file that starts with `head` is binary: a header, and bytes that are not text after the first word."""
    first, _, rest = head.partition(b"\n")
    if not (header := HEADER.fullmatch(first)):
        return False
    _, blank, numbers = rest.partition(b" ")
    sample = numbers[: min(int(header[2]), MOST_COLUMNS) * _FLOAT]
    if not blank or not sample or _is_spelt(numbers):
        return False
    if sample.translate(None, _CONTROLS) != sample:
        return True
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        # The sample may end in the middle of a letter.
        return error.end < len(sample)
    return False


def _is_spelt(numbers: bytes) -> bool:
    """Whether a line ends with two numbers in decimal notation; words may be in any encoding."""
    line, _, _ = numbers.partition(b"\n")
    last = line.split()[-2:]
    return len(last) > 1 and all(map(NUMBER.fullmatch, last))


def read(file: IO[bytes], label: str) -> tuple[list[str], Floats]:
    """The words and vectors of a file. Raises VectorCountWrong or VectorsGoOn if they do not match the header.

    Raises BrokenEntry for a word with invalid bytes, which happens if the number of values before it is wrong.
    """
    header = HEADER.fullmatch(file.readline(LONGEST_WORD))
    if header is None or int(header[2]) > MOST_COLUMNS:
        raise NotWordVectors(label)
    announced, columns = int(header[1]), int(header[2])
    width = columns * _FLOAT
    found = Entries(columns)
    buffer, start = b"", 0
    while found.entries < announced:
        end = buffer.find(b" ", start)
        if end < 0 or len(buffer) < end + 1 + width:
            if end < 0 and len(buffer) - start > LONGEST_WORD:
                raise NotWordVectors(label)
            if not (chunk := file.read(max(_CHUNK, width))):
                raise VectorCountWrong(label, announced, found.entries)
            buffer, start = buffer[start:] + chunk, 0
            continue
        # Some programs end each entry with a line break.
        word = buffer[start:end].lstrip(b"\n")
        if word.translate(None, _CONTROLS + b"\n") != word:
            raise BrokenEntry(label, found.entries + 1)
        start = end + 1 + width
        found.add(word, buffer[end + 1 : start], found.entries + 1)
    if (buffer[start:] + file.read(_CHUNK)).strip():
        raise VectorsGoOn(label, announced)
    return found.finish(label)
