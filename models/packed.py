"""Linear layers with packed weights: in fewer bits, and in the memory layout that a CPU's matrix kernels read fastest.

Generating a token reads every weight once, so time per token follows the bytes per weight. `nn.Linear` stores plain
rows, which the kernel libraries reorder for every product; packed weights are reordered once.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, ClassVar, Self, TypeAlias, cast

import torch
from torch import nn
from transformers import Conv1D

LARGEST_BYTE = 127
"""Largest value of a symmetric int8 weight."""
LARGEST_INPUT = 63
"""Largest value of a rounded input of an int8 product. The AVX2 kernel adds two products of bytes in 16 bits, which
127 x 127 x 2 does not overflow."""
LARGEST_HALF = 65_504
"""The largest finite float16."""

Network: TypeAlias = Any
"""A model from transformers, whose own types are too loose for this module."""


class Packed(ABC):
    """A weight of shape (outputs, inputs) and a bias, in some format. Copies of a model share it like parameters."""

    name: ClassVar[str]
    """The common name of the weights' data type."""
    library: ClassVar[str]
    bits: ClassVar[int]
    beside: ClassVar[int] = 0
    """Bytes per output in addition to its weights: scales and the like."""
    states: ClassVar[torch.dtype]
    """The data type of inputs and outputs."""
    copies_embeddings: ClassVar[bool] = True
    """Whether an output head that shares its weight with the embeddings is packed too, which takes a copy."""
    rounds_inputs: ClassVar[bool] = False
    """Whether inputs are rounded too, which can turn a tiny difference between two inputs into a larger one."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        """Raises RuntimeError if this processor or build of torch lacks the format, ValueError if a weight does not
        fit.
        """
        self.outputs, self.inputs = weight.shape
        self.bias_numbers = 0 if bias is None else bias.numel()
        self.nbytes = int(self.outputs * (self.inputs * self.bits / 8 + self.beside) + 4 * self.bias_numbers)

    @abstractmethod
    def product(self, states: torch.Tensor) -> torch.Tensor:
        """`states`, shape (..., inputs), times the weight, plus the bias: shape (..., outputs)."""

    @abstractmethod
    def dense(self) -> torch.Tensor:
        """The weight as it is multiplied: float32, shape (outputs, inputs)."""

    def release(self) -> None:
        """Free the memory; `product` fails afterwards."""
        self.nbytes = 0
        self._forget()

    @abstractmethod
    def _forget(self) -> None: ...

    def __deepcopy__(self, _memo: dict[int, object]) -> Self:
        return self


class Float16(Packed):
    """float16 weights; inputs, sums and outputs are float32 (fbgemm, needs AVX2)."""

    name, library, bits, states = "float16", "fbgemm", 16, torch.float32

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__(weight, bias)
        if not bool(weight.abs().max() <= LARGEST_HALF):
            raise ValueError("a weight is too large for float16")
        _needs_fbgemm()
        self._weight: Any = torch.ops.quantized.linear_prepack_fp16(
            weight.float(), None if bias is None else bias.float()
        )
        self._multiply = torch.ops.quantized.linear_dynamic_fp16.default

    def product(self, states: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self._multiply(states, self._weight)
        return made

    def dense(self) -> torch.Tensor:
        weight: torch.Tensor = torch.ops.quantized.linear_unpack_fp16(self._weight)[0]
        return weight

    def _forget(self) -> None:
        self._weight = None


class BFloat16(Packed):
    """bfloat16 weights, inputs and outputs (oneDNN, needs a CPU with bfloat16 instructions)."""

    name, library, bits, states = "bfloat16", "oneDNN", 16, torch.bfloat16
    _ROWS = 8
    """The number of input rows that the layout is optimised for; other numbers work too."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__(weight, bias)
        self._bias = None if bias is None else bias.detach().bfloat16()
        self._weight: Any = torch.ops.mkldnn._reorder_linear_weight(  # noqa: SLF001 - inductor calls it
            weight.detach().bfloat16().contiguous(), self._ROWS
        )
        self._multiply: Any = torch.ops.mkldnn._linear_pointwise.default  # noqa: SLF001 - likewise

    def product(self, states: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self._multiply(states, self._weight, self._bias, "none", [], "")
        return made

    def dense(self) -> torch.Tensor:
        weight: torch.Tensor = self._weight.to_dense().float()
        return weight

    def _forget(self) -> None:
        # The kernel would accept a missing weight.
        self._weight = self._bias = self._multiply = None


class Int8(Packed):
    """int8 weights with a scale per output; inputs are split into a coarse and a fine part of 7 bits each, 13 bits in
    effect. Sums are exact integers and outputs float32 (fbgemm, needs AVX2).
    """

    name, library, bits, states = "int8", "fbgemm", 8, torch.float32
    beside = 12
    rounds_inputs = True

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__(weight, bias)
        _needs_fbgemm()
        whole, scale = to_bytes(weight)
        zeros = torch.zeros(self.outputs, dtype=torch.long)
        quantized = torch._make_per_channel_quantized_tensor(whole, scale.double(), zeros, 0)  # noqa: SLF001 - the public one rounds again
        self._weight: Any = torch.ops.quantized.linear_prepack(quantized, None)
        self._bias = None if bias is None else bias.detach().float()
        self._multiply = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32.default

    def product(self, states: torch.Tensor) -> torch.Tensor:
        rows = states.reshape(-1, self.inputs)
        count = len(rows)
        largest = torch.linalg.vector_norm(rows, torch.inf, dim=1, keepdim=True)
        step = largest.div_(LARGEST_INPUT).clamp_min_(torch.finfo(torch.float32).tiny)
        scaled = rows / step
        coarse = scaled.round()
        fine = scaled.sub_(coarse).mul_(2 * LARGEST_INPUT)
        made = self._multiply(torch.cat((coarse, fine)), 1.0, LARGEST_INPUT + 1, self._weight)
        made = torch.add(made[:count], made[count:], alpha=1 / (2 * LARGEST_INPUT)).mul_(step)
        if self._bias is not None:
            made += self._bias
        return made.view(*states.shape[:-1], self.outputs)

    def dense(self) -> torch.Tensor:
        weight: torch.Tensor = torch.ops.quantized.linear_unpack(self._weight)[0].dequantize()
        return weight

    def _forget(self) -> None:
        self._weight = self._bias = None


class Int8OfTorch(Packed):
    """int8 weights with a scale per output; inputs and outputs are bfloat16 (a kernel of torch itself, for every CPU).

    torchao's compiled `Int8WeightOnlyConfig` uses the same kernel on a CPU.
    """

    name, library, bits, states = "int8", "torch", 8, torch.bfloat16
    beside = 2
    MULTIPLE = 32
    """The number of inputs must be a multiple of this."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__(weight, bias)
        if self.inputs % self.MULTIPLE:
            raise ValueError("the kernel needs a multiple of 32 inputs")
        self._weight, scale = to_bytes(weight)
        self._scale = scale.bfloat16()
        self._bias = None if bias is None else bias.detach().bfloat16()

    def product(self, states: torch.Tensor) -> torch.Tensor:
        rows = states.reshape(-1, self.inputs)
        made: torch.Tensor = torch._weight_int8pack_mm(rows, self._weight, self._scale)  # noqa: SLF001 - see the class
        if self._bias is not None:
            made += self._bias
        return made.view(*states.shape[:-1], self.outputs)

    def dense(self) -> torch.Tensor:
        return self._weight.float() * self._scale.float()[:, None]

    def _forget(self) -> None:
        self._weight = self._scale = torch.empty(0)
        self._bias = None


def to_bytes(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A weight of shape (outputs, inputs) rounded to int8, and the step of each output in float32."""
    weight = weight.detach().float().contiguous()
    scale = (weight.abs().amax(1) / LARGEST_BYTE).clamp_min(torch.finfo(torch.float32).tiny)
    return (weight / scale[:, None]).round().to(torch.int8), scale


@cache
def _needs_fbgemm() -> None:
    """Raises RuntimeError if there is no fbgemm."""
    if "fbgemm" not in torch.backends.quantized.supported_engines:
        raise RuntimeError("torch was built without fbgemm")
    if torch.backends.quantized.engine not in {"fbgemm", "x86"}:
        torch.backends.quantized.engine = "fbgemm"
    with warnings.catch_warnings():
        # torch warns once that quantized tensors are deprecated; `models.kernels.works` tests each format before use.
        warnings.simplefilter("ignore")
        torch._make_per_channel_quantized_tensor(  # noqa: SLF001 - see `Int8`
            torch.zeros(1, 1, dtype=torch.int8), torch.ones(1).double(), torch.zeros(1, dtype=torch.long), 0
        )


class PackedLinear(nn.Module):
    """Replaces a linear layer."""

    def __init__(self, packed: Packed, *, tied: bool = False) -> None:
        """`tied`: the embeddings use the same weight."""
        super().__init__()
        self.packed = packed
        self.numbers = packed.bias_numbers + (0 if tied else packed.outputs * packed.inputs)
        """Number of parameters, without those that belong to the embeddings."""
        self.in_features, self.out_features = packed.inputs, packed.outputs

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """`states` of shape (..., in_features) to (..., out_features)."""
        if states.requires_grad and torch.is_grad_enabled():
            made: torch.Tensor = _Product.apply(states, self.packed)
            return made
        return self.packed.product(states)

    @property
    def weight(self) -> torch.Tensor:
        """The weight as a plain matrix, for code that reads it; unpacked at every access."""
        return self.packed.dense()

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, {self.packed.name} ({self.packed.library})"


class _Product(torch.autograd.Function):
    """The product with its gradient with respect to the states."""

    @staticmethod
    def forward(context: Any, states: torch.Tensor, packed: Packed) -> torch.Tensor:
        context.packed = packed
        return packed.product(states)

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (gradient,) = gradients
        return gradient @ context.packed.dense().to(gradient.dtype), None


def linears(model: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Module]]:
    """The linear layers of a model: for each, the parent module, its name there, and the layer."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            # Subclasses may use their weight differently.
            if type(child) in {nn.Linear, Conv1D}:
                yield module, name, child


def weights_in(model: nn.Module) -> int:
    """Number of weights in the linear layers of a model that is not packed."""
    return sum(rows_of(linear)[0].numel() for _, _, linear in linears(model))


def rows_of(linear: nn.Module) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The weight of a linear layer, shape (outputs, inputs), and its bias."""
    weight = cast("torch.Tensor", linear.weight).detach()
    bias = cast("torch.Tensor | None", linear.bias)
    return (weight.t() if isinstance(linear, Conv1D) else weight), None if bias is None else bias.detach()


def pack(model: Network, kind: type[Packed]) -> None:
    """Replace the linear layers of a model on the CPU, a few at a time, so that little extra memory is needed.

    The rest of the model is converted to the data type of the format's inputs if that is float32; for bfloat16 the
    model must be in bfloat16 already. Layers that do not fit the format are kept.
    """
    embeddings = model.get_input_embeddings().weight

    def replace(place: tuple[nn.Module, str, nn.Module]) -> None:
        module, name, linear = place
        if linear.weight is embeddings and not kind.copies_embeddings:
            return
        try:
            packed = kind(*rows_of(linear))
        except ValueError:
            return
        setattr(module, name, PackedLinear(packed, tied=linear.weight is embeddings))

    with (
        torch.inference_mode(mode=False),
        torch.no_grad(),
        ThreadPoolExecutor(torch.get_num_threads()) as pool,
    ):
        list(pool.map(replace, linears(model)))
        if kind.states is torch.float32:
            model.float()


def packed_in(model: Network) -> list[Packed]:
    """The packed weights of a model."""
    return [module.packed for module in model.modules() if isinstance(module, PackedLinear)]
