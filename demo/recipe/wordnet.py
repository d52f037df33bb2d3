"""Reads WordNet 3.0's own files, as Debian's package wordnet-base installs them.

Format: `man 5 wndb`. Only what the recipe needs is kept: lemmas, definitions, examples, relations between
synonym sets, and how often a sense was seen in the tagged corpora (`cntlist.rev`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path("/usr/share/wordnet")

_PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
_SENSE_TYPES = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
_EXAMPLE = re.compile(r'"([^"]+)"(?!\s*-)')
_MARKER = re.compile(r"\((?:a|p|ip)\)$")  # adjective position: "afraid(p)"


class MissingError(Exception):
    """WordNet is not installed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Synset:
    """One set of synonyms. `topic` is its lexicographer file (`man 5 lexnames`). `lemmas` keep their case and use blanks; `counts` go with them, one each.

    `relations` are pairs (pointer symbol, key of the other synset), where a key is (part of speech, offset).
    """

    part: str
    offset: int
    topic: int
    lemmas: tuple[str, ...]
    counts: tuple[int, ...]
    definition: str
    examples: tuple[str, ...]
    relations: tuple[tuple[str, tuple[str, int]], ...]


class WordNet:
    """All synsets by key, and the senses of each lower-case lemma in WordNet's order, commonest first."""

    def __init__(self, folder: Path = FOLDER) -> None:
        if not (folder / "data.noun").is_file():
            raise MissingError(
                f"WordNet is not in {folder}: install Debian's package wordnet-base, or name its folder with --wordnet."
            )
        counts = dict(_counts(folder / "cntlist.rev"))
        self.synsets: dict[tuple[str, int], Synset] = {}
        self.senses: dict[tuple[str, str], list[Synset]] = {}
        for name, part in _PARTS.items():
            for line in _lines(folder / f"data.{name}"):
                synset = _synset(line, part, counts)
                self.synsets[part, synset.offset] = synset
            for line in _lines(folder / f"index.{name}"):
                fields = line.split()
                offsets = [int(field) for field in fields[-int(fields[2]) :]]
                lemma = fields[0].replace("_", " ")
                self.senses[lemma, part] = [self.synsets[part, offset] for offset in offsets]

    def __iter__(self) -> Iterator[Synset]:
        return iter(self.synsets.values())

    def related(self, synset: Synset, *symbols: str) -> Iterator[Synset]:
        """The synsets that one of the pointer symbols leads to: `@` hypernym, `~` hyponym, `!` antonym..."""
        for symbol, key in synset.relations:
            if symbol in symbols:
                yield self.synsets[key]

    def below(self, lemma: str, part: str = "n", sense: int = 0) -> Iterator[Synset]:
        """Every synset under one sense of a lemma, itself included, each once."""
        waiting, seen = [self.senses[lemma, part][sense]], set()
        while waiting:
            synset = waiting.pop()
            if synset.offset in seen:
                continue
            seen.add(synset.offset)
            yield synset
            waiting.extend(self.related(synset, "~", "~i"))


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        yield from (line for line in file if not line.startswith("  "))  # the licence is indented


def _counts(path: Path) -> Iterator[tuple[tuple[str, str, int, int], int]]:
    """((lemma, part, lexicographer file, lexical id), how often the sense was tagged)."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            key, _, count = line.split()
            lemma, sense = key.split("%")
            kind, lexicographer, identity, *_ = sense.split(":")
            yield (lemma, _SENSE_TYPES[kind], int(lexicographer), int(identity)), int(count)


def _synset(line: str, part: str, counts: dict[tuple[str, str, int, int], int]) -> Synset:
    data, gloss = line.rstrip().split(" | ", 1)
    fields = data.split()
    lexicographer, size = int(fields[1]), int(fields[3], 16)
    lemmas, seen = [], []
    for place in range(4, 4 + 2 * size, 2):
        lemma = _MARKER.sub("", fields[place])
        lemmas.append(lemma.replace("_", " "))
        seen.append(counts.get((lemma.lower(), part, lexicographer, int(fields[place + 1], 16)), 0))
    start = 4 + 2 * size + 1
    relations = [
        (fields[place], ("a" if fields[place + 2] == "s" else fields[place + 2], int(fields[place + 1])))
        for place in range(start, start + 4 * int(fields[start - 1]), 4)
    ]
    definition = re.sub(r"\s+", " ", gloss.split('"', 1)[0]).strip(" ;:-")
    return Synset(
        part=part,
        offset=int(fields[0]),
        topic=lexicographer,
        lemmas=tuple(lemmas),
        counts=tuple(seen),
        definition=definition,
        examples=tuple(example.strip(" ;,") for example in _EXAMPLE.findall(gloss)),
        relations=tuple(relations),
    )
