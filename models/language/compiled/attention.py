"""Attention of new tokens to those that are cached."""

from __future__ import annotations

from functools import cache
from typing import Any

from models.language.compiled import instructions
from models.language.compiled.instructions import FORMATS, LANES, Arithmetic, Function, whole
from models.language.compiled.plan import ONE, ZERO, compiled, exponential, largest, row_of
from models.language.compiled.products import products

BLOCK = 8
"""Queries that are compared with the same keys together."""
_MIXED = 4
"""Queries that share reading values."""


@compiled
def _rotate(states: Any, cos: Any, sin: Any, rotated: int) -> None:
    """Rotary position embedding (Su et al. 2021, "RoFormer") of the first numbers of a head."""
    half = rotated // 2
    firsts, seconds = states[:half], states[half:rotated]
    late_cos, late_sin = cos[half:], sin[half:]
    for index in range(half):
        first, second = firsts[index], seconds[index]
        firsts[index] = first * cos[index] - second * sin[index]
        seconds[index] = second * late_cos[index] + first * late_sin[index]


@compiled
def _softmax(shares: Any, count: int) -> Any:
    """Replace `count` scores by their exponentials, and those after them by 0; returns the inverse of the sum."""
    most = largest(shares, count)
    total = ZERO
    for index in range(count):
        part = exponential(shares[index] - most)
        shares[index] = part
        total += part
    for index in range(count, len(shares)):
        shares[index] = ZERO
    return ONE / total


@compiled
def _closed(scores: Any, mask: int, count: int) -> Any:
    """Move those of the first `count` scores whose columns hold a token together, so that they are added up in the same
    order as without gaps; returns their number.
    """
    taken = 0
    for index in range(count):
        if whole(mask + 8 * index) != 0:
            scores[taken] = scores[index]
            taken += 1
    return taken


@compiled
def _opened(shares: Any, mask: int, count: int, taken: int) -> None:
    """Move shares back to the columns from which `_closed` took the scores; the others get 0."""
    for index in range(count - 1, -1, -1):
        if whole(mask + 8 * index) != 0:
            taken -= 1
            shares[index] = shares[taken]
        else:
            shares[index] = ZERO


@cache
def attention(cached: str) -> tuple[Function, Function]:
    """Two functions, for keys and values in the format of that name.

    f(plan, layer, text, head) rotates the queries and keys of a text's new tokens for one head of keys, and caches
    their keys and values.
    f(plan, thread, layer, text, head, first, count) computes the attention of some queries of that head: `count` of
    them from the `first` on, those of a token one after the other.
    """
    nbytes = FORMATS[cached].nbytes
    compare = products(Arithmetic(cached, "float32"))
    mixed, mixed_several = instructions.mixed(cached, 1), instructions.mixed(cached, _MIXED)
    store = instructions.rounded(cached)

    @compiled
    def remember(plan: Any, layer: int, text: int, head: int) -> None:
        size, group = plan.size, plan.heads // plan.kept_heads
        for token in range(plan.width):
            row = text * plan.width + token
            states = row_of(plan.projected, row, (plan.heads + 2 * plan.kept_heads) * size)
            cos, sin = row_of(plan.cos, row, plan.rotated), row_of(plan.sin, row, plan.rotated)
            key, value = (plan.heads + head) * size, (plan.heads + plan.kept_heads + head) * size
            _rotate(states[key : key + size], cos, sin, plan.rotated)
            for query in range(head * group, (head + 1) * group):
                _rotate(states[query * size : (query + 1) * size], cos, sin, plan.rotated)
            place = text * plan.text_stride + head * plan.head_stride + (plan.past + token) * size * nbytes
            keys, values = whole(plan.keys + 8 * layer) + place, whole(plan.values + 8 * layer) + place
            at = plan.projected + 4 * row * (plan.heads + 2 * plan.kept_heads) * size
            store(at + 4 * key, keys, size)
            store(at + 4 * value, values, size)

    @compiled
    def attend(plan: Any, thread: int, layer: int, text: int, head: int, first: int, count: int) -> None:
        size, group, scale = plan.size, plan.heads // plan.kept_heads, plan.scale
        columns = plan.past + plan.width
        mask = plan.mask + 8 * text * columns
        start, is_contiguous = whole(plan.starts + 16 * text), whole(plan.starts + 16 * text + 8)
        # A token of the padding sees nothing; what it gets does not matter, as long as it is a number.
        seen = max(plan.past + (first + count - 1) // group + 1 - start, 1)
        queries, shares = plan.queries + thread * plan.queries_size, plan.shares + thread * plan.shares_size
        for place in range(count):
            row, query = text * plan.width + (first + place) // group, head * group + (first + place) % group
            states = row_of(plan.projected, row, (plan.heads + 2 * plan.kept_heads) * size)
            scaled = row_of(queries, place, size)
            for index in range(size):
                scaled[index] = states[query * size + index] * scale
        at = text * plan.text_stride + head * plan.head_stride + start * size * nbytes
        compare(whole(plan.keys + 8 * layer) + at, queries, shares, size, seen, count, 0, seen)
        factors = row_of(queries + 8 * BLOCK * size, 0, BLOCK)
        for place in range(count):
            own = row_of(shares, place, seen)
            last = min(max(plan.past + (first + place) // group + 1 - start, 1), seen)
            taken = last if is_contiguous else _closed(own, mask + 8 * start, last)
            factors[place] = _softmax(own, max(taken, 1))
            if not is_contiguous:
                _opened(own, mask + 8 * start, last, taken)
        values, sums = whole(plan.values + 8 * layer) + at, queries + 4 * BLOCK * size
        place = 0
        while place < count:
            taken = _MIXED if place + _MIXED <= count else 1
            for index in range(0, size, LANES):
                own, made = shares + 4 * place * seen, sums + 4 * (place * size + index)
                if taken == 1:
                    mixed(own, values + index * nbytes, made, seen, size)
                else:
                    mixed_several(own, values + index * nbytes, made, seen, size)
            place += taken
        for place in range(count):
            row, query = text * plan.width + (first + place) // group, head * group + (first + place) % group
            attended, mix = row_of(plan.attended, row, plan.heads * size), row_of(sums, place, size)
            factor = factors[place]
            for index in range(size):
                attended[query * size + index] = mix[index] * factor

    return remember, attend
