"""What the bot keeps on disk to save work: it appears whole or not at all, survives a crash, and is checked when opened.

A folder holds what takes long to make (parsed vectors, trained arrays); its name says what it was made from, and a list
of lengths and checksums lies inside. A small JSON file carries its own checksum. Whatever does not hold is removed, and
the caller makes it again. Nothing is pickled.
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
"""How the name of a file or folder begins that is still being written."""
ABANDONED = 24 * 3600
"""Seconds after which a folder that is still being written belongs to nobody."""
MANIFEST = "checksums.txt"
"""A line with CRC-32, length and path for each file of a folder, after a line with the CRC-32 of those lines."""
CHECKSUM = "checksum"
"""The key of a JSON file under which the CRC-32 of all the others is."""
_CHUNK = 1 << 20
_CHECKED: dict[Path, tuple[str, tuple[int, ...]]] = {}
"""The checksum that a file was found to have in this process, and its state at that time."""
_UNREADABLE = (
    *(OSError, EOFError, BadZipFile, ValueError, LookupError, TypeError, AttributeError),
    *(ArithmeticError, RecursionError, MemoryError, ModelError),
)
"""What readers raise for content that they cannot make sense of."""


class Damaged(ValueError):
    """What was kept is not what was written."""


def fingerprint(*inputs: object) -> str:
    """The name of the folder for what is made from these inputs, which JSON can write down."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:32]


# Folders ---------------------------------------------------------------------------------------------------


def store(folder: Path, write: Callable[[Path], object], description: str, most: int) -> None:
    """Have `write` fill the folder with files, and keep the `most` newest folders beside it.

    Many processes may make the same folder at once. A full disk is logged and does no harm; `description` begins
    that line.
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
            log.warning("%s could not be kept (%s).", description, error.strerror)


def recall(folder: Path, read: Callable[[Path], T], description: str) -> T | None:
    """What `read` makes of a folder that `store` filled; None if there is none, or it is damaged and has to be made again.

    Every byte is checked first, about 3 GB a second once the disk has delivered them; not again in this process as long
    as no file changes. `description` begins the line in the log about damage.
    """
    if not os.path.lexists(folder):
        return None
    try:
        _verify(folder)
        return read(folder)
    except _UNREADABLE as error:
        reason = error if isinstance(error, Damaged) else type(error).__name__
        log.warning("%s: the copy on disk is damaged (%s) and is made again.", description, reason)
        _remove(folder)
        return None


def _seal(folder: Path) -> None:
    """List the files of a folder in its manifest, and wait until the disk has all of them."""
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
    """Damaged, or OSError, unless all files are as they were written."""
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
    """What no change of a file leaves as it was."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _checksum(path: Path) -> int:
    """The CRC-32 of a file: it is there to find damage, not forgery, and twice as fast as SHA-256."""
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
        # Another process that made the same at the same time was first.
        if not folder.is_dir():
            raise


def _remove(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        with contextlib.suppress(OSError):
            path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def _remove_old(parent: Path, most: int) -> None:
    """Remove the oldest folders, and what a process left half written when it was killed."""
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
    """Replace a small file by `content` with its checksum. Raises OSError, and then the old file is still there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sealed = {**content, CHECKSUM: _checksum_of(content)}
    # The process's own name for it: two that write at once must not write into one draft.
    draft = path.with_name(f"{UNFINISHED}{os.getpid()}-{path.name}")
    try:
        draft.write_text(json.dumps(sealed, indent=1), encoding="utf-8")
        if path.is_dir() and not path.is_symlink():
            path.rmdir()  # an empty folder: container engines make one where a mounted file was missing
        settle(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, JSON] | None:
    """What `write_json` wrote; None if there is nothing, or not what was written."""
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
    """Rename a finished file to its place. After a crash there is either the old file or the whole new one."""
    _sync(finished)
    finished.replace(target)
    sync_folder(target.parent)


def _sync(path: Path) -> None:
    """Wait until the disk has a file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Wait until the disk has the names in a folder, where the file system can be asked for that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
