"""The parts of common causal language models, under the same names for all kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from torch import Tensor, nn

CausalModel: TypeAlias = Any
"""A causal language model from transformers, whose own types are too loose for this module."""
Module: TypeAlias = Any
"""One of its modules."""


_LENGTH_DEPENDENT = {"dynamic", "longrope"}
"""Rotary embeddings that are scaled by the length of a text."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Attention and a feed-forward network, one after the other, or beside each other if the latter has no norm."""

    norm: Module
    projections: Sequence[nn.Module]
    """Queries, keys and values: a linear layer each, or one for all."""
    output: nn.Module
    scale: float
    """Factor of the attention scores."""
    second_norm: Module | None
    gate: nn.Module | None
    """Its activations multiply what `up` makes (Shazeer 2020, "GLU Variants Improve Transformer"); None if the
    outputs of `up` are activated themselves.
    """
    up: nn.Module
    down: nn.Module
    act: Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Network:
    """A model without windows or other restrictions of what a token may look at."""

    embed: Module
    embed_positions: Module | None
    rotary: Module | None
    layers: Sequence[Layer]
    norm: Module
    head: nn.Module
    heads: int
    kept_heads: int
    """Heads of keys and values; several heads of queries may share one."""
    size: int
    """Of a head."""
    act: str
    """The name of the activation."""

    @property
    def shared(self) -> int:
        """Number of query heads that share a key and value head."""
        return self.heads // self.kept_heads


def network_of(model: CausalModel) -> Network | None:
    """None for kinds of models, or settings, that this module does not cover."""
    make = _KINDS.get(f"{type(model).__module__}.{type(model).__name__}")
    if make is None:
        return None
    config = model.config
    windowed = getattr(config, "sliding_window", None) is not None
    layer_types = set(getattr(config, "layer_types", None) or ["full_attention"])
    attention = config._attn_implementation  # noqa: SLF001 - there is no public name for it
    if windowed or layer_types != {"full_attention"} or attention != "sdpa":
        return None
    return make(model)


def scales_by_length(config: Any) -> bool:
    """Whether the rotary embedding depends on how long a text has become (types "dynamic" and "longrope")."""
    rope = getattr(config.get_text_config(), "rope_parameters", None) or {}
    kinds = [rope, *(value for value in rope.values() if isinstance(value, Mapping))]
    return any(kind.get("rope_type") in _LENGTH_DEPENDENT for kind in kinds)


def _llama(model: CausalModel) -> Network | None:
    layers = [
        Layer(
            layer.input_layernorm,
            _separate(layer.self_attn),
            layer.self_attn.o_proj,
            layer.self_attn.scaling,
            layer.post_attention_layernorm,
            layer.mlp.gate_proj,
            layer.mlp.up_proj,
            layer.mlp.down_proj,
            layer.mlp.act_fn,
        )
        for layer in model.model.layers
    ]
    return _network(model, layers, model.model.norm, rotary=model.model.rotary_emb)


def _phi(model: CausalModel) -> Network | None:
    if model.config.qk_layernorm:
        return None
    layers = [
        Layer(
            layer.input_layernorm,
            _separate(layer.self_attn),
            layer.self_attn.dense,
            layer.self_attn.scaling,
            None,
            None,
            layer.mlp.fc1,
            layer.mlp.fc2,
            layer.mlp.activation_fn,
        )
        for layer in model.model.layers
    ]
    return _network(model, layers, model.model.final_layernorm, rotary=model.model.rotary_emb)


def _gpt2(model: CausalModel) -> Network | None:
    if model.config.add_cross_attention:
        return None
    layers = [
        Layer(
            block.ln_1,
            [block.attn.c_attn],
            block.attn.c_proj,
            block.attn.scaling,
            block.ln_2,
            None,
            block.mlp.c_fc,
            block.mlp.c_proj,
            block.mlp.act,
        )
        for block in model.transformer.h
    ]
    return _network(model, layers, model.transformer.ln_f, positions=model.transformer.wpe)


def _separate(attention: Module) -> Sequence[nn.Module]:
    return [attention.q_proj, attention.k_proj, attention.v_proj]


def _network(
    model: CausalModel,
    layers: Sequence[Layer],
    norm: Module,
    *,
    rotary: Module | None = None,
    positions: Module | None = None,
) -> Network:
    config = model.config
    return Network(
        embed=model.get_input_embeddings(),
        embed_positions=positions,
        rotary=rotary,
        layers=layers,
        norm=norm,
        head=model.get_output_embeddings(),
        heads=config.num_attention_heads,
        kept_heads=getattr(config, "num_key_value_heads", None) or config.num_attention_heads,
        size=getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads,
        act=getattr(config, "hidden_act", None) or config.activation_function,
    )


_KINDS: dict[str, Callable[[CausalModel], Network | None]] = {
    f"transformers.models.{name}": make
    for name, make in {
        "gpt2.modeling_gpt2.GPT2LMHeadModel": _gpt2,
        "llama.modeling_llama.LlamaForCausalLM": _llama,
        "mistral.modeling_mistral.MistralForCausalLM": _llama,
        "phi.modeling_phi.PhiForCausalLM": _phi,
        "qwen2.modeling_qwen2.Qwen2ForCausalLM": _llama,
    }.items()
}
