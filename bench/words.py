"""Speed of loading word vectors, and of finding the nearest words.

    python -m bench.words [--words N] [--size N]

It generates a GloVe file as large as the notebook's: 400,000 words with 50 numbers each. Three starts are timed in
separate processes, from the end of the imports to the first answer: gensim's reader, ours on its first start, and ours
on later starts, which memory-map the parsed vectors. Then the request of `/similar` is compared with gensim's
`most_similar` on the same vectors.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from gensim.models import KeyedVectors
from rich.console import Console
from rich.table import Table

from bench.lag import percentile
from bench.lookups import random_word, timed
from models.specs import WordsSpec
from models.words.vectors import WordVectors

QUESTIONS = 200
N = 10


def generate_vectors(folder: Path, words: int, size: int) -> Path:
    rng, numbers = random.Random(0), np.random.default_rng(0)
    vocabulary = list(dict.fromkeys(random_word(rng) for _ in range(words * 2)))[:words]
    path = folder / "glove.txt"
    with path.open("w", encoding="utf-8") as file:
        for word in vocabulary:
            row = " ".join(f"{value:.5f}" for value in numbers.normal(size=size))
            file.write(f"{word} {row}\n")
    return path


def load(reader: str, path: Path, data: Path) -> None:
    """Print the seconds until the vectors are loaded and until the first answer."""
    start = time.perf_counter()
    if reader == "gensim":
        vectors = KeyedVectors.load_word2vec_format(str(path), binary=False, no_header=True)
        loaded = time.perf_counter() - start
        vectors.most_similar(vectors.index_to_key[7], topn=N)
    else:
        words = WordVectors.load(WordsSpec(str(path), data))
        loaded = time.perf_counter() - start
        words.similar(next(iter(words.suggest("a", 1))), N)
    print(f"{loaded} {time.perf_counter() - start}")


def measure_start(reader: str, path: Path, data: Path) -> tuple[float, float]:
    command = [sys.executable, "-m", "bench.words", "--open", reader, str(path), str(data)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - this module
    loaded, answered = map(float, printed.split())
    return loaded, answered


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--words", type=int, default=400_000)
    parser.add_argument("--size", type=int, default=50)
    parser.add_argument("--open", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.open:
        reader, path, data = options.open
        load(reader, Path(path), Path(data))
        return
    with tempfile.TemporaryDirectory() as folder:
        path, data = generate_vectors(Path(folder), options.words, options.size), Path(folder) / "data"
        starts = {
            name: measure_start(name.split(",")[0], path, data)
            for name in ("gensim", "ours, parsing", "ours, kept")
        }
        table = Table(title=f"Seconds to open {options.words:,} x {options.size} from text")
        for heading in ("", "vectors there", "ratio", "first answer and suggestion", "ratio"):
            table.add_column(heading, justify="right" if heading else "left")
        base = starts["gensim"]
        for title, (loaded, answered) in starts.items():
            table.add_row(
                title,
                f"{loaded:.2f}",
                f"{loaded / base[0]:.3f}",
                f"{answered:.2f}",
                f"{answered / base[1]:.3f}",
            )
        Console().print(table)

        words = WordVectors.load(WordsSpec(str(path), data))
        keyed = KeyedVectors.load_word2vec_format(str(path), binary=False, no_header=True)
        questions = random.Random(1).choices(keyed.index_to_key, k=QUESTIONS)
        baseline = timed(lambda word: keyed.most_similar(word, topn=N), questions, time.perf_counter)
        table = Table(title=f"Milliseconds for the {N} nearest of {options.words:,}")
        for heading in ("", "p50", "p99", "ratio of p50"):
            table.add_column(heading, justify="right" if heading else "left")
        base_median = percentile(baseline, 0.5)
        for title, times in (
            ("gensim's most_similar", baseline),
            (
                "/similar: nearest words and their places on a map",
                timed(lambda word: words.similar(word, N), questions, time.perf_counter),
            ),
        ):
            median = percentile(times, 0.5)
            table.add_row(
                title, f"{median:.2f}", f"{percentile(times, 0.99):.2f}", f"{median / base_median:.2f}"
            )
        Console().print(table)


if __name__ == "__main__":
    main()
