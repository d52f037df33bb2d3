"""Cached results on disk: written atomically, safe after a crash, and verified when opened.

A folder contains results that take long to compute (parsed vectors, trained arrays). Its name identifies the inputs,
and it contains a manifest of lengths and checksums. A small JSON file contains its own checksum. Damaged content is
removed, and the caller regenerates it. Nothing is pickled.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias, TypeVar
from zipfile import BadZipFile

from models.failures import ModelError

log = logging.getLogger(__name__)

T = TypeVar("T")
JSON: TypeAlias = "Mapping[str, JSON] | list[JSON] | str | int | float | bool | None"

FINGERPRINT = re.compile(r"[0-9a-f]{32}")
UNFINISHED = "writing-"
"""Prefix of files and folders that are still being written."""
ABANDONED = 24 * 3600
"""Seconds after which an unfinished folder is considered abandoned."""
MANIFEST = "checksums.txt"
"""The manifest: one line with CRC-32, length and path per file, after a line with the CRC-32 of those lines."""
CHECKSUM = "checksum"
"""The key in a JSON file for the CRC-32 of all others."""
_CHUNK = 1 << 20
_CHECKED: dict[Path, tuple[str, tuple[int, ...]]] = {}
"""Checksums of files verified in this process, with the files' state at that time."""
_UNREADABLE = (
    *(OSError, EOFError, BadZipFile, ValueError, LookupError, TypeError, AttributeError),
    *(ArithmeticError, RecursionError, MemoryError, ModelError),
)
"""The errors of readers for invalid content."""


class Damaged(ValueError):
    """The stored content does not match its checksum."""


def fingerprint(*inputs: object) -> str:
    """The folder name for the results of these inputs, which must be JSON values."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:32]


# Folders ---------------------------------------------------------------------------------------------------


def store(folder: Path, write: Callable[[Path], object], description: str, most: int) -> None:
    """Let `write` fill the folder with files, and keep only the `most` newest sibling folders.

    Several processes may write the same folder at once. A full disk is only logged, in a line that starts with
    `description`.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=UNFINISHED) as temporary:
            new = Path(temporary) / folder.name
            new.mkdir()
            write(new)
            _seal(new)
            _move_into_place(new, folder)
        sync_folder(folder.parent)
        _remove_old(folder.parent, most)
    except OSError as error:
        if not folder.is_dir():
            log.warning("%s could not be cached (%s).", description, error.strerror)


def recall(folder: Path, read: Callable[[Path], T], description: str) -> T | None:
    """The result of `read` for a folder filled by `store`; None if it is missing or damaged.

    Every byte is verified first, at about 3 GB per second plus disk time, but only once per process unless a file
    changes. The log line about damage starts with `description`.
    """
    if not os.path.lexists(folder):
        return None
    try:
        _verify(folder)
        return read(folder)
    except _UNREADABLE as error:
        reason = error if isinstance(error, Damaged) else type(error).__name__
        log.warning("%s: the cached copy is damaged (%s) and will be rebuilt.", description, reason)
        _remove(folder)
        return None


def _seal(folder: Path) -> None:
    """Write the manifest of a folder, and flush all files to disk."""
    lines = []
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            sync_folder(path)
        else:
            name = path.relative_to(folder).as_posix()
            lines.append(f"{_checksum(path):08x} {path.stat().st_size} {name}\n")
            _sync(path)
    listed = "".join(lines).encode()
    manifest = folder / MANIFEST
    manifest.write_bytes(f"{zlib.crc32(listed):08x}\n".encode() + listed)
    _sync(manifest)
    sync_folder(folder)


def _verify(folder: Path) -> None:
    """Raises Damaged or OSError unless all files are unchanged."""
    try:
        first, _, listed = (folder / MANIFEST).read_bytes().partition(b"\n")
    except FileNotFoundError:
        raise Damaged(f"{MANIFEST} is missing") from None
    if first != f"{zlib.crc32(listed):08x}".encode():
        raise Damaged(f"{MANIFEST} does not have its checksum")
    for line in listed.decode().splitlines():
        checksum, size, name = line.split(" ", 2)
        file = folder / name
        if not file.is_file() or file.stat().st_size != int(size):
            raise Damaged(f"{name} does not have its length")
        state = _state(file)
        if _CHECKED.get(file) == (checksum, state):
            continue
        if _checksum(file) != int(checksum, 16):
            raise Damaged(f"{name} does not have its checksum")
        _CHECKED[file] = checksum, state


def _state(path: Path) -> tuple[int, ...]:
    """File attributes that change with every modification."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _checksum(path: Path) -> int:
    """The CRC-32 of a file: it detects damage, not forgery, and is twice as fast as SHA-256."""
    checksum = 0
    buffer = memoryview(bytearray(_CHUNK))
    with path.open("rb", buffering=0) as file:
        while length := file.readinto(buffer):
            checksum = zlib.crc32(buffer[:length], checksum)
    return checksum


def _move_into_place(new: Path, folder: Path) -> None:
    if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir()):
        _remove(folder)
    try:
        new.rename(folder)
    except OSError:
        # Another process wrote the same folder first.
        if not folder.is_dir():
            raise


def _remove(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        with contextlib.suppress(OSError):
            path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def _remove_old(parent: Path, most: int) -> None:
    """Remove the oldest folders, and unfinished ones of killed processes."""
    changed = {path: path.lstat().st_mtime for path in parent.iterdir()}
    finished = sorted((path for path in changed if FINGERPRINT.fullmatch(path.name)), key=changed.__getitem__)
    abandoned = [
        path
        for path, seconds in changed.items()
        if path.name.startswith(UNFINISHED) and time.time() - seconds > ABANDONED
    ]
    for path in (*finished[:-most], *abandoned):
        _remove(path)


# Files -----------------------------------------------------------------------------------------------------


def write_json(path: Path, content: Mapping[str, JSON]) -> None:
    """Replace a small file by `content` with a checksum. If it raises OSError, the old file is unchanged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sealed = {**content, CHECKSUM: _checksum_of(content)}
    # A name per process, so that two writers do not share a draft.
    draft = path.with_name(f"{UNFINISHED}{os.getpid()}-{path.name}")
    try:
        draft.write_text(json.dumps(sealed, indent=1), encoding="utf-8")
        if path.is_dir() and not path.is_symlink():
            path.rmdir()  # an empty folder: container engines create one if a mounted file is missing
        settle(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, JSON] | None:
    """The content written by `write_json`; None if it is missing or damaged."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    return content if content.pop(CHECKSUM, None) == _checksum_of(content) else None


def _checksum_of(content: Mapping[str, JSON]) -> str:
    return f"{zlib.crc32(json.dumps(content, sort_keys=True).encode()):08x}"


def settle(finished: Path, target: Path) -> None:
    """Rename a finished file to its final name. After a crash there is either the old file or the complete new one."""
    _sync(finished)
    finished.replace(target)
    sync_folder(target.parent)


def _sync(path: Path) -> None:
    """Flush a file to disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Flush a folder's entries to disk, if the file system supports it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
