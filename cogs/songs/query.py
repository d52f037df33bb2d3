"""The query behind a list of songs, encoded in the few characters of a custom_id."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from models.service import By

SHOWN = 5
"""Songs in a list, unless another number is asked for."""
PATTERN = (
    r"(?P<asker>\d+):(?P<page>\d+):(?P<n>\d+):(?P<same>[01])(?P<by>[pv]):(?P<people>[\d.]*):"
    r"(?P<like>[\d.]*):(?P<unlike>[\d.]*):(?P<ids>.*)"
)
"""Of `str(SongQuery(...))`. Ids may hold anything, so they stand at the end, and their lengths before them."""


@dataclass(frozen=True, slots=True)
class SongQuery:
    """The query behind a list of songs, and its page: everything a button needs to turn pages."""

    asker: int
    n: int = SHOWN
    page: int = 0
    same_artist: bool = False
    people: tuple[int, ...] = ()
    """Others whose likes count as much as the asker's."""
    like: tuple[str, ...] = ()
    """The ids of the songs that all of them go with; empty for a list from likes."""
    unlike: tuple[str, ...] = ()
    by: By = By.PLAYLISTS

    def __str__(self) -> str:
        people, like, unlike = (
            ".".join(map(str, numbers))
            for numbers in (self.people, map(len, self.like), map(len, self.unlike))
        )
        ids = "".join([*self.like, *self.unlike])
        by = self.by[0]
        return f"{self.asker}:{self.page}:{self.n}:{self.same_artist:d}{by}:{people}:{like}:{unlike}:{ids}"

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        like, unlike = _numbers(match["like"]), _numbers(match["unlike"])
        ids = tuple(_cut(match["ids"], [*like, *unlike]))
        return cls(
            asker=int(match["asker"]),
            n=int(match["n"]),
            page=int(match["page"]),
            same_artist=match["same"] == "1",
            people=tuple(_numbers(match["people"])),
            like=ids[: len(like)],
            unlike=ids[len(like) :],
            by=next(by for by in By if by[0] == match["by"]),
        )

    @property
    def skip(self) -> int:
        """The number of songs on the pages before."""
        return self.page * self.n


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(".") if part]


def _cut(text: str, lengths: Sequence[int]) -> Iterator[str]:
    start = 0
    for length in lengths:
        yield text[start : start + length]
        start += length
