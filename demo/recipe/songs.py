"""Real songs with synthetic playlists, in the format of the notebook's files.

Titles, artists and years are facts and stand in `catalogue.tsv`; nobody ever listened to these playlists. A
playlist has a mood, that is a mixture of one to three neighbouring genres and an era, from which songs are
drawn by popularity, and a few strays.
"""

from __future__ import annotations

import csv
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

CATALOGUE = Path(__file__).with_name("catalogue.tsv")
PLAYLISTS = 2000

# Whose listeners also hear whom: a playlist crosses over along these lines.
_NEIGHBOURS = {
    "sixties rock": ("classic rock", "folk", "soul"),
    "soul": ("disco and funk", "sixties rock", "jazz and standards"),
    "folk": ("sixties rock", "country", "classic rock"),
    "classic rock": ("hard rock and metal", "sixties rock", "folk"),
    "disco and funk": ("soul", "eighties pop", "electronic"),
    "reggae": ("soul", "disco and funk", "folk"),
    "eighties pop": ("disco and funk", "electronic", "nineties pop and R&B"),
    "hard rock and metal": ("classic rock", "nineties alternative"),
    "nineties alternative": ("indie rock", "hard rock and metal"),
    "nineties hip hop": ("two-thousands hip hop", "nineties pop and R&B"),
    "nineties pop and R&B": ("two-thousands pop and R&B", "eighties pop"),
    "electronic": ("eighties pop", "indie rock"),
    "indie rock": ("nineties alternative", "electronic"),
    "two-thousands pop and R&B": ("twenty-tens pop", "nineties pop and R&B", "two-thousands hip hop"),
    "two-thousands hip hop": ("twenty-tens hip hop", "nineties hip hop", "two-thousands pop and R&B"),
    "twenty-tens pop": ("two-thousands pop and R&B", "twenty-tens hip hop"),
    "twenty-tens hip hop": ("two-thousands hip hop", "twenty-tens pop"),
    "country": ("folk", "classic rock"),
    "jazz and standards": ("soul", "folk"),
}
_SHORTEST, _LONGEST = 8, 36
_CROSSING = 0.45
_STRAYS = 0.06
_ERA_YEARS = 8.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One song of the catalogue. `id` is its row, as text."""

    id: str
    title: str
    artist: str
    genre: str
    year: int


def catalogue(path: Path = CATALOGUE) -> list[Entry]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            Entry(str(number), row["title"], row["artist"], row["genre"], int(row["year"]))
            for number, row in enumerate(rows)
        ]


def playlists(entries: list[Entry], count: int = PLAYLISTS, seed: int = 1) -> list[list[str]]:
    """`count` lists of 8 to 36 song ids. Every song is in at least two of them."""
    chance = random.Random(seed)
    by_genre: dict[str, list[Entry]] = {}
    for entry in entries:
        by_genre.setdefault(entry.genre, []).append(entry)
    genres = sorted(by_genre)
    popularity = {entry.id: chance.paretovariate(1.2) for entry in entries}
    made = [_playlist(chance.choice(genres), by_genre, entries, popularity, chance) for _ in range(count)]
    plays = Counter(song for playlist in made for song in playlist)
    for entry in entries:  # the least popular songs would otherwise be unknown to Word2Vec
        if plays[entry.id] < 2:  # once tells nothing about company
            for _ in range(2):
                made[chance.randrange(count)] = _playlist(
                    entry.genre, by_genre, entries, popularity, chance, first=entry
                )
    return made


def make(target: Path, seed: int = 1) -> None:
    """Writes `songs.tsv`, `genres.tsv` and `playlists.txt` (two header lines: the ids, and how often each is in)."""
    entries = catalogue()
    lists = playlists(entries, seed=seed)
    target.mkdir(parents=True, exist_ok=True)
    plays = Counter(song for playlist in lists for song in playlist)
    songs = "".join(f"{entry.id}\t{entry.title}\t{entry.artist}\n" for entry in entries)
    genres = "".join(f"{entry.id}\t{entry.genre}\t{entry.year}\n" for entry in entries)
    header = [" ".join(entry.id for entry in entries), " ".join(str(plays[entry.id]) for entry in entries)]
    lines = header + [" ".join(playlist) for playlist in lists]
    (target / "songs.tsv").write_text(songs, encoding="utf-8")
    (target / "genres.tsv").write_text(genres, encoding="utf-8")
    (target / "playlists.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"songs: {len(entries)} songs, {len(lists)} playlists, {sum(plays.values()):,} plays", flush=True)


def _playlist(
    genre: str,
    by_genre: dict[str, list[Entry]],
    entries: list[Entry],
    popularity: dict[str, float],
    chance: random.Random,
    first: Entry | None = None,
) -> list[str]:
    mood = {genre: 1.0}
    for neighbour in _NEIGHBOURS[genre]:
        if chance.random() < _CROSSING:
            mood[neighbour] = chance.uniform(0.2, 0.8)
    era = (first or chance.choice(by_genre[genre])).year
    songs = [entry for name in mood for entry in by_genre[name]]
    favourites = {entry.artist for entry in chance.sample(songs, 3)}
    weights = [
        mood[entry.genre]
        * popularity[entry.id] ** 0.6
        * (3.0 if entry.artist in favourites else 1.0)
        / (1 + ((entry.year - era) / _ERA_YEARS) ** 2)
        for entry in songs
    ]
    chosen = {first.id: None} if first else {}  # a dict keeps the order in which songs came
    wanted = chance.randint(_SHORTEST, min(_LONGEST, len(songs)))
    while len(chosen) < wanted:
        stray = chance.random() < _STRAYS
        entry = chance.choice(entries) if stray else chance.choices(songs, weights)[0]
        chosen[entry.id] = None
    return list(chosen)
