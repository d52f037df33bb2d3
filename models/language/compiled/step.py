"""A step of a causal language model, a few tokens of several texts through all layers, as one compiled function.

Generating a token reads every weight once. What remains to be avoided is everything else: calls, waking threads, and
copies. Each thread computes its share of the outputs of every product, and waits for the others where one product
needs all of the one before.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numba import carray, njit

from models.language.compiled import instructions
from models.language.compiled.instructions import (
    LANES,
    TILES,
    Function,
    count_up,
    counted,
    pointer,
    power_of_two,
    whole,
)

MULTIPLE = 2 * LANES
"""What sizes must be multiples of."""
MOST_ROWS = max(TILES)
"""Rows that are multiplied at once; buffers have a multiple of this."""
SILU, TANH_GELU, RELU = range(3)
QUERIES, KEYS, VALUES, OUTPUT, GATE, UP, DOWN = range(7)
"""The linear layers of a layer, in the order of `LINEARS`."""
LINEARS = 7

PLAN = np.dtype(
    [
        (name, np.int64)
        for name in (
            # The model.
            *("layers", "hidden", "heads", "kept_heads", "size", "rotated", "inner", "vocabulary"),
            *("activation", "is_gated", "is_parallel", "has_mean"),
            # Addresses of int64: for each linear layer, the addresses of weight, scales and bias; for each norm, those
            # of weight and bias; 0 for what there is not.
            *("linears", "norms"),
            # The texts: their number, the new tokens of each, and the cached columns before these.
            *("texts", "width", "past"),
            # Addresses: float32 of shape (rows, rotated size); int64 of shape (texts, columns), 1 where a column holds
            # a token; int64 of shape (texts, 2), the first such column and whether others follow without a gap.
            *("cos", "sin", "mask", "starts"),
            # Addresses of int64: those of each layer's keys and values, whose texts and heads are so many bytes apart.
            *("keys", "values", "text_stride", "head_stride"),
            # Addresses of float32 with a row for each token: states and intermediate results.
            *("states", "projected", "attended", "added", "wide", "second"),
            # For each thread: addresses of float32 for a row of every token and for all columns, and their sizes.
            *("normed", "normed_size", "pairs", "pairs_size", "shares", "shares_size"),
            # The rows whose scores are asked for: their number, an address of int64, and where the scores go.
            *("chosen", "chosen_rows", "scores"),
            # Threads, and the address of an int64 that they count up.
            *("threads", "counter"),
        )
    ]
    + [("smallest", np.float32), ("scale", np.float32)],
    align=True,
)
"""What `step` is called with. `smallest` is added to the variance by norms, `scale` multiplies attention scores."""

_SPINS = 2000
"""How often a thread looks whether the others are ready before it lets other threads run."""
_yield_core = ctypes.CDLL(None).sched_yield
_yield_core.argtypes = []
_yield_core.restype = ctypes.c_int

_FLOAT = np.float32
_LOG2_E, _LN2_HIGH, _LN2_LOW = _FLOAT(1.44269504), _FLOAT(0.693359375), _FLOAT(-2.12194440e-4)
_LEAST, _MOST = _FLOAT(-87.0), _FLOAT(88.0)
_ZERO, _HALF, _ONE, _TWO = _FLOAT(0), _FLOAT(0.5), _FLOAT(1), _FLOAT(2)
_E2, _E3, _E4, _E5, _E6 = map(_FLOAT, (0.5, 0.16666665, 0.041665795, 0.0083334519, 0.0013981999))
_GELU, _CUBIC = _FLOAT(0.7978845608), _FLOAT(0.044715)

_compiled: Any = njit(nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
_inlined: Any = njit(inline="always")


@_compiled
def exponential(number: Any) -> Any:
    """e to the power of a float32 (Moshier's Cephes library, to about one unit in the last place)."""
    number = min(max(number, _LEAST), _MOST)
    exponent = np.floor(number * _LOG2_E + _HALF)
    rest = number - exponent * _LN2_HIGH - exponent * _LN2_LOW
    series = ((((_E6 * rest + _E5) * rest + _E4) * rest + _E3) * rest + _E2) * rest * rest + rest + _ONE
    return series * power_of_two(exponent)


@_compiled
def activated(number: Any, kind: int) -> Any:
    if kind == RELU:
        return max(number, _ZERO)
    argument = number
    if kind == TANH_GELU:
        # (1 + tanh(x)) / 2 is the logistic function of 2 x.
        argument = _TWO * _GELU * (number + _CUBIC * number * number * number)
    return number / (_ONE + exponential(-argument))


@_compiled
def _wait(plan: Any, passed: int) -> None:
    """Wait until all threads have come here; `passed` is how often they have, this time included."""
    if plan.threads == 1:
        return
    count_up(plan.counter)
    spins = 0
    while counted(plan.counter) < passed * plan.threads:
        spins += 1
        if spins > _SPINS:
            _yield_core()


@_compiled
def _share(count: int, thread: int, threads: int, multiple: int) -> tuple[int, int]:
    """The first and the last but one of a thread's outputs."""
    begin = count * thread // threads // multiple * multiple
    end = count if thread == threads - 1 else count * (thread + 1) // threads // multiple * multiple
    return begin, end


@_compiled
def _row(address: int, place: int, width: int) -> Any:
    """One of the float32 rows of this width at an address."""
    return carray(pointer(address + 4 * place * width), (width,))


@_compiled
def _norm(plan: Any, place: int, row: Any, made: Any) -> None:
    """Root mean square norm (Zhang and Sennrich 2019) or layer norm (Ba et al. 2016) of a row."""
    weight = _row(whole(plan.norms + 16 * place), 0, plan.hidden)
    mean = _ZERO
    if plan.has_mean:
        for index in range(plan.hidden):
            mean += row[index]
        mean /= _FLOAT(plan.hidden)
    squares = _ZERO
    for index in range(plan.hidden):
        off = row[index] - mean
        squares += off * off
    factor = _ONE / np.sqrt(squares / _FLOAT(plan.hidden) + plan.smallest)
    if plan.has_mean:
        bias = _row(whole(plan.norms + 16 * place + 8), 0, plan.hidden)
        for index in range(plan.hidden):
            made[index] = (row[index] - mean) * factor * weight[index] + bias[index]
    else:
        for index in range(plan.hidden):
            made[index] = row[index] * factor * weight[index]


@cache
def compiled(weights: str, cached: str, *, pairs: bool) -> Function:
    """A function f(plans, thread) that computes a thread's part of a step; `plans` is an array with one `PLAN`.

    `weights` and `cached` name the formats of weights, and of keys and values. With `pairs`, weights are bfloat16, and
    inputs of products are rounded to it. Compiling takes a few seconds, at the first call.
    """
    nbytes = instructions.FORMATS[weights].nbytes
    cached_bytes = instructions.FORMATS[cached].nbytes
    is_scaled = weights == "int8"
    state_bytes = 2 if pairs else 4
    one = instructions.dot(weights, 1, 1, pairs=pairs)
    two, two_single = (instructions.dot(weights, 2, outputs, pairs=pairs) for outputs in (TILES[2], 1))
    four, four_single = (instructions.dot(weights, 4, outputs, pairs=pairs) for outputs in (TILES[4], 1))
    most, most_single = (instructions.dot(weights, MOST_ROWS, outputs, pairs=pairs) for outputs in (TILES[MOST_ROWS], 1))
    two_outputs, four_outputs, most_outputs = TILES[2], TILES[4], TILES[MOST_ROWS]
    compared = instructions.dot(cached, 1, 1)
    mixed = instructions.mixed(cached)
    store = instructions.store(cached)
    store_pair = instructions.store("bfloat16")

    @_compiled
    def multiply(weight: int, states: int, made: int, inputs: int, stride: int, rows: int, begin: int, end: int) -> None:
        """Outputs `begin` to `end` of a product, for `rows` rows or a few more: buffers are large enough."""
        length = inputs * nbytes
        output = begin
        if rows == 1:
            for place in range(begin, end):
                one(weight + place * length, states, made + 4 * place, inputs, stride)
        elif rows == 2:
            while output + two_outputs <= end:
                two(weight + output * length, states, made + 4 * output, inputs, stride)
                output += two_outputs
            for place in range(output, end):
                two_single(weight + place * length, states, made + 4 * place, inputs, stride)
        elif rows <= 4:
            while output + four_outputs <= end:
                four(weight + output * length, states, made + 4 * output, inputs, stride)
                output += four_outputs
            for place in range(output, end):
                four_single(weight + place * length, states, made + 4 * place, inputs, stride)
        else:
            while output + most_outputs <= end:
                for row in range(0, rows, MOST_ROWS):
                    most(
                        weight + output * length,
                        states + row * inputs * state_bytes,
                        made + 4 * (output + row * stride),
                        inputs,
                        stride,
                    )
                output += most_outputs
            for place in range(output, end):
                for row in range(0, rows, MOST_ROWS):
                    most_single(
                        weight + place * length,
                        states + row * inputs * state_bytes,
                        made + 4 * (place + row * stride),
                        inputs,
                        stride,
                    )

    @_compiled
    def product(
        plan: Any, linear: int, states: int, made: int, inputs: int, stride: int, rows: int, begin: int, end: int
    ) -> None:
        """Outputs `begin` to `end` of a linear layer."""
        weight, scales, bias = (
            whole(plan.linears + 24 * linear),
            whole(plan.linears + 24 * linear + 8),
            whole(plan.linears + 24 * linear + 16),
        )
        multiply(weight, states, made, inputs, stride, rows, begin, end)
        for place in range(rows):
            row = _row(made, place, stride)
            if is_scaled:
                factors = _row(scales, 0, end)
                for index in range(begin, end):
                    row[index] *= factors[index]
            if bias != 0:
                more = _row(bias, 0, end)
                for index in range(begin, end):
                    row[index] += more[index]

    @_compiled
    def inputs_of(plan: Any, thread: int, source: int, width: int, rows: int) -> int:
        """The address of some float32 rows as inputs of a product: rounded to bfloat16 if that is needed."""
        if not pairs:
            return source
        target = plan.pairs + thread * plan.pairs_size
        for place in range(rows):
            row = _row(source, place, width)
            begin = target + 2 * place * width
            for index in range(width):
                store_pair(begin + 2 * index, row[index])
        return target

    @_compiled
    def rotate(states: Any, cos: Any, sin: Any, rotated: int) -> None:
        """Rotary position embedding (Su et al. 2021, "RoFormer") of the first numbers of a head."""
        half = rotated // 2
        for index in range(half):
            first, second = states[index], states[index + half]
            states[index] = first * cos[index] - second * sin[index]
            states[index + half] = second * cos[index + half] + first * sin[index + half]

    @_compiled
    def remember(plan: Any, layer: int, text: int, head: int) -> None:
        """Rotate the queries and keys of a text's new tokens for one head of keys, and cache keys and values."""
        size, stride = plan.size, (plan.heads + 2 * plan.kept_heads) * plan.size
        group = plan.heads // plan.kept_heads
        at = text * plan.text_stride + head * plan.head_stride
        for token in range(plan.width):
            row = text * plan.width + token
            states = _row(plan.projected, row, stride)
            key = states[(plan.heads + head) * size : (plan.heads + head + 1) * size]
            value = states[(plan.heads + plan.kept_heads + head) * size :]
            cos, sin = _row(plan.cos, row, plan.rotated), _row(plan.sin, row, plan.rotated)
            rotate(key, cos, sin, plan.rotated)
            for query in range(head * group, (head + 1) * group):
                rotate(states[query * size : (query + 1) * size], cos, sin, plan.rotated)
            place = at + (plan.past + token) * size * cached_bytes
            keys, values = whole(plan.keys + 8 * layer) + place, whole(plan.values + 8 * layer) + place
            for index in range(size):
                store(keys + index * cached_bytes, key[index])
                store(values + index * cached_bytes, value[index])

    @_compiled
    def attend(plan: Any, layer: int, thread: int, text: int, token: int, head: int) -> None:
        """Attention of one new token's query head."""
        size, row = plan.size, text * plan.width + token
        made = _row(plan.attended, row, plan.heads * size)[head * size : (head + 1) * size]
        columns = plan.past + plan.width
        mask = plan.mask + 8 * text * columns
        last = plan.past + token
        if whole(mask + 8 * last) == 0:
            for index in range(size):
                made[index] = _ZERO
            return
        first, is_contiguous = whole(plan.starts + 16 * text), whole(plan.starts + 16 * text + 8)
        count = last + 1 - first
        kept = head // (plan.heads // plan.kept_heads)
        step = size * cached_bytes
        at = text * plan.text_stride + kept * plan.head_stride + first * step
        states = _row(plan.projected, row, (plan.heads + 2 * plan.kept_heads) * size)
        query = states[head * size : (head + 1) * size]
        for index in range(size):
            query[index] *= plan.scale
        at_query = plan.projected + 4 * (row * (plan.heads + 2 * plan.kept_heads) + head) * size
        at_shares = plan.shares + thread * plan.shares_size
        shares = _row(at_shares, 0, count)
        keys, values = whole(plan.keys + 8 * layer) + at, whole(plan.values + 8 * layer) + at
        for index in range(count):
            compared(keys + index * step, at_query, at_shares + 4 * index, size, 1)
        if not is_contiguous:
            for index in range(count):
                if whole(mask + 8 * (first + index)) == 0:
                    shares[index] = -np.inf
        largest = shares[0]
        for index in range(count):
            largest = max(largest, shares[index])
        total = _ZERO
        for index in range(count):
            share = exponential(shares[index] - largest)
            shares[index] = share
            total += share
        factor = _ONE / total
        at_made = plan.attended + 4 * (row * plan.heads + head) * size
        for index in range(0, size, LANES):
            mixed(at_shares, values + index * cached_bytes, count, step, at_made + 4 * index)
        for index in range(size):
            made[index] *= factor

    @_compiled
    def add(plan: Any, source: int, begin: int, end: int) -> None:
        """Add some columns of a result to those of the states."""
        for place in range(plan.texts * plan.width):
            states, more = _row(plan.states, place, plan.hidden), _row(source, place, plan.hidden)
            for index in range(begin, end):
                states[index] += more[index]

    @_compiled
    def norms(plan: Any, place: int, thread: int, rows: int) -> int:
        """The address of the normed states, as inputs of a product. Each thread makes its own, rather than wait."""
        target = plan.normed + thread * plan.normed_size
        for row in range(rows):
            _norm(plan, place, _row(plan.states, row, plan.hidden), _row(target, row, plan.hidden))
        return inputs_of(plan, thread, target, plan.hidden, rows)

    @_compiled
    def step(plans: Any, thread: int) -> None:
        plan = plans[0]
        rows, hidden, threads = plan.texts * plan.width, plan.hidden, plan.threads
        queries, kept = plan.heads * plan.size, plan.kept_heads * plan.size
        multiple = 4 * MOST_ROWS
        passed = 0
        for layer in range(plan.layers):
            linear = LINEARS * layer
            normed = norms(plan, 2 * layer, thread, rows)
            # Queries, keys and values: as if they were the outputs of one layer.
            begin, end = _share(queries + 2 * kept, thread, threads, multiple)
            offset = 0
            for part in range(3):
                count = queries if part == 0 else kept
                low, high = max(begin - offset, 0), min(end - offset, count)
                if low < high:
                    made = plan.projected + 4 * offset
                    product(plan, linear + part, normed, made, hidden, queries + 2 * kept, rows, low, high)
                offset += count
            passed += 1
            _wait(plan, passed)
            begin, end = _share(plan.texts * plan.kept_heads, thread, threads, 1)
            group = plan.heads // plan.kept_heads
            for task in range(begin, end):
                text, head = task // plan.kept_heads, task % plan.kept_heads
                remember(plan, layer, text, head)
                for token in range(plan.width):
                    for query in range(head * group, (head + 1) * group):
                        attend(plan, layer, thread, text, token, query)
            passed += 1
            _wait(plan, passed)
            begin, end = _share(plan.inner, thread, threads, multiple)
            if plan.is_parallel:
                widen(plan, linear, normed, rows, begin, end)
            attended = inputs_of(plan, thread, plan.attended, queries, rows)
            begin, end = _share(hidden, thread, threads, multiple)
            product(plan, linear + OUTPUT, attended, plan.added, queries, hidden, rows, begin, end)
            add(plan, plan.added, begin, end)
            passed += 1
            _wait(plan, passed)
            if not plan.is_parallel:
                normed = norms(plan, 2 * layer + 1, thread, rows)
                begin, end = _share(plan.inner, thread, threads, multiple)
                widen(plan, linear, normed, rows, begin, end)
                passed += 1
                _wait(plan, passed)
            wide = inputs_of(plan, thread, plan.wide, plan.inner, rows)
            begin, end = _share(hidden, thread, threads, multiple)
            product(plan, linear + DOWN, wide, plan.added, plan.inner, hidden, rows, begin, end)
            add(plan, plan.added, begin, end)
            passed += 1
            _wait(plan, passed)
        target = plan.normed + thread * plan.normed_size
        for place in range(plan.chosen):
            row = whole(plan.chosen_rows + 8 * place)
            _norm(plan, 2 * plan.layers, _row(plan.states, row, hidden), _row(target, place, hidden))
        normed = inputs_of(plan, thread, target, hidden, plan.chosen)
        begin, end = _share(plan.vocabulary, thread, threads, multiple)
        head = LINEARS * plan.layers
        product(plan, head, normed, plan.scores, hidden, plan.vocabulary, plan.chosen, begin, end)

    @_compiled
    def widen(plan: Any, linear: int, normed: int, rows: int, begin: int, end: int) -> None:
        """Some columns between the two products of the feed-forward network, activated."""
        product(plan, linear + UP, normed, plan.wide, plan.hidden, plan.inner, rows, begin, end)
        if plan.is_gated:
            product(plan, linear + GATE, normed, plan.second, plan.hidden, plan.inner, rows, begin, end)
        for place in range(rows):
            wide = _row(plan.wide, place, plan.inner)
            if plan.is_gated:
                gates = _row(plan.second, place, plan.inner)
                for index in range(begin, end):
                    wide[index] *= activated(gates[index], plan.activation)
            else:
                for index in range(begin, end):
                    wide[index] = activated(wide[index], plan.activation)

    return step
