"""A language model that takes long enough to be in the way: Phi's architecture, random weights."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoTokenizer, PhiConfig, PhiForCausalLM
from transformers.utils import logging


def make(folder: Path, tokenizer: Path, *, width: int = 512, layers: int = 8) -> int:
    """Write a model that never ends by itself beside a copy of `tokenizer`; the number of its parameters."""
    logging.disable_progress_bar()
    words = AutoTokenizer.from_pretrained(tokenizer)
    torch.manual_seed(0)
    config = PhiConfig(
        vocab_size=len(words),
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=8,
        max_position_embeddings=2048,
        bos_token_id=None,
        eos_token_id=None,
    )
    model = PhiForCausalLM(config)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())


def phi_1_5(folder: Path, tokenizer: Path) -> int:
    """Write a model of the shape of microsoft/phi-1_5, in bfloat16 (2.8 GB), beside a copy of `tokenizer`."""
    logging.disable_progress_bar()
    torch.manual_seed(0)
    config = PhiConfig(
        vocab_size=51_200,
        hidden_size=2048,
        intermediate_size=8192,
        num_hidden_layers=24,
        num_attention_heads=32,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 0.5},
        max_position_embeddings=2048,
        bos_token_id=None,
        eos_token_id=None,
    )
    torch.set_default_dtype(torch.bfloat16)
    try:
        model = PhiForCausalLM(config)
    finally:
        torch.set_default_dtype(torch.float32)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(tokenizer).save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())
