"""GGUF, the single-file format of llama.cpp: turned into a folder that transformers reads like any other.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

from pathlib import Path

from models.failures import IncompleteWeights, UnknownArchitecture

SUFFIX = ".gguf"


def convert(file: Path, folder: Path) -> None:
    """Write model and tokenizer of a GGUF file into `folder`: float32 safetensors, config and tokenizer.json.

    Quantised numbers are multiplied out; what was lost when they were quantised stays lost. Raises UnknownArchitecture
    or IncompleteWeights, and whatever transformers raises for a damaged file.
    """
    import torch  # noqa: PLC0415 - finding out that a file is GGUF needs none of these
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint  # noqa: PLC0415

    place = {"gguf_file": file.name, "local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(str(file.parent), **place)
    except ValueError as error:
        raise UnknownArchitecture(file.stem) from error
    tokenizer = AutoTokenizer.from_pretrained(str(file.parent), **place)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    tensors = load_gguf_checkpoint(str(file), return_tensors=True, model_to_load=model)["tensors"]
    tied = model.all_tied_weights_keys if config.tie_word_embeddings else {}
    if missing := sorted(set(model.state_dict()) - set(tensors) - set(tied)):
        raise IncompleteWeights(file.stem, missing[0], len(missing) - 1)
    model.save_pretrained(str(folder), state_dict=tensors)
    tokenizer.save_pretrained(str(folder))
