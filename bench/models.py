"""Language models of Phi's architecture with random weights, large enough for inference to take noticeable time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, cast

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PhiConfig, PhiForCausalLM, PreTrainedConfig
from transformers.utils import logging


class CausalLM(Protocol):
    """The parts of a causal language model that the benchmarks use; transformers' own types do not cover `generate`."""

    device: torch.device
    config: PreTrainedConfig

    def parameters(self) -> Iterator[torch.nn.Parameter]: ...

    def generate(self, inputs: torch.Tensor, **options: object) -> torch.Tensor: ...


def load(folder: Path, device: str, dtype: torch.dtype) -> CausalLM:
    """Load a model so that it generates exactly the requested number of tokens."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    model.generation_config.eos_token_id = None
    placed: torch.nn.Module = model
    return cast("CausalLM", placed.to(device).eval())


def small_phi(folder: Path, tokenizer: Path) -> int:
    """Write a model of about 33 M parameters with the vocabulary of `tokenizer`; returns its number of parameters."""
    vocabulary = len(AutoTokenizer.from_pretrained(tokenizer))
    config = PhiConfig(
        vocab_size=vocabulary,
        hidden_size=512,
        intermediate_size=2048,
        num_hidden_layers=8,
        num_attention_heads=8,
    )
    return _write(folder, tokenizer, config, torch.float32)


def phi_1_5(folder: Path, tokenizer: Path) -> int:
    """Write a model with the shape of microsoft/phi-1_5 in bfloat16 (2.8 GB); returns its number of parameters."""
    config = PhiConfig(
        vocab_size=51_200,
        hidden_size=2048,
        intermediate_size=8192,
        num_hidden_layers=24,
        num_attention_heads=32,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 0.5},
    )
    return _write(folder, tokenizer, config, torch.bfloat16)


def _write(folder: Path, tokenizer: Path, config: PhiConfig, dtype: torch.dtype) -> int:
    """Write a model that never ends a text early, with a copy of `tokenizer`."""
    logging.disable_progress_bar()
    config.update({"max_position_embeddings": 2048, "bos_token_id": None, "eos_token_id": None})
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    try:
        model = PhiForCausalLM(config)
    finally:
        torch.set_default_dtype(torch.float32)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(tokenizer).save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())
