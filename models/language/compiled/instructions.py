"""Building blocks for functions compiled by Numba: arithmetic on numbers at memory addresses, as LLVM instructions.

Numba's own loops over arrays know neither bfloat16 nor how to keep a block of sums in the processor's registers.
Addresses are int64, in bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias, cast

from llvmlite import binding, ir
from numba import cfunc, types
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
_AHEAD = 16384
"""The same for weights in panels, in bytes."""
_SECOND_LEVEL = 2
"""The cache of the second level, where memory is fetched to. The first is full of inputs."""
FINE = 126
"""Fine steps in a coarse one, of a number that is rounded to two bytes."""


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


@dataclass(frozen=True)
class Arithmetic:
    """How states are multiplied with weights: the names of both formats.

    float32 states work with all weights. Where the processor can, states in bfloat16 are multiplied with such weights in
    pairs (HAS_PAIRS), and bytes with int8 weights in groups of four (HAS_FOURS). int8 weights are always in panels then.
    """

    weight_format: str
    state_format: str
    in_panels: bool = False
    """Whether the weights of many outputs lie side by side, or each output's in a row."""

    @property
    def together(self) -> int:
        """Products that one instruction adds to a sum."""
        return {"float32": 1, "bfloat16": 2, "uint8": 4}[self.state_format]

    @property
    def numbers(self) -> int:
        """What the number of inputs must be a multiple of."""
        return self.together if self.state_format == "uint8" else self.together * LANES

    @property
    def weights(self) -> Format:
        return FORMATS[self.weight_format]

    @property
    def states(self) -> Format:
        return FORMATS[self.state_format]


def _instruction(typed: Callable[..., tuple[Any, Callable[..., Value]]]) -> Function:
    """A function for Numba, from one that returns its types and what generates its instructions."""
    return intrinsic(typed)


def _able() -> frozenset[str]:
    return frozenset(name for name, there in binding.get_host_cpu_features().items() if there)


_ABLE = _able()
HAS_WIDE = "avx512f" in _ABLE
LANES = 16 if HAS_WIDE else 8 if "avx2" in _ABLE else 4
"""Numbers that are computed with at once."""
HAS_HALVES = HAS_WIDE or "f16c" in _ABLE or "neon" in _ABLE
HAS_PAIRS = HAS_WIDE and "avx512bf16" in _ABLE
HAS_TILES = "amx-bf16" in _ABLE
HAS_FOURS = HAS_WIDE and "avx512vnni" in _ABLE
TILES = {1: 1, 4: 4, 8: 3} if HAS_WIDE else {1: 1, 4: 3}
"""Rows of inputs and of outputs that are computed together: as many sums as fit the registers."""
MOST_ROWS = max(TILES)
"""Rows that are multiplied at once; buffers have a multiple of this."""
PANELS = 3
"""Panels that are computed together with as many rows of inputs."""

FORMATS = {
    "float32": Format("float32", 4, _FLOAT),
    "float16": Format("float16", 2, ir.HalfType()),
    "bfloat16": Format("bfloat16", 2, ir.IntType(16)),
    "int8": Format("int8", 1, _BYTE),
    "uint8": Format("uint8", 1, _BYTE),
}


def _vector(element: Any, lanes: int = LANES) -> Any:
    return ir.VectorType(element, lanes)


def _zeros(element: Any) -> Value:
    return ir.Constant(_vector(element), [0] * LANES)


def _long(number: int) -> Value:
    return ir.Constant(_LONG, number)


def _loaded(builder: Builder, address: Value, kind: Any, align: int) -> Value:
    value = builder.load(builder.inttoptr(address, kind.as_pointer()))
    value.align = align
    return value


def _widened(builder: Builder, value: Value, numbers: Format) -> Value:
    """A vector in some format as float32."""
    if numbers.name == "float32":
        return value
    if numbers.name == "float16":
        return builder.fpext(value, _vector(_FLOAT))
    if numbers.name == "int8":
        return builder.sitofp(value, _vector(_FLOAT))
    bits = builder.shl(builder.zext(value, _vector(_INT)), ir.Constant(_vector(_INT), [16] * LANES))
    return builder.bitcast(bits, _vector(_FLOAT))


def _called(builder: Builder, name: str, result: Any, arguments: Sequence[Value]) -> Value:
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def _totals(builder: Builder, vectors: Sequence[Value]) -> list[Value]:
    """The sum of each vector; several are added up together, which takes fewer instructions, in the same order as one."""
    if not vectors:
        return []
    count = next(count for count in (8, 4, 2, 1) if count <= min(len(vectors), LANES))
    merged = list(vectors[:count])
    size = 1
    while len(merged) > 1:
        merged = [_merged(builder, *pair, size) for pair in zip(merged[::2], merged[1::2], strict=True)]
        size *= 2
    (whole,) = merged
    while size < LANES:
        distance = {1: 2, 2: 1}.get(size, size) if count == 1 else size
        other = builder.shuffle_vector(whole, whole, _places([lane ^ distance for lane in range(LANES)]))
        whole = builder.fadd(whole, other)
        size *= 2
    first = [builder.extract_element(whole, ir.Constant(_INT, lane)) for lane in range(count)]
    return [*first, *_totals(builder, vectors[count:])]


def _merged(builder: Builder, one: Value, other: Value, size: int) -> Value:
    """Two vectors with sums of `size` others each, as one with the sums of twice as many, half as long."""
    distance = max(size, 2)
    kept = [lane for lane in range(LANES) if not lane & distance]
    halves = []
    for half in (kept, [lane ^ distance for lane in kept]):
        lanes: list[int] = []
        for begin in range(0, len(half), size):
            own = half[begin : begin + size]
            lanes += own + [lane + LANES for lane in own]
        halves.append(builder.shuffle_vector(one, other, _places(lanes)))
    return builder.fadd(*halves)


def _places(lanes: Sequence[int]) -> Value:
    return ir.Constant(ir.VectorType(_INT, len(lanes)), list(lanes))


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
def dot(arithmetic: Arithmetic, rows: int, outputs: int) -> Function:
    """A block of a matrix product: f(weights, states, made, inputs, stride).

    `weights` is the address of `outputs` rows of `inputs` numbers, `states` that of `rows` rows of as many, not bytes.
    The sums go to `made`, float32, whose rows are `stride` numbers apart. Each sum is added up in the same order
    whatever `rows` and `outputs` are. `inputs` is a multiple of `arithmetic.numbers`.
    """
    weights, states = arithmetic.weights, arithmetic.states
    together, lanes = arithmetic.together, arithmetic.numbers
    state_vector = _vector(_FLOAT if together == 1 else _BFloat(), lanes)
    vector = _vector(weights.element, lanes) if together == 1 else state_vector
    sums = [_zeros(_FLOAT)] * (rows * outputs)

    def multiplied(builder: Builder, total: Value, weight: Value, state: Value) -> Value:
        if together == 1:
            return _called(builder, f"llvm.fma.v{LANES}f32", total.type, [weight, state, total])
        return _called(builder, "llvm.x86.avx512bf16.dpbf16ps.512", total.type, [total, state, weight])

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        first, first_state, made, inputs, stride = arguments
        length = builder.mul(inputs, _long(weights.nbytes))
        ahead = builder.add(first, builder.mul(length, _long(_TILES_AHEAD * outputs)))
        weight_rows = _rows(builder, first, length, outputs)
        state_rows = _rows(builder, first_state, builder.mul(inputs, _long(states.nbytes)), rows)

        def body(index: Value, sums: list[Value]) -> list[Value]:
            if rows > 1:
                # Weights are stored one row after the other: memory is read in order, which is fastest.
                _fetch(
                    builder,
                    builder.add(ahead, builder.mul(index, _long(outputs * weights.nbytes))),
                    outputs * lanes * weights.nbytes,
                )
            offset = builder.mul(index, _long(weights.nbytes))
            wide = [_loaded(builder, builder.add(row, offset), vector, weights.nbytes) for row in weight_rows]
            if together == 1:
                wide = [_widened(builder, value, weights) for value in wide]
            offset = builder.mul(index, _long(states.nbytes))
            added = []
            for place, row in enumerate(state_rows):
                state = _loaded(builder, builder.add(row, offset), state_vector, states.nbytes)
                totals = sums[place * outputs : (place + 1) * outputs]
                added += [
                    multiplied(builder, total, weight, state)
                    for total, weight in zip(totals, wide, strict=True)
                ]
            return added

        vectors = _loop(builder, sums, inputs, lanes, body)
        # By outputs: eight rows, or fewer, are added up together.
        order = sorted(range(len(vectors)), key=lambda index: index % outputs)
        for index, total in zip(order, _totals(builder, [vectors[index] for index in order]), strict=True):
            place, output = divmod(index, outputs)
            at = builder.add(builder.mul(stride, _long(place)), _long(output))
            address = builder.add(made, builder.mul(at, _long(4)))
            builder.store(total, builder.inttoptr(address, _FLOAT.as_pointer()))
        return cgutils.get_null_value(_LONG)

    def typed(_context: Any, first: Any, first_state: Any, made: Any, inputs: Any, stride: Any) -> Any:
        del first, first_state, made, inputs, stride
        return types.int64(*[types.int64] * 5), generate

    return _instruction(typed)


@cache
def panels(arithmetic: Arithmetic, rows: int, count: int, *, ahead: bool = False) -> Function:
    """A block of a product with weights in panels:
    f(weights, states, made, inputs, stride, outputs, factors, offsets, steps).

    `weights` is the address of `count` panels of LANES outputs each, shape (inputs / together, count * LANES, together).
    `states` is that of `rows` rows of `inputs` numbers. The sums go to `made`, float32, whose rows are `stride` numbers
    apart. Only the first `outputs` of them are written; the last of these is in the last panel. Each sum is added up in
    the same order whatever `rows` and `count` are. `ahead`: fetch weights from memory before they are needed.

    Sums with int8 weights are multiplied with a factor for each output. A row of uint8 is two, the coarse parts and the
    fine ones, one after the other: from the sums of both, an offset for each output is subtracted, and the result is
    multiplied with a step for each row too.
    """
    weights, states, together = arithmetic.weights, arithmetic.states, arithmetic.together
    is_bytes = states.name == "uint8"
    parts = 2 if is_bytes else 1
    size = LANES * together * weights.nbytes
    vector = _vector(_BFloat() if states.name == "bfloat16" else weights.element, together * LANES)
    group = _FLOAT if together == 1 else _INT
    sums = [_zeros(_INT if is_bytes else _FLOAT)] * (parts * rows * count)

    def multiplied(builder: Builder, total: Value, weight: Value, state: Value) -> Value:
        if together == 1:
            return _called(builder, f"llvm.fma.v{LANES}f32", total.type, [weight, state, total])
        name = "avx512.vpdpbusd.512" if is_bytes else "avx512bf16.dpbf16ps.512"
        return _called(builder, f"llvm.x86.{name}", total.type, [total, state, weight])

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        first, first_state, made, inputs, stride, outputs, factors, offsets, steps = arguments
        state_rows = _rows(builder, first_state, builder.mul(inputs, _long(states.nbytes)), parts * rows)

        def body(index: Value, sums: list[Value]) -> list[Value]:
            address = builder.add(first, builder.mul(index, _long(count * LANES * weights.nbytes)))
            if ahead:
                _fetch(builder, builder.add(address, _long(_AHEAD)), count * size)
            wide = [
                _loaded(builder, one, vector, weights.nbytes) for one in _lines(builder, address, count, size)
            ]
            if together == 1:
                wide = [_widened(builder, value, weights) for value in wide]
            offset = builder.mul(index, _long(states.nbytes))
            added = []
            for place, row in enumerate(state_rows):
                state = _spread(builder, _loaded(builder, builder.add(row, offset), group, states.nbytes))
                if together > 1:
                    state = builder.bitcast(state, vector)
                added += [
                    multiplied(builder, total, weight, state)
                    for total, weight in zip(sums[place * count : (place + 1) * count], wide, strict=True)
                ]
            return added

        totals = _loop(builder, sums, inputs, together, body)
        if weights.name == "int8":
            totals = _scaled(builder, totals, count, factors, offsets if is_bytes else None, steps)
        last = builder.sub(outputs, _long((count - 1) * LANES))
        lanes = ir.Constant(ir.VectorType(_LONG, LANES), list(range(LANES)))
        are_written = builder.icmp_signed("<", lanes, _spread(builder, last))
        for place, row in enumerate(_rows(builder, made, builder.mul(stride, _long(4)), rows)):
            *others, end = zip(
                totals[place * count : (place + 1) * count], _lines(builder, row, count), strict=True
            )
            for total, address in others:
                builder.store(total, builder.inttoptr(address, total.type.as_pointer())).align = 4
            total, address = end
            target = builder.inttoptr(address, total.type.as_pointer())
            written = [total, target, ir.Constant(_INT, 4), are_written]
            _called(builder, f"llvm.masked.store.v{LANES}f32.p0", ir.VoidType(), written)
        return cgutils.get_null_value(_LONG)

    def typed(_context: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any, i: Any) -> Any:
        del a, b, c, d, e, f, g, h, i
        return types.int64(*[types.int64] * 9), generate

    return _instruction(typed)


def _scaled(
    builder: Builder, sums: Sequence[Value], count: int, factors: Value, offsets: Value | None, steps: Value
) -> list[Value]:
    """What the sums with int8 weights in `count` panels stand for: float32. Those of bytes have offsets."""
    vector, integers = _vector(_FLOAT), _vector(_INT)
    weights = [_loaded(builder, address, vector, 4) for address in _lines(builder, factors, count)]
    if offsets is None:
        return [builder.fmul(total, weights[index % count]) for index, total in enumerate(sums)]
    excess = [_loaded(builder, address, integers, 4) for address in _lines(builder, offsets, count)]
    part = ir.Constant(vector, [1 / FINE] * LANES)
    made = []
    for place in range(len(sums) // (2 * count)):
        step = _spread(builder, _loaded(builder, builder.add(steps, _long(4 * place)), _FLOAT, 4))
        coarse, fine = (sums[begin : begin + count] for begin in (2 * place * count, (2 * place + 1) * count))
        for panel in range(count):
            whole, rest = (
                builder.sitofp(builder.sub(parts[panel], excess[panel]), vector) for parts in (coarse, fine)
            )
            total = _called(builder, f"llvm.fma.v{LANES}f32", vector, [rest, part, whole])
            made.append(builder.fmul(total, builder.fmul(step, weights[panel])))
    return made


def _lines(builder: Builder, address: Value, count: int, size: int = 4 * LANES) -> list[Value]:
    """The addresses of vectors of so many bytes that follow each other."""
    return [builder.add(address, _long(size * place)) for place in range(count)]


def _rows(builder: Builder, first: Value, stride: Value, count: int) -> list[Value]:
    """The addresses of rows that are so many bytes apart."""
    return [builder.add(first, builder.mul(stride, _long(place))) for place in range(count)]


def _fetch(builder: Builder, address: Value, size: int) -> None:
    """Begin to read some bytes of memory that are needed soon."""
    for offset in range(0, size, _CACHE_LINE):
        pointer = builder.inttoptr(builder.add(address, _long(offset)), _BYTE.as_pointer())
        how = [ir.Constant(_INT, number) for number in (0, _SECOND_LEVEL, 1)]
        _called(builder, "llvm.prefetch", ir.VoidType(), [pointer, *how])


@cache
def mixed(name: str, count: int) -> Function:
    """Weighted sums of rows, LANES numbers of each: f(shares, rows, made, length, size).

    `shares` is the address of `count` lists of `length` float32 numbers, at least one, a share of each row for each
    sum. The `rows`, in the format of that name, have `size` numbers each, and so have the sums in `made`, float32.
    """
    numbers = FORMATS[name]
    sums = [_zeros(_FLOAT)] * count

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        shares, first, made, length, size = arguments
        step = builder.mul(size, _long(numbers.nbytes))
        lists = _rows(builder, shares, builder.mul(length, _long(4)), count)

        def body(index: Value, sums: list[Value]) -> list[Value]:
            address = builder.add(first, builder.mul(index, step))
            row = _widened(
                builder, _loaded(builder, address, _vector(numbers.element), numbers.nbytes), numbers
            )
            offset = builder.mul(index, _long(4))
            added = []
            for own, total in zip(lists, sums, strict=True):
                share = _spread(builder, _loaded(builder, builder.add(own, offset), _FLOAT, 4))
                added.append(_called(builder, f"llvm.fma.v{LANES}f32", total.type, [share, row, total]))
            return added

        totals = _loop(builder, sums, length, 1, body)
        for address, total in zip(
            _rows(builder, made, builder.mul(size, _long(4)), count), totals, strict=True
        ):
            builder.store(total, builder.inttoptr(address, total.type.as_pointer())).align = 4
        return cgutils.get_null_value(_LONG)

    def typed(_context: Any, shares: Any, first: Any, made: Any, length: Any, size: Any) -> Any:
        del shares, first, made, length, size
        return types.int64(*[types.int64] * 5), generate

    return _instruction(typed)


def _spread(builder: Builder, number: Value) -> Value:
    """A vector with the same number everywhere."""
    vector = ir.Constant(_vector(number.type), ir.Undefined)
    vector = builder.insert_element(vector, number, ir.Constant(_INT, 0))
    return builder.shuffle_vector(vector, vector, _places([0] * LANES))


@cache
def rounded(name: str) -> Function:
    """f(source, target, count): store float32 numbers in the format of that name; `count` is a multiple of LANES."""
    numbers = FORMATS[name]

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        source, target, count = arguments

        def body(index: Value, _nothing: list[Value]) -> list[Value]:
            number = _loaded(builder, builder.add(source, builder.mul(index, _long(4))), _vector(_FLOAT), 4)
            value = _narrowed(builder, number, numbers)
            address = builder.add(target, builder.mul(index, _long(numbers.nbytes)))
            builder.store(value, builder.inttoptr(address, value.type.as_pointer())).align = numbers.nbytes
            return []

        _loop(builder, [], count, LANES, body)
        return cgutils.get_null_value(_LONG)

    def typed(_context: Any, source: Any, target: Any, count: Any) -> Any:
        del source, target, count
        return types.int64(*[types.int64] * 3), generate

    return _instruction(typed)


def _narrowed(builder: Builder, number: Value, numbers: Format) -> Value:
    """A vector of float32 in another format, rounded to the nearest number, ties to even."""
    if numbers.name == "float32":
        return number
    kind = _vector(numbers.element)
    if numbers.name == "float16":
        return builder.fptrunc(number, kind)
    integers = _vector(_INT)
    half, one, below_half = (ir.Constant(integers, [value] * LANES) for value in (16, 1, 0x7FFF))
    bits = builder.bitcast(number, integers)
    odd = builder.and_(builder.lshr(bits, half), one)
    bits = builder.add(bits, builder.add(odd, below_half))
    return builder.trunc(builder.lshr(bits, half), kind)


@_instruction
def whole(_context: Any, address: Any) -> Any:
    """f(address): the int64 there."""
    del address

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        return _loaded(builder, arguments[0], _LONG, 8)

    return types.int64(types.int64), generate


@_instruction
def power_of_two(_context: Any, exponent: Any) -> Any:
    """f(exponent): 2 to the power of a whole float32 between -126 and 127."""
    del exponent

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        whole = builder.fptosi(arguments[0], _INT)
        bits = builder.shl(builder.add(whole, ir.Constant(_INT, 127)), ir.Constant(_INT, 23))
        return builder.bitcast(bits, _FLOAT)

    return types.float32(types.float32), generate


@_instruction
def from_bits(_context: Any, bits: Any) -> Any:
    """f(bits): the float32 that has the bits of an int32."""
    del bits

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        return builder.bitcast(arguments[0], _FLOAT)

    return types.float32(types.int32), generate


@_instruction
def count_up(_context: Any, address: Any) -> Any:
    """f(address): add one to the int64 there, in one piece with regard to other threads."""
    del address

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        pointer = builder.inttoptr(arguments[0], _LONG.as_pointer())
        return builder.atomic_rmw("add", pointer, _long(1), "seq_cst")

    return types.int64(types.int64), generate


@_instruction
def counted(_context: Any, address: Any) -> Any:
    """f(address): the int64 there, as other threads have left it."""
    del address

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        pointer = builder.inttoptr(arguments[0], _LONG.as_pointer())
        return builder.load_atomic(pointer, "seq_cst", 8)

    return types.int64(types.int64), generate


@_instruction
def pointer(_context: Any, address: Any) -> Any:
    """f(address): as a pointer to float32, for `numba.carray`."""
    del address

    def generate(_context: Any, builder: Builder, _signature: Any, arguments: Sequence[Value]) -> Value:
        return builder.inttoptr(arguments[0], _FLOAT.as_pointer())

    return types.CPointer(types.float32)(types.int64), generate


_separate: list[Any] = []
"""Compiled functions that are called by their addresses, kept for good."""


def separate(function: Function) -> Function:
    """The same function of eight int64 that returns one, compiled on its own.

    Numba compiles a function again, with all that it calls, for each function that calls it.
    """
    signature = types.int64(*[types.int64] * 8)
    made = cfunc(signature)(function)
    _separate.append(made)
    address = cast("int", made.address)
    kind = ir.FunctionType(_LONG, [_LONG] * 8)

    def generate(_context: Any, builder: Builder, _signature: Any, values: Sequence[Value]) -> Value:
        return builder.call(builder.inttoptr(_long(address), kind.as_pointer()), values)

    def typed(_context: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> Any:
        del a, b, c, d, e, f, g, h
        return signature, generate

    return _instruction(typed)
