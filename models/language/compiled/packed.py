"""Linear layers whose weights are in panels that the compiled step reads too, so that both need only one copy."""

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
    MOST_ROWS,
    Arithmetic,
    Function,
)
from models.language.compiled.plan import MOST_TOKENS, MULTIPLE, PLAN, compiled, share
from models.packed import LARGEST_HALF, Packed, to_bytes


class PackedPanels(Packed):
    """A weight in panels."""

    library = "Numba"
    states = torch.float32
    arithmetic: ClassVar[Arithmetic]

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__(weight, bias)
        if self.inputs % self.arithmetic.numbers:
            raise ValueError(f"the number of inputs is not a multiple of {self.arithmetic.numbers}")
        rows, scales = self._converted(weight.detach())
        self._weight: torch.Tensor | None = panels.to_panels(rows, self.arithmetic.together)
        room = (0, -self.outputs % LANES)  # whole vectors are read of what there is for each output
        self._scales = None if scales is None else functional.pad(scales, room)
        self._offsets = None
        if self.rounds_inputs:
            self._offsets = functional.pad(rows.sum(1, dtype=torch.int32) * panels.MIDDLE, room)
        self._bias = None if bias is None else bias.detach().float().contiguous()
        with _compiling:  # several threads pack layers
            self._prepare, self._compute = _functions(self.arithmetic)
        self._helpers: ThreadPoolExecutor | None = _helpers()

    def _converted(self, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The rows of a weight in this format, and the scales of its outputs, if there are any."""
        raise NotImplementedError

    @property
    def tensors(self) -> list[torch.Tensor]:
        """What has the memory that `entry` names."""
        return [one for one in self._parts if one is not None]

    @property
    def entry(self) -> list[int]:
        """The addresses of weight, scales, bias and offsets, for a plan."""
        return [0 if one is None else one.data_ptr() for one in self._parts]

    @property
    def _parts(self) -> tuple[torch.Tensor | None, ...]:
        return self._weight, self._scales, self._bias, self._offsets

    def dense(self) -> torch.Tensor:
        assert self._weight is not None  # noqa: S101 - only a released weight is missing
        rows = panels.from_panels(self._weight, self.outputs, self.arithmetic.together).float()
        return rows if self._scales is None else rows * self._scales[: self.outputs, None]

    def product(self, states: torch.Tensor) -> torch.Tensor:
        rows = states.reshape(-1, self.inputs).contiguous()
        made = states.new_empty(len(rows), self.outputs)
        for begin in range(0, len(rows), MOST_TOKENS):
            made[begin : begin + MOST_TOKENS] = self._few(rows[begin : begin + MOST_TOKENS])
        return made.view(*states.shape[:-1], self.outputs)

    def _few(self, states: torch.Tensor) -> torch.Tensor:
        count, threads = len(states), torch.get_num_threads()
        # Kernels compute a few rows more than there are.
        padded = -(-count // MOST_ROWS) * MOST_ROWS
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
        self._weight = self._scales = self._bias = self._offsets = None
        self._prepare = self._compute = None
        self._helpers = None


class Float16Panels(PackedPanels):
    """float16 weights; inputs, sums and outputs are float32."""

    name, bits = "float16", 16
    arithmetic = Arithmetic("float16", "float32", in_panels=True)

    def _converted(self, weight: torch.Tensor) -> tuple[torch.Tensor, None]:
        if not HAS_HALVES:
            raise RuntimeError("the processor cannot convert float16")
        if not bool(weight.abs().max() <= LARGEST_HALF):
            raise ValueError("a weight is too large for float16")
        return weight.half(), None


class BFloat16Panels(PackedPanels):
    """bfloat16 weights and inputs; sums are float32, and rounded to bfloat16 for torch."""

    name, bits, states = "bfloat16", 16, torch.bfloat16
    copies_embeddings = False
    arithmetic = Arithmetic("bfloat16", "bfloat16", in_panels=True)

    def _converted(self, weight: torch.Tensor) -> tuple[torch.Tensor, None]:
        if not HAS_PAIRS:
            raise RuntimeError("the processor cannot multiply bfloat16")
        return weight.bfloat16(), None


class Int8Panels(PackedPanels):
    """int8 weights with a scale per output. Inputs are float32, or rounded to 13 bits: see `panels.rounded`."""

    name, bits, beside = "int8", 8, 8
    arithmetic = Arithmetic("int8", "uint8" if HAS_FOURS else "float32", in_panels=True)
    rounds_inputs = HAS_FOURS

    def _converted(self, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return to_bytes(weight)


_compiling = threading.Lock()
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
