"""Weights as bytes: half the memory of bfloat16, and half the time where reading them is what takes it."""

from __future__ import annotations

from typing import TypeVar, cast

import torch
from torch import nn
from transformers import PreTrainedModel

from models.failures import Int8Unsupported

ModelT = TypeVar("ModelT")

LARGEST = 127
"""Of the numbers that a byte holds, used to both sides alike."""
MULTIPLE = 32
"""Columns of a weight must be a multiple of this for its kernel."""


class ByteLinear(nn.Module):
    """A linear layer with a byte for each weight and a scale for each output (weight-only int8, symmetric).

    The kernel is the one that torchao's compiled `Int8WeightOnlyConfig` ends up with on a CPU; called by name it
    needs no compiler and no second library.
    """

    scale: torch.Tensor

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float()
        scale = (weight.abs().amax(1) / LARGEST).clamp_min(torch.finfo(torch.float32).tiny)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        whole = (weight / scale[:, None]).round().to(torch.int8)
        self.weight = nn.Parameter(whole, requires_grad=False)
        self.register_buffer("scale", scale.to(linear.weight.dtype))
        self.bias = linear.bias

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """`states` of shape (..., in_features) to (..., out_features)."""
        rows = states.reshape(-1, self.in_features)
        made: torch.Tensor = torch._weight_int8pack_mm(rows, self.weight, self.scale)  # noqa: SLF001 - see the class
        if self.bias is not None:
            made += self.bias
        return made.view(*states.shape[:-1], self.out_features)


def to_bytes(model: ModelT) -> ModelT:
    """Replace the linear layers of a model in bfloat16 on the CPU, one after the other, by `ByteLinear`.

    Layers whose weight is also used elsewhere (tied embeddings) or has an odd shape stay. Raises Int8Unsupported
    for any other model.
    """
    network = cast("PreTrainedModel", model)
    if network.device.type != "cpu" or network.dtype != torch.bfloat16:
        raise Int8Unsupported
    embedding = network.get_input_embeddings().weight
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if (
                type(child) is nn.Linear
                and child.weight is not embedding
                and not child.in_features % MULTIPLE
            ):
                setattr(module, name, ByteLinear(child))
    return model
