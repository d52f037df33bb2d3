"""A small catalogue with two kinds of music, and its files."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from models.results import Recommendations
from models.specs import SongsSpec

LINES = [
    "0 \tGucci Time (w\\/ Swizz Beatz)\tGucci Mane",
    "1 \tHighway To Hell\tAC\\/DC",
    "2 \tFade To Black\tMetallica",
    "3 \tHalo\tBeyonc\u00e9",
    "4 \tBohemian Rhapsody\tQueen",
    "5 \tDon't Stop Me Now\tQueen",
    "6 \tStart Me Up\tThe Rolling Stones",
    '7 \t"Heroes"\tDavid Bowie',
    "8 \tNA\tNone",
    "9 \tHalo\tDepeche Mode",
    "10 \tQueen\tPerfume Genius",
    "11 \tรักแรกพบ\tTattoo Colour",
    "12 \tNever Played\tNobody",
    "13 \tOne Girl / One Boy\t!!!",
]
TABLE = "\n".join(LINES)
ROCK, POP = ["1", "2", "4", "5", "6"], ["0", "3", "9", "10", "11"]


def playlists(count: int = 60) -> str:
    """Two kinds of playlists that share song 7."""
    chance = random.Random(1)
    lines = [" ".join(chance.sample(kind, 4)) for kind in (ROCK, POP) for _ in range(count)]
    lines += ["7 2 7 5", "7 3", "8 0"]
    return "\n".join(["0 1 2 3 ", "5 5 5 5 ", *lines])


def spec(folder: Path, table: str = TABLE, lists: str | None = None, **parameters: Any) -> SongsSpec:
    (folder / "songs.tsv").write_text(table, encoding="utf-8")
    (folder / "playlists.txt").write_text(playlists() if lists is None else lists, encoding="utf-8")
    settings: dict[str, Any] = {"vector_size": 8, "epochs": 3, "negative": 5}
    return SongsSpec(folder / "songs.tsv", folder / "playlists.txt", **settings | parameters)


def ids(found: Recommendations) -> list[str]:
    return [recommendation.song.id for recommendation in found.songs]
