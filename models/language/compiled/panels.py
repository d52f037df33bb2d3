"""Products of rows of states, rounded to bytes, with int8 weights.

Each state is rounded to a coarse part of 7 bits and a fine one of 7 more, like those of `models.packed.Int8`: two rows of
bytes. Sums are exact integers.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from models.language.compiled import instructions
from models.language.compiled.instructions import LANES, Function, whole
from models.language.compiled.plan import HALF, LINEAR, ZERO, add_bias, compiled, largest_size, row_of

MIDDLE = 64
"""What is added to both parts of a rounded state, to make them positive."""
OUTPUTS = 3 * LANES
"""Outputs whose sums are made at a time."""
_FINE, _COARSE = np.float32(126), np.float32(1 / 126)
"""Steps of the fine part of a rounded state within one of the coarse part, and their size."""
_LARGEST = np.float32(63)
_FEW, _SEVERAL, _MOST = 2, 4, 8
"""Rows of bytes that are multiplied at once."""


def to_panels(weight: torch.Tensor) -> torch.Tensor:
    """int8 weights, shape (outputs, inputs), in the order that `instructions.panels` reads them; outputs of zeros are
    added up to a multiple of LANES.
    """
    outputs, inputs = weight.shape
    padded = functional.pad(weight, (0, 0, 0, -outputs % LANES))
    return padded.view(-1, LANES, inputs // 4, 4).transpose(1, 2).contiguous()


def from_panels(panels: torch.Tensor, outputs: int) -> torch.Tensor:
    """What `to_panels` was made from, shape (outputs, inputs)."""
    return panels.transpose(1, 2).reshape(-1, 4 * panels.shape[1])[:outputs]


def _blocks(count: int) -> Function:
    """f(weights, states, sums, inputs, stride, rows): so many panels of outputs, for any number of rows."""
    few, several, most = (instructions.panels(rows, count) for rows in (_FEW, _SEVERAL, _MOST))

    @compiled
    def multiply(weights: int, states: int, sums: int, inputs: int, stride: int, rows: int) -> None:
        if rows <= _FEW:
            few(weights, states, sums, inputs, stride)
        elif rows <= _SEVERAL:
            several(weights, states, sums, inputs, stride)
        else:
            for row in range(0, rows, _MOST):
                most(weights, states + row * inputs, sums + 4 * row * stride, inputs, stride)

    return multiply


def _multiply() -> Function:
    """f(weights, states, sums, inputs, stride, rows, begin, end): up to three panels of outputs; `begin` is 0."""
    single, together = _blocks(1), _blocks(OUTPUTS // LANES)

    @compiled
    def multiply(
        weights: int, states: int, sums: int, inputs: int, stride: int, rows: int, begin: int, end: int
    ) -> int:
        if rows > _FEW and end == OUTPUTS:  # for fewer rows, memory in one stream is faster
            together(weights, states, sums, inputs, stride, rows)
        else:
            for output in range(begin, end, LANES):
                single(weights + output * inputs, states, sums + 4 * output, inputs, stride, rows)
        return 0

    return multiply


@cache
def linear() -> tuple[Function, Function]:
    """As `products.linear`, for weights of `to_panels`."""
    multiply = instructions.separate(_multiply())

    @compiled
    def prepare(plan: Any, target: int, states: int, width: int, begin: int, end: int) -> None:
        steps = row_of(target + plan.steps, 0, end)
        for place in range(begin, end):
            row = row_of(states, place, width)
            largest = largest_size(row, width)
            doubt = ZERO
            for index in range(width):
                doubt += row[index] * ZERO
            steps[place] = largest / _LARGEST + doubt  # NaN if a state is not finite, which bytes cannot say
            factor = _LARGEST / largest
            both = row_of(target, place, width // 2).view(np.uint8)
            for index in range(width):
                scaled = row[index] * factor
                rounded = np.floor(scaled + HALF)
                both[index] = np.uint8(np.int32(rounded) + MIDDLE)
                both[width + index] = np.uint8(np.int32(np.floor((scaled - rounded) * _FINE + HALF)) + MIDDLE)

    @compiled
    def compute(
        plan: Any,
        thread: int,
        number: int,
        inputs: int,
        width: int,
        made: int,
        stride: int,
        rows: int,
        begin: int,
        end: int,
    ) -> None:
        entry = plan.linears + LINEAR * number
        weights, factors, bias = whole(entry), row_of(whole(entry + 8), 0, end), whole(entry + 16)
        offsets, sums = row_of(whole(entry + 24), 0, end).view(np.int32), plan.sums + thread * plan.sums_size
        steps = row_of(inputs + plan.steps, 0, rows)
        for first in range(begin, end, OUTPUTS):
            count = min(OUTPUTS, end - first)
            multiply(weights + first * width, inputs, sums, width, OUTPUTS, 2 * rows, 0, count)
            for place in range(rows):
                row, both = row_of(made, place, stride), row_of(sums, place, 2 * OUTPUTS).view(np.int32)
                for index in range(count):
                    offset = offsets[first + index]
                    coarse = np.float32(np.int32(both[index] - offset))
                    fine = np.float32(np.int32(both[OUTPUTS + index] - offset))
                    row[first + index] = (coarse + fine * _COARSE) * (steps[place] * factors[first + index])
        add_bias(bias, made, stride, rows, begin, end)

    return prepare, compute
