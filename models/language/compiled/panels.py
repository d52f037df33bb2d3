"""Products of rows of states with weights in panels.

A panel has the weights of as many outputs as a vector has numbers, side by side, so that a state is multiplied with all of
them at once. Compared with rows of weights, states are read less often, and there is nothing to add up at the end.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch.nn import functional

from models.language.compiled import instructions
from models.language.compiled.instructions import FINE, LANES, MOST_ROWS, PANELS, Arithmetic, Function, whole
from models.language.compiled.plan import (
    HALF,
    MOST_TOKENS,
    MULTIPLE,
    ZERO,
    compiled,
    in_order,
    largest_size,
    row_of,
)

MIDDLE = 64
"""What is added to both parts of a rounded state, to make them positive."""
_FINE, _LARGEST = np.float32(FINE), np.float32(FINE // 2)
GROUP = PANELS * LANES
"""Outputs that are computed together."""
assert MULTIPLE % GROUP == 0, "threads must compute whole groups"  # noqa: S101 - of the constants above
_LEAST = np.float32(1e-36)
"""As if every row had a state of this size, whose inverse is still finite."""
_STEPS = 4 * MOST_TOKENS
"""Bytes of the steps of rounded states, which lie before these."""


def to_panels(weight: torch.Tensor, together: int) -> torch.Tensor:
    """Weights of shape (outputs, inputs) in the order that the kernels read them, as one list: first all groups of
    GROUP outputs, of shape (inputs / together, GROUP, together), then panels of LANES. Outputs of zeros fill the
    last one.
    """
    outputs, inputs = weight.shape
    # `pad` copies even if there is nothing to add.
    padded = functional.pad(weight, (0, 0, 0, -outputs % LANES)) if outputs % LANES else weight
    made = padded.new_empty(padded.shape)
    for size, into, rows in zip((GROUP, LANES), _parts(made), _parts(padded), strict=True):
        groups = rows.view(-1, size, inputs // together, together).transpose(1, 2)
        into.view(groups.shape).copy_(groups)
    return made.view(-1)


def from_panels(panels: torch.Tensor, outputs: int, together: int) -> torch.Tensor:
    """What `to_panels` was made from."""
    panels = panels.view(outputs + -outputs % LANES, -1)
    inputs = panels.shape[1]
    parts = [
        part.view(-1, inputs // together, size, together).transpose(1, 2).reshape(-1, inputs)
        for size, part in zip((GROUP, LANES), _parts(panels), strict=True)
    ]
    return torch.cat(parts)[:outputs]


def _parts(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The rows in whole groups, and the rest."""
    grouped = len(rows) // GROUP * GROUP
    return rows[:grouped], rows[grouped:]


def _block(arithmetic: Arithmetic, count: int) -> Function:
    """As `instructions.panels`, with the number of rows before that of outputs."""
    is_bytes = arithmetic.state_format == "uint8"
    most = MOST_ROWS // 2 if is_bytes else MOST_ROWS  # bytes have two rows for each
    few, row_bytes = most // 2, 2 if is_bytes else arithmetic.states.nbytes
    one, several, many = (instructions.panels(arithmetic, rows, count) for rows in (1, few, most))
    first = instructions.panels(arithmetic, most, count, ahead=True)

    @in_order
    def multiply(
        weights: int, states: int, made: int, width: int, stride: int, rows: int, outputs: int,
        factors: int, offsets: int, steps: int,
    ) -> None:  # fmt: skip
        if rows == 1:
            one(weights, states, made, width, stride, outputs, factors, offsets, steps)
        elif rows <= few:
            several(weights, states, made, width, stride, outputs, factors, offsets, steps)
        elif rows <= most:
            many(weights, states, made, width, stride, outputs, factors, offsets, steps)
        else:
            # The first rows bring the weights into the cache, where the others find them.
            first(weights, states, made, width, stride, outputs, factors, offsets, steps)
            for row in range(most, rows, most):
                at, target = states + row * width * row_bytes, made + 4 * row * stride
                many(weights, at, target, width, stride, outputs, factors, offsets, steps + 4 * row)

    return multiply


@cache
def multiplication(arithmetic: Arithmetic) -> Function:
    """f(entry, inputs, made, width, stride, rows, begin, end): outputs `begin`, a multiple of GROUP, to `end`.

    `entry` is the address of a linear layer's entry in a plan, and `inputs` that of prepared rows. A row's outputs do not
    depend on the other rows. Buffers must be large enough for a multiple of MOST_ROWS rows.
    """
    group, panel = _block(arithmetic, PANELS), _block(arithmetic, 1)
    nbytes = arithmetic.weights.nbytes
    before = _STEPS if arithmetic.state_format == "uint8" else 0

    @compiled
    def multiply(
        entry: int, inputs: int, made: int, width: int, stride: int, rows: int, begin: int, end: int
    ) -> int:
        weights, factors, offsets = whole(entry), whole(entry + 8), whole(entry + 24)
        states, output = inputs + before, begin
        while output < end:
            at, target, count = weights + output * width * nbytes, made + 4 * output, end - output
            factor, offset = factors + 4 * output, offsets + 4 * output
            if count > GROUP - LANES:
                count = min(count, GROUP)
                group(at, states, target, width, stride, rows, count, factor, offset, inputs)
                output += GROUP
            else:
                count = min(count, LANES)
                panel(at, states, target, width, stride, rows, count, factor, offset, inputs)
                output += LANES
        return 0

    return instructions.separate(multiply)


@in_order
def rounded(target: int, states: int, width: int, begin: int, end: int) -> None:
    """Write rows `begin` to `end` of float32 states to an address, rounded to bytes.

    Each state is rounded to a coarse part of 7 bits and a fine one of 7 more, like those of `models.packed.Int8`: two
    rows of bytes. Sums of their products are exact integers.
    """
    steps = row_of(target, 0, end)
    for place in range(begin, end):
        row = row_of(states, place, width)
        largest = largest_size(row, width)
        size = max(largest, _LEAST)
        # NaN if a state is not finite, which bytes cannot say.
        steps[place] = size / _LARGEST + largest * ZERO
        factor = _LARGEST / size
        both = row_of(target + _STEPS, place, width // 2).view(np.uint8)
        for index in range(width):
            scaled = row[index] * factor
            whole_part = np.floor(scaled + HALF)
            both[index] = np.uint8(np.int32(whole_part) + MIDDLE)
            both[width + index] = np.uint8(np.int32(np.floor((scaled - whole_part) * _FINE + HALF)) + MIDDLE)
