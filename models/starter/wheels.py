"""Downloads a wheel with pip, using pip's configured index, proxy, certificates and cache."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from models.failures import (
    PipMissing,
    StarterDownloadFailed,
    StarterFailure,
    StarterHashMismatch,
    StarterNoSpace,
    StarterUnreachable,
)

RETRIES = 2
RESUMES = 5
TIMEOUT = 15
"""Seconds without data after which pip retries."""
_RESUMING_PIP = (25, 1)
"""The first version of pip that can resume a download."""
_SIGNS: tuple[tuple[Callable[[str], StarterFailure], tuple[str, ...]], ...] = (
    (StarterHashMismatch, ("DO NOT MATCH THE HASHES", "HashMismatch", "HashMissing")),
    (StarterNoSpace, ("No space left on device", "Errno 28", "Disk quota exceeded")),
    (
        StarterUnreachable,
        (
            "ConnectionError",
            "NewConnectionError",
            "NameResolutionError",
            "Connection refused",
            "Max retries exceeded",
            "Could not find a version",
            "No matching distribution",
            "ProxyError",
            "SSLError",
            "ReadTimeout",
            "connection broken",
        ),
    ),
)
"""Patterns in pip's output, in order of precedence."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """One file on the package index."""

    project: str
    version: str
    sha256: str
    size: int
    """Bytes."""

    @property
    def file(self) -> str:
        return f"{re.sub('[-_.]+', '_', self.project)}-{self.version}-py3-none-any.whl"

    @property
    def requirement(self) -> str:
        """As a line of a requirements file that pip accepts with --require-hashes."""
        return f"{self.project}=={self.version} --hash=sha256:{self.sha256}"


def download(wheel: Wheel, folder: Path, output: IO[str] | None = None) -> Path:
    """The wheel in `folder`, downloaded if it is missing.

    pip's progress goes to `output`, or nowhere. Raises a StarterFailure: the index cannot be reached, the file has
    another hash, the disk is full.
    """
    path = folder / wheel.file
    if path.is_file() and sha256(path) == wheel.sha256:
        return path
    if importlib.util.find_spec("pip") is None:
        raise PipMissing(wheel.project)
    folder.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        requirements, log = Path(temporary, "requirements.txt"), Path(temporary, "log.txt")
        requirements.write_text(wheel.requirement + "\n")
        command = [
            *(sys.executable, "-m", "pip", "download"),
            *("--no-deps", "--only-binary=:all:", "--require-hashes", "--no-input"),
            *("--disable-pip-version-check", "--retries", str(RETRIES), "--timeout", str(TIMEOUT)),
            *(("--resume-retries", str(RESUMES)) if _can_resume() else ()),
            *("--progress-bar", "on" if output else "off", "--log", str(log)),
            *("--dest", str(folder), "--requirement", str(requirements)),
        ]
        done = subprocess.run(  # noqa: S603 - this interpreter's own pip, with arguments of ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode or not path.is_file():
            raise _failure(wheel, log.read_text(errors="replace") if log.is_file() else "")
    if sha256(path) != wheel.sha256:
        path.unlink()
        raise StarterHashMismatch(wheel.project)
    return path


def sha256(path: Path) -> str:
    """The checksum of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _can_resume() -> bool:
    major, minor, *_ = [*re.findall(r"\d+", importlib.metadata.version("pip")), "0", "0"]
    return (int(major), int(minor)) >= _RESUMING_PIP


def _failure(wheel: Wheel, log: str) -> StarterFailure:
    found = (kind for kind, signs in _SIGNS if any(sign in log for sign in signs))
    return next(found, StarterDownloadFailed)(wheel.project)
