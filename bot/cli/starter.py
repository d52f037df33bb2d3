"""Getting the starter models, with progress in the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from models.files.items import Item, Kind
from models.files.names import starter_folder

if TYPE_CHECKING:
    from bot.settings.schema import Settings
    from models.starter.models import StarterModel

NAME = "starter"
"""The name for all starter models on the command line."""
CONFIG = Path(__file__).resolve().parents[2] / "models" / "starter" / "config.toml"


def prepare_starters(
    settings: Settings, starters: Sequence[StarterModel] | None = None
) -> Iterator[tuple[Item, Path, int, float]]:
    """Download and convert those of the `starters` that are missing; each with its folder, bytes and seconds of download.

    By default these are all.

    Raises StarterFailure for the first one that fails.
    """
    from models.starter.models import STARTERS, prepare

    begun: list[float] = []  # when the download and the conversion began

    def tell(what: str, _share: float | None) -> None:
        begun.append(time.monotonic())
        print(f"  {what} ...", file=sys.stderr, flush=True)

    output = sys.stderr if sys.stderr.isatty() else None
    wanted = STARTERS if starters is None else starters
    for model, folder, downloaded in prepare(starter_folder(settings.data_dir), tell, output, wanted):
        seconds = begun[-1] - begun[0] if begun else 0.0
        begun.clear()
        yield Item(NAME, model.name, Kind.STARTER), folder, downloaded, seconds
