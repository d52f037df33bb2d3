"""What a file looks like that is no table of songs and no list of playlists."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
import zipfile
from collections import Counter

from models.failures import UnreadableFile

HEAD = 4096
"""Characters that are looked at."""
ENOUGH = 60
"""Characters of JSON without a fault that no list of ids happens to have."""
FEW = 20
"""Lines that are looked at to tell a table from a list."""
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1f]")
_STARTS = (
    ("pointer", re.compile(r"version https://git-lfs")),
    ("html", re.compile(r"(<!doctype html|<html|<head|<body)", re.IGNORECASE)),
    ("xml", re.compile(r"<\?xml|<[a-z]+[ >]", re.IGNORECASE)),
)


def unpacked(data: bytes, label: str) -> bytes:
    """The content of a file that may be packed by gzip, bzip2, xz, or as the only file of a zip archive."""
    try:
        if data.startswith(b"\x1f\x8b"):
            return gzip.decompress(data)
        if data.startswith(b"BZh"):
            return bz2.decompress(data)
        if data.startswith(b"\xfd7zXZ\0"):
            return lzma.decompress(data)
        if data.startswith(b"PK\x03\x04"):
            return _only_file(data, label)
    except (
        OSError,
        EOFError,
        lzma.LZMAError,
        zipfile.BadZipFile,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise UnreadableFile(label, type(error).__name__) from error
    return data


def _only_file(data: bytes, label: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = [info for info in archive.infolist() if not info.is_dir() and "__MACOSX" not in info.filename]
        if len(files) != 1:
            raise UnreadableFile(label, f"{len(files)} files")
        return archive.read(files[0])


def kind_of(text: str) -> str:
    """What a text is other than lines of ids or a table: pointer, html, xml, json or binary; "" if it may be one."""
    head = text[:HEAD].lstrip("\ufeff \t\n")
    if len(_CONTROL.findall(head)) > len(head) / 50:
        return "binary"
    if head[:1] in {"{", "["} and _is_json(text):
        return "json"
    return next((kind for kind, start in _STARTS if start.match(head)), "")


def _is_json(text: str) -> bool:
    """Whether a text is JSON, or was until it broke off."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos > ENOUGH
    except RecursionError:
        pass
    return True


def separator_of(lines: list[str]) -> str:
    """What stands between the columns of a table: a tab, comma or semicolon; a tab if nothing does."""
    some = [line for line in lines[:FEW] if line.strip()]
    for separator in "\t;,":
        if some and sum(separator in line for line in some) > len(some) / 2:
            return separator
    return "\t"


def is_comma_separated(lines: list[str]) -> bool:
    """Whether lines are rows of a table rather than ids with white space between them."""
    some = [line for line in lines[:FEW] if line.strip()]
    for separator in ",;|":
        counts = Counter(line.count(separator) for line in some)
        if len(some) > 1 and not counts[0] and not any(line.strip().count(" ") for line in some):
            return True
    return False
