"""Getting the starter models while somebody watches the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from models.files.names import starter_folder

if TYPE_CHECKING:
    from bot.settings.schema import Settings


def prepare_starters(settings: Settings) -> None:
    """Download and convert the starter models that are missing. Raises StarterFailure."""
    from models.starter.models import prepare

    def tell(what: str, _share: float | None) -> None:
        print(f"  {what} ...", file=sys.stderr, flush=True)

    folder = starter_folder(settings.data_dir)
    for _ in prepare(folder, tell, sys.stderr if sys.stderr.isatty() else None):
        pass
