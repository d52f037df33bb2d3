"""Tiny models of real architectures, each built from its own configuration class."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import torch
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    FalconConfig,
    Gemma2Config,
    GemmaConfig,
    GPT2Config,
    GPTNeoXConfig,
    GraniteConfig,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
    OPTConfig,
    PhiConfig,
    Qwen2Config,
    Qwen3Config,
)

from models.language.model import LanguageModel
from models.packed import Int8OfTorch, pack
from models.tokenizers.tokenizer import PretrainedTokenizer
from tests.models import tiny

CONTEXT = 96

_LLAMA = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
    "initializer_range": 0.4,
    "head_dim": 8,
}
_PLAIN = {key: value for key, value in _LLAMA.items() if key not in {"num_key_value_heads", "head_dim"}}
CONFIGURATIONS: dict[str, Callable[..., Any]] = {
    "phi": lambda **more: PhiConfig(**_PLAIN | more),
    "llama": lambda **more: LlamaConfig(**_LLAMA | more),
    "llama-tied": lambda **more: LlamaConfig(**_LLAMA | {"tie_word_embeddings": True} | more),
    "gpt2": lambda **more: GPT2Config(
        n_embd=32, n_layer=3, n_head=4, n_positions=CONTEXT, initializer_range=0.4, **more
    ),
    "qwen2": lambda **more: Qwen2Config(**_PLAIN | {"num_key_value_heads": 2} | more),
    "qwen3": lambda **more: Qwen3Config(**_LLAMA | more),
    "gpt-neox": lambda **more: GPTNeoXConfig(**_PLAIN | {"rotary_pct": 0.5} | more),
    "opt": lambda **more: OPTConfig(
        hidden_size=32,
        ffn_dim=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=CONTEXT,
        word_embed_proj_dim=16,
        init_std=0.4,
        **more,
    ),
    "mistral": lambda **more: MistralConfig(**_LLAMA | {"sliding_window": 6} | more),
    "gemma": lambda **more: GemmaConfig(**_LLAMA | more),
    "gemma2": lambda **more: Gemma2Config(
        **_LLAMA | {"sliding_window": 6, "final_logit_softcapping": 3.0, "query_pre_attn_scalar": 8} | more
    ),
    "granite": lambda **more: GraniteConfig(**_LLAMA | {"logits_scaling": 3.0} | more),
    "bloom": lambda **more: BloomConfig(hidden_size=32, n_layer=3, n_head=4, initializer_range=0.4, **more),
    "falcon": lambda **more: FalconConfig(
        hidden_size=32, num_hidden_layers=3, num_attention_heads=4, initializer_range=0.4, **more
    ),
}
"""By name, of models with attention."""


@cache
def language_model(name: str) -> LanguageModel:
    """A model of random numbers, large enough that its layers and heads differ."""
    return built(CONFIGURATIONS[name])


@cache
def mamba() -> LanguageModel:
    """A state-space model: no attention."""
    return built(
        lambda **more: MambaConfig(
            hidden_size=32, num_hidden_layers=3, state_size=4, initializer_range=0.4, **more
        )
    )


def built(configuration: Callable[..., Any], *, as_bytes: bool = False) -> LanguageModel:
    tokenizer = tiny.byte_bpe()
    settings = {"vocab_size": len(tokenizer), "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": None}
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_config(configuration(**settings)).eval()
    if as_bytes:
        pack(model.to(torch.bfloat16), Int8OfTorch)
    return LanguageModel(model, cast("PretrainedTokenizer", tokenizer), "tiny")
