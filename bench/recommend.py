"""Time to train on a large catalogue and to answer from it.

    python -m bench.recommend [--playlists N] [--plays N] [--songs N]

It generates a catalogue as large as the notebook's: 75,262 songs, 11,000 playlists, and 1.5 million plays with the long
tail of radio (a few songs everywhere, half of them in one or two playlists). Training, opening the result, and answers
from 1 to 500 likes are timed in separate processes with two threads each; memory is the process's peak. The baseline is item-item collaborative filtering: one row of co-occurrences for each like.
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
from functools import partial
from pathlib import Path

import numpy as np
from humanize import naturalsize
from rich.console import Console
from rich.table import Table

from bench.lag import percentile
from models.songs.catalogue import SongCatalogue
from models.songs.recommender import top_songs
from models.songs.rivals import ItemItem
from models.songs.ways import SongIndices
from models.specs import SongsSpec

STATIONS = 300
"""Kinds of playlists; each kind prefers different songs."""
HEARD = 0.3
"""Share of the songs that a station plays."""
THREADS = 2
LIKES = (1, 5, 30, 500)
QUESTIONS = 100
PEOPLE = 5


def generate_catalogue(folder: Path, songs: int, playlists: int, plays: int) -> tuple[Path, Path]:
    """A table of songs and their playlists, in the notebook's format."""
    rng = np.random.default_rng(0)
    fame = 1 / np.arange(2, songs + 2) ** 1.1
    artists = rng.zipf(1.5, songs) % (songs // 8)
    stations = []
    for _ in range(STATIONS):
        # A station plays a subset of the songs, some of them far more often than other stations do.
        weights = fame * rng.lognormal(0, 2.5, songs) * (rng.random(songs) < HEARD)
        stations.append(np.cumsum(weights / weights.sum()))
    lengths = rng.lognormal(0, 0.6, playlists)
    lengths = np.maximum(2, (lengths * plays / lengths.sum()).astype(int))
    lists = [
        np.minimum(np.searchsorted(stations[kind], rng.random(length)), songs - 1)
        for kind, length in zip(rng.integers(STATIONS, size=playlists), lengths, strict=True)
    ]
    table = folder / "songs.tsv"
    table.write_text(
        "".join(f"{song} \tSong number {song}\tArtist {artists[song]}\n" for song in range(songs)),
        encoding="utf-8",
    )
    counted = np.bincount(np.concatenate(lists), minlength=songs)
    heard = np.flatnonzero(counted)
    header = [" ".join(map(str, heard)), " ".join(map(str, counted[heard]))]
    lines = header + [" ".join(map(str, playlist)) for playlist in lists]
    (folder / "playlists.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table, folder / "playlists.txt"


def timed(ask: Callable[[], object]) -> float:
    """CPU seconds of this process, unaffected by other load on the machine."""
    start = time.process_time()
    ask()
    return time.process_time() - start


def peak() -> str:
    """The peak memory of this process, formatted."""
    return naturalsize(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def train(spec: SongsSpec) -> None:
    """The steps of `python -m bot train`, timed."""
    start_time = time.perf_counter()
    steps: dict[str, float] = {}

    def progress(what: str, _share: float | None) -> None:
        steps.setdefault(what, time.perf_counter())

    SongCatalogue.load(spec, progress)
    ended = time.perf_counter()
    table = Table(title=f"Training: {ended - start_time:.1f} s, {peak()} at most")
    table.add_column("step")
    table.add_column("seconds", justify="right")
    starts = [*steps.values(), ended]
    for name, start, end in zip(steps, starts, starts[1:], strict=False):
        table.add_row(name, f"{end - start:.1f}")
    Console().print(table)


def ask(spec: SongsSpec) -> None:
    opening = timed(lambda: SongCatalogue.load(spec))
    catalogue = SongCatalogue.load(spec)
    title = f"Opened what was trained in {opening:.1f} s ({peak()} at most). Milliseconds a question"
    table = Table(title=title)
    for heading in ("", "item-item, p50", "ours, p50", "ours, p99", "ratio of p50"):
        table.add_column(heading, justify="right" if heading else "left")
    rng = np.random.default_rng(1)
    counts = catalogue.recommender.counts
    item_item = ItemItem(counts)
    heard = np.flatnonzero(np.diff(counts.indptr))
    # The probability of a like is proportional to how often the song is played.
    odds = np.diff(counts.indptr)[heard] / counts.nnz
    for number in LIKES:
        baseline, ours = [], []
        for _ in range(QUESTIONS):
            likes = rng.choice(heard, number, replace=False, p=odds)
            ids = [catalogue.songs[song].id for song in likes]
            baseline.append(timed(partial(_most_similar, item_item, likes)))
            ours.append(timed(partial(catalogue.recommend, ids)))
        _row(table, f"{number} liked", baseline, ours)
    groups = [
        [
            [catalogue.songs[song].id for song in rng.choice(heard, 30, replace=False, p=odds)]
            for _ in range(PEOPLE)
        ]
        for _ in range(QUESTIONS)
    ]
    ours = [timed(partial(catalogue.blend, group)) for group in groups]
    _row(table, f"{PEOPLE} people with 30 each", [], ours)
    Console().print(table)


def _most_similar(item_item: ItemItem, likes: SongIndices) -> SongIndices:
    return top_songs(item_item.scores(likes), likes, 10)


def _row(table: Table, name: str, baseline: list[float], ours: list[float]) -> None:
    median = percentile(ours, 0.5) * 1000
    base = percentile(baseline, 0.5) * 1000 if baseline else 0.0
    table.add_row(
        name,
        f"{base:.1f}" if baseline else "",
        f"{median:.1f}",
        f"{percentile(ours, 0.99) * 1000:.1f}",
        f"{median / base:.2f}" if baseline else "",
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
        generate_catalogue(Path(name), options.songs, options.playlists, options.plays)
        limits = {variable: str(THREADS) for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        for step in ("train", "ask"):
            command = [sys.executable, "-m", "bench.recommend", "--step", step, "--folder", name]
            subprocess.run(command, check=True, env=os.environ | limits)  # noqa: S603 - this module


if __name__ == "__main__":
    main()
