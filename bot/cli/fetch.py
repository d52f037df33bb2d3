"""`fetch`: download the models and files in the settings."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import texts
from bot.cli import starter
from bot.cli.arguments import add_json
from bot.cli.terminal import FAILED, print_json
from bot.settings.load import load
from bot.settings.schema import ConfigError, Settings
from models.failures import ModelError, StarterFailure
from models.files.items import Item, Kind
from models.files.names import exists, starter_folder
from models.slots import SLOTS
from models.specs import Spec

if TYPE_CHECKING:
    from rich.console import Console

    from models.files.downloading import Watch
    from models.starter.models import StarterModel

SUMMARY = "download missing models and files in the settings"
EVERY = 5.0
"""Seconds between progress lines for a file, when there is no terminal for a bar."""


@dataclass(frozen=True, slots=True)
class FetchResult:
    """The result for one item: its location and the downloaded bytes, or why it is missing."""

    item: Item
    path: str = ""
    downloaded: int = 0
    seconds: float = 0.0
    error: str = ""

    @property
    def line(self) -> str:
        if self.error:
            return texts.say("terminal-fetch-failed", slot=self.item.slot, error=self.error)
        if not self.downloaded:
            return texts.say("terminal-fetch-present", slot=self.item.slot, item=self.item.label)
        return texts.say(
            "terminal-fetched",
            slot=self.item.slot,
            item=self.item.label,
            size=texts.size(self.downloaded),
            seconds=f"{self.seconds:.0f}",
            pace=texts.size(self.downloaded / max(self.seconds, 1e-3)),
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    names = ", ".join(SLOTS)
    parser.add_argument(
        "slots",
        type=_slot,
        nargs="*",
        metavar="SLOT",
        help=f"only for: {names} (default: all); {starter.NAME}: the starter models, which need no model hub",
    )
    parser.add_argument("--update", action="store_true", help="check for newer versions of existing files")
    add_json(parser)


def _slot(text: str) -> str:
    if text not in (known := [*SLOTS, starter.NAME]):
        raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(known)}")
    return text


def run(arguments: argparse.Namespace) -> int:
    """Fetch the files of the given slots, or of all slots; 0 only if everything is there."""
    from rich.console import Console

    slots = [slot for slot in arguments.slots if slot != starter.NAME]
    results: list[FetchResult] = []

    def note(result: FetchResult) -> None:
        results.append(result)
        if not arguments.json:
            print(result.line, flush=True)

    if starter.NAME in arguments.slots:
        for result in _starters(load(arguments.config or starter.CONFIG)):
            note(result)
    if slots or not arguments.slots:
        settings = load(arguments.config)
        items = [item for slot, spec in _specs(settings, slots).items() for item in spec.items(slot)]
        for result in _starters(settings, _missing_starters(settings, items)):
            note(result)
        with _watching(Console(stderr=True, soft_wrap=True, highlight=False)) as watch:
            for item in items:
                note(_fetched(item, watch, update=arguments.update))
    there = sum(not result.error for result in results)
    if arguments.json:
        print_json(_report(results))
    else:
        print(texts.say("terminal-fetch-summary", there=str(there), all=str(len(results))))
    return 0 if there == len(results) else FAILED


def _specs(settings: Settings, slots: Sequence[str]) -> Mapping[str, Spec]:
    specs = settings.specs()
    if missing := [slot for slot in slots if slot not in specs]:
        raise ConfigError([texts.say("setting-section-missing", slot=slot) for slot in missing])
    return {slot: spec for slot, spec in specs.items() if not slots or slot in slots}


def _fetched(item: Item, watch: Watch, *, update: bool) -> FetchResult:
    from models.files import fetching

    began = time.monotonic()
    try:
        found = fetching.fetch(item, watch, update=update)
    except ModelError as error:
        return FetchResult(item, error=str(error))
    return FetchResult(item, str(found.path), found.downloaded, time.monotonic() - began)


def _missing_starters(settings: Settings, items: Sequence[Item]) -> list[StarterModel]:
    """The starter models among the items that are not on this machine."""
    from models.starter.models import STARTERS

    folder, wanted = starter_folder(settings.data_dir), {item.name for item in items}
    places = {str(folder / model.name): model for model in STARTERS}
    return [model for place, model in places.items() if place in wanted and not exists(place)]


def _starters(settings: Settings, starters: Sequence[StarterModel] | None = None) -> Iterator[FetchResult]:
    """The result for each of the starter models, up to the first failure."""
    from models.starter.models import STARTERS

    names = [model.name for model in (STARTERS if starters is None else starters)]
    try:
        for item, folder, downloaded, seconds in starter.prepare_starters(settings, starters):
            names.remove(item.name)
            yield FetchResult(item, str(folder), downloaded, seconds)
    except StarterFailure as error:
        yield FetchResult(Item(starter.NAME, names[0], Kind.STARTER), error=str(error))


@contextmanager
def _watching(console: Console) -> Iterator[Watch]:
    """Bars on a terminal, plain lines elsewhere."""
    from rich import progress as bar
    from rich.text import Text

    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (
        bar.TextColumn("{task.description}"),
        bar.BarColumn(),
        bar.DownloadColumn(),
        bar.TransferSpeedColumn(),
        bar.TimeRemainingColumn(),
    )
    with bar.Progress(*columns, console=console, transient=True) as progress:
        bars: dict[str, bar.TaskID] = {}

        def watch(what: str, done: int, total: int | None) -> None:
            if what not in bars:
                bars[what] = progress.add_task(Text(what).markup, total=total, completed=done)
            progress.update(bars[what], completed=done, total=total, visible=done != total)

        yield watch


def _lines(console: Console, clock: Callable[[], float] = time.monotonic) -> Watch:
    """Prints a line at the beginning and end of each file, and occasionally in between."""
    from rich.text import Text

    began: dict[str, tuple[float, int]] = {}
    told: dict[str, float] = {}

    def watch(what: str, done: int, total: int | None) -> None:
        now = clock()
        since, before = began.setdefault(what, (now, done))
        if what in told and now - told[what] < EVERY and done != total:
            return
        told[what] = now
        of_total = f" of {texts.size(total)}" if total is not None else ""
        pace = f", {texts.size((done - before) / (now - since))}/s" if done > before else ""
        console.print(Text(f"{what}: {texts.size(done)}{of_total}{pace}"))

    return watch


def _report(results: Sequence[FetchResult]) -> dict[str, object]:
    return {
        "complete": not any(result.error for result in results),
        "items": [
            {
                "slot": result.item.slot,
                "name": result.item.name,
                "kind": result.item.kind,
                "there": not result.error,
                "path": result.path,
                "downloaded": result.downloaded,
                "seconds": round(result.seconds, 3),
                "error": result.error,
            }
            for result in results
        ],
    }
