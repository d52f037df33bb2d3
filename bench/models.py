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
