"""The files of a catalogue: a single file, plain or compressed, or those in a folder, zip or tar archive."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from models.failures import UnreadableFile

MOST_FILES = 10_000
"""Maximum number of files to consider in a folder or archive."""
KNOWN = (
    ("u.data", "u.item"),
    ("ratings.dat", "movies.dat"),
    ("ratings.csv", "movies.csv"),
    ("*.inter", "*.item"),
    ("user_artists.dat", "artists.dat"),
    ("userid-timestamp-artid-artname-traid-traname.tsv",),
    ("usersha1-artmbid-artname-plays.tsv",),
    ("mpd.slice.*.json",),
    ("streaming_history_audio_*.json", "endsong*.json"),
    ("streaminghistory*.json",),
    ("playlist*.json",),
)
"""The files of well-known datasets. Others next to them (other splits, people, licences) are ignored."""
_TAR_MARK = slice(257, 262)
_BAD = (OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError, RuntimeError, ValueError)


@dataclass(frozen=True, slots=True)
class File:
    """A file, named by the last part of its path. Its content is read on demand."""

    name: str
    read: Callable[[], bytes]


def files_of(path: Path) -> list[File]:
    """The contents of an address: a single file, or those files of a folder or archive that belong to a catalogue."""
    if path.is_dir():
        return _belonging([File(it.name, partial(_content, it)) for it in _inside(path)])
    return opened(_content(path), path.name)


def opened(data: bytes, name: str) -> list[File]:
    """The single file that `data` decompresses to (gzip, bzip2, xz), or the files of a zip or tar archive."""
    try:
        data = _decompressed(data)
        if data.startswith(b"PK\x03\x04"):
            return _belonging([*_zipped(data)])
        if data[_TAR_MARK] == b"ustar":
            return _belonging([*_tarred(data)])
    except _BAD as error:
        raise UnreadableFile(name, type(error).__name__) from error
    return [File(name, lambda: data)]


def fingerprint(path: Path) -> bytes:
    """Identifies the content of an address: for a file by all of its bytes, for a folder by modification times."""
    if not path.is_dir():
        return hashlib.sha256(_content(path)).digest()
    states = [(it.relative_to(path).as_posix(), it.stat()) for it in _inside(path)]
    return repr([(name, state.st_size, state.st_mtime_ns) for name, state in states]).encode()


def _inside(folder: Path) -> list[Path]:
    found = (it for it in folder.rglob("*") if it.is_file() and not _hidden(it.relative_to(folder)))
    return sorted(found)[:MOST_FILES]


def _decompressed(data: bytes) -> bytes:
    if data.startswith(b"\x1f\x8b"):
        return gzip.decompress(data)
    if data.startswith(b"BZh"):
        return bz2.decompress(data)
    return lzma.decompress(data) if data.startswith(b"\xfd7zXZ\0") else data


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(path.name, error.strerror or type(error).__name__) from error


def _zipped(data: bytes) -> Iterator[File]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist()[:MOST_FILES]:
            if not info.is_dir() and not _hidden(Path(info.filename)):
                content = archive.read(info)
                yield File(Path(info.filename).name, partial(bytes, content))


def _tarred(data: bytes) -> Iterator[File]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            if (file := archive.extractfile(member)) is not None and not _hidden(Path(member.name)):
                yield File(Path(member.name).name, partial(bytes, file.read()))


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _belonging(files: Sequence[File]) -> list[File]:
    """The files of the first known dataset that is present, otherwise all files; decompressed, in numeric order."""
    plain = [_plain_name(file) for file in files]
    for names in KNOWN:
        known = [file for file, name in zip(files, plain, strict=True) if _is_one_of(name, names)]
        if known:
            files = known
            break
    files = sorted(files, key=lambda file: [int(it) if it.isdigit() else it for it in _parts(file.name)])
    return [File(file.name, partial(_unpacked, file)) for file in files]


def _plain_name(file: File) -> str:
    """The lower-case name of a file without its compression suffix."""
    return re.sub(r"\.(gz|bz2|xz)$", "", file.name.lower())


def _is_one_of(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _parts(name: str) -> list[str]:
    """The alternating text and numbers of a name, so that slice.2 sorts before slice.10."""
    return re.split(r"(\d+)", name)


def _unpacked(file: File) -> bytes:
    try:
        return _decompressed(file.read())
    except _BAD as error:
        raise UnreadableFile(file.name, type(error).__name__) from error
