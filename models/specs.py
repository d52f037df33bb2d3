"""Specs of models to load: plain values for settings files and notebooks.

A spec knows the files it needs, its label and its size, so a new kind of model is a new class here and needs no
special cases elsewhere.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Self

from models.files import items
from models.files.items import Item, Kind
from models.files.names import catalogue_label, label


class Spec(ABC):
    """The spec of one slot's model."""

    __slots__ = ()

    @property
    @abstractmethod
    def label(self) -> str:
        """The slot's display name before its model is loaded."""

    @abstractmethod
    def items(self, slot: str) -> list[Item]:
        """What must be on this machine, in the order of the settings."""

    def weight(self) -> tuple[str, int] | None:
        """The device, and the size of the weights there in bytes; None if unknown before loading.

        Raises ModelError if the model is not on this machine or cannot be loaded.
        """
        return None


class PretrainedSpec(Spec):
    """The spec of a transformers model, from a repository with revisions or from a folder."""

    __slots__ = ()

    name: str
    device: str
    dtype: str
    revision: str | None

    @property
    def label(self) -> str:
        return label(self.name)

    def items(self, slot: str) -> list[Item]:
        return [items.repository(slot, self.name, Kind.MODEL, self.revision)]

    def weight(self) -> tuple[str, int]:
        from models import pretrained  # noqa: PLC0415 - it reads weights, which most users of a spec do not

        return pretrained.weight(self.name, self.revision, self.device, self.dtype)

    @abstractmethod
    def revised(self, revision: str) -> Self:
        """The same model in another revision of its repository."""


@dataclass(frozen=True, slots=True)
class LanguageSpec(PretrainedSpec):
    """A causal language model: hub name, or local folder as a path or file:// address.

    `device` is "auto" or what torch calls it ("cpu", "cuda", "cuda:1", "mps"); `dtype` is "auto",
    "float32", "bfloat16" or "float16". See `models.pretrained.choose` for what "auto" means. `batch`, `kv_tokens`,
    `together` and `tokens_per_second` are those of `models.language.engine.Engine`; `int8` keeps the weights as bytes,
    on a CPU; `runtime` is "torch", "compiled" or "auto" (see `models.language.runtimes`); and `cache` is the folder for
    what was measured of the processor (None: it is measured at each load).
    """

    name: str
    device: str = "auto"
    dtype: str = "auto"
    revision: str | None = None
    batch: int = 8
    kv_tokens: int = 16_384
    together: bool = True
    int8: bool = False
    runtime: str = "auto"
    tokens_per_second: int = 0
    cache: str | PathLike[str] | None = field(default=None, compare=False)

    def revised(self, revision: str) -> Self:
        return replace(self, revision=revision)


@dataclass(frozen=True, slots=True)
class TokenizersSpec(Spec):
    """Tokenizers to compare, each a hub name or a local folder."""

    names: tuple[str, ...]

    @property
    def label(self) -> str:
        return ", ".join(map(label, self.names))

    def items(self, slot: str) -> list[Item]:
        return [items.repository(slot, name, Kind.TOKENIZER) for name in self.names]


@dataclass(frozen=True, slots=True)
class EncoderSpec(PretrainedSpec):
    """A contextual encoder. An empty `tokenizer` means the model's own, which is nearly always right."""

    name: str
    tokenizer: str = ""
    device: str = "auto"
    dtype: str = "auto"
    revision: str | None = None

    def items(self, slot: str) -> list[Item]:
        needed = PretrainedSpec.items(self, slot)
        if self.tokenizer not in {"", self.name}:
            needed.append(items.repository(slot, self.tokenizer, Kind.TOKENIZER))
        return needed

    def revised(self, revision: str) -> Self:
        return replace(self, revision=revision)


@dataclass(frozen=True, slots=True)
class WordsSpec(Spec):
    """Word vectors: a folder {vectors.npy, words.txt}, a word2vec or GloVe file, a folder with one, or a gensim-data name.

    The name may also be the https:// address of such a file or a repository of the hub; what is downloaded lies
    under `data_dir`.
    """

    name: str
    data_dir: str | PathLike[str] | None = None

    @property
    def label(self) -> str:
        return label(self.name)

    def items(self, slot: str) -> list[Item]:
        return [items.word_vectors(slot, self.name, self.data_dir)]


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns of a table, as its header has them; "" for those that go by a usual name.

    `list` is who or what the items of a list have in common (a person, a playlist, a session), `by` who made an item.
    """

    list: str = ""
    item: str = ""
    rating: str = ""
    time: str = ""
    title: str = ""
    by: str = ""
    tags: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the files of a catalogue do not say of themselves. Ratings below `min_rating` do not count (None: below four
    fifths of the highest); `encoding` is how bytes become text ("": as they look).
    """

    columns: Columns = field(default_factory=Columns)
    min_rating: float | None = None
    encoding: str = ""


@dataclass(frozen=True, slots=True)
class SongsSpec(Spec):
    """A song table, playlists, and the parameters of the `Word2Vec` that is trained on them.

    `tags` has a line of tag ids for each line of the table, `tag_names` a line `id, tag` for each tag. With
    one worker the training gives the same numbers every time. What was trained is kept under `cache`, if there
    is one, and trained again when a file or a parameter changes. Each file may be an https:// address; what is
    downloaded lies under `data_dir`. A file may also be a folder or an archive; `models.songs.layouts` has the
    layouts that are read, and `layout` what they leave open. If one of `songs` and `playlists` is empty, the other
    holds both.
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
    layout: Layout = field(default_factory=Layout)

    @property
    def label(self) -> str:
        if self.songs and self.playlists:
            return catalogue_label(self.songs)
        return label(os.fspath(self.songs or self.playlists))

    def items(self, slot: str) -> list[Item]:
        files = (self.songs, self.playlists, self.tags, self.tag_names)
        return [items.file(slot, file, self.data_dir) for file in files if file]
