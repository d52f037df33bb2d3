"""The arithmetic of the compiled step: what each building block computes, and that rows do not depend on each other."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

pytest.importorskip("numba")
from models.language.compiled import instructions, packed, panels, plan
from models.language.compiled.instructions import HAS_HALVES, HAS_PAIRS, LANES, MOST_ROWS, Arithmetic
from models.language.compiled.packed import BFloat16Panels, Float16Panels, Int8Panels, PackedPanels
from models.language.compiled.plan import compiled
from models.language.compiled.products import products

pytestmark = pytest.mark.xdist_group("compiled")  # compiling takes seconds, once for a process

ARITHMETICS = [
    *(Arithmetic(name, "float32") for name in ("float32", "bfloat16", "int8")),
    *([Arithmetic("float16", "float32")] if HAS_HALVES else []),
    *([Arithmetic("bfloat16", "bfloat16")] if HAS_PAIRS else []),
]
DTYPES = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "int8": torch.int8,
    "uint8": torch.uint8,
}
UNTOUCHED = 12345
EPSILON = 2.0**-23


@cache
def multiply(arithmetic: Arithmetic) -> Callable[..., None]:
    """`products`, callable from Python."""
    inner = products(arithmetic)

    @compiled
    def call(
        weights: int, states: int, made: int, inputs: int, stride: int, count: int, begin: int, end: int
    ) -> None:
        inner(weights, states, made, inputs, stride, count, begin, end)

    return call


def numbers(name: str, *shape: int, seed: int) -> Tensor:
    """Random numbers of every size that bytes have, in the format of that name."""
    generator = torch.Generator().manual_seed(seed)
    if name == "int8":
        return torch.randint(-127, 128, shape, generator=generator, dtype=torch.int8)
    if name == "uint8":
        return torch.randint(0, 128, shape, generator=generator, dtype=torch.uint8)
    return torch.randn(shape, generator=generator).to(DTYPES[name])


def product(arithmetic: Arithmetic, weights: Tensor, states: Tensor, begin: int, end: int) -> Tensor:
    """Outputs `begin` to `end` of some rows of states, as the compiled step computes them."""
    rows, outputs = len(states), len(weights)
    room = -(-rows // MOST_ROWS) * MOST_ROWS
    buffer = torch.zeros(room, states.shape[1], dtype=states.dtype)
    buffer[:rows] = states
    made = torch.full((room, outputs), UNTOUCHED, dtype=torch.float32)
    multiply(arithmetic)(
        weights.data_ptr(),
        buffer.data_ptr(),
        made.data_ptr(),
        weights.shape[1],
        outputs,
        rows,
        begin,
        end,
    )
    assert bool((made[:, :begin] == UNTOUCHED).all())
    assert bool((made[:, end:] == UNTOUCHED).all())
    return made[:rows, begin:end]


@st.composite
def shapes(draw: st.DrawFn) -> tuple[int, int, int, int, int, int]:
    """Rows, outputs, groups of inputs, the first and last output that are asked for, and a seed."""
    outputs = draw(st.integers(1, 60))
    begin = draw(st.integers(0, outputs - 1))
    return (
        draw(st.integers(1, 20)),
        outputs,
        draw(st.integers(1, 5)),
        begin,
        draw(st.integers(begin + 1, outputs)),
        draw(st.integers(0, 1000)),
    )


def drawn(arithmetic: Arithmetic, shape: tuple[int, int, int, int, int, int]) -> tuple[Tensor, Tensor]:
    """Weights and states."""
    rows, outputs, groups, _, _, seed = shape
    inputs = groups * arithmetic.numbers
    return (
        numbers(arithmetic.weight_format, outputs, inputs, seed=seed),
        numbers(arithmetic.state_format, rows, inputs, seed=seed + 1),
    )


@pytest.mark.parametrize("arithmetic", ARITHMETICS, ids=str)
@settings(deadline=None, max_examples=40)
@given(shape=shapes())
def test_products_are_those_of_numpy(
    arithmetic: Arithmetic, shape: tuple[int, int, int, int, int, int]
) -> None:
    weights, states = drawn(arithmetic, shape)
    *_, begin, end, _ = shape
    made = product(arithmetic, weights, states, begin, end).double()
    chosen = weights.double()[begin:end]
    wanted = states.double() @ chosen.T
    most = states.double().abs() @ chosen.abs().T
    # Each lane adds up its own part of the inputs, before lanes are added up.
    roundings = states.shape[1] // LANES + LANES.bit_length()
    assert bool(((made - wanted).abs() <= roundings * EPSILON * most).all())


@pytest.mark.parametrize("arithmetic", ARITHMETICS, ids=str)
@settings(deadline=None, max_examples=40)
@given(shape=shapes())
def test_a_row_does_not_depend_on_the_others_nor_on_who_computes_the_other_outputs(
    arithmetic: Arithmetic, shape: tuple[int, int, int, int, int, int]
) -> None:
    weights, states = drawn(arithmetic, shape)
    *_, begin, end, _ = shape
    together = product(arithmetic, weights, states, 0, len(weights))
    for row in range(len(states)):
        own = product(arithmetic, weights, states[row : row + 1], begin, end)
        assert torch.equal(own[0], together[row, begin:end])


# Attention -------------------------------------------------------------------------------------------------


@cache
def mix(name: str, count: int) -> Callable[..., None]:
    inner = instructions.mixed(name, count)

    @compiled
    def call(shares: int, rows: int, made: int, length: int, size: int) -> None:
        inner(shares, rows, made, length, size)

    return call


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
@settings(deadline=None)
@given(length=st.integers(1, 70), heads=st.integers(1, 3), seed=st.integers(0, 1000))
def test_rows_are_mixed_as_numpy_does_and_each_mix_as_if_alone(
    name: str, length: int, heads: int, seed: int
) -> None:
    size, count = heads * LANES, 4
    shares = numbers("float32", count, length, seed=seed).abs()
    rows = numbers(name, length, size, seed=seed + 1)
    together, alone = torch.zeros(count, size), torch.zeros(count, size)
    for at in range(0, size, LANES):
        source, target = rows[:, at:].data_ptr(), together[:, at:].data_ptr()
        mix(name, count)(shares.data_ptr(), source, target, length, size)
        for place in range(count):
            mix(name, 1)(shares[place].data_ptr(), source, alone[place, at:].data_ptr(), length, size)
    assert torch.equal(together, alone)
    most = shares.double() @ rows.double().abs()
    off = (together.double() - shares.double() @ rows.double()).abs()
    assert bool((off <= length * EPSILON * most).all())


# Rounding --------------------------------------------------------------------------------------------------


@cache
def store(name: str) -> Callable[..., None]:
    inner = instructions.rounded(name)

    @compiled
    def call(source: int, target: int, count: int) -> None:
        inner(source, target, count)

    return call


def rounded(name: str, states: Tensor) -> Tensor:
    """As the compiled step stores float32 states; any number of them."""
    count = len(states)
    whole = functional.pad(states, (0, -count % LANES)).contiguous()
    made = torch.zeros(len(whole), dtype=DTYPES[name])
    store(name)(whole.data_ptr(), made.data_ptr(), len(whole))
    return made[:count]


def from_bits(bits: list[int]) -> Tensor:
    return torch.from_numpy(np.array(bits, np.uint32).view(np.float32).copy())


NOT_NAN = st.integers(0, 2**32 - 1).filter(lambda bits: bits & 0x7FFFFFFF <= 0x7F800000)
CLOSE_TO_TIES = [
    sign | exponent << 23 | mantissa << shift | rest
    for sign in (0, 1 << 31)
    for exponent in (0, 1, 100, 102, 103, 104, 112, 113, 127, 142, 254)
    for shift in (13, 16)
    for mantissa in (0, 1, 2, 0x7E, 0x7F)
    for rest in ((1 << shift) // 2 - 1, (1 << shift) // 2, (1 << shift) // 2 + 1)
]


@pytest.mark.parametrize("name", ["bfloat16", *(["float16"] if HAS_HALVES else [])])
@settings(deadline=None)
@example(bits=CLOSE_TO_TIES)
@example(bits=[0, 1 << 31, 1, 0x7FFFFF, 0x7F7FFFFF, 0x7F800000, 0xFF800000, 0x477FEFFF, 0x477FF000])
@given(bits=st.lists(NOT_NAN, min_size=1, max_size=100))
def test_numbers_are_rounded_to_the_nearest_and_ties_to_even_ones(name: str, bits: list[int]) -> None:
    states = from_bits(bits)
    wanted = states.to(DTYPES[name])
    assert torch.equal(rounded(name, states).view(torch.int16), wanted.view(torch.int16))


@pytest.mark.parametrize("name", ["float32", "bfloat16", *(["float16"] if HAS_HALVES else [])])
def test_what_is_no_number_stays_none(name: str) -> None:
    states = torch.tensor([1.0, float("nan"), -float("nan"), float("inf"), -float("inf")])
    assert torch.equal(rounded(name, states).isnan(), states.isnan())
    assert torch.equal(rounded(name, states).isinf(), states.isinf())


# Functions -------------------------------------------------------------------------------------------------


@compiled
def _exponentials(states: Any, made: Any) -> None:
    for index in range(len(states)):
        made[index] = plan.exponential(states[index])


@compiled
def _activations(states: Any, made: Any, kind: int) -> None:
    for index in range(len(states)):
        made[index] = plan.activated(states[index], kind)


def exponentials(states: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    made = np.zeros_like(states)
    _exponentials(states, made)
    return made


def units_off(made: npt.NDArray[np.float32], wanted: npt.NDArray[np.float64]) -> float:
    """The largest error, in units of the last place."""
    return float(np.max(np.abs(made - wanted) / np.spacing(wanted.astype(np.float32))))


def test_exponentials_are_off_by_two_units_at_most() -> None:
    states = np.linspace(-87, 88, 400_001, dtype=np.float32)
    assert units_off(exponentials(states), np.exp(states.astype(np.float64))) <= 2


@settings(deadline=None)
@given(st.lists(st.floats(-87, 88, width=32), min_size=1, max_size=50))
def test_any_exponential_is_off_by_two_units_at_most(numbers: list[float]) -> None:
    states = np.array(numbers, np.float32)
    assert units_off(exponentials(states), np.exp(states.astype(np.float64))) <= 2


def test_exponentials_beyond_the_range_are_those_of_its_ends() -> None:
    states = np.array([-np.inf, -1e30, -88, -87, 88, 89, 1e30, np.inf], np.float32)
    made = exponentials(states)
    assert len(set(made[:4].tolist())) == 1
    assert len(set(made[4:].tolist())) == 1
    assert 0 < made[0] < made[-1] < np.inf


ACTIVATIONS: dict[int, Callable[[Tensor], Tensor]] = {
    plan.SILU: functional.silu,
    plan.TANH_GELU: lambda states: functional.gelu(states, approximate="tanh"),
    plan.RELU: functional.relu,
}


@pytest.mark.parametrize("kind", ACTIVATIONS)
@settings(deadline=None)
@example(numbers=[0.0, -0.0, 1e-30, -1e-30, 1e12, -1e12, 88.0, -88.0, 5.0, -5.0])
@given(numbers=st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=50))
def test_activations_are_those_of_torch(kind: int, numbers: list[float]) -> None:
    states = torch.tensor(numbers)
    made = torch.zeros_like(states)
    _activations(states.numpy(), made.numpy(), kind)
    wanted = ACTIVATIONS[kind](states.double())
    # Where the outputs of a GELU are tiny, a rounding of its argument is multiplied by the argument's size.
    assert torch.allclose(made.double(), wanted, rtol=4 * EPSILON, atol=2e-7)


# Threads ---------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(count=st.integers(0, 5000), threads=st.integers(1, 70), multiple=st.sampled_from([1, 48]))
def test_threads_share_outputs_without_gaps_or_overlaps(count: int, threads: int, multiple: int) -> None:
    parts = [plan.share(count, thread, threads, multiple) for thread in range(threads)]
    assert parts[0][0] == 0
    assert parts[-1][1] == count
    assert all(before[1] == after[0] for before, after in pairwise(parts))
    assert all(begin <= end for begin, end in parts)
    assert all(begin % multiple == 0 for begin, _ in parts)


# Panels ----------------------------------------------------------------------------------------------------


@given(outputs=st.integers(1, 120), groups=st.integers(1, 8), together=st.sampled_from([1, 2, 4]))
def test_panels_hold_the_weights_in_another_order(outputs: int, groups: int, together: int) -> None:
    weights = torch.arange(outputs * groups * together).view(outputs, -1)
    order = panels.to_panels(weights, together)
    assert sorted(order.tolist())[-weights.numel() :] == list(range(weights.numel()))
    assert torch.equal(panels.from_panels(order, outputs, together), weights)


@settings(deadline=None, max_examples=60)
@given(
    rows=st.integers(1, 20),
    outputs=st.integers(1, 120),
    groups=st.integers(1, 40),
    largest=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_products_of_bytes_are_exact(rows: int, outputs: int, groups: int, largest: bool, seed: int) -> None:
    inputs = groups * Int8Panels.arithmetic.numbers
    weight = numbers("int8", outputs, inputs, seed=seed).float()
    states = numbers("uint8", rows, inputs, seed=seed + 1).float() - 64
    states.clamp_(-63, 63)
    if largest:
        weight.fill_(-127)
        states.fill_(63)
    # Every row has the largest number, so that no number is rounded.
    weight[:, 0], states[:, -1] = 127, -63
    made = Int8Panels(weight, None).product(states)
    assert torch.equal(made, states @ weight.T)


# Linear layers ---------------------------------------------------------------------------------------------

KINDS: list[type[PackedPanels]] = [
    *([Float16Panels] if HAS_HALVES else []),
    *([BFloat16Panels] if HAS_PAIRS else []),
    Int8Panels,
]
ROUNDINGS: dict[type[PackedPanels], float] = {
    Float16Panels: 2.0**-11,
    BFloat16Panels: 2.0**-8,
    Int8Panels: 1 / 254,
}
"""How far a rounded weight is off, as a share of the largest."""


def error_of(layer: PackedPanels, states: Tensor) -> Tensor:
    """The largest error of each output that rounding explains."""
    weight = layer.dense().double()
    added = states.shape[1] * EPSILON * (states.double().abs() @ weight.abs().T)
    if not layer.rounds_inputs:
        return added
    # Half a step of the fine parts of states, which have 13 bits.
    step = states.abs().amax(1, keepdim=True).double() / 63 / 126
    return 0.51 * step * weight.abs().sum(1) + added


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=60)
@given(
    rows=st.one_of(st.integers(1, 20), st.sampled_from([128, 129, 300])),
    outputs=st.integers(1, 120),
    groups=st.integers(1, 4),
    size=st.sampled_from([1e-30, 1.0, 1e30]),
    has_bias=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_linear_layers_multiply_with_the_rounded_weights(
    kind: type[PackedPanels], rows: int, outputs: int, groups: int, size: float, has_bias: bool, seed: int
) -> None:
    inputs = groups * kind.arithmetic.numbers
    weight = numbers("float32", outputs, inputs, seed=seed)
    states = (numbers("float32", rows, inputs, seed=seed + 1) * size).to(kind.states)
    bias = numbers("float32", outputs, seed=seed + 2) * size if has_bias else None
    layer = kind(weight, bias)
    assert float((layer.dense() - weight).abs().max()) <= float(weight.abs().max()) * ROUNDINGS[kind] * (
        1 + 1e-6
    )
    wanted = states.double() @ layer.dense().double().T + (0 if bias is None else bias.double())
    most = error_of(layer, states) + torch.finfo(kind.states).eps * wanted.abs()
    made = layer.product(states)
    assert made.dtype == kind.states
    assert bool(((made.double() - wanted).abs() <= most).all())


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=40)
@given(rows=st.integers(2, 140), seed=st.integers(0, 1000))
def test_rows_of_a_linear_layer_do_not_depend_on_the_others(
    kind: type[PackedPanels], rows: int, seed: int
) -> None:
    inputs = kind.arithmetic.numbers
    layer = kind(numbers("float32", 50, inputs, seed=seed), None)
    states = numbers("float32", rows, inputs, seed=seed + 1).to(kind.states)
    states[0] *= 1000
    together = layer.product(states)
    for row in {0, 1, rows // 2, rows - 1}:
        assert torch.equal(layer.product(states[row : row + 1])[0], together[row])


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_are_zero_or_not_finite(kind: type[PackedPanels]) -> None:
    inputs = kind.arithmetic.numbers
    bias = numbers("float32", 50, seed=3)
    layer = kind(numbers("float32", 50, inputs, seed=1), bias)
    states = numbers("float32", 4, inputs, seed=2).to(kind.states)
    alone = layer.product(states[3:])[0]
    states[0] = 0
    states[1, 3], states[2, 1] = float("nan"), float("inf")
    made = layer.product(states)
    assert torch.equal(made[0], bias.to(kind.states))
    assert not bool(made[1:3].isfinite().any())
    assert torch.equal(made[3], alone)


@pytest.mark.parametrize("kind", KINDS)
def test_states_of_any_shape_keep_it(kind: type[PackedPanels]) -> None:
    inputs = kind.arithmetic.numbers
    layer = kind(numbers("float32", 7, inputs, seed=1), None)
    states = numbers("float32", 2, 3, inputs, seed=2).to(kind.states)
    made = layer.product(states)
    assert made.shape == (2, 3, 7)
    assert torch.equal(made[1, 2], layer.product(states[1, 2]))
    assert torch.equal(layer.product(states.transpose(0, 1))[2, 1], made[1, 2])


def test_what_does_not_fit_a_format_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple"):
        Int8Panels(torch.ones(4, Int8Panels.arithmetic.numbers + 1), None)
    if HAS_HALVES:
        with pytest.raises(ValueError, match="too large"):
            Float16Panels(torch.full((4, 2 * LANES), 1e5), None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_released_layer_has_no_weights(kind: type[PackedPanels]) -> None:
    layer = kind(torch.ones(4, kind.arithmetic.numbers), torch.ones(4))
    assert layer.nbytes == 4 * (kind.arithmetic.numbers * kind.bits // 8 + kind.beside + 4)
    assert any(layer.entry)
    layer.release()
    assert layer.nbytes == 0
    assert not any(layer.entry)


PATIENCE = 60.0


def test_threads_end_with_the_last_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_shared", [])  # layers of other tests may have threads too
    before = set(threading.enumerate())
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        layer = Int8Panels(torch.ones(4, 64), None)
        layer.product(torch.ones(2, 64))
    finally:
        torch.set_num_threads(threads)
    own = [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("product")]
    assert own
    layer.release()
    del layer
    gc.collect()
    for thread in own:
        thread.join(PATIENCE)
        assert not thread.is_alive()
