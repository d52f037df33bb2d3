"""Opens vector files, plain or compressed with gzip, bzip2, xz or zip, detected from their first bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, cast

from models.failures import (
    ArchiveEncrypted,
    ArchiveOfSeveral,
    NotWordVectors,
    PickledWordVectors,
)

_BUFFER = 1 << 20
_NAMED = 5
"""Maximum number of archive files that an error message lists."""
_PICKLE = b"\x80"
_PICKLE_SUFFIXES = {".pkl", ".pickle", ".kv", ".model"}
_VECTOR_SUFFIXES = {".txt", ".vec", ".bin"}
_NOTES = {"readme", "license", "licence", "copying", "notice", "list"}
_ENCRYPTED = 0x1
"""The flag for an encrypted file in a zip archive."""


@contextmanager
def unpacked(path: Path, label: str) -> Iterator[IO[bytes]]:
    """The unpacked content of a file. Raises ModelError, or the unpacker's errors for a damaged file."""
    with path.open("rb") as packed:
        start = packed.read(6)
        packed.seek(0)
        if start.startswith(_PICKLE):
            raise PickledWordVectors(label)
        if start.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(packed) as archive, archive.open(_only_file(archive, label)) as file:
                yield _buffered(file)
        elif start.startswith(b"\x1f\x8b"):
            with gzip.open(packed) as file:
                yield _buffered(file)
        elif start.startswith(b"BZh"):
            with bz2.open(packed) as file:
                yield _buffered(file)
        elif start.startswith(b"\xfd7zXZ\0"):
            with lzma.open(packed) as file:
                yield _buffered(file)
        else:
            yield packed


def _buffered(file: object) -> IO[bytes]:
    """A line reader that is not implemented in Python, for speed."""
    return cast("IO[bytes]", io.BufferedReader(cast("io.RawIOBase", file), _BUFFER))


def _only_file(archive: zipfile.ZipFile, label: str) -> zipfile.ZipInfo:
    """The only file in an archive that may contain vectors."""
    files = [info for info in archive.infolist() if not info.is_dir() and not _is_hidden(info.filename)]
    if any(PurePosixPath(info.filename).suffix in _PICKLE_SUFFIXES for info in files):
        raise PickledWordVectors(label)
    if not files or any(info.filename.endswith(".npy") for info in files):
        raise NotWordVectors(label)
    vectors = [info for info in files if _may_hold_vectors(PurePosixPath(info.filename))]
    if len(files) > 1 and len(vectors) == 1:
        files = vectors  # ignore licences, settings and the like next to it
    if len(files) > 1:
        names = tuple(PurePosixPath(info.filename).name for info in files)
        raise ArchiveOfSeveral(label, len(names), names[:_NAMED])
    if files[0].flag_bits & _ENCRYPTED:
        raise ArchiveEncrypted(label)
    return files[0]


def _may_hold_vectors(path: PurePosixPath) -> bool:
    return path.suffix in _VECTOR_SUFFIXES and path.stem.casefold() not in _NOTES


def _is_hidden(name: str) -> bool:
    """Whether a file was added by a file manager, such as .DS_Store and __MACOSX/."""
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)
