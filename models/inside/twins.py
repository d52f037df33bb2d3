"""Copies of a model that share its weights.

A copy can be given hooks and another way to compute attention while the model itself goes on to serve: a hook or
`set_attn_implementation` on the served model would change what other threads compute.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, TypeAlias

import torch
from torch import nn

TransformersModel: TypeAlias = Any
"""A model of transformers, which are typed too loosely for what is used of them here."""


def twin(model: TransformersModel) -> TransformersModel:
    """A copy of the modules and the configuration around the same parameters and buffers."""
    shared: dict[int, torch.Tensor] = {
        id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())
    }
    # Gradients may be asked for later, of which tensors made in inference mode know nothing.
    with torch.inference_mode(mode=False):
        return copy.deepcopy(model, dict(shared))


def attentive_twin(model: TransformersModel) -> TransformersModel:
    """A twin that computes its attention step by step ("eager"), so that the weights can be seen."""
    made = twin(model)
    made.set_attn_implementation("eager")
    # Some models refuse that, but look at their configuration each time.
    for module in made.modules():
        config = getattr(module, "config", None)
        if config is not None and getattr(config, "_attn_implementation", "eager") != "eager":
            config._attn_implementation = "eager"  # noqa: SLF001 - what `from_pretrained` sets
    return made


def layers_of(model: TransformersModel) -> list[nn.Module]:
    """The layers that a text goes through one after the other; empty if they cannot be told."""
    count = getattr(model.config.get_text_config(), "num_hidden_layers", None)
    for module in model.modules():
        # The outermost list comes first; experts, of which there may be as many, are inside of layers.
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return list(module)
    return []


def attentions_in(layer: nn.Module) -> Iterator[nn.Module]:
    """The modules of a layer that may give attention weights, inner ones first as they are called."""
    for module in layer.modules():
        if "attention" in type(module).__name__.casefold() or "attn" in type(module).__name__.casefold():
            yield module
