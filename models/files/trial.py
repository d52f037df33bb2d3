# ruff: noqa: PLC0415 - each kind of item is tried with what reads it, and most of that takes a second to import
"""Tests whether local files load, as far as that takes only seconds."""

from __future__ import annotations

from models.failures import DamagedFile
from models.files import finding
from models.files.items import Item, Kind
from models.pretrained import reading


def attempt(item: Item) -> None:
    """Read an item's tokenizer, settings and headers of weights. Raises ModelError if something is wrong.

    Word vectors and song files are tested by their own loaders.
    """
    from models.tokenizers.tokenizer import read

    if item.kind is Kind.TOKENIZER:
        read(finding.find(item.name, revision=item.revision, weights=False, slot=item.slot))
    elif item.kind is Kind.MODEL:
        source = finding.find(item.name, revision=item.revision, slot=item.slot)
        with reading(source.label):
            _settings(source)
        _weights(source)
        if item.slot != "encoder" or _has_tokenizer(source):
            read(source)


def _settings(source: finding.Source) -> None:
    from transformers import AutoConfig

    AutoConfig.from_pretrained(
        source.target, revision=source.revision, local_files_only=True, trust_remote_code=False
    )


def _weights(source: finding.Source) -> None:
    """A safetensors header states the file's length, so truncated files are detected."""
    from safetensors import SafetensorError, safe_open

    for file in finding.weight_files(source.folder):
        try:
            with safe_open(file, framework="numpy"):
                pass
        except (SafetensorError, OSError) as error:
            raise DamagedFile(source.label) from error


def _has_tokenizer(source: finding.Source) -> bool:
    """An encoder may have its tokenizer in another repository."""
    return any((source.folder / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json"))
