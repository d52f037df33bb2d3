"""Products of a few rows of states with the weights of a linear layer."""

from __future__ import annotations

from functools import cache
from typing import Any

from models.language.compiled import instructions, panels
from models.language.compiled.instructions import MOST_ROWS, TILES, Arithmetic, Function, whole
from models.language.compiled.plan import LINEAR, add_bias, compiled, in_order

_SEVERAL = 4


@cache
def _blocks(arithmetic: Arithmetic, rows: int) -> Function:
    """f(weights, states, made, inputs, stride, count, begin, end): outputs `begin` to `end` of a product.

    `count` is rounded up to a multiple of `rows`.
    """
    outputs = TILES[rows]
    block, single = instructions.dot(arithmetic, rows, outputs), instructions.dot(arithmetic, 1, 1)
    weight_bytes, state_bytes = arithmetic.weights.nbytes, arithmetic.states.nbytes

    @in_order
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
    one, several, most = (_blocks(arithmetic, rows) for rows in (1, _SEVERAL, MOST_ROWS))

    @compiled
    def multiply(
        weights: int, states: int, made: int, inputs: int, stride: int, count: int, begin: int, end: int
    ) -> int:
        if count == 1:
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

    f(target, states, width, begin, end) writes rows `begin` to `end` of float32 states to an address, in the format of
    the inputs.
    f(plan, number, inputs, width, made, stride, rows, begin, end) computes outputs `begin`, a multiple of MULTIPLE, to
    `end` of the linear layer of that number. Its rows in `made`, float32, are `stride` numbers apart.
    """
    multiply = panels.multiplication(arithmetic) if arithmetic.in_panels else _from_rows(arithmetic)
    is_rounded = arithmetic.state_format == "uint8"
    store, size = instructions.rounded(arithmetic.state_format), arithmetic.states.nbytes

    @compiled
    def prepare(target: int, states: int, width: int, begin: int, end: int) -> None:
        if is_rounded:
            panels.rounded(target, states, width, begin, end)
        elif begin < end:
            store(states + 4 * width * begin, target + size * width * begin, (end - begin) * width)

    @compiled
    def compute(
        plan: Any,
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
        multiply(entry, inputs, made, width, stride, rows, begin, end)
        add_bias(whole(entry + 16), made, stride, rows, begin, end)

    return prepare, compute


def _from_rows(arithmetic: Arithmetic) -> Function:
    """As `panels.multiplication`, for weights in rows; `begin` may be any."""
    multiply = products(arithmetic)

    @compiled
    def multiplied(
        entry: int, inputs: int, made: int, width: int, stride: int, rows: int, begin: int, end: int
    ) -> None:
        multiply(whole(entry), inputs, made, width, stride, rows, begin, end)

    return multiplied
