"""llama.cpp through llama-cpp-python: all prompts in one batch, then one token of each per step."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import gguf
import llama_cpp
import numpy as np
from serving import Generate, OnToken, serve

_SILENT = llama_cpp.llama_log_callback(lambda *_: None)
"""The library keeps no reference of its own."""
BATCH = 2048
"""Tokens of prompts that are read at a time."""
ROWS = 8
TYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "int8": "Q8_0", "int4": "Q4_0"}

LLAMA = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
PHI = {
    "model.embed_tokens": "token_embd",
    "model.final_layernorm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "self_attn.dense": "attn_output",
    "mlp.fc1": "ffn_up",
    "mlp.fc2": "ffn_down",
}


def tensors(folder: Path) -> dict[str, np.ndarray]:
    """The weights of a folder of safetensors in float32, because numpy has no bfloat16."""
    found: dict[str, np.ndarray] = {}
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(size))
        data = np.memmap(file, mode="r", offset=8 + size)
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            start, end = entry["data_offsets"]
            raw = data[start:end]
            if entry["dtype"] == "BF16":
                numbers = (raw.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
            else:
                numbers = raw.view({"F32": np.float32, "F16": np.float16}[entry["dtype"]])
            found[name] = numbers.reshape(entry["shape"]).astype(np.float32)
    return found


def convert(folder: Path, kind: str, target: Path) -> None:
    """Write a model with Llama's or Phi's architecture as GGUF, without a vocabulary."""
    config = json.loads((folder / "config.json").read_text())
    architecture, names = {"llama": ("llama", LLAMA), "phi": ("phi2", PHI)}[config["model_type"]]
    heads = config["num_attention_heads"]
    groups = config.get("num_key_value_heads") or heads
    rope = config.get("rope_parameters") or config
    writer = gguf.GGUFWriter(target, architecture)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(groups)
    size = config["hidden_size"] // heads
    writer.add_rope_dimension_count(int(size * rope.get("partial_rotary_factor", 1.0)))
    writer.add_rope_freq_base(rope["rope_theta"])
    if architecture == "llama":
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    else:
        writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("none")
    writer.add_file_type(gguf.LlamaFileType["ALL_F32" if kind == "F32" else f"MOSTLY_{kind}"])
    weights = tensors(folder)
    for layer in range(config["num_hidden_layers"] if architecture == "phi2" else 0):
        for part in ("weight", "bias"):
            three = [weights.pop(f"model.layers.{layer}.self_attn.{name}_proj.{part}") for name in "qkv"]
            weights[f"blk.{layer}.attn_qkv.{part}"] = np.concatenate(three)
    for name, loaded in weights.items():
        weight = loaded
        stem, part = name.rsplit(".", 1)
        known = stem
        if stem.startswith("model.layers."):
            _, _, number, own = stem.split(".", 3)
            known = f"blk.{number}.{names[own]}"
        elif not stem.startswith("blk."):
            known = names[stem]
        if architecture == "llama" and known.endswith(("attn_q", "attn_k")):
            count = heads if known.endswith("q") else groups
            # Its rotary embedding pairs adjacent dimensions; that of transformers pairs the two halves.
            halves = weight.reshape(count, 2, -1, *weight.shape[1:])
            weight = halves.swapaxes(1, 2).reshape(weight.shape)
        wanted = gguf.GGMLQuantizationType[kind if weight.ndim > 1 else "F32"]
        data = gguf.quants.quantize(np.ascontiguousarray(weight), wanted)
        writer.add_tensor(f"{known}.{part}", data, raw_dtype=wanted)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Engine:
    """A model and a context for eight sequences."""

    def __init__(self, file: Path) -> None:
        llama_cpp.llama_log_set(_SILENT, None)
        llama_cpp.llama_backend_init()
        parameters = llama_cpp.llama_model_default_params()
        model = llama_cpp.llama_model_load_from_file(str(file).encode(), parameters)
        self._vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
        options = llama_cpp.llama_context_default_params()
        options.n_ctx = 8192
        options.n_batch = options.n_ubatch = BATCH
        options.n_seq_max = ROWS
        options.kv_unified = True
        options.n_threads = options.n_threads_batch = len(os.sched_getaffinity(0))
        self._context = llama_cpp.llama_init_from_model(model, options)
        self._batch = llama_cpp.llama_batch_init(BATCH, 0, 1)

    def generate(self, prompts: Sequence[Sequence[int]], count: int, on_token: OnToken) -> None:
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context), True)
        newest: list[int] = [0] * len(prompts)
        whole = [
            (number, position, token, position == len(ids) - 1)
            for number, ids in enumerate(prompts)
            for position, token in enumerate(ids)
        ]
        for start in range(0, len(whole), BATCH):
            piece = whole[start : start + BATCH]
            self._feed(piece)
            for place, (number, _, _, last) in enumerate(piece):
                if last:
                    newest[number] = self._likeliest(place)
                    on_token(number, newest[number])
        for step in range(count - 1):
            self._feed(
                [(number, len(ids) + step, newest[number], True) for number, ids in enumerate(prompts)]
            )
            for number in range(len(prompts)):
                newest[number] = self._likeliest(number)
                on_token(number, newest[number])

    def _feed(self, tokens: Sequence[tuple[int, int, int, bool]]) -> None:
        """Feed tokens with their sequence and position; the flag requests their logits."""
        batch = self._batch
        batch.n_tokens = len(tokens)
        for place, (sequence, position, token, wanted) in enumerate(tokens):
            batch.token[place] = token
            batch.pos[place] = position
            batch.n_seq_id[place] = 1
            batch.seq_id[place][0] = sequence
            batch.logits[place] = wanted
        if llama_cpp.llama_decode(self._context, batch):
            raise RuntimeError("llama_decode failed")

    def _likeliest(self, place: int) -> int:
        scores = llama_cpp.llama_get_logits_ith(self._context, place)
        return int(np.ctypeslib.as_array(scores, (self._vocabulary,)).argmax())


def load(folder: str, precision: str, scratch: str) -> tuple[str, Generate]:
    kind = TYPES[precision]
    file = Path(scratch) / f"{kind}.gguf"
    if not file.exists():
        partial = file.with_suffix(".partial")
        convert(Path(folder), kind, partial)
        partial.rename(file)
    return f"llama.cpp (llama-cpp-python {llama_cpp.__version__}), {kind}", Engine(file).generate


if __name__ == "__main__":
    serve(load)
