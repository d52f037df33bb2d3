"""What a list of songs answers, in the few characters of a button."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

SHOWN = 5
"""Songs in a list, unless another number is asked for."""
PATTERN = r"(?P<asker>\d+):(?P<page>\d+):(?P<n>\d+):(?P<same>[01]):(?P<people>[\d.]*):(?P<song>.*)"
"""Of `str(SongQuery(...))`."""


@dataclass(frozen=True, slots=True)
class SongQuery:
    """What a list of songs is an answer to, and which page of it: all that a button needs to turn pages."""

    asker: int
    n: int = SHOWN
    page: int = 0
    same_artist: bool = False
    people: tuple[int, ...] = ()
    """Others whose likes count as much as the asker's."""
    song: str = ""
    """The id of the song that all of them go with; empty for a list from likes."""

    def __str__(self) -> str:
        people = ".".join(map(str, self.people))
        return f"{self.asker}:{self.page}:{self.n}:{self.same_artist:d}:{people}:{self.song}"

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        return cls(
            asker=int(match["asker"]),
            n=int(match["n"]),
            page=int(match["page"]),
            same_artist=match["same"] == "1",
            people=tuple(map(int, filter(None, match["people"].split(".")))),
            song=match["song"],
        )

    @property
    def skip(self) -> int:
        """Songs on the pages before."""
        return self.page * self.n
