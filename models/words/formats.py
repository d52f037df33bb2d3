"""Word vectors on disk: our own folder format, word2vec and GloVe files, and a cache. Pickles are never opened."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Sequence
from gzip import BadGzipFile
from lzma import LZMAError
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast, overload
from zipfile import BadZipFile

import numpy as np
from gensim.models import KeyedVectors
from numpy.typing import NDArray

from models.failures import (
    DamagedWordVectors,
    FolderWithoutWordVectors,
    MismatchedWordVectors,
    NotAMatrix,
    NotUtf8,
    PickledWordVectors,
    RepeatedWord,
    UnreadableFile,
)
from models.files import finding, kept
from models.files.names import path_of
from models.specs import WordsSpec
from models.words import binary_files, rows, text_files, unpacking
from models.words.rows import Floats
from models.words.text_files import BYTE_ORDER_MARK

CACHE_FORMAT = 2
CACHED_FILES = 3
"""Number of parsed files to keep on disk."""
_PICKLE_SUFFIXES = {".model", ".kv", ".pkl", ".pickle"}
_PICKLE = b"\x80"
_VECTOR_SUFFIXES = {".bin", ".bz2", ".gz", ".txt", ".vec", ".xz", ".zip"}
_HEAD = 1 << 16
_MATRIX = 2
"""Number of axes of an array of vectors: words and numbers."""


class Vectors(Protocol):
    """The part of gensim's KeyedVectors that is used here. `vectors` is (words, vector_size).

    `most_similar` with `topn=None` returns the cosine of every word, (words,).
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


class Vocabulary(NamedTuple):
    """Vectors, and additional words whose vectors are all zeros: these have no direction, so nothing is near them."""

    vectors: Vectors
    zeros: tuple[str, ...]


def load(spec: WordsSpec, path: Path, label: str) -> Vocabulary:
    """The vectors of the file or folder at `path`, whose display name is `label`."""
    return read_vocabulary(path) if path.is_dir() else _parsed_once(path, label, spec)


def locate(spec: WordsSpec) -> Path:
    """The file or folder of word vectors; downloads of `gensim.downloader` are found by name."""
    path = finding.locate(spec.items("words")[0])
    return _inside(path) if path.is_dir() else path


def _inside(folder: Path) -> Path:
    """The folder itself if `write_folder` wrote it, otherwise the only vector file in it."""
    if (folder / "vectors.npy").is_file():
        return folder
    files = [file for file in folder.iterdir() if file.suffix in _VECTOR_SUFFIXES and file.is_file()]
    if len(files) != 1:
        raise FolderWithoutWordVectors(folder.name, tuple(sorted(_VECTOR_SUFFIXES)))
    return files[0]


def read_folder(folder: Path) -> Vectors:
    """Only the vectors of `read_vocabulary`."""
    return read_vocabulary(folder).vectors


def read_vocabulary(folder: Path) -> Vocabulary:
    """The vectors in {vectors.npy, words.txt}: a row of numbers and a line with the word, for each word.

    The numbers stay on disk until they are needed. Raises ModelError, or numpy's errors, for invalid files.
    """
    vectors = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
    # Read as bytes: in text mode, characters other than \n would also end a line.
    lines = (folder / "words.txt").read_bytes().removeprefix(BYTE_ORDER_MARK).decode()
    words = lines.removesuffix("\n").split("\n")
    if all(word.endswith("\r") for word in words):
        words = [word[:-1] for word in words]
    if vectors.ndim != _MATRIX or vectors.dtype.kind not in "fiu" or not vectors.shape[1]:
        raise NotAMatrix(folder.name)
    if len(words) != len(vectors):
        raise MismatchedWordVectors(folder.name)
    if len(set(words)) != len(words):
        raise RepeatedWord(folder.name)
    return checked(words, vectors, folder.name)


def write_folder(
    folder: Path, words: Sequence[str], vectors: NDArray[np.floating], zeros: Sequence[str] = ()
) -> None:
    """The counterpart of `read_vocabulary`; nothing is pickled. The vectors of `zeros` come last."""
    if zeros:
        vectors = np.concatenate([vectors, np.zeros((len(zeros), vectors.shape[1]), vectors.dtype)])
    np.save(folder / "vectors.npy", vectors, allow_pickle=False)
    (folder / "words.txt").write_bytes("".join(f"{word}\n" for word in (*words, *zeros)).encode())


def keyed_vectors(words: Sequence[str], vectors: Floats, lengths: Floats | None = None) -> Vectors:
    """A gensim KeyedVectors over an array (words, numbers), which is used without copying.

    `lengths`, (words,), are computed on first use unless given.
    """
    keyed = KeyedVectors(vectors.shape[1])
    keyed.index_to_key = list(words)
    keyed.key_to_index = {word: index for index, word in enumerate(words)}
    keyed.vectors = vectors
    keyed.norms = lengths
    return cast("Vectors", keyed)


def checked(words: Sequence[str], vectors: NDArray[Any], label: str) -> Vocabulary:
    """An array (words, numbers) with its words, all rows checked. Raises NumbersNotFinite for NaN or infinity."""
    found = rows.check(words, vectors, label)
    return Vocabulary(keyed_vectors(found.words, found.vectors, found.lengths), found.zeros)


def _parsed_once(path: Path, label: str, spec: WordsSpec) -> Vocabulary:
    """The vectors of a file, from the cache if it has been parsed before.

    Cached vectors are memory-mapped, so several processes share them and start-up does not wait for them.
    """
    if spec.data_dir is None:
        return _read_file(path, label)
    real = path.resolve()
    status = real.stat()
    key = kept.fingerprint(CACHE_FORMAT, str(real), status.st_size, status.st_mtime_ns)
    folder = path_of(spec.data_dir) / "vectors" / key
    description = f"The vectors of {label}"
    if (found := kept.recall(folder, read_vocabulary, description)) is not None:
        return found
    parsed = _read_file(path, label)
    words, zeros = parsed.vectors.index_to_key, parsed.zeros
    if not any("\n" in word for word in (*words, *zeros)):
        kept.store(
            folder,
            lambda new: write_folder(new, words, parsed.vectors.vectors, zeros),
            description,
            CACHED_FILES,
        )
    return parsed


def _read_file(path: Path, label: str) -> Vocabulary:
    """The vectors of a file, whose format is detected. Raises ModelError if it contains no vectors or is damaged."""
    if path.suffix in _PICKLE_SUFFIXES:
        raise PickledWordVectors(label)
    try:
        with unpacking.unpacked(path, label) as file:
            head = file.read(_HEAD)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise NotUtf8(label)
        if head.startswith(_PICKLE):
            raise PickledWordVectors(label)
        read = binary_files.read if binary_files.is_binary(head) else text_files.read
        with unpacking.unpacked(path, label) as file:
            words, vectors = read(file, label)
    except (EOFError, BadZipFile, BadGzipFile, zlib.error, LZMAError) as error:
        raise DamagedWordVectors(label) from error
    except OSError as error:
        # bzip2 raises a plain OSError; those of the operating system have an errno.
        if error.errno is None:
            raise DamagedWordVectors(label) from error
        raise UnreadableFile(label, error.strerror or type(error).__name__) from error
    return checked(words, vectors, label)
