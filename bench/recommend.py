"""How long it takes to learn from a big catalogue, and to answer from it.

    python -m bench.recommend [--playlists N] [--plays N] [--songs N]

A catalogue of the size of the notebook's is made up: 75,262 songs, 11,000 playlists, 1.5 million plays with the long
tail of radio (a few songs everywhere, half of them in one or two playlists). Training, opening what was trained, and
answers from 5 to 500 likes are timed in a process of their own on two threads; the memory is that process's peak. The
baseline is item-item collaborative filtering, asked the plain way: one row of co-occurrences for each like.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.lag import percentile
from models.songs.catalogue import SongCatalogue
from models.songs.evaluation import ItemItem
from models.songs.recommender import SongIndices, top_songs
from models.specs import SongsSpec

STATIONS = 300
"""Kinds of playlists; each kind has favourites of its own."""
THREADS = 2
LIKES = (1, 5, 30, 500)
QUESTIONS = 100
PEOPLE = 5


def made_up(folder: Path, songs: int, playlists: int, plays: int) -> tuple[Path, Path]:
    """A table of songs and their playlists, in the notebook's format."""
    chance = np.random.default_rng(0)
    fame = 1 / np.arange(2, songs + 2) ** 1.1
    artists = chance.zipf(1.5, songs) % (songs // 8)
    stations = []
    for _ in range(STATIONS):
        # A station knows part of the music, and of that some songs much better than others do.
        liking = fame * chance.lognormal(0, 2.5, songs) * (chance.random(songs) < 0.3)  # noqa: PLR2004
        stations.append(np.cumsum(liking / liking.sum()))
    lengths = chance.lognormal(0, 0.6, playlists)
    lengths = np.maximum(2, (lengths * plays / lengths.sum()).astype(int))
    lists = [
        np.minimum(np.searchsorted(stations[kind], chance.random(length)), songs - 1)
        for kind, length in zip(chance.integers(STATIONS, size=playlists), lengths, strict=True)
    ]
    table = folder / "songs.tsv"
    table.write_text(
        "".join(f"{it} \tSong number {it}\tArtist {artists[it]}\n" for it in range(songs)), encoding="utf-8"
    )
    counted = np.bincount(np.concatenate(lists), minlength=songs)
    heard = np.flatnonzero(counted)
    header = [" ".join(map(str, heard)), " ".join(map(str, counted[heard]))]
    lines = header + [" ".join(map(str, it)) for it in lists]
    (folder / "playlists.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table, folder / "playlists.txt"


def timed(ask: Callable[[], object]) -> float:
    """Seconds of this process's own work, whatever else the machine does."""
    began = time.process_time()
    ask()
    return time.process_time() - began


def peak() -> float:
    """Most memory that this process has had, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def train(spec: SongsSpec) -> None:
    """What `python -m bot train` does, step by step."""
    began = time.perf_counter()
    steps: dict[str, float] = {}

    def progress(what: str, _share: float | None) -> None:
        steps.setdefault(what, time.perf_counter())

    SongCatalogue.load(spec, progress)
    ended = time.perf_counter()
    table = Table(title=f"Training: {ended - began:.1f} s, {peak():.2f} GB at most")
    table.add_column("step")
    table.add_column("seconds", justify="right")
    starts = [*steps.values(), ended]
    for name, start, end in zip(steps, starts, starts[1:], strict=False):
        table.add_row(name, f"{end - start:.1f}")
    Console().print(table)


def ask(spec: SongsSpec) -> None:
    opening = timed(lambda: SongCatalogue.load(spec))
    catalogue = SongCatalogue.load(spec)
    title = f"Opened what was trained in {opening:.1f} s ({peak():.2f} GB at most). Milliseconds a question"
    table = Table(title=title)
    for heading in ("", "item-item, p50", "ours, p50", "ours, p99", "ratio of p50"):
        table.add_column(heading, justify="right" if heading else "left")
    chance = np.random.default_rng(1)
    counts = catalogue.recommender.counts
    plain = ItemItem(counts)
    heard = np.flatnonzero(np.diff(counts.indptr))
    # People like what is played: known songs more often than unknown ones.
    odds = np.diff(counts.indptr)[heard] / counts.nnz
    for number in LIKES:
        drawn = [chance.choice(heard, number, replace=False, p=odds) for _ in range(QUESTIONS)]
        baseline, own = [], []
        for likes in drawn:
            ids = [catalogue.songs[it].id for it in likes]
            baseline.append(timed(lambda likes=likes: _plainly(plain, likes)))  # type: ignore[misc]
            own.append(timed(lambda ids=ids: catalogue.recommend(ids)))  # type: ignore[misc]
        _row(table, f"{number} liked", baseline, own)
    groups = [
        [
            [catalogue.songs[it].id for it in chance.choice(heard, 30, replace=False, p=odds)]
            for _ in range(PEOPLE)
        ]
        for _ in range(QUESTIONS)
    ]
    own = [timed(lambda group=group: catalogue.blend(group)) for group in groups]  # type: ignore[misc]
    _row(table, f"{PEOPLE} people with 30 each", [], own)
    Console().print(table)


def _plainly(way: ItemItem, likes: SongIndices) -> SongIndices:
    return top_songs(way.scores(likes), likes, 10)


def _row(table: Table, name: str, plain: list[float], own: list[float]) -> None:
    half = percentile(own, 0.5) * 1000
    base = percentile(plain, 0.5) * 1000 if plain else 0.0
    table.add_row(
        name,
        f"{base:.1f}" if plain else "",
        f"{half:.1f}",
        f"{percentile(own, 0.99) * 1000:.1f}",
        f"{half / base:.2f}" if plain else "",
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=int, default=75_262)
    parser.add_argument("--playlists", type=int, default=11_000)
    parser.add_argument("--plays", type=int, default=1_500_000)
    parser.add_argument("--step", choices=("train", "ask"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        folder = options.folder
        spec = SongsSpec(folder / "songs.tsv", folder / "playlists.txt", cache=folder / "trained")
        (train if options.step == "train" else ask)(spec)
        return
    with tempfile.TemporaryDirectory() as name:
        made_up(Path(name), options.songs, options.playlists, options.plays)
        limits = {it: str(THREADS) for it in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        for step in ("train", "ask"):
            command = [sys.executable, "-m", "bench.recommend", "--step", step, "--folder", name]
            subprocess.run(command, check=True, env=os.environ | limits)  # noqa: S603 - this very module


if __name__ == "__main__":
    main()
