"""GGUF, the single-file format of llama.cpp: converted to a folder that transformers can read.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from models.failures import IncompleteWeights, LoadFailed, UnknownArchitecture
from models.files import kept

SUFFIX = ".gguf"
ORIGIN = "converted.json"
"""The file in a converted folder that records its source."""
KEPT = 3
"""Number of conversions to keep on disk."""
_FORMAT = 2

log = logging.getLogger(__name__)


def only_file(path: Path) -> Path | None:
    """The GGUF file at a path, or the only model in a folder; None otherwise."""
    if path.is_file():
        return path if path.suffix == SUFFIX else None
    if (path / "config.json").exists():
        return None
    files = list(path.glob(f"*{SUFFIX}"))
    return files[0] if len(files) == 1 else None


def converted(file: Path) -> Path:
    """The converted folder of a file, kept in the hub's cache. Raises ModelError."""
    from huggingface_hub import constants  # noqa: PLC0415 - needed only for GGUF files

    from models.pretrained import reading  # noqa: PLC0415 - avoids a circular import through `finding`

    status = file.stat()
    key = kept.fingerprint(_FORMAT, str(file.resolve()), status.st_size, status.st_mtime_ns)
    folder = Path(constants.HF_HOME) / "tokenwise" / "gguf" / key
    description = f"The conversion of {file.name}"
    if kept.recall(folder, Path, description) is None:
        with reading(file.stem):
            kept.store(folder, lambda new: convert(file, new), description, KEPT)
    if not folder.is_dir():  # there was no room, which has been logged
        raise LoadFailed(file.stem, "OSError")
    return folder


def origin(folder: Path) -> str:
    """The format that a folder was converted from, such as `Q4_1`; "" if it was not converted."""
    try:
        return str(json.loads((folder / ORIGIN).read_text(encoding="utf-8"))["quantization"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def convert(file: Path, folder: Path) -> None:
    """Write the model and tokenizer of a GGUF file to `folder`: float32 safetensors, config and tokenizer.json.

    Quantised numbers are dequantised, without recovering lost precision. Raises UnknownArchitecture or
    IncompleteWeights, and transformers' errors for a damaged file.
    """
    import torch  # noqa: PLC0415 - not needed to detect a GGUF file
    from transformers import (  # noqa: PLC0415
        AutoConfig,
        AutoModelForCausalLM,
        AutoTokenizer,
        modeling_gguf_pytorch_utils,
    )

    from models.pretrained import building, quiet_transformers  # noqa: PLC0415 - as in `converted`

    quiet_transformers()
    # The bar for the tensors ignores the settings of transformers.
    modeling_gguf_pytorch_utils.tqdm = lambda tensors, **_: tensors  # type: ignore[attr-defined]
    place = {"gguf_file": file.name, "local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(str(file.parent), **place)
    except ValueError as error:
        raise UnknownArchitecture(file.stem) from error
    tokenizer = AutoTokenizer.from_pretrained(str(file.parent), **place)
    with building(), torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    checkpoint = modeling_gguf_pytorch_utils.load_gguf_checkpoint(
        str(file), return_tensors=True, model_to_load=model
    )
    tensors = checkpoint["tensors"]
    tied = model.all_tied_weights_keys if config.tie_word_embeddings else {}
    if missing := sorted(set(model.state_dict()) - set(tensors) - set(tied)):
        raise IncompleteWeights(file.stem, missing[0], len(missing) - 1)
    model.save_pretrained(str(folder), state_dict=tensors)
    tokenizer.save_pretrained(str(folder))
    made_from = {"file": file.name, "quantization": _quantization(file)}
    (folder / ORIGIN).write_text(json.dumps(made_from), encoding="utf-8")
    for weights in folder.glob("*.safetensors"):  # the library lets only its own user read them
        weights.chmod((folder / ORIGIN).stat().st_mode)


def _quantization(file: Path) -> str:
    """The format's name for how most of a file's numbers are stored."""
    from gguf import GGUFReader  # noqa: PLC0415 - needed only for the conversion

    numbers: dict[str, int] = {}
    for tensor in GGUFReader(file).tensors:
        kind = tensor.tensor_type.name
        numbers[kind] = numbers.get(kind, 0) + int(tensor.n_elements)
    return max(numbers, key=numbers.__getitem__)
