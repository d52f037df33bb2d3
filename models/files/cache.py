"""What was made once and takes long to make again, kept in folders on disk.

A folder appears whole or not at all, so that many processes may make the same one at once and a killed one leaves
nothing half written that anybody reads. Its name says what it was made from. Nothing in it is pickled.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

FINGERPRINT = re.compile(r"[0-9a-f]{32}")
UNFINISHED = "writing-"
"""How the name of a folder begins that is still being written."""
ABANDONED = 24 * 3600
"""Seconds after which a folder that is still being written belongs to nobody."""


def fingerprint(*inputs: object) -> str:
    """The name of the folder for what is made from these inputs, which JSON can write down."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:32]


def store(folder: Path, write: Callable[[Path], object], description: str, most: int) -> None:
    """Have `write` fill the folder, and keep the `most` newest ones beside it. A full disk is logged and does no harm.

    `description` begins the line in the log about a failure.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=UNFINISHED) as temporary:
            new = Path(temporary) / folder.name
            new.mkdir()
            write(new)
            # Another process that made the same at the same time may have been first.
            if not folder.is_dir():
                new.rename(folder)
        _remove_old(folder.parent, most)
    except OSError as error:
        if not folder.is_dir():
            log.warning("%s could not be kept (%s).", description, error.strerror)


def _remove_old(parent: Path, most: int) -> None:
    """Remove the oldest folders, and what a process left half written when it was killed."""
    changed = {path: path.stat().st_mtime for path in parent.iterdir()}
    finished = sorted((path for path in changed if FINGERPRINT.fullmatch(path.name)), key=changed.__getitem__)
    abandoned = [
        path
        for path, seconds in changed.items()
        if path.name.startswith(UNFINISHED) and time.time() - seconds > ABANDONED
    ]
    for path in (*finished[:-most], *abandoned):
        shutil.rmtree(path, ignore_errors=True)
