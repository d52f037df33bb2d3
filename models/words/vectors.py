"""Word vectors: nearest words, sums of words, and a map of the neighbourhood."""

from __future__ import annotations

import gzip
import logging
import re
import shutil
import unicodedata
import zlib
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Self, cast

import numpy as np
from gensim.models import KeyedVectors
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from models.failures import BadInput, ModelError, NotThere, UnknownWord
from models.files import cache, finding, names
from models.pretrained import reading
from models.results import MapPoint, Neighbour, Neighbourhood, OddOne, Pair
from models.specs import Progress, WordsSpec
from models.text import usable_text

log = logging.getLogger(__name__)

MOST = 1000
"""Neighbours that can be asked for at once."""
MOST_WORDS = 32
"""Words that a sum may have."""
FORMAT = 1
KEPT = 3
"""Parsed files that are kept on disk."""
_PICKLE_SUFFIXES = {".model", ".kv", ".pkl", ".pickle"}
_VECTOR_SUFFIXES = {".bin", ".gz", ".txt", ".vec"}
_SIGNS = str.maketrans(
    {
        "\N{MINUS SIGN}": "-",
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{FULLWIDTH PLUS SIGN}": "+",
        "\N{FULLWIDTH HYPHEN-MINUS}": "-",
    }
)
_QUOTES = "\"'`\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
_NOTHING = 1e-6


class WordVectors:
    """A vocabulary with a vector for each word, commonest words first. For one thread at a time."""

    device = "cpu"

    def __init__(self, vectors: Any, name: str) -> None:
        """`vectors` are gensim's KeyedVectors."""
        self._vectors = vectors
        self.name = name
        self.dtype = str(vectors.vectors.dtype)
        self.memory = int(vectors.vectors.nbytes)

    @classmethod
    def load(cls, spec: WordsSpec, progress: Progress | None = None) -> Self:
        """Raises NotThere if there are no such vectors, ModelError if they cannot or must not be read."""
        path = _locate(spec)
        shown = path.name if names.path_of(spec.name) == path else names.label(spec.name)
        if progress:
            progress(f"reading the word vectors {shown}", None)
        with reading(shown, chatty=False):
            vectors = read_folder(path) if path.is_dir() else _parsed_once(path, shown, spec)
        if not len(vectors):
            raise ModelError(f"{shown} holds no words.")
        return cls(vectors, shown)

    def __len__(self) -> int:
        return len(self._vectors)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.resolve(word) is not None

    @property
    def detail(self) -> str:
        return f"{len(self):,} words, {self._vectors.vector_size} numbers each"

    def resolve(self, word: str) -> str | None:
        """The word as the vocabulary spells it: as it is, or in another case, or with its spaces joined."""
        for form in _forms(word):
            if form in self._vectors.key_to_index:
                return form
        return None

    def similar(self, query: str, n: int = 10, *, by_vector: bool = False) -> Neighbourhood:
        """The `n` nearest words by cosine to a word, or to a sum such as `king - man + woman`.

        The words of the question are no answers to it, unless its vector alone is asked about (`by_vector`): then a
        word is its own nearest neighbour, at 1. BadInput says what is wrong with a question,
        UnknownWord also what may have been meant. `n` is cut to what there is, `MOST` at most.
        """
        if n < 1:
            raise BadInput("Ask for at least one neighbour.")
        positive, negative = self._parse(usable_text(query))
        asked = [*positive, *negative]
        if not by_vector and not len(self) > len(set(asked)):
            raise BadInput("There are no other words to compare with.")
        mean = self._vectors.get_mean_vector(
            positive + negative, [1.0] * len(positive) + [-1.0] * len(negative)
        )
        if float(np.linalg.norm(mean)) < _NOTHING:
            raise BadInput(
                "These words cancel each other out, so nothing is left to compare. Change one of them."
            )
        sides = {"positive": [mean]} if by_vector else {"positive": positive, "negative": negative}
        found: list[tuple[str, float]] = self._vectors.most_similar(**sides, topn=min(n, MOST))
        neighbours = tuple(Neighbour(word, max(-1.0, min(1.0, float(score)))) for word, score in found)
        points, explained = self._map(list(dict.fromkeys(asked)), [it.word for it in neighbours])
        return Neighbourhood(
            self.name, query, tuple(positive), tuple(negative), neighbours, points, explained, by_vector
        )

    def ask(self, query: str, n: int = 10, *, by_vector: bool = False) -> Neighbourhood | Pair | OddOne:
        """What a question means: a word or a sum (`similar`), two words with a comma between them (`pair`), or several
        (`odd_one_out`).
        """
        parts = self._listed(usable_text(query))
        if len(parts) < 2:  # noqa: PLR2004 - one word is no list
            return self.similar(query, n, by_vector=by_vector)
        if any(sign in part.split() for part in parts for sign in "+-"):
            raise BadInput("Write either a sum, as in king - man + woman, or words with commas between them.")
        return self.pair(*parts) if len(parts) == 2 else self.odd_one_out(parts)  # noqa: PLR2004

    def pair(self, first: str, second: str) -> Pair:
        """How alike two words are, and how near that is among all words. UnknownWord says what may have been meant."""
        one, other = (self._known(_unquoted(word.strip())) for word in (first, second))
        return Pair(
            self.name,
            one,
            other,
            max(-1.0, min(1.0, float(self._vectors.similarity(one, other)))),
            self._rank(one, other),
            self._rank(other, one),
            len(self),
        )

    def odd_one_out(self, words: Sequence[str]) -> OddOne:
        """Which of three words or more fits least: its vector is furthest from the mean of all, as in gensim's
        `doesnt_match`. BadInput for fewer, UnknownWord for a word that is not there.
        """
        known = list(dict.fromkeys(self._known(_unquoted(word.strip())) for word in words))
        if not 3 <= len(known) <= MOST_WORDS:  # noqa: PLR2004
            raise BadInput(f"Name 3 to {MOST_WORDS} different words, with commas between them.")
        ranked = self._vectors.rank_by_centrality(known)
        points, explained = self._map(known, [])
        cosines = tuple(Neighbour(word, max(-1.0, min(1.0, float(score)))) for score, word in ranked)
        return OddOne(self.name, cosines, points, explained)

    def _listed(self, query: str) -> list[str]:
        """The words between commas; the whole question if it is itself in the vocabulary, which may hold commas."""
        if self.resolve(_unquoted(query.strip())):
            return [query]
        parts = [part for part in (it.strip() for it in re.split("[,\N{FULLWIDTH COMMA}]", query)) if part]
        return parts or [query]

    def _rank(self, word: str, other: str) -> int:
        """Which neighbour, from 1, `other` is of `word`; 0 for the word itself."""
        if word == other:
            return 0
        near = self._vectors.most_similar(positive=word, topn=None)
        place = self._vectors.key_to_index
        near[place[word]] = -np.inf
        return 1 + int((near > near[place[other]]).sum())

    def suggest(self, typed: str, limit: int = 25) -> list[str]:
        """Words for what somebody typed so far: those that begin so, commonest first, then those like it."""
        folded = fold(typed)
        if not folded or limit < 1:
            return []
        found = self._index.prefix(folded, limit)
        if len(found) < limit:
            found += [word for word in self._index.like(folded, limit) if word not in found]
        return found[:limit]

    def probe(self) -> None:
        first = self._vectors.index_to_key[0]
        if not np.isfinite(self._vectors.get_vector(first)).all():
            raise ModelError(f"{self.name} holds numbers that are not finite.")
        if len(self) > 1:
            self._vectors.most_similar(positive=first, topn=1)

    @cached_property
    def _index(self) -> _Index:
        return _Index(self._vectors.index_to_key)

    def _known(self, word: str) -> str:
        if (found := self.resolve(word)) is None:
            raise UnknownWord(word, tuple(self._index.like(fold(word), 3)))
        return found

    def _parse(self, query: str) -> tuple[list[str], list[str]]:
        """The words to add and the words to subtract, as the vocabulary spells them."""
        if whole := self.resolve(_unquoted(query.strip())):
            return [whole], []
        sides: dict[str, list[str]] = {"+": [], "-": []}
        sign, words = "+", ""
        for part in [*self._parts(query), "+"]:
            if part not in sides:
                words = f"{words} {part}".strip()
                continue
            if words:
                sides[sign].append(self._term(words))
            elif any(sides.values()) or sign == "-":
                raise BadInput("A word is missing beside a sign. Write it like this: king - man + woman.")
            sign, words = part, ""
        if not any(sides.values()):
            raise BadInput("Write a word, for example engineer, or a sum such as king - man + woman.")
        if sum(map(len, sides.values())) > MOST_WORDS:
            raise BadInput(f"A sum may have at most {MOST_WORDS} words.")
        return sides["+"], sides["-"]

    def _term(self, words: str) -> str:
        """A word, or several that the vocabulary joins into one (new york: new_york)."""
        if " " not in words or (joined := self.resolve(words)):
            return self._known(words) if " " not in words else cast("str", joined)
        for word in words.split():
            self._known(word)
        raise BadInput(f"“{words}” is more than one word. Put + or - between them, as in king - man + woman.")

    def _parts(self, query: str) -> list[str]:
        """Words and signs. A sign inside a chunk of letters counts where the chunk is no word by itself."""
        parts: list[str] = []
        for chunk in query.translate(_SIGNS).split():
            if chunk in {"+", "-"} or self.resolve(_unquoted(chunk)):
                parts.append(_unquoted(chunk))
            else:
                parts += self._split(chunk)
        return parts

    def _split(self, chunk: str) -> list[str]:
        """`king-man+woman` in pieces, each as long as the vocabulary allows: `rock-and-roll+jazz` is two."""
        pieces = [_unquoted(piece) for piece in re.split(r"([+-])", chunk)]
        parts: list[str] = []
        start = 0
        while start < len(pieces):
            ends = range(len(pieces), start + 1, -1)
            known = (end for end in ends if self.resolve("".join(pieces[start:end])))
            end = next(known, start + 1)
            parts.append("".join(pieces[start:end]))
            start = end
        parts = [part for part in parts if part]
        words = [part for part in parts if part not in {"+", "-"}]
        # A hyphenated word that is not known is still one word, unless its parts all are.
        inner = parts[1:] if parts and parts[0] in {"+", "-"} else parts
        if "+" not in inner and not all(self.resolve(word) for word in words):
            return [*parts[: len(parts) - len(inner)], "".join(inner)] if inner else parts
        return parts

    def _map(self, asked: list[str], others: list[str]) -> tuple[tuple[MapPoint, ...], float]:
        """Places on the two principal axes of the words' directions, and the share of variance kept."""
        words = asked + [word for word in others if word not in asked]
        rows = np.stack([self._vectors.get_vector(word, norm=True) for word in words]).astype(np.float64)
        rows -= rows.mean(axis=0)
        _, lengths, axes = np.linalg.svd(rows, full_matrices=False)
        places = np.zeros((len(words), 2))
        for number, axis in enumerate(axes[:2]):
            # An axis has no direction by itself; without a rule the map would be mirrored at times.
            sign = 1.0 if axis[np.abs(axis).argmax()] >= 0 else -1.0
            places[:, number] = rows @ axis * sign
        spread = float((lengths**2).sum())
        explained = float((lengths[:2] ** 2).sum()) / spread if spread > 0 else 0.0
        points = tuple(
            MapPoint(word, float(x), float(y), word in asked)
            for word, (x, y) in zip(words, places, strict=True)
        )
        return points, min(1.0, explained)


class _Index:
    """Words by their beginnings and by likeness, commonest first. Words come commonest first."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        # Most words are folded already, and need not be kept twice.
        self._folded = [word if (folded := fold(word)) == word else folded for word in words]
        self._order = np.array(sorted(range(len(words)), key=self._folded.__getitem__), dtype=np.int64)
        self._sorted = [self._folded[place] for place in self._order]
        self._by_length: dict[int, tuple[list[str], list[int]]] = {}
        for place, word in enumerate(self._folded):
            texts, places = self._by_length.setdefault(len(word), ([], []))
            texts.append(word)
            places.append(place)

    def prefix(self, folded: str, limit: int) -> list[str]:
        start = bisect_left(self._sorted, folded)
        end = bisect_left(self._sorted, folded + "\U0010ffff")
        found = self._order[start:end]
        if len(found) > limit:
            found = np.partition(found, limit)[:limit]
        return [self._words[place] for place in np.sort(found)]

    def like(self, folded: str, limit: int) -> list[str]:
        """Words at most a third of whose letters (rounded up) would have to change, the fewest changes first."""
        # With every letter changed it would be another word.
        most = min(3, (len(folded) + 2) // 3, len(folded) - 1)
        found: list[tuple[int, int]] = []
        for length in range(max(1, len(folded) - most), len(folded) + most + 1):
            words, places = self._by_length.get(length, ([], []))
            matches = process.extract(
                folded, words, scorer=OSA.distance, processor=None, score_cutoff=most, limit=limit
            )
            found += [(int(distance), places[at]) for _, distance, at in matches]
        return [self._words[place] for _, place in sorted(found)[:limit]]


def fold(word: str) -> str:
    """A word without the differences that people do not type: case, compatibility forms, outer blanks."""
    return unicodedata.normalize("NFKC", word).casefold().strip()


def read_folder(folder: Path) -> Any:
    """KeyedVectors from {vectors.npy, words.txt}: a row of numbers and a line with its word for each.

    The numbers stay on disk until they are asked for.
    """
    vectors = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
    # Read as bytes: in text that is opened as such, other characters than \n end a line too.
    words = (folder / "words.txt").read_bytes().decode().removesuffix("\n").split("\n")
    if vectors.ndim != 2 or len(words) != len(vectors):  # noqa: PLR2004
        raise ModelError(f"The words and vectors of {folder.name} do not belong together.")
    if vectors.dtype != np.float32:
        vectors = vectors.astype(np.float32)
    found = keyed(words, vectors)
    if len(found.key_to_index) != len(words):
        raise ModelError(f"The words of {folder.name} do not belong together: one is there twice.")
    return found


def write_folder(folder: Path, words: Sequence[str], vectors: NDArray[np.float32]) -> None:
    """The counterpart of `read_folder`; nothing in it is pickled."""
    np.save(folder / "vectors.npy", vectors, allow_pickle=False)
    (folder / "words.txt").write_bytes("".join(f"{word}\n" for word in words).encode())


def keyed(words: Sequence[str], vectors: NDArray[np.float32]) -> Any:
    """KeyedVectors of gensim over an array that is used as it is, not copied."""
    found = KeyedVectors(vectors.shape[1])
    found.index_to_key = list(words)
    found.key_to_index = {word: place for place, word in enumerate(words)}
    found.vectors = vectors
    return found


def _forms(word: str) -> list[str]:
    forms: list[str] = []
    for spaced in dict.fromkeys((word, unicodedata.normalize("NFC", word), fold(word))):
        for one in (spaced, spaced.lower(), spaced.capitalize(), spaced.title(), spaced.upper()):
            if " " not in one:
                forms.append(one)
                continue
            parts = one.split()
            forms += [one, "_".join(parts), "-".join(parts), "".join(parts)]
    return list(dict.fromkeys(forms))


def _unquoted(word: str) -> str:
    if len(word) > 2 and word[0] in _QUOTES and word[-1] in _QUOTES:  # noqa: PLR2004
        return word[1:-1]
    return word


def _locate(spec: WordsSpec) -> Path:
    """The file or folder of word vectors; what `gensim.downloader` fetched is found by its name."""
    path = finding.locate(spec.items("words")[0])
    return _inside(path) if path.is_dir() else path


def _inside(folder: Path) -> Path:
    """The folder itself, if it is one of `write_folder`, or the one file of vectors in it."""
    if (folder / "vectors.npy").is_file():
        return folder
    files = [file for file in folder.iterdir() if file.suffix in _VECTOR_SUFFIXES and file.is_file()]
    if len(files) != 1:
        raise NotThere(
            f"The folder {folder.name} must hold vectors.npy and words.txt, or one file of word vectors "
            f"({', '.join(sorted(_VECTOR_SUFFIXES))})."
        )
    return files[0]


def _parsed_once(path: Path, shown: str, spec: WordsSpec) -> Any:
    """The vectors of a file, from where they were kept when it was read for the first time.

    What is kept is opened by memory-mapping, so several processes share it and a start does not wait for it.
    """
    if spec.data_dir is None:
        return _read_file(path, shown)
    real = path.resolve()
    facts = real.stat()
    folder = (
        names.path_of(spec.data_dir)
        / "vectors"
        / cache.fingerprint(FORMAT, str(real), facts.st_size, facts.st_mtime_ns)
    )
    if folder.is_dir():
        try:
            return read_folder(folder)
        except (ModelError, OSError, ValueError):
            log.warning("The word vectors that were kept are damaged on disk; reading %s anew.", shown)
            shutil.rmtree(folder, ignore_errors=True)
    found = _read_file(path, shown)
    if not any("\n" in word for word in found.index_to_key):
        cache.store(
            folder,
            lambda new: write_folder(new, found.index_to_key, found.vectors),
            f"The vectors of {shown}",
            KEPT,
        )
    return found


def _read_file(path: Path, shown: str) -> Any:
    if path.suffix in _PICKLE_SUFFIXES:
        raise _pickled(shown)
    with _opened(path) as file:
        head = file.read(1 << 16)
    if head.startswith((b"\x80", b"PK\x03\x04")):
        raise _pickled(shown)
    first, _, rest = head.partition(b"\n")
    header = re.fullmatch(rb"\s*(\d+)\s+(\d+)\s*", first)
    binary = header is not None and not _is_row(rest.partition(b"\n")[0], int(header[2]))
    if header is None and not _is_row(first, None):
        raise ModelError(f"{shown} holds no word vectors that I can read.")
    try:
        if binary:
            found = KeyedVectors.load_word2vec_format(str(path), binary=True, unicode_errors="replace")
            # Where words are repeated gensim counts the announced ones, not those it took.
            count = len(found.key_to_index)
            return keyed(found.index_to_key[:count], found.vectors[:count])
        return _read_text(path, *map(int, header.groups())) if header else _read_text(path, 0, 0)
    except (ValueError, EOFError, OSError, zlib.error) as error:
        raise ModelError(f"{shown} is damaged, or no file of word vectors.") from error


def _read_text(path: Path, announced: int, columns: int) -> Any:
    """The word2vec or GloVe text format: a word and its numbers on each line; a first line may say how many.

    gensim's own reader takes five times as long, and stumbles over entries of GloVe that hold blanks.
    """
    words: dict[str, None] = {}
    numbers = bytearray()
    lines = 0
    with _opened(path) as file:
        if announced:
            file.readline()
        for line in file:
            if not line.strip():
                continue
            word, row = _row(line.replace(b"\t", b" ").strip(b" \r\n"), columns)
            columns = columns or len(row)
            lines += 1
            if word not in words:
                words[word] = None
                numbers += row.tobytes()
    if lines < announced:
        raise EOFError
    return keyed(list(words), np.frombuffer(numbers, np.float32).reshape(len(words), columns))


def _row(line: bytes, columns: int) -> tuple[str, NDArray[np.float32]]:
    """A word and its numbers, `columns` of them if that is known; ValueError if it is not so."""
    word, _, rest = line.partition(b" ")
    try:
        row = np.fromstring(rest, np.float32, sep=" ")
    except ValueError:
        row = np.empty(0, np.float32)
    if not len(row) or len(row) != (columns or len(row)):
        word, *parts = line.rsplit(b" ", columns)
        row = np.array(parts, np.float32)
    if not len(row) or len(row) != (columns or len(row)):
        raise ValueError(f"{len(row)} numbers where {columns} should be")
    return word.decode("utf-8", "replace"), row


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path) if path.suffix == ".gz" else path.open("rb"))


def _is_row(line: bytes, columns: int | None) -> bool:
    """Whether a line is a word and its numbers, spelt out."""
    parts = line.decode("utf-8", "replace").split()
    if len(parts) < 2 or (columns is not None and len(parts) < columns + 1):  # noqa: PLR2004
        return False
    try:
        for part in parts[-columns if columns else 1 :]:
            float(part)
    except ValueError:
        return False
    return True


def _pickled(shown: str) -> ModelError:
    return ModelError(
        f"{shown} is gensim's own save, a pickle, which can run code when it is opened. Save it with "
        "save_word2vec_format instead."
    )
