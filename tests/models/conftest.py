"""Tiny models, made once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.models import tiny


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def phi(folders: Path) -> Path:
    return tiny.phi(folders / "phi")


@pytest.fixture(scope="session")
def bert(folders: Path) -> Path:
    return tiny.bert(folders / "bert")


@pytest.fixture(scope="session")
def four(folders: Path) -> dict[str, Path]:
    """A folder with a tokenizer of each kind."""
    made = {
        "bytes": tiny.byte_bpe(),
        "pieces": tiny.wordpiece(),
        "unigrams": tiny.unigram(),
        "fallback": tiny.fallback_bpe(),
    }
    for name, tokenizer in made.items():
        tokenizer.save_pretrained(folders / name)
    return {name: folders / name for name in made}
