"""`evaluate`: compare recommenders on held-out playlists."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import texts
from bot.cli.arguments import add_json, not_negative, positive
from bot.cli.terminal import loading, print_json
from models.failures import NoPlaylistsInFile

if TYPE_CHECKING:
    from rich.console import Console

    from models.songs.evaluation import Evaluation, Measured

SUMMARY = "compare recommenders on held-out playlists"
NARROWEST = 160
"""Minimum width of a terminal, in columns, that shows the table's numbers uncut."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--train",
        type=Path,
        required=True,
        metavar="FILE",
        help="the training playlists, in any layout of docs/catalogues.md",
    )
    held = parser.add_mutually_exclusive_group(required=True)
    held.add_argument("--test", type=Path, metavar="FILE", help="the test playlists")
    held.add_argument(
        "--folds",
        type=positive,
        metavar="N",
        help="instead of --test: N-fold cross-validation on the --train playlists",
    )
    parser.add_argument(
        "--songs",
        type=Path,
        metavar="FILE",
        help="the table of songs; adds a row with at most a few songs per artist",
    )
    parser.add_argument(
        "--likes", type=positive, default=5, metavar="N", help="given songs per test playlist (default: 5)"
    )
    parser.add_argument("-k", type=positive, default=10, help="length of the lists (default: 10)")
    parser.add_argument(
        "--draws", type=positive, default=10, metavar="N", help="draws per test playlist (default: 10)"
    )
    parser.add_argument(
        "--seed",
        type=not_negative,
        default=0,
        metavar="S",
        help="the same seed draws the same songs (default: 0)",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from functools import partial

    from rich.console import Console

    from models.songs import evaluation, training
    from models.songs.layouts import archives
    from models.songs.playlists import songs_of
    from models.specs import SongsSpec

    settings = training.parameters(SongsSpec("", ""))
    songs = songs_of(archives.files_of(arguments.songs)).songs if arguments.songs else ()
    lists = _lists(arguments.train)
    with loading() as progress:
        measure = (
            partial(evaluation.cross_validate, lists, arguments.folds)
            if arguments.folds is not None
            else partial(evaluation.evaluate, lists, _lists(arguments.test))
        )
        result = measure(
            settings,
            songs=songs,
            likes=arguments.likes,
            k=arguments.k,
            draws=arguments.draws,
            seed=arguments.seed,
            progress=progress,
        )
    if arguments.json:
        print_json(result.as_dict())
    else:
        _show(Console(width=max(Console().width, NARROWEST), highlight=False), result)
    return 0


def _lists(path: Path) -> list[list[str]]:
    from models.songs.layouts import archives
    from models.songs.playlists import lists_of

    lists = lists_of(archives.files_of(path)).lists
    if not lists:
        raise NoPlaylistsInFile(path.name)
    return lists


def _show(console: Console, result: Evaluation) -> None:
    from humanize import naturalsize
    from rich.table import Table

    train, test = result.train, result.test
    console.print(
        texts.say(
            "terminal-evaluation",
            playlists=train["playlists"],
            plays=train["plays"],
            songs=train["songs"],
            folds=result.folds,
            used=test["playlists_used"],
            tests=test["playlists"],
            draws=str(result.draws),
            likes=str(result.likes),
            k=str(result.k),
        )
    )
    for key, message in (
        ("playlists_too_short", "terminal-playlists-too-short"),
        ("songs_not_in_training", "terminal-songs-not-in-training"),
        ("playlists_in_training_too", "terminal-playlists-in-training-too"),
    ):
        if test[key]:
            console.print(texts.say(message, count=test[key]))
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for heading in (f"nDCG@{result.k}", f"hit@{result.k}", f"precision@{result.k}", "coverage", "popularity"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("ahead by", "nDCG lead, 95%", "training", "memory", "a question"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in result.rows:
        table.add_row(
            row.name,
            _interval(row.ndcg, ".3f"),
            _interval(row.hit_rate, ".3f"),
            f"{row.precision.value:.3f}",
            f"{row.coverage.value:.1%}",
            f"{row.mean_popularity.value:.1f}",
            _interval(row.ahead, ".2f") if row is not result.rows[0] else "",
            f"{row.lead.low:+.3f} to {row.lead.high:+.3f}" if row is not result.rows[0] else "",
            f"{row.train_seconds:.2f} s",
            naturalsize(row.memory_bytes),
            f"{row.ms_per_query:.1f} ms",
        )
    console.print(table)
    console.print(texts.say("terminal-interval"), style="dim")


def _interval(measured: Measured, form: str) -> str:
    return f"{measured.value:{form}} ±{(measured.high - measured.low) / 2:{form}}"
