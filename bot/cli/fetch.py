"""`python -m bot fetch`: download what the settings name, and say what became of each."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

import texts
from bot.settings.schema import ConfigError, Settings, load
from models.failures import ModelError
from models.files import fetching
from models.files.downloading import Watch
from models.files.items import Item
from models.specs import Spec

EVERY = 5.0
"""Seconds between two lines about the same file, where there is no terminal to draw a bar on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item: where it is and what came over the network, or why it is not there."""

    item: Item
    path: str = ""
    downloaded: int = 0
    seconds: float = 0.0
    error: str = ""

    @property
    def line(self) -> str:
        if self.error:
            return f"✗ {self.item.slot}: {self.error}"
        became = "here already"
        if self.downloaded:
            pace = texts.size(self.downloaded / max(self.seconds, 1e-3))
            became = f"downloaded {texts.size(self.downloaded)} in {self.seconds:.0f} s ({pace}/s)"
        return f"✓ {self.item.slot}: {self.item.label}: {became}"


def fetch(arguments: argparse.Namespace) -> int:
    """Fetch what the slots of the command line need, or all slots; 0 only if everything is there."""
    specs = _specs(load(arguments.config), arguments.slots)
    outcomes: list[Outcome] = []
    with _watching(Console(stderr=True, soft_wrap=True, highlight=False)) as watch:
        for item in (item for slot, spec in specs.items() for item in spec.items(slot)):
            outcomes.append(_fetched(item, watch, update=arguments.update))
            if not arguments.json:
                print(outcomes[-1].line, flush=True)
    there = sum(not it.error for it in outcomes)
    if arguments.json:
        print(json.dumps(_report(outcomes), ensure_ascii=False))
    else:
        print(f"{there} of {len(outcomes)} are here.")
    return 0 if there == len(outcomes) else 1


def _specs(settings: Settings, slots: Sequence[str]) -> Mapping[str, Spec]:
    specs = settings.specs()
    if missing := [slot for slot in slots if slot not in specs]:
        raise ConfigError([f"{slot}: the settings have no section [{slot}]" for slot in missing])
    return {slot: spec for slot, spec in specs.items() if not slots or slot in slots}


def _fetched(item: Item, watch: Watch, *, update: bool) -> Outcome:
    began = time.monotonic()
    try:
        found = fetching.fetch(item, watch, update=update)
    except ModelError as error:
        return Outcome(item, error=str(error))
    return Outcome(item, str(found.path), found.downloaded, time.monotonic() - began)


@contextmanager
def _watching(console: Console) -> Iterator[Watch]:
    """Bars on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bars: dict[str, TaskID] = {}

        def watch(what: str, done: int, total: int | None) -> None:
            if what not in bars:
                bars[what] = progress.add_task(Text(what).markup, total=total, completed=done)
            progress.update(bars[what], completed=done, total=total, visible=done != total)

        yield watch


def _lines(console: Console, clock: Callable[[], float] = time.monotonic) -> Watch:
    """A line at the beginning and at the end of each file, and now and then between."""
    begun: dict[str, tuple[float, int]] = {}
    told: dict[str, float] = {}

    def watch(what: str, done: int, total: int | None) -> None:
        now = clock()
        since, before = begun.setdefault(what, (now, done))
        if what in told and now - told[what] < EVERY and done != total:
            return
        told[what] = now
        size = f" of {texts.size(total)}" if total is not None else ""
        pace = f", {texts.size((done - before) / (now - since))}/s" if done > before else ""
        console.print(Text(f"{what}: {texts.size(done)}{size}{pace}"))

    return watch


def _report(outcomes: Sequence[Outcome]) -> dict[str, object]:
    return {
        "complete": not any(it.error for it in outcomes),
        "items": [
            {
                "slot": it.item.slot,
                "name": it.item.name,
                "kind": it.item.kind,
                "there": not it.error,
                "path": it.path,
                "downloaded": it.downloaded,
                "seconds": round(it.seconds, 3),
                "error": it.error,
            }
            for it in outcomes
        ],
    }
