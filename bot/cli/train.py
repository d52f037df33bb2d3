"""Learning from playlists and measuring what was learnt, in a terminal: for people, or as one JSON object."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from bot.cli.ask import loading, section
from bot.settings.schema import load
from models.failures import ModelError, NotThere

if TYPE_CHECKING:
    from models.songs.evaluation import Evaluation, Measured


def train(arguments: argparse.Namespace) -> int:
    """Learn from the playlists in the settings, and keep that where the bot looks for it."""
    from models.songs.catalogue import SongCatalogue

    spec = section(load(arguments.config), "songs")
    began = time.monotonic()
    with loading() as progress:
        catalogue = SongCatalogue.load(spec, progress)
    seconds = time.monotonic() - began
    if arguments.json:
        facts = {"name": catalogue.name, "seconds": seconds, "memory_bytes": catalogue.memory}
        print(json.dumps(facts | {"report": catalogue.report}, ensure_ascii=False))
        return 0
    print(f"{catalogue.name}: {catalogue.detail.partition(';')[0]}; {seconds:.1f} s")
    for what, number in catalogue.report.items():
        if number:
            print(f"  {what}: {number:,}")
    return 0


def evaluate(arguments: argparse.Namespace) -> int:
    """Compare ways of recommending on playlists that were held back."""
    from models.songs import evaluation, training
    from models.songs.playlists import read_songs
    from models.specs import SongsSpec

    settings = training.parameters(SongsSpec("", ""))
    options: dict[str, Any] = {
        "songs": read_songs(_bytes(arguments.songs)).songs if arguments.songs else (),
        "likes": arguments.likes,
        "k": arguments.k,
        "draws": arguments.draws,
        "seed": arguments.seed,
    }
    lists = _lists(arguments.train)
    with loading() as progress:
        if arguments.folds is None:
            test = _lists(arguments.test)
            found = evaluation.evaluate(lists, test, settings, progress=progress, **options)
        else:
            found = evaluation.cross_validate(lists, arguments.folds, settings, progress=progress, **options)
    if arguments.json:
        print(json.dumps(found.as_dict(), ensure_ascii=False))
    else:
        # Narrower than this the numbers would be cut.
        _show(Console(width=max(Console().width, 140), highlight=False), found)
    return 0


def _lists(path: Path) -> list[list[str]]:
    from models.songs.playlists import read_playlists

    lists = read_playlists(_bytes(path)).lists
    if not lists:
        raise ModelError(f"{path.name} holds no playlist of two songs or more.")
    return lists


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotThere(f"{path.name} cannot be read ({error.strerror}).") from error


def _show(console: Console, found: Evaluation) -> None:
    train, test = found.train, found.test
    parts = f" in each of {found.folds} parts" if found.folds > 1 else ""
    console.print(
        f"Learnt from {train['playlists']:,} playlists, {train['plays']:,} plays of {train['songs']:,} songs{parts}. "
        f"Asked about {test['playlists_used']:,} of {test['playlists']:,} test playlists, {found.draws} times each: "
        f"{found.likes} of a playlist's songs are known, the others to be found among the first {found.k}."
    )
    for key, sentence in (
        ("playlists_too_short", "test playlists have no more known songs than that and are left out."),
        (
            "songs_not_in_training",
            "songs of the test playlists are in no training playlist and do not count.",
        ),
        (
            "playlists_in_training_too",
            "test playlists are among the training playlists: this is no fair test.",
        ),
    ):
        if test[key]:
            console.print(f"{test[key]:,} {sentence}")
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for heading in (f"nDCG@{found.k}", f"hit@{found.k}", f"precision@{found.k}", "coverage", "popularity"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("ahead by", "training", "memory", "a question"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in found.rows:
        table.add_row(
            row.name,
            _interval(row.ndcg, ".3f"),
            _interval(row.hit_rate, ".3f"),
            f"{row.precision.value:.3f}",
            f"{row.coverage.value:.1%}",
            f"{row.mean_popularity.value:.1f}",
            _interval(row.ahead, ".2f") if row is not found.rows[0] else "",
            f"{row.train_seconds:.2f} s",
            f"{row.memory_bytes / 1e6:.1f} MB",
            f"{row.ms_per_query:.1f} ms",
        )
    console.print(table)
    console.print("\u00b1 is half of a 95 % bootstrap interval over the test playlists.", style="dim")


def _interval(it: Measured, form: str) -> str:
    return f"{it.value:{form}} ±{(it.high - it.low) / 2:{form}}"
