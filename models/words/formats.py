"""Word vectors on disk: our own folder, the word2vec and GloVe files, and what was parsed before. No pickle is opened."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Protocol, TypeAlias, cast, overload

import numpy as np
from gensim.models import KeyedVectors
from numpy.typing import NDArray

from models.failures import (
    DamagedWordVectors,
    FolderWithoutWordVectors,
    MismatchedWordVectors,
    NotWordVectors,
    PickledWordVectors,
    RepeatedWord,
)
from models.files import finding, kept
from models.files.names import path_of
from models.specs import WordsSpec

CACHE_FORMAT = 2
CACHED_FILES = 3
"""Parsed files that are kept on disk."""
_PICKLE_SUFFIXES = {".model", ".kv", ".pkl", ".pickle"}
_PICKLE_STARTS = (b"\x80", b"PK\x03\x04")
_VECTOR_SUFFIXES = {".bin", ".gz", ".txt", ".vec"}
_MATRIX = 2
"""Axes that an array of vectors has: words and numbers."""

Floats: TypeAlias = NDArray[np.float32]


class Vectors(Protocol):
    """What we use of gensim's KeyedVectors. `vectors` is (words, vector_size).

    `most_similar` with `topn=None` gives the cosine of every word, (words,).
    """

    index_to_key: list[str]
    key_to_index: dict[str, int]
    vectors: Floats
    vector_size: int

    def __len__(self) -> int: ...
    def __contains__(self, key: object, /) -> bool: ...
    def get_vector(self, key: str, norm: bool = False) -> Floats: ...
    def get_mean_vector(self, keys: list[str], weights: list[float]) -> Floats: ...
    def similarity(self, w1: str, w2: str) -> float: ...
    def distances(self, word_or_vector: str, other_words: Sequence[str]) -> Floats: ...
    def rank_by_centrality(self, words: list[str]) -> list[tuple[float, str]]: ...
    @overload
    def most_similar(
        self,
        positive: str | Sequence[str | Floats] | None = None,
        negative: Sequence[str] | None = None,
        topn: int = 10,
    ) -> list[tuple[str, float]]: ...
    @overload
    def most_similar(self, positive: str | Sequence[str | Floats], *, topn: None) -> Floats: ...


def load(spec: WordsSpec, path: Path, label: str) -> Vectors:
    """The vectors of the file or folder at `path`, which people know as `label`."""
    return read_folder(path) if path.is_dir() else _parsed_once(path, label, spec)


def locate(spec: WordsSpec) -> Path:
    """The file or folder of word vectors; what `gensim.downloader` fetched is found by its name."""
    path = finding.locate(spec.items("words")[0])
    return _inside(path) if path.is_dir() else path


def _inside(folder: Path) -> Path:
    """The folder itself, if `write_folder` made it, or the only file of vectors in it."""
    if (folder / "vectors.npy").is_file():
        return folder
    files = [file for file in folder.iterdir() if file.suffix in _VECTOR_SUFFIXES and file.is_file()]
    if len(files) != 1:
        raise FolderWithoutWordVectors(folder.name, tuple(sorted(_VECTOR_SUFFIXES)))
    return files[0]


def read_folder(folder: Path) -> Vectors:
    """The vectors of {vectors.npy, words.txt}: a row of numbers, and a line with its word, for each word.

    The numbers stay on disk until they are needed.
    """
    vectors = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
    # Read as bytes: in text mode, other characters than \n would end a line too.
    words = (folder / "words.txt").read_bytes().decode().removesuffix("\n").split("\n")
    if vectors.ndim != _MATRIX or len(words) != len(vectors):
        raise MismatchedWordVectors(folder.name)
    if vectors.dtype != np.float32:
        vectors = vectors.astype(np.float32)
    keyed = keyed_vectors(words, vectors)
    if len(keyed.key_to_index) != len(words):
        raise RepeatedWord(folder.name)
    return keyed


def write_folder(folder: Path, words: Sequence[str], vectors: Floats) -> None:
    """The counterpart of `read_folder`; nothing in it is pickled."""
    np.save(folder / "vectors.npy", vectors, allow_pickle=False)
    (folder / "words.txt").write_bytes("".join(f"{word}\n" for word in words).encode())


def keyed_vectors(words: Sequence[str], vectors: Floats) -> Vectors:
    """KeyedVectors of gensim over an array (words, numbers) that is used as it is, not copied."""
    keyed = KeyedVectors(vectors.shape[1])
    keyed.index_to_key = list(words)
    keyed.key_to_index = {word: index for index, word in enumerate(words)}
    keyed.vectors = vectors
    return cast("Vectors", keyed)


def _parsed_once(path: Path, label: str, spec: WordsSpec) -> Vectors:
    """The vectors of a file, from the cache if it was parsed before.

    Cached vectors are memory-mapped, so several processes share them and a start does not wait for them.
    """
    if spec.data_dir is None:
        return _read_file(path, label)
    real = path.resolve()
    status = real.stat()
    key = kept.fingerprint(CACHE_FORMAT, str(real), status.st_size, status.st_mtime_ns)
    folder = path_of(spec.data_dir) / "vectors" / key
    description = f"The vectors of {label}"
    if (found := kept.recall(folder, read_folder, description)) is not None:
        return found
    parsed = _read_file(path, label)
    if not any("\n" in word for word in parsed.index_to_key):
        kept.store(
            folder,
            lambda new: write_folder(new, parsed.index_to_key, parsed.vectors),
            description,
            CACHED_FILES,
        )
    return parsed


def _read_file(path: Path, label: str) -> Vectors:
    if path.suffix in _PICKLE_SUFFIXES:
        raise PickledWordVectors(label)
    with _opened(path) as file:
        head = file.read(1 << 16)
    if head.startswith(_PICKLE_STARTS):
        raise PickledWordVectors(label)
    first, _, rest = head.partition(b"\n")
    header = re.fullmatch(rb"\s*(\d+)\s+(\d+)\s*", first)
    binary = header is not None and not _is_row(rest.partition(b"\n")[0], int(header[2]))
    if header is None and not _is_row(first, None):
        raise NotWordVectors(label)
    try:
        if binary:
            keyed = KeyedVectors.load_word2vec_format(str(path), binary=True, unicode_errors="replace")
            # Where words are repeated, gensim counts the announced ones, not those that it took.
            count = len(keyed.key_to_index)
            return keyed_vectors(keyed.index_to_key[:count], keyed.vectors[:count])
        return _read_text(path, *map(int, header.groups())) if header else _read_text(path, 0, 0)
    except (ValueError, EOFError, OSError, zlib.error) as error:
        raise DamagedWordVectors(label) from error


def _read_text(path: Path, announced: int, columns: int) -> Vectors:
    """The word2vec or GloVe text format: a word and its numbers on each line; the first line may say how many.

    gensim's own reader takes five times as long, and fails on entries of GloVe that contain spaces.
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
            word, row = _parse_row(line.replace(b"\t", b" ").strip(b" \r\n"), columns)
            columns = columns or len(row)
            lines += 1
            if word not in words:
                words[word] = None
                numbers += row.tobytes()
    if lines < announced:
        raise EOFError
    return keyed_vectors(list(words), np.frombuffer(numbers, np.float32).reshape(len(words), columns))


def _parse_row(line: bytes, columns: int) -> tuple[str, Floats]:
    """A word and its numbers, `columns` of them unless that is 0; ValueError for any other line."""
    word, _, rest = line.partition(b" ")
    try:
        row = np.fromstring(rest, np.float32, sep=" ")
    except ValueError:
        row = np.empty(0, np.float32)
    if not len(row) or len(row) != (columns or len(row)):
        word, *parts = line.rsplit(b" ", columns)
        row = np.array(parts, np.float32)
    if not len(row) or len(row) != (columns or len(row)):
        raise ValueError(f"{len(row)} numbers instead of {columns}")
    return word.decode("utf-8", "replace"), row


def _is_row(line: bytes, columns: int | None) -> bool:
    """Whether a line is a word and its numbers, spelt out."""
    parts = line.decode("utf-8", "replace").split()
    if not parts[1:] or (columns is not None and len(parts) <= columns):
        return False
    try:
        for part in parts[-columns if columns else 1 :]:
            float(part)
    except ValueError:
        return False
    return True


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path) if path.suffix == ".gz" else path.open("rb"))
