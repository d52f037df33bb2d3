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
from typing import Any

log = logging.getLogger(__name__)

ABANDONED = 24 * 3600
"""Seconds after which a folder that is still being written belongs to nobody."""


def name(*facts: Any) -> str:
    """The name of the folder for what is made from these facts, which JSON can write down."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def keep(folder: Path, write: Callable[[Path], object], what: str, most: int) -> None:
    """Have `write` fill the folder, and keep the last `most` of its kind. A full disk is told and does no harm.

    `what` begins the sentence about a failure.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="writing-") as made:
            new = Path(made) / folder.name
            new.mkdir()
            write(new)
            # Another process that made the same at the same time may have been first.
            if not folder.is_dir():
                new.rename(folder)
        _sweep(folder.parent, most)
    except OSError as error:
        if not folder.is_dir():
            log.warning("%s could not be kept (%s).", what, error.strerror)


def _sweep(parent: Path, most: int) -> None:
    """Remove the oldest folders, and what a process left half written when it was killed."""
    ages = {it: it.stat().st_mtime for it in parent.iterdir()}
    kept = sorted((it for it in ages if re.fullmatch(r"[0-9a-f]{32}", it.name)), key=ages.__getitem__)
    left = [it for it in ages if it.name.startswith("writing-") and time.time() - ages[it] > ABANDONED]
    for one in (*kept[:-most], *left):
        shutil.rmtree(one, ignore_errors=True)
