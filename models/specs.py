"""What to load: plain values that settings files and notebooks can both write down."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from typing import Literal, TypeAlias

Progress: TypeAlias = Callable[[str, float | None], None]
"""Called with what is being done and, where it is known, the share done in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a model is loaded from, by the name that the settings give it.

    `kind` says what may be downloaded under that name if it is not a local path: a repository of the hub with a
    "model" or only a "tokenizer"; a "file" by its address; or "vectors" of words from any of these or from gensim.
    """

    name: str
    kind: Literal["model", "tokenizer", "vectors", "file"]
    revision: str | None = None
    data_dir: str | PathLike[str] | None = None


class Spec(ABC):
    """Base of the specs. Each is a frozen dataclass."""

    __slots__ = ()

    @abstractmethod
    def needs(self) -> tuple[Need, ...]:
        """What must be on this machine for the model to load; the first is what the model is named after."""


@dataclass(frozen=True, slots=True)
class LanguageSpec(Spec):
    """A causal language model: hub name, or local folder as a path or file:// address.

    `device` is "auto" or what torch calls it ("cpu", "cuda", "cuda:1", "mps"); `dtype` is "auto",
    "float32", "bfloat16" or "float16". See `models.loading.choose` for what "auto" means. `batch`, `kv_tokens` and
    `together` are those of `models.engine.Engine`; `int8` keeps the weights as bytes, for bfloat16 on a CPU.
    """

    name: str
    device: str = "auto"
    dtype: str = "auto"
    revision: str | None = None
    batch: int = 8
    kv_tokens: int = 16_384
    together: bool = True
    int8: bool = False

    def needs(self) -> tuple[Need, ...]:
        return (Need(self.name, "model", self.revision),)


@dataclass(frozen=True, slots=True)
class TokenizersSpec(Spec):
    """Tokenizers to compare, each a hub name or a local folder."""

    names: tuple[str, ...]

    def needs(self) -> tuple[Need, ...]:
        return tuple(Need(name, "tokenizer") for name in self.names)


@dataclass(frozen=True, slots=True)
class EncoderSpec(Spec):
    """A contextual encoder. An empty `tokenizer` means the model's own, which is nearly always right."""

    name: str
    tokenizer: str = ""
    device: str = "auto"
    dtype: str = "auto"
    revision: str | None = None

    def needs(self) -> tuple[Need, ...]:
        model = Need(self.name, "model", self.revision)
        own = self.tokenizer in ("", self.name)
        return (model,) if own else (model, Need(self.tokenizer, "tokenizer"))


@dataclass(frozen=True, slots=True)
class WordsSpec(Spec):
    """Word vectors: a folder {vectors.npy, words.txt}, a word2vec or GloVe file, a folder with one, or a gensim-data name.

    The name may also be the https:// address of such a file or a repository of the hub; what is downloaded lies
    under `data_dir`.
    """

    name: str
    data_dir: str | PathLike[str] | None = None

    def needs(self) -> tuple[Need, ...]:
        return (Need(self.name, "vectors", data_dir=self.data_dir),)


@dataclass(frozen=True, slots=True)
class SongsSpec(Spec):
    """A song table, playlists, and the parameters of the `Word2Vec` that is trained on them.

    `tags` has a line of tag ids for each line of the table, `tag_names` a line `id, tag` for each tag. With
    one worker the training gives the same numbers every time. What was trained is kept under `cache`, if there
    is one, and trained anew when a file or a parameter changes. Each file may be an https:// address; what is
    downloaded lies under `data_dir`.
    """

    songs: str | PathLike[str]
    playlists: str | PathLike[str]
    tags: str | PathLike[str] | None = None
    tag_names: str | PathLike[str] | None = None
    vector_size: int = 32
    window: int = 20
    negative: int = 50
    min_count: int = 1
    epochs: int = 5
    seed: int = 1
    workers: int = 1
    cache: str | PathLike[str] | None = None
    data_dir: str | PathLike[str] | None = None

    def needs(self) -> tuple[Need, ...]:
        files = (self.songs, self.playlists, self.tags, self.tag_names)
        return tuple(Need(os.fspath(file), "file", data_dir=self.data_dir) for file in files if file)
