"""Copies of a model that share its weights.

A copy can have hooks and another attention implementation while the model keeps serving; on the serving model, hooks or
`set_attn_implementation` would change what other threads compute.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, TypeAlias

import torch
from torch import nn

TransformersModel: TypeAlias = Any
"""A model from transformers, whose own types are too loose for this module."""


def twin(model: TransformersModel) -> TransformersModel:
    """A copy of the modules and the configuration around the same parameters and buffers."""
    shared: dict[int, torch.Tensor] = {
        id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())
    }
    # Gradients may be needed later, which inference-mode tensors do not support.
    with torch.inference_mode(mode=False):
        return copy.deepcopy(model, dict(shared))


def attentive_twin(model: TransformersModel) -> TransformersModel:
    """A twin with "eager" attention, which exposes the weights."""
    made = twin(model)
    made.set_attn_implementation("eager")
    # Some models reject that, but read their configuration on every call.
    for module in made.modules():
        config = getattr(module, "config", None)
        if config is not None and getattr(config, "_attn_implementation", "eager") != "eager":
            config._attn_implementation = "eager"  # noqa: SLF001 - what `from_pretrained` sets
    return made


def layers_of(model: TransformersModel) -> list[nn.Module]:
    """The model's layers in order; empty if they cannot be identified."""
    count = getattr(model.config.get_text_config(), "num_hidden_layers", None)
    for module in model.modules():
        # The outermost list comes first; experts, of which there may be as many, are inside layers.
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return list(module)
    return []


def attentions_in(layer: nn.Module) -> Iterator[nn.Module]:
    """The modules of a layer that may return attention weights, inner ones first, in call order."""
    for module in layer.modules():
        if "attention" in type(module).__name__.casefold() or "attn" in type(module).__name__.casefold():
            yield module
