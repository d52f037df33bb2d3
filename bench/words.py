"""How soon word vectors are there, and how fast the nearest of them are found.

    python -m bench.words [--words N] [--size N]

A GloVe file of the size of the notebook's is made up: 400,000 words, 50 numbers each. Each start is a process of its
own: gensim's reader of that format, ours for the first time, and ours from then on, when what was parsed is opened by
memory-mapping; timed from an import that is done to the first answer. Then `/similar`'s question is asked, beside gensim's
own `most_similar` on the same vectors.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from gensim.models import KeyedVectors
from rich.console import Console
from rich.table import Table

from bench.lag import percentile
from bench.lookups import word
from models.specs import WordsSpec
from models.words.vectors import WordVectors

QUESTIONS = 200
N = 10


def made_up(folder: Path, words: int, size: int) -> Path:
    chance, numbers = random.Random(0), np.random.default_rng(0)
    vocabulary = list(dict.fromkeys(word(chance) for _ in range(words * 2)))[:words]
    path = folder / "glove.txt"
    with path.open("w", encoding="utf-8") as file:
        for one in vocabulary:
            row = " ".join(f"{value:.5f}" for value in numbers.normal(size=size))
            file.write(f"{one} {row}\n")
    return path


def opened(way: str, path: Path, data: Path) -> None:
    """Print the seconds from nothing to the vectors, and to the first answer."""
    began = time.perf_counter()
    if way == "gensim":
        found = KeyedVectors.load_word2vec_format(str(path), binary=False, no_header=True)
        there = time.perf_counter() - began
        found.most_similar(found.index_to_key[7], topn=N)
    else:
        words = WordVectors.load(WordsSpec(str(path), data))
        there = time.perf_counter() - began
        words.similar(next(iter(words.suggest("a", 1))), N)
    print(f"{there} {time.perf_counter() - began}")


def start(way: str, path: Path, data: Path) -> tuple[float, float]:
    command = [sys.executable, "-m", "bench.words", "--open", way, str(path), str(data)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - this very module
    there, answered = map(float, printed.split())
    return there, answered


def timed(ask: Callable[[str], object], questions: list[str]) -> list[float]:
    ask(questions[0])
    times = []
    for question in questions:
        began = time.perf_counter()
        ask(question)
        times.append((time.perf_counter() - began) * 1000)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--words", type=int, default=400_000)
    parser.add_argument("--size", type=int, default=50)
    parser.add_argument("--open", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.open:
        way, path, data = options.open
        opened(way, Path(path), Path(data))
        return
    with tempfile.TemporaryDirectory() as name:
        path, data = made_up(Path(name), options.words, options.size), Path(name) / "data"
        starts = {
            way: start(way.split(",")[0], path, data) for way in ("gensim", "ours, parsing", "ours, kept")
        }
        table = Table(title=f"Seconds to open {options.words:,} x {options.size} from text")
        for heading in ("", "vectors there", "ratio", "first answer and suggestion", "ratio"):
            table.add_column(heading, justify="right" if heading else "left")
        base = starts["gensim"]
        for way, (there, answered) in starts.items():
            table.add_row(
                way, f"{there:.2f}", f"{there / base[0]:.3f}", f"{answered:.2f}", f"{answered / base[1]:.3f}"
            )
        Console().print(table)

        words = WordVectors.load(WordsSpec(str(path), data))
        plain = KeyedVectors.load_word2vec_format(str(path), binary=False, no_header=True)
        asked = random.Random(1).choices(plain.index_to_key, k=QUESTIONS)
        gensims = timed(lambda one: plain.most_similar(one, topn=N), asked)
        table = Table(title=f"Milliseconds for the {N} nearest of {options.words:,}")
        for heading in ("", "p50", "p99", "ratio of p50"):
            table.add_column(heading, justify="right" if heading else "left")
        half = percentile(gensims, 0.5)
        for title, times in (
            ("gensim's most_similar", gensims),
            (
                "/similar: nearest words and their places on a map",
                timed(lambda one: words.similar(one, N), asked),
            ),
        ):
            own = percentile(times, 0.5)
            table.add_row(title, f"{own:.2f}", f"{percentile(times, 0.99):.2f}", f"{own / half:.2f}")
        Console().print(table)


if __name__ == "__main__":
    main()
