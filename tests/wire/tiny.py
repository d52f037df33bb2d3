"""Models of every kind, small enough to be created in a second: random weights, real formats."""

from __future__ import annotations

import json
from pathlib import Path

from tests.models import tiny

WORDS = [
    "engineer",
    "technologist",
    "inventor",
    "machinist",
    "king",
    "queen",
    "man",
    "woman",
    "prince",
    "princess",
    "guitar",
    "piano",
    "happy",
    "glad",
]
TITLES = [
    "Alpha",
    "Beta",
    "Gamma",
    "Delta",
    "Epsilon",
    "Zeta",
    "Eta",
    "Theta",
    "Iota",
    "Kappa",
    "Lambda",
    "Mu",
    "Nu",
    "Xi",
    "Omicron",
    "Pi",
]
TEXT = [
    "The engineer builds a machine, and the machine builds another one.",
    "CAPITALIZATION and other stuff; show_tokens False None elif == >= else: two tabs 12.0*50=600",
    "Write an email apologizing to Sarah for the tragic gardening mishap.",
    "Once upon a time a princess played the guitar until the king was glad.",
] * 4

CONFIG = """
[language]
name = "{folder}/phi"
max_new_tokens = 1400
[tokenizers]
names = ["{folder}/phi", "{folder}/bert"]
[encoder]
name = "{folder}/encoder"
[words]
name = "{folder}/words"
[songs]
songs = "{folder}/songs.tsv"
playlists = "{folder}/playlists.txt"
vector_size = 8
epochs = 2
[lanes.language]
workers = 1
[limits]
commands = 1000
drain_seconds = 1
"""


def build(folder: Path) -> Path:
    """Create everything under `folder`; returns the settings file that names it."""
    _language(folder / "phi")
    _wordpiece(folder / "bert")
    tiny.bert(folder / "encoder")
    _words(folder / "words")
    _songs(folder)
    config = folder / "config.toml"
    config.write_text(CONFIG.format(folder=folder.as_posix()), encoding="utf-8")
    return config


def _language(folder: Path) -> None:
    tokenizer = tiny.byte_bpe(tuple(TEXT))
    tiny.phi(
        folder,
        tokenizer=tokenizer,
        vocab_size=len(tokenizer),
        max_position_embeddings=2048,
        eos_token_id=None,  # a random model would end at random
    )


def _wordpiece(folder: Path) -> None:
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertTokenizer

    folder.mkdir()
    pieces = BertWordPieceTokenizer(lowercase=True)
    pieces.train_from_iterator(TEXT, vocab_size=300, show_progress=False)
    pieces.save_model(str(folder))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True}), encoding="utf-8"
    )
    BertTokenizer.from_pretrained(folder).save_pretrained(folder)


def _words(folder: Path) -> None:
    import numpy as np

    folder.mkdir()
    vectors = np.random.default_rng(0).normal(size=(len(WORDS), 16)).astype(np.float32)
    np.save(folder / "vectors.npy", vectors)
    (folder / "words.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")


def _songs(folder: Path) -> None:
    rows = [f"{number}\tSong {title}\tArtist {number % 4}" for number, title in enumerate(TITLES)]
    (folder / "songs.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    count = len(TITLES)
    lists = [" ".join(str((start + step) % count) for step in range(8)) for start in range(count)] * 3
    # The format of the notebook's playlists: two header lines, then one playlist of song ids per line.
    (folder / "playlists.txt").write_text("0\n0\n" + "\n".join(lists) + "\n", encoding="utf-8")
