"""Speed of the look-ups that run while people type.

    python -m bench.lookups [--songs FILE --playlists FILE]

Compares song search and "Did you mean ...?" with rapidfuzz used directly on all entries. Times are CPU time of this
process, in milliseconds. Without files, it generates a catalogue as large as the notebook's (75,262 songs, 800 playlists);
the vocabulary has 400,000 generated words.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from gensim.models import KeyedVectors
from rapidfuzz import process
from rich.console import Console
from rich.table import Table

from bench.lag import percentile
from models.songs.catalogue import SongCatalogue
from models.songs.playlists import read_songs
from models.specs import SongsSpec
from models.words.vectors import WordVectors

LETTERS = "etaoinshrdlucmfwypvbgk"
SONGS, PLAYLISTS, WORDS = 75_262, 800, 400_000
SHORT = 3


def random_word(rng: random.Random) -> str:
    return "".join(rng.choices(LETTERS, k=rng.randint(3, 10)))


def generate_catalogue(folder: Path, rng: random.Random) -> tuple[Path, Path]:
    vocabulary = [random_word(rng) for _ in range(20_000)]
    artists = [" ".join(rng.choices(vocabulary, k=2)).title() for _ in range(9_000)]
    rows = (
        f"{number}\t{' '.join(rng.choices(vocabulary, k=rng.randint(1, 4))).title()}\t{rng.choice(artists)}"
        for number in range(SONGS)
    )
    lists = (" ".join(str(int(SONGS * rng.random() ** 4)) for _ in range(100)) for _ in range(PLAYLISTS))
    songs, playlists = folder / "songs.tsv", folder / "playlists.txt"
    songs.write_text("\n".join(rows) + "\n", encoding="utf-8")
    playlists.write_text("0\n0\n" + "\n".join(lists) + "\n", encoding="utf-8")
    return songs, playlists


def typo(text: str) -> str:
    """Swap the last two characters, except in short words."""
    return text[:-2] + text[-1] + text[-2] if len(text) > SHORT else text


def timed(
    ask: Callable[[str], object], questions: Sequence[str], clock: Callable[[], float] = time.process_time
) -> list[float]:
    """Milliseconds for each question, after a warm-up with the first one."""
    ask(questions[0])
    times = []
    for question in questions:
        start = clock()
        ask(question)
        times.append((clock() - start) * 1000)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=Path)
    parser.add_argument("--playlists", type=Path)
    options = parser.parse_args()
    rng = random.Random(0)
    results = Table(title="Milliseconds a look-up")
    for heading in ("", "rapidfuzz over all, p50", "ours, p50", "ours, p99", "ratio of p50"):
        results.add_column(heading, justify="right" if heading else "left")

    def row(name: str, baseline: list[float], ours: list[float]) -> None:
        base, median = percentile(baseline, 0.5), percentile(ours, 0.5)
        results.add_row(
            name, f"{base:.1f}", f"{median:.1f}", f"{percentile(ours, 0.99):.1f}", f"{median / base:.3f}"
        )

    with tempfile.TemporaryDirectory() as name:
        songs, playlists = options.songs, options.playlists
        if not songs or not playlists:
            songs, playlists = generate_catalogue(Path(name), rng)
        table = read_songs(songs.read_bytes()).songs
        catalogue = SongCatalogue.load(SongsSpec(songs, playlists, negative=5, epochs=1))
    labels = [song.label for song in table]
    queries = [typo(label)[: rng.randint(3, 30)] for label in rng.sample(labels, 40)]
    row(
        f"song search, {len(labels):,} songs",
        timed(lambda text: process.extract(text, labels, limit=25), queries),
        timed(catalogue.search, queries),
    )

    vocabulary = list({random_word(rng) for _ in range(WORDS * 2)})[:WORDS]
    keyed = KeyedVectors(2)
    keyed.add_vectors(vocabulary, np.ones((len(vocabulary), 2), np.float32))
    vectors = WordVectors(keyed, "made up")
    misspelt = [typo(word) + "q" for word in rng.sample(vocabulary, 40)]
    row(
        f"did you mean, {len(vocabulary):,} words",
        timed(lambda text: process.extract(text, vocabulary, limit=3), misspelt),
        timed(lambda text: vectors.suggest(text, 3), misspelt),
    )
    Console().print(results)


if __name__ == "__main__":
    main()
