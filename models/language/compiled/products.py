"""Products of a few rows of states with the weights of a linear layer."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from models.language.compiled import instructions
from models.language.compiled.instructions import TILES, Arithmetic, Function, whole
from models.language.compiled.plan import HALF, LINEAR, ZERO, compiled, largest_size, row_of

MIDDLE = 64
"""What is added to both parts of a rounded state, to make them positive."""
MOST_ROWS = max(TILES)
"""Rows that are multiplied at once; buffers have a multiple of this."""
_SEVERAL = 4
_FINE, _COARSE = np.float32(126), np.float32(1 / 126)
"""Steps of the fine part of a rounded state within one of the coarse part, and their size."""
_LARGEST = np.float32(63)
OUTPUTS = 48
"""Outputs whose sums of bytes are made at a time."""


@cache
def _blocks(arithmetic: Arithmetic, rows: int) -> Function:
    """f(weights, states, made, inputs, stride, count, begin, end): outputs `begin` to `end` of a product.

    `count` is rounded up to a multiple of `rows`.
    """
    outputs = TILES[rows]
    block, single = instructions.dot(arithmetic, rows, outputs), instructions.dot(arithmetic, 1, 1)
    weight_bytes, state_bytes = arithmetic.weights.nbytes, arithmetic.states.nbytes

    @compiled
    def multiply(
        weights: int, states: int, made: int, inputs: int, stride: int, count: int, begin: int, end: int
    ) -> None:
        length, width = inputs * weight_bytes, inputs * state_bytes
        if end - begin < outputs:
            for output in range(begin, end):
                for row in range(count):
                    target = made + 4 * (output + row * stride)
                    single(weights + output * length, states + row * width, target, inputs, stride)
            return
        for place in range(begin, end, outputs):
            output = min(place, end - outputs)  # the last block may overlap with the one before
            for row in range(0, count, rows):
                target = made + 4 * (output + row * stride)
                block(weights + output * length, states + row * width, target, inputs, stride)

    return multiply


@cache
def products(arithmetic: Arithmetic) -> Function:
    """f(weights, states, made, inputs, stride, count, begin, end): outputs `begin` to `end` of `count` rows.

    A row's outputs do not depend on the other rows. Buffers must be large enough for a multiple of MOST_ROWS rows.
    """
    few = 2 if arithmetic.state_format == "uint8" else 1  # each row of bytes has two parts
    one, several, most = (_blocks(arithmetic, rows) for rows in (few, _SEVERAL, MOST_ROWS))

    @compiled
    def multiply(
        weights: int, states: int, made: int, inputs: int, stride: int, count: int, begin: int, end: int
    ) -> int:
        if count <= few:
            one(weights, states, made, inputs, stride, count, begin, end)
        elif count <= _SEVERAL:
            several(weights, states, made, inputs, stride, count, begin, end)
        else:
            most(weights, states, made, inputs, stride, count, begin, end)
        return 0

    return instructions.separate(multiply)


@cache
def linear(arithmetic: Arithmetic) -> tuple[Function, Function]:
    """Two functions: one prepares states as inputs of a linear layer, the other computes some of its outputs.

    f(plan, target, states, width, begin, end) writes rows `begin` to `end` of float32 states to an address, in the
    format of the inputs.
    f(plan, thread, number, inputs, width, made, stride, rows, begin, end) computes outputs `begin` to `end` of the
    linear layer of that number, whose rows in `made`, float32, are `stride` numbers apart.
    """
    return _bytes(arithmetic) if arithmetic.state_format == "uint8" else _numbers(arithmetic)


def _numbers(arithmetic: Arithmetic) -> tuple[Function, Function]:
    multiply = products(arithmetic)
    is_scaled = arithmetic.weight_format == "int8"
    store, size = instructions.rounded(arithmetic.state_format), arithmetic.states.nbytes

    @compiled
    def prepare(_plan: Any, target: int, states: int, width: int, begin: int, end: int) -> None:
        if begin < end:
            store(states + 4 * width * begin, target + size * width * begin, (end - begin) * width)

    @compiled
    def compute(
        plan: Any,
        _thread: int,
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
        weights, scales, bias = whole(entry), whole(entry + 8), whole(entry + 16)
        multiply(weights, inputs, made, width, stride, rows, begin, end)
        for place in range(rows):
            row = row_of(made, place, stride)
            if is_scaled:
                factors = row_of(scales, 0, end)
                for index in range(begin, end):
                    row[index] *= factors[index]
            if bias != 0:
                more = row_of(bias, 0, end)
                for index in range(begin, end):
                    row[index] += more[index]

    return prepare, compute


def _bytes(arithmetic: Arithmetic) -> tuple[Function, Function]:
    """States are rounded to a coarse part of 7 bits and a fine one of 7 more: two rows of bytes, like those of
    `models.packed.Int8`. Sums are exact integers.
    """
    multiply = products(arithmetic)

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
        if bias != 0:
            more = row_of(bias, 0, end)
            for place in range(rows):
                row = row_of(made, place, stride)
                for index in range(begin, end):
                    row[index] += more[index]

    return prepare, compute
