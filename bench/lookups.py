"""How fast the look-ups are that people wait for while they type.

    python -m bench.lookups [--songs FILE --playlists FILE]

Song search and "Did you mean ...?" against the plain way with the same library: rapidfuzz's best matches over every
entry. Times are of this process's own work, in milliseconds. Without files a catalogue of the size of the
notebook's is made up: 75,262 songs, 800 playlists; the vocabulary has 400,000 made-up words.
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


def word(chance: random.Random) -> str:
    return "".join(chance.choices(LETTERS, k=chance.randint(3, 10)))


def made_up(folder: Path, chance: random.Random) -> tuple[Path, Path]:
    vocabulary = [word(chance) for _ in range(20_000)]
    artists = [" ".join(chance.choices(vocabulary, k=2)).title() for _ in range(9_000)]
    rows = (
        f"{number}\t{' '.join(chance.choices(vocabulary, k=chance.randint(1, 4))).title()}\t{chance.choice(artists)}"
        for number in range(SONGS)
    )
    lists = (" ".join(str(int(SONGS * chance.random() ** 4)) for _ in range(100)) for _ in range(PLAYLISTS))
    songs, playlists = folder / "songs.tsv", folder / "playlists.txt"
    songs.write_text("\n".join(rows) + "\n", encoding="utf-8")
    playlists.write_text("0\n0\n" + "\n".join(lists) + "\n", encoding="utf-8")
    return songs, playlists


def typo(text: str) -> str:
    return text[:-2] + text[-1] + text[-2] if len(text) > 3 else text  # noqa: PLR2004 - leaves short words alone


def timed(ask: Callable[[str], object], questions: Sequence[str]) -> list[float]:
    ask(questions[0])
    times = []
    for question in questions:
        began = time.process_time()
        ask(question)
        times.append((time.process_time() - began) * 1000)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=Path)
    parser.add_argument("--playlists", type=Path)
    options = parser.parse_args()
    chance = random.Random(0)
    drawn = Table(title="Milliseconds a look-up")
    for heading in ("", "rapidfuzz over all, p50", "ours, p50", "ours, p99", "ratio of p50"):
        drawn.add_column(heading, justify="right" if heading else "left")

    def row(name: str, plain: list[float], own: list[float]) -> None:
        base, half = percentile(plain, 0.5), percentile(own, 0.5)
        drawn.add_row(
            name, f"{base:.1f}", f"{half:.1f}", f"{percentile(own, 0.99):.1f}", f"{half / base:.3f}"
        )

    with tempfile.TemporaryDirectory() as name:
        songs, playlists = options.songs, options.playlists
        if not songs or not playlists:
            songs, playlists = made_up(Path(name), chance)
        table = read_songs(songs.read_bytes()).songs
        catalogue = SongCatalogue.load(SongsSpec(songs, playlists, negative=5, epochs=1))
    labels = [song.label for song in table]
    asked = [typo(label)[: chance.randint(3, 30)] for label in chance.sample(labels, 40)]
    row(
        f"song search, {len(labels):,} songs",
        timed(lambda text: process.extract(text, labels, limit=25), asked),
        timed(catalogue.search, asked),
    )

    vocabulary = list({word(chance) for _ in range(WORDS * 2)})[:WORDS]
    keyed = KeyedVectors(2)
    keyed.add_vectors(vocabulary, np.ones((len(vocabulary), 2), np.float32))
    vectors = WordVectors(keyed, "made up")
    wrong = [typo(it) + "q" for it in chance.sample(vocabulary, 40)]
    row(
        f"did you mean, {len(vocabulary):,} words",
        timed(lambda text: process.extract(text, vocabulary, limit=3), wrong),
        timed(lambda text: vectors.suggest(text, 3), wrong),
    )
    Console().print(drawn)


if __name__ == "__main__":
    main()
