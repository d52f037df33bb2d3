"""What a step is told, and small functions that its parts share."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import carray, njit  # type: ignore[attr-defined] # its types leave this name out

from models.language.compiled.instructions import count_up, counted, from_bits, pointer, power_of_two

SILU, TANH_GELU, RELU = range(3)
"""Activations."""
QUERIES, KEYS, VALUES, OUTPUT, GATE, UP, DOWN = range(7)
"""The linear layers of a layer; the output head follows those of the last one."""
LINEARS = 7
MOST_TOKENS = 128
"""Maximum number of tokens of a step."""
MULTIPLE = 48
"""Each thread but the last computes a multiple of so many outputs of a linear layer: of all numbers in TILES, and of
the outputs of a group of panels."""
LINEAR, NORM = 32, 16
"""Bytes of an entry in the lists of linear layers and norms."""

PLAN = np.dtype(
    [
        (name, np.int64)
        for name in (
            # The model.
            *("layers", "hidden", "heads", "kept_heads", "size", "rotated", "inner", "vocabulary"),
            *("activation", "is_gated", "is_parallel", "has_mean", "is_fused"),
            # Addresses of int64: for each linear layer, the addresses of weight, scales, bias and offsets (of sums of
            # bytes, int32); for each norm, those of weight and bias; 0 for what there is not.
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
            # Memory of each thread, and its size in bytes: normed states; inputs of a product in its own format;
            # queries; and attention scores.
            *("normed", "normed_size", "inputs", "inputs_size", "queries", "queries_size"),
            *("shares", "shares_size"),
            # The rows whose scores are asked for: their number, an address of int64, and where the scores go.
            *("chosen", "chosen_rows", "scores"),
            # Threads, and the address of counters, 64 bytes apart: one for all, and one for each.
            *("threads", "counters"),
        )
    ]
    + [("smallest", np.float32), ("scale", np.float32)],
    align=True,
)
"""What a step is called with. Norms add `smallest` to the variance; `scale` multiplies attention scores."""

_SPINS = 2000
"""How often a thread looks whether the others are ready before it lets other threads run."""
_yield_core = ctypes.CDLL(None).sched_yield
_yield_core.argtypes = []
_yield_core.restype = ctypes.c_int

_FLOAT = np.float32
ZERO, HALF, ONE, _TWO = map(_FLOAT, (0, 0.5, 1, 2))
TINY = np.finfo(_FLOAT).tiny
_LOG2_E, _LN2_HIGH, _LN2_LOW = _FLOAT(1.44269504), _FLOAT(0.693359375), _FLOAT(-2.12194440e-4)
_LEAST, _MOST = _FLOAT(-87.0), _FLOAT(88.0)
_E2, _E3, _E4, _E5, _E6, _E7 = map(
    _FLOAT,
    (5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3, 1.9875691500e-4),
)
_SIGN, _ALL_BUT_SIGN = np.int32(31), np.int32(0x7FFFFFFF)
"""The place of the sign among the bits of a float32, and the other bits."""
_GELU, _CUBIC = _FLOAT(0.7978845608), _FLOAT(0.044715)

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile a function. Sums may be added up in any order, always the same."""
    options: Any = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz"}}
    return cast("F", njit(**options)(function))


def in_order(function: F) -> F:
    """Compile a function whose sums must be added up as written."""
    options: Any = {"nogil": True, "fastmath": {"contract"}}
    return cast("F", njit(**options)(function))


@compiled
def largest(numbers: Any, count: int) -> Any:
    """The largest of the first `count` numbers, unless one is NaN.

    LLVM compares whole numbers with vectors, but not these. So their bits are compared, which are in the same order once
    those of negative numbers, except the sign, are inverted.
    """
    bits, most = numbers.view(np.int32), np.int32(-_ALL_BUT_SIGN)
    for index in range(count):
        own = bits[index]
        most = max(most, np.int32(own ^ ((own >> _SIGN) & _ALL_BUT_SIGN)))
    return from_bits(np.int32(most ^ ((most >> _SIGN) & _ALL_BUT_SIGN)))


@compiled
def largest_size(numbers: Any, count: int) -> Any:
    """As `largest`, of the absolute values; NaN if one of them is."""
    bits, most = numbers.view(np.int32), np.int32(0)
    for index in range(count):
        most = max(most, np.int32(bits[index] & _ALL_BUT_SIGN))
    return from_bits(most)


@in_order
def exponential(number: Any) -> Any:
    """The exponential of a float32, as Moshier's Cephes library computes it."""
    number = min(max(number, _LEAST), _MOST)
    exponent = np.floor(number * _LOG2_E + HALF)
    rest = number - exponent * _LN2_HIGH - exponent * _LN2_LOW
    series = _E7
    series = series * rest + _E6
    series = series * rest + _E5
    series = series * rest + _E4
    series = series * rest + _E3
    series = series * rest + _E2
    return (series * rest * rest + rest + ONE) * power_of_two(exponent)


@compiled
def activated(number: Any, kind: int) -> Any:
    if kind == RELU:
        return max(number, ZERO)
    argument = number
    if kind == TANH_GELU:
        # (1 + tanh(x)) / 2 is the logistic function of 2 x.
        argument = _TWO * _GELU * (number + _CUBIC * number * number * number)
    return number / (ONE + exponential(-argument))


@compiled
def row_of(address: int, place: int, width: int) -> Any:
    """One of the float32 rows of this width at an address."""
    return carray(pointer(address + 4 * place * width), (width,))


@compiled
def part_of(address: int, place: int, width: int, begin: int, end: int) -> Any:
    """Numbers `begin` to `end` of one of these rows. Only loops that begin at 0 are computed with vectors."""
    return carray(pointer(address + 4 * (place * width + begin)), (end - begin,))


@compiled
def add_bias(bias: int, made: int, stride: int, rows: int, begin: int, end: int) -> None:
    """Add the bias at an address, unless that is 0, to outputs `begin` to `end` of some rows."""
    if bias == 0:
        return
    more = part_of(bias, 0, 0, begin, end)
    for place in range(rows):
        row = part_of(made, place, stride, begin, end)
        for index in range(len(row)):
            row[index] += more[index]


@compiled
def share(count: int, thread: int, threads: int, multiple: int) -> tuple[int, int]:
    """The begin and end of a thread's part of `count` outputs."""
    begin = count * thread // threads // multiple * multiple
    end = count if thread == threads - 1 else count * (thread + 1) // threads // multiple * multiple
    return begin, end


@compiled
def wait(plan: Any, thread: int) -> None:
    """Wait until all threads have come here."""
    if plan.threads == 1:
        return
    passed = count_up(plan.counters + 64 * (thread + 1)) + 1
    count_up(plan.counters)
    spins = 0
    while counted(plan.counters) < passed * plan.threads:
        spins += 1
        if spins > _SPINS:
            _yield_core()
