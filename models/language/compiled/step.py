"""A step of a causal language model, a few tokens of several texts through all layers, as one compiled function.

Generating a token reads every weight once. What remains to be avoided is everything else: calls, waking threads, and
copies. Each thread computes its part of the outputs of every product, and waits for the others where one product needs
all of the one before.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from models.language.compiled.attention import BLOCK, attention
from models.language.compiled.instructions import MOST_ROWS, Arithmetic, Function, whole
from models.language.compiled.plan import (
    DOWN,
    GATE,
    LINEARS,
    MULTIPLE,
    NORM,
    ONE,
    OUTPUT,
    UP,
    ZERO,
    activated,
    compiled,
    part_of,
    row_of,
    share,
    wait,
)
from models.language.compiled.products import linear


@compiled
def _norm(plan: Any, number: int, row: Any, made: Any) -> None:
    """Root mean square norm (Zhang and Sennrich 2019) or layer norm (Ba et al. 2016) of a row."""
    entry = plan.norms + NORM * number
    weight = row_of(whole(entry), 0, plan.hidden)
    mean = ZERO
    if plan.has_mean:
        for index in range(plan.hidden):
            mean += row[index]
        mean /= np.float32(plan.hidden)
    squares = ZERO
    for index in range(plan.hidden):
        off = row[index] - mean
        squares += off * off
    factor = ONE / np.sqrt(squares / np.float32(plan.hidden) + plan.smallest)
    if plan.has_mean:
        bias = row_of(whole(entry + 8), 0, plan.hidden)
        for index in range(plan.hidden):
            made[index] = (row[index] - mean) * factor * weight[index] + bias[index]
    else:
        for index in range(plan.hidden):
            made[index] = row[index] * factor * weight[index]


@compiled
def _blocks(count: int) -> int:
    """How many times MULTIPLE outputs there are, rounded up."""
    return (count + MULTIPLE - 1) // MULTIPLE


@compiled
def _add(plan: Any, rows: int, begin: int, end: int) -> None:
    """Add some columns of a layer's results to the states."""
    for place in range(rows):
        states = part_of(plan.states, place, plan.hidden, begin, end)
        more = part_of(plan.added, place, plan.hidden, begin, end)
        for index in range(len(states)):
            states[index] += more[index]


@compiled
def _activate(plan: Any, rows: int, begin: int, end: int) -> None:
    """Activate some columns between the two products of a feed-forward network."""
    kind = plan.activation  # what a loop reads from the plan keeps it from computing with vectors
    for place in range(rows):
        wide = part_of(plan.wide, place, plan.inner, begin, end)
        if plan.is_gated:
            gates = part_of(plan.second, place, plan.inner, begin, end)
            for index in range(len(wide)):
                wide[index] *= activated(gates[index], kind)
        else:
            for index in range(len(wide)):
                wide[index] = activated(wide[index], kind)


@cache
def step(arithmetic: Arithmetic, head: Arithmetic, cached: str) -> Function:
    """A function f(plans, thread) that computes a thread's part of a step; `plans` is an array with one `PLAN`.

    `head` is the arithmetic of the output head, with states in the same format, and `cached` names that of keys and
    values. Compiling takes some seconds, at the first call.
    """
    prepare, compute = linear(arithmetic)
    _, compute_scores = linear(head)
    remember, attend = attention(cached)
    is_plain = arithmetic.state_format == "float32"

    @compiled
    def inputs_of(plan: Any, thread: int, states: int, width: int, rows: int) -> Any:
        """The address of some states as inputs of a product, if all threads have made the states."""
        if is_plain:
            return states
        if rows <= MOST_ROWS:  # quicker than to wait for the others
            target = plan.inputs + thread * plan.inputs_size
            prepare(target, states, width, 0, rows)
            return target
        begin, end = share(rows, thread, plan.threads, 1)
        prepare(plan.inputs, states, width, begin, end)
        wait(plan, thread)
        return plan.inputs

    @compiled
    def normed(plan: Any, thread: int, number: int, rows: int) -> Any:
        """The address of the normed states, as inputs of a product."""
        is_own = rows <= MOST_ROWS
        target = plan.normed + thread * plan.normed_size if is_own else plan.normed
        begin, end = (0, rows) if is_own else share(rows, thread, plan.threads, 1)
        for row in range(begin, end):
            _norm(plan, number, row_of(plan.states, row, plan.hidden), row_of(target, row, plan.hidden))
        inputs = target
        if not is_plain:
            inputs = plan.inputs + thread * plan.inputs_size if is_own else plan.inputs
            prepare(inputs, target, plan.hidden, begin, end)
        if not is_own:
            wait(plan, thread)
        return inputs

    @compiled
    def project(plan: Any, thread: int, layer: int, inputs: int, rows: int) -> None:
        """Queries, keys and values, divided among the threads as if one layer made them."""
        queries, kept = plan.heads * plan.size, plan.kept_heads * plan.size
        total = queries + 2 * kept
        first = total if plan.is_fused else queries
        others = 0 if plan.is_fused else 2 * _blocks(kept)
        begin, end = share(_blocks(first) + others, thread, plan.threads, 1)
        passed, offset = 0, 0
        for part in range(1 if plan.is_fused else 3):
            count = first if part == 0 else kept
            low, high = max(begin - passed, 0) * MULTIPLE, min((end - passed) * MULTIPLE, count)
            if low < high:
                number, made = LINEARS * layer + part, plan.projected + 4 * offset
                compute(plan, number, inputs, plan.hidden, made, total, rows, low, high)
            passed += _blocks(count)
            offset += count

    @compiled
    def widen(plan: Any, thread: int, layer: int, inputs: int, rows: int) -> None:
        """The first products of the feed-forward network."""
        begin, end = share(plan.inner, thread, plan.threads, MULTIPLE)
        first = LINEARS * layer
        compute(plan, first + UP, inputs, plan.hidden, plan.wide, plan.inner, rows, begin, end)
        if plan.is_gated:
            compute(plan, first + GATE, inputs, plan.hidden, plan.second, plan.inner, rows, begin, end)
        _activate(plan, rows, begin, end)

    @compiled
    def narrow(plan: Any, thread: int, number: int, states: int, width: int, rows: int) -> None:
        """Add the outputs of a linear layer to the states."""
        inputs = inputs_of(plan, thread, states, width, rows)
        begin, end = share(plan.hidden, thread, plan.threads, MULTIPLE)
        compute(plan, number, inputs, width, plan.added, plan.hidden, rows, begin, end)
        _add(plan, rows, begin, end)

    @compiled
    def mix(plan: Any, thread: int, layer: int) -> None:
        """Attention. Threads take turns with blocks of queries, because later tokens see more."""
        begin, end = share(plan.texts * plan.kept_heads, thread, plan.threads, 1)
        for task in range(begin, end):
            remember(plan, layer, task // plan.kept_heads, task % plan.kept_heads)
        queries = plan.width * (plan.heads // plan.kept_heads)
        blocks = (queries + BLOCK - 1) // BLOCK
        wait(plan, thread)
        for task in range(thread, plan.texts * plan.kept_heads * blocks, plan.threads):
            first, head = task % blocks * BLOCK, task // blocks
            text, count = head // plan.kept_heads, min(BLOCK, queries - first)
            attend(plan, thread, layer, text, head % plan.kept_heads, first, count)

    @compiled
    def score(plan: Any, thread: int) -> None:
        """The scores of the chosen rows."""
        number = 2 * plan.layers
        target = plan.normed + thread * plan.normed_size
        inputs = target if is_plain else plan.inputs + thread * plan.inputs_size
        for place in range(plan.chosen):
            row = whole(plan.chosen_rows + 8 * place)
            _norm(plan, number, row_of(plan.states, row, plan.hidden), row_of(target, place, plan.hidden))
        if not is_plain:
            prepare(inputs, target, plan.hidden, 0, plan.chosen)
        begin, end = share(plan.vocabulary, thread, plan.threads, MULTIPLE)
        compute_scores(
            plan,
            LINEARS * plan.layers,
            inputs,
            plan.hidden,
            plan.scores,
            plan.vocabulary,
            plan.chosen,
            begin,
            end,
        )

    @compiled
    def whole_step(plans: Any, thread: int) -> None:
        plan = plans[0]
        rows = plan.texts * plan.width
        for layer in range(plan.layers):
            inputs = normed(plan, thread, 2 * layer, rows)
            project(plan, thread, layer, inputs, rows)
            if plan.is_parallel:
                widen(plan, thread, layer, inputs, rows)
            wait(plan, thread)
            mix(plan, thread, layer)
            wait(plan, thread)
            narrow(plan, thread, LINEARS * layer + OUTPUT, plan.attended, plan.heads * plan.size, rows)
            wait(plan, thread)
            if not plan.is_parallel:
                inputs = normed(plan, thread, 2 * layer + 1, rows)
                widen(plan, thread, layer, inputs, rows)
                wait(plan, thread)
            narrow(plan, thread, LINEARS * layer + DOWN, plan.wide, plan.inner, rows)
            wait(plan, thread)
        if plan.chosen:
            score(plan, thread)

    return whole_step
