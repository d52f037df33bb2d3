"""Linear layers whose weights are rows that the compiled step reads too, so that both need only one copy."""

from __future__ import annotations

import threading
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, ClassVar

import numpy as np
import torch
from torch.nn import functional

from models.language.compiled import panels, products
from models.language.compiled.instructions import (
    HAS_FOURS,
    HAS_HALVES,
    HAS_PAIRS,
    LANES,
    Arithmetic,
    Function,
)
from models.language.compiled.plan import MOST_TOKENS, MULTIPLE, PLAN, compiled, share
from models.packed import LARGEST_HALF, Packed, to_bytes


class PackedRows(Packed):
    """A weight as rows of numbers, or as panels of bytes."""

    library = "Numba"
    states = torch.float32
    arithmetic: ClassVar[Arithmetic]

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__(weight, bias)
        if self.inputs % self.arithmetic.numbers:
            raise ValueError(f"the number of inputs is not a multiple of {self.arithmetic.numbers}")
        self._tensors: list[torch.Tensor | None] = [
            *self._converted(weight.detach()),
            None if bias is None else bias.detach().float().contiguous(),
        ]
        self._prepare, self._compute = _functions(self.arithmetic)
        self._helpers: ThreadPoolExecutor | None = _helpers()

    def _converted(self, weight: torch.Tensor) -> list[torch.Tensor | None]:
        """The weight, its scales and its offsets, as far as there are any."""
        raise NotImplementedError

    @property
    def tensors(self) -> list[torch.Tensor]:
        """What has the memory that `entry` names."""
        return [one for one in self._tensors if one is not None]

    @property
    def entry(self) -> list[int]:
        """The addresses of weight, scales, bias and offsets, for a plan."""
        weight, scales, offsets, bias = (0 if one is None else one.data_ptr() for one in self._tensors)
        return [weight, scales, bias, offsets]

    def product(self, states: torch.Tensor) -> torch.Tensor:
        rows = states.reshape(-1, self.inputs).contiguous()
        made = states.new_empty(len(rows), self.outputs)
        for begin in range(0, len(rows), MOST_TOKENS):
            made[begin : begin + MOST_TOKENS] = self._few(rows[begin : begin + MOST_TOKENS])
        return made.view(*states.shape[:-1], self.outputs)

    def _few(self, states: torch.Tensor) -> torch.Tensor:
        count, threads = len(states), torch.get_num_threads()
        # Kernels compute a few rows more than there are.
        padded = -(-count // products.MOST_ROWS) * products.MOST_ROWS
        made = torch.empty(padded, self.outputs)
        inputs = torch.empty(MOST_TOKENS + padded * self.inputs)
        linears = np.array(self.entry)
        plans = np.zeros(1, PLAN)
        plan: Any = plans[0]
        plan["linears"], plan["threads"] = linears.ctypes.data, threads
        source = torch.zeros(padded, self.inputs)
        source[:count] = states
        address = self._prepare(inputs.data_ptr(), source.data_ptr(), self.inputs, count)

        def compute(thread: int) -> None:
            self._compute(plans, thread, address, self.inputs, made.data_ptr(), self.outputs, count)

        helpers = self._helpers or _helpers()
        others: list[Future[None]] = []
        try:
            for thread in range(1, threads):
                others.append(helpers.submit(compute, thread))  # noqa: PERF401 - those that began must end
            compute(0)
        finally:
            for other in others:
                other.result()
        return made[:count]

    def _forget(self) -> None:
        self._tensors = [None] * 4
        self._prepare = self._compute = None
        self._helpers = None


class Float16Rows(PackedRows):
    """float16 weights; inputs, sums and outputs are float32."""

    name, bits = "float16", 16
    arithmetic = Arithmetic("float16", "float32")

    def _converted(self, weight: torch.Tensor) -> list[torch.Tensor | None]:
        if not HAS_HALVES:
            raise RuntimeError("the processor cannot convert float16")
        if not bool(weight.abs().max() <= LARGEST_HALF):
            raise ValueError("a weight is too large for float16")
        return [weight.half().contiguous(), None, None]

    def dense(self) -> torch.Tensor:
        (weight, *_) = self._tensors
        assert weight is not None  # noqa: S101 - only a released weight is missing
        return weight.float()


class BFloat16Panels(PackedRows):
    """bfloat16 weights; inputs and outputs are bfloat16, and sums float32."""

    name, bits, states = "bfloat16", 16, torch.bfloat16
    copies_embeddings = False
    arithmetic = Arithmetic("bfloat16", "bfloat16", in_panels=True)

    def _converted(self, weight: torch.Tensor) -> list[torch.Tensor | None]:
        if not HAS_PAIRS:
            raise RuntimeError("the processor cannot multiply bfloat16")
        return [panels.to_panels(weight.bfloat16(), self.arithmetic.together), None, None]

    def dense(self) -> torch.Tensor:
        (weight, *_) = self._tensors
        assert weight is not None  # noqa: S101 - only a released weight is missing
        return panels.from_panels(weight, self.outputs, self.arithmetic.together).float()


class Int8Rows(PackedRows):
    """int8 weights with a scale per output. Inputs are float32, or rounded to 13 bits: see `panels`."""

    name, bits, beside = "int8", 8, 8
    arithmetic = Arithmetic("int8", "uint8", in_panels=True) if HAS_FOURS else Arithmetic("int8", "float32")
    rounds_inputs = HAS_FOURS

    def _converted(self, weight: torch.Tensor) -> list[torch.Tensor | None]:
        whole, scale = to_bytes(weight)
        if not HAS_FOURS:
            return [whole, scale, None]
        # Whole vectors are read of what there is for each output.
        room = (0, -self.outputs % LANES)
        offsets = whole.sum(1, dtype=torch.int32) * panels.MIDDLE
        weight = panels.to_panels(whole, self.arithmetic.together)
        return [weight, functional.pad(scale, room), functional.pad(offsets, room)]

    def dense(self) -> torch.Tensor:
        weight, scale, *_ = self._tensors
        assert weight is not None  # noqa: S101 - only a released weight is missing
        assert scale is not None  # noqa: S101 - as above
        if HAS_FOURS:
            weight = panels.from_panels(weight, self.outputs, self.arithmetic.together)
        return weight.float() * scale[: self.outputs, None]


_lock = threading.Lock()
_shared: list[weakref.ref[ThreadPoolExecutor]] = []
"""The threads of all layers, which end with the last of these."""


def _helpers() -> ThreadPoolExecutor:
    with _lock:
        pool = _shared[0]() if _shared else None
        if pool is None:
            pool = ThreadPoolExecutor(max(1, torch.get_num_threads() - 1), thread_name_prefix="product")
            _shared[:] = [weakref.ref(pool)]
        return pool


@cache
def _functions(arithmetic: Arithmetic) -> tuple[Function, Function]:
    """Two functions: one prepares rows and returns their address, the other computes a thread's part of the outputs."""
    is_plain = arithmetic.state_format == "float32"
    prepare, compute = products.linear(arithmetic)

    @compiled
    def prepared(target: int, states: int, width: int, rows: int) -> int:
        if is_plain:
            return states
        prepare(target, states, width, 0, rows)
        return target

    @compiled
    def computed(
        plans: Any, thread: int, inputs: int, width: int, made: int, outputs: int, rows: int
    ) -> None:
        plan = plans[0]
        begin, end = share(outputs, thread, plan.threads, MULTIPLE)
        compute(plan, 0, inputs, width, made, outputs, rows, begin, end)

    return prepared, computed
