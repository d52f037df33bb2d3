"""Building blocks for functions compiled by Numba: arithmetic on numbers at memory addresses, as LLVM instructions.

Numba's own loops over arrays know neither bfloat16 nor how to keep a block of sums in the processor's registers.
Addresses are int64, in bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

Value: TypeAlias = Any
"""An LLVM value; llvmlite has no types of its own for checkers."""
Builder: TypeAlias = Any
Function: TypeAlias = Any
"""A function that Numba compiles into others."""

_FLOAT, _LONG, _INT, _BYTE = ir.FloatType(), ir.IntType(64), ir.IntType(32), ir.IntType(8)
_CACHE_LINE = 64
"""Bytes that a processor reads from memory at once."""
_TILES_AHEAD = 2
"""How many blocks of weights ahead memory is fetched."""
_SECOND_LEVEL = 2
"""Where to: the cache of the second level. The first is full of inputs."""


class _BFloat(ir.Type):  # type: ignore[misc] # llvmlite has no types
    """LLVM's bfloat, which llvmlite lacks."""

    def _to_string(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BFloat)

    def __hash__(self) -> int:
        return hash(_BFloat)


@dataclass(frozen=True)
class Format:
    """How numbers are stored."""

    name: str
    nbytes: int
    element: Any
    pairs: bool = False
    """Whether products of pairs are summed by one instruction, for inputs in the same format."""


def _able() -> frozenset[str]:
    return frozenset(name for name, there in binding.get_host_cpu_features().items() if there)


_ABLE = _able()
HAS_WIDE = "avx512f" in _ABLE
LANES = 16 if HAS_WIDE else 8 if "avx2" in _ABLE else 4
"""Numbers that are computed with at once."""
HAS_PAIRS = HAS_WIDE and "avx512bf16" in _ABLE
TILES: dict[int, int] = {1: 1, 2: 1, 4: 4, 8: 3} if HAS_WIDE else {1: 1, 2: 2, 4: 3}
"""Rows of inputs and of outputs that are computed together: as many sums as fit the registers."""

FORMATS = {
    "float32": Format("float32", 4, _FLOAT),
    "float16": Format("float16", 2, ir.HalfType()),
    "bfloat16": Format("bfloat16", 2, ir.IntType(16)),
    "int8": Format("int8", 1, _BYTE),
}


def _vector(element: Any, lanes: int = LANES) -> Any:
    return ir.VectorType(element, lanes)


def _long(number: int) -> Value:
    return ir.Constant(_LONG, number)


def _loaded(builder: Builder, address: Value, kind: Any, align: int) -> Value:
    value = builder.load(builder.inttoptr(address, kind.as_pointer()))
    value.align = align
    return value


def _widened(builder: Builder, value: Value, numbers: Format, lanes: int = 0) -> Value:
    """A number, or a vector of `lanes` of them, as float32."""
    wide = _vector(_FLOAT, lanes) if lanes else _FLOAT
    if numbers.name == "float32":
        return value
    if numbers.name == "float16":
        return builder.fpext(value, wide)
    if numbers.name == "int8":
        return builder.sitofp(value, wide)
    bits = _vector(_INT, lanes) if lanes else _INT
    shift = ir.Constant(bits, [16] * lanes if lanes else 16)
    return builder.bitcast(builder.shl(builder.zext(value, bits), shift), wide)


def _called(builder: Builder, name: str, result: Any, arguments: Sequence[Value]) -> Value:
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def _total(builder: Builder, value: Value) -> Value:
    """The sum of a vector."""
    name = f"llvm.vector.reduce.fadd.v{value.type.count}f32"
    kind = ir.FunctionType(_FLOAT, [_FLOAT, value.type])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, [ir.Constant(_FLOAT, 0.0), value], fastmath=["reassoc"])


def _loop(
    builder: Builder, begins: Sequence[Value], end: Value, step: int, body: Callable[..., list[Value]]
) -> list[Value]:
    """Run `body` with an index from 0 up to `end`, not zero, and values that it replaces; returns the last ones."""
    before = builder.block
    loop, after = builder.append_basic_block("loop"), builder.append_basic_block("after")
    builder.branch(loop)
    builder.position_at_end(loop)
    index = builder.phi(_LONG)
    index.add_incoming(_long(0), before)
    values = [builder.phi(value.type) for value in begins]
    for value, begin in zip(values, begins, strict=True):
        value.add_incoming(begin, before)
    made = body(index, values)
    following = builder.add(index, _long(step))
    index.add_incoming(following, builder.block)
    for value, new in zip(values, made, strict=True):
        value.add_incoming(new, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, end), loop, after)
    builder.position_at_end(after)
    return made


@cache
def dot(weights: str, rows: int, outputs: int, *, pairs: bool = False) -> Function:
    """A block of a matrix product: f(weights, states, made, inputs, stride).

    `weights` is the address of `outputs` rows of `inputs` numbers in the format of that name, `states` that of `rows`
    rows of as many: float32, or bfloat16 with `pairs`. The sums go to `made`, float32, whose rows are `stride` numbers
    apart. Each sum is added up in the same order whatever `rows` and `outputs` are. `inputs` is a multiple of the
    vector's size.
    """
    numbers = FORMATS[weights]
    lanes = 2 * LANES if pairs else LANES
    element = _BFloat() if pairs else numbers.element
    size = 2 if pairs else 4
    zero = ir.Constant(_vector(_FLOAT), [0.0] * LANES)

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        first, states, made, inputs, stride = arguments
        length = builder.mul(inputs, _long(numbers.nbytes))
        width = builder.mul(inputs, _long(size))
        weight_rows = [builder.add(first, builder.mul(length, _long(place))) for place in range(outputs)]
        state_rows = [builder.add(states, builder.mul(width, _long(place))) for place in range(rows)]
        ahead = builder.add(first, builder.mul(length, _long(_TILES_AHEAD * outputs)))

        def body(index: Value, sums: list[Value]) -> list[Value]:
            if rows > 1:
                fetch(builder.add(ahead, builder.mul(index, _long(outputs * numbers.nbytes))))
            offset = builder.mul(index, _long(numbers.nbytes))
            wide = []
            for row in weight_rows:
                value = _loaded(
                    builder, builder.add(row, offset), _vector(element, lanes), numbers.nbytes
                )
                wide.append(value if pairs else _widened(builder, value, numbers, lanes))
            added = []
            for place, row in enumerate(state_rows):
                address = builder.add(row, builder.mul(index, _long(size)))
                state = _loaded(builder, address, _vector(_BFloat() if pairs else _FLOAT, lanes), size)
                for number, weight in enumerate(wide):
                    added.append(multiplied(sums[place * outputs + number], weight, state))
            return added

        def fetch(address: Value) -> None:
            """Weights are stored one after the other, so memory is read in order: fastest."""
            for place in range(0, max(1, outputs * lanes * numbers.nbytes), _CACHE_LINE):
                pointer = builder.inttoptr(builder.add(address, _long(place)), _BYTE.as_pointer())
                how = [ir.Constant(_INT, number) for number in (0, _SECOND_LEVEL, 1)]
                _called(builder, "llvm.prefetch", ir.VoidType(), [pointer, *how])

        def multiplied(total: Value, weight: Value, state: Value) -> Value:
            if pairs:
                name = "llvm.x86.avx512bf16.dpbf16ps.512"
                return _called(builder, name, total.type, [total, weight, state])
            return _called(builder, f"llvm.fma.v{LANES}f32", total.type, [weight, state, total])

        sums = _loop(builder, [zero] * (rows * outputs), inputs, lanes, body)
        for place in range(rows):
            for number in range(outputs):
                at = builder.add(builder.mul(stride, _long(place)), _long(number))
                address = builder.add(made, builder.mul(at, _long(4)))
                total = _total(builder, sums[place * outputs + number])
                builder.store(total, builder.inttoptr(address, _FLOAT.as_pointer()))
        return cgutils.get_null_value(_LONG)

    def typed(_context: Any, first: Any, states: Any, made: Any, inputs: Any, stride: Any) -> Any:
        del first, states, made, inputs, stride
        return types.int64(*[types.int64] * 5), generate

    return intrinsic(typed)


@cache
def mixed(numbers_name: str) -> Function:
    """A weighted sum of rows: f(shares, rows, count, stride, made), of LANES numbers of each row.

    `shares` is the address of `count` float32 numbers, not zero of them; the `rows`, in the format of that name, are
    `stride` bytes apart. The sum goes to `made`, float32.
    """
    numbers = FORMATS[numbers_name]

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        shares, first, count, stride, made = arguments

        def body(index: Value, sums: list[Value]) -> list[Value]:
            share = _loaded(builder, builder.add(shares, builder.mul(index, _long(4))), _FLOAT, 4)
            address = builder.add(first, builder.mul(index, stride))
            row = _loaded(builder, address, _vector(numbers.element), numbers.nbytes)
            spread = builder.insert_element(
                ir.Constant(_vector(_FLOAT), ir.Undefined), share, ir.Constant(_INT, 0)
            )
            spread = builder.shuffle_vector(spread, spread, ir.Constant(_vector(_INT), [0] * LANES))
            wide = _widened(builder, row, numbers, LANES)
            return [_called(builder, f"llvm.fma.v{LANES}f32", wide.type, [spread, wide, sums[0]])]

        zero = ir.Constant(_vector(_FLOAT), [0.0] * LANES)
        (total,) = _loop(builder, [zero], count, 1, body)
        stored = builder.store(total, builder.inttoptr(made, total.type.as_pointer()))
        stored.align = 4
        return cgutils.get_null_value(_LONG)

    def typed(_context: Any, shares: Any, first: Any, count: Any, stride: Any, made: Any) -> Any:
        del shares, first, count, stride, made
        return types.int64(*[types.int64] * 5), generate

    return intrinsic(typed)


@cache
def store(numbers_name: str) -> Function:
    """f(address, number): store a float32, rounded to the format of that name."""
    numbers = FORMATS[numbers_name]

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        address, number = arguments
        value = number
        if numbers.name == "float16":
            value = builder.fptrunc(number, numbers.element)
        elif numbers.name == "bfloat16":
            value = builder.trunc(builder.lshr(_rounded(builder, number), ir.Constant(_INT, 16)), numbers.element)
        builder.store(value, builder.inttoptr(address, numbers.element.as_pointer()))
        return cgutils.get_null_value(_LONG)

    def typed(_context: Any, address: Any, number: Any) -> Any:
        del address, number
        return types.int64(types.int64, types.float32), generate

    return intrinsic(typed)


def _rounded(builder: Builder, number: Value) -> Value:
    """The bits of a float32 whose upper half is the nearest bfloat16, ties to even."""
    bits = builder.bitcast(number, _INT)
    odd = builder.and_(builder.lshr(bits, ir.Constant(_INT, 16)), ir.Constant(_INT, 1))
    return builder.add(bits, builder.add(odd, ir.Constant(_INT, 0x7FFF)))


@intrinsic  # type: ignore[untyped-decorator] # Numba has no types
def whole(_context: Any, address: Any) -> Any:
    """f(address): the int64 there."""
    del address

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        return _loaded(builder, arguments[0], _LONG, 8)

    return types.int64(types.int64), generate


@intrinsic  # type: ignore[untyped-decorator] # Numba has no types
def power_of_two(_context: Any, exponent: Any) -> Any:
    """f(exponent): 2 to the power of a whole float32 between -126 and 127."""
    del exponent

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        whole = builder.fptosi(arguments[0], _INT)
        bits = builder.shl(builder.add(whole, ir.Constant(_INT, 127)), ir.Constant(_INT, 23))
        return builder.bitcast(bits, _FLOAT)

    return types.float32(types.float32), generate


@intrinsic  # type: ignore[untyped-decorator] # Numba has no types
def count_up(_context: Any, address: Any) -> Any:
    """f(address): add one to the int64 there, in one piece with regard to other threads."""
    del address

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        pointer = builder.inttoptr(arguments[0], _LONG.as_pointer())
        return builder.atomic_rmw("add", pointer, _long(1), "seq_cst")

    return types.int64(types.int64), generate


@intrinsic  # type: ignore[untyped-decorator] # Numba has no types
def counted(_context: Any, address: Any) -> Any:
    """f(address): the int64 there, as other threads have left it."""
    del address

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        pointer = builder.inttoptr(arguments[0], _LONG.as_pointer())
        return builder.load_atomic(pointer, "seq_cst", 8)

    return types.int64(types.int64), generate


@intrinsic  # type: ignore[untyped-decorator] # Numba has no types
def pointer(_context: Any, address: Any) -> Any:
    """f(address): as a pointer to float32, for `numba.carray`."""
    del address

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        return builder.inttoptr(arguments[0], _FLOAT.as_pointer())

    return types.CPointer(types.float32)(types.int64), generate
