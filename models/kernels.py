"""Chooses the fastest weight format for a model on this processor by measuring, and remembers the result.

Which format wins depends on the processor (instructions, memory bandwidth, cores), the shapes of the model's layers and
the libraries that torch was built with.
"""

from __future__ import annotations

import logging
import platform
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import psutil
import torch
from torch import nn

from models.files import kept
from models.packed import (
    BFloat16,
    Float16,
    Int8,
    Int8OfTorch,
    Network,
    Packed,
    PackedLinear,
    linears,
    rows_of,
    weights_in,
)
from models.pretrained import cpu_has_bfloat16

log = logging.getLogger(__name__)

Seconds: TypeAlias = tuple[float, ...]
"""Time of all linear layers of a model together, for each number in `ROWS`."""

WORTH_TRYING = 20_000_000
"""Number of weights below which a model is left as it is: it is fast in any format."""
ROWS = (1, 8, 32)
"""Input rows for which formats are compared: one text, several texts, a prompt."""
WRITING = ROWS[:2]
TOLERANCE = 1.05
"""Factor of the plain format's time up to which another counts as no slower."""
GAIN = 0.95
"""A format must take at most this share of the plain format's time to be worth using."""
_ROUNDS = (11, 11, 4)
"""Repetitions for each of `ROWS`."""
_CACHE = 64 << 20
"""Bytes that are read before each repetition, so that weights come from memory, as they do in a model."""
_SHAPES = 4
"""Number of layer shapes that are measured: those with most of a model's weights."""
_LARGEST_SHAPE = 1 << 26
"""Layers with more weights than this, such as output heads, are not measured, to limit time and memory."""
_ERRORS = {"float16": 2e-3, "bfloat16": 1e-2, "int8": 5e-2}
"""Largest relative error of a product before a kernel counts as broken."""
_REMEMBERED = 64
"""Number of measurements that are kept on disk."""
_FILE = "kernels.json"


@dataclass(frozen=True, slots=True)
class Choice:
    """A weight format (None for the plain one), and its speed relative to the plain one for each of `WRITING`."""

    kind: type[Packed] | None = None
    gains: tuple[float, ...] = ()

    @property
    def detail(self) -> str:
        """For admins; empty for the plain format."""
        if self.kind is None:
            return ""
        made = f"{self.kind.name} weights ({self.kind.library})"
        if not self.gains:
            return made
        one, several = self.gains
        return f"{made}, measured {one:.1f} times as fast for one text, {several:.1f} times for {WRITING[1]}"


PLAIN = Choice()


def choose(
    model: Network, dtype: str, *, int8: bool, folder: Path | None = None, gains: bool = False
) -> Choice:
    """The best weight format for a model on the CPU, of those that `dtype` and `int8` of the settings allow.

    "auto" allows every format with at least 16 bits, "float16" and "bfloat16" their own, "float32" the plain one, and
    `int8` those with 8 bits. Where several are allowed, a measurement decides; its result is kept in `folder`. With
    `gains`, a single one is measured too.
    """
    if model.device.type != "cpu":
        return PLAIN
    able = [kind for kind in _allowed(model, dtype, int8=int8) if works(kind)]
    required = int8 or dtype == "float16"
    if not able:
        return PLAIN
    if required and len(able) == 1 and not gains:
        return Choice(able[0])
    if weights_in(model) < WORTH_TRYING:
        return Choice(able[0]) if required else PLAIN
    names = [_name(kind) for kind in able]
    key = fingerprint(model, names)
    file = folder / _FILE if folder else None
    times = recall(file, key, names)
    if times is None:
        times = measure(model, able)
        remember(file, key, times)
    return best(times, {_name(kind): kind for kind in able}, required=required)


def _allowed(model: Network, dtype: str, *, int8: bool) -> list[type[Packed]]:
    is_half = model.dtype == torch.bfloat16
    if int8:
        return [Int8, Int8OfTorch] if is_half else [Int8]
    if dtype == "auto":
        return [Float16, BFloat16] if is_half else [Float16]
    only: dict[str, list[type[Packed]]] = {"float16": [Float16], "bfloat16": [BFloat16]}
    return only.get(dtype, [])


def best(
    times: Mapping[str, Seconds], kinds: Mapping[str, type[Packed]], *, required: bool = False
) -> Choice:
    """The choice for measured `times`, by format name, with "plain" among them.

    The fastest for one text and several texts taken together, of those that are not slower than the plain format for
    either, nor for a prompt. With `required`, the plain format is not allowed.
    """
    plain = times["plain"]
    # What was broken has no times.
    fit = [name for name in kinds if name in times and (required or is_faster(times[name], plain))]
    winner = min(fit, key=lambda name: sum(_ratios(times[name], plain)[: len(WRITING)]), default=None)
    if winner is None:
        return PLAIN
    return Choice(kinds[winner], gains_of(times[winner], plain))


def is_faster(times: Seconds, plain: Seconds) -> bool:
    """Whether something is worth using: faster for one text and several taken together, and slower for nothing."""
    ratios = _ratios(times, plain)
    return max(ratios) <= TOLERANCE and sum(ratios[: len(WRITING)]) <= GAIN * len(WRITING)


def gains_of(times: Seconds, plain: Seconds) -> tuple[float, ...]:
    """How many times as fast something is, for each of `WRITING`."""
    return tuple(1 / ratio for ratio in _ratios(times, plain)[: len(WRITING)])


def _ratios(times: Seconds, plain: Seconds) -> list[float]:
    return [mine / its for mine, its in zip(times, plain, strict=True)]


def measure(model: Network, kinds: Sequence[type[Packed]]) -> dict[str, Seconds]:
    """Seconds that a model's linear layers take as they are ("plain") and in each format that works, by name.

    The formats take turns and the shortest time of each counts, so that other load on the machine affects all alike.
    """
    layers: dict[tuple[int, int], nn.Module] = {}
    counts: Counter[tuple[int, int]] = Counter()
    for _, _, linear in linears(model):
        layers.setdefault(_shape(linear), linear)
        counts[_shape(linear)] += 1
    usable = [shape for shape in counts if shape[0] * shape[1] <= _LARGEST_SHAPE] or list(counts)
    tried = sorted(usable, key=lambda shape: -counts[shape] * shape[0] * shape[1])[:_SHAPES]
    totals: dict[str, list[float]] = {}
    broken: set[str] = set()
    with torch.inference_mode():
        other = torch.zeros(_CACHE // 4)
        for shape in tried:
            ways = _ways(layers[shape], kinds)
            broken |= {_name(kind) for kind in kinds} - ways.keys()
            for place, rows in enumerate(ROWS):
                for name, seconds in _race(ways, rows, shape[1], _ROUNDS[place], other).items():
                    totals.setdefault(name, [0.0] * len(ROWS))[place] += counts[shape] * seconds
    return {name: tuple(times) for name, times in totals.items() if name not in broken}


def _ways(linear: nn.Module, kinds: Sequence[type[Packed]]) -> dict[str, tuple[nn.Module, torch.dtype]]:
    """A layer in each format, by name, with the data type of its inputs; those with wrong results are left out."""
    weight, bias = rows_of(linear)
    ways: dict[str, tuple[nn.Module, torch.dtype]] = {"plain": (linear, weight.dtype)}
    states = torch.randn(3, weight.shape[1], generator=torch.Generator().manual_seed(0))
    expected = nn.functional.linear(states, weight.float(), None if bias is None else bias.float())
    for kind in kinds:
        try:
            packed = PackedLinear(kind(weight, bias))
            off = float((packed(states.to(kind.states)).float() - expected).norm() / expected.norm())
        except (RuntimeError, ValueError):
            continue
        if off <= _ERRORS[kind.name]:
            ways[_name(kind)] = packed, kind.states
        else:
            log.warning("The %s kernel of %s is off by %.2g and is not used.", kind.name, kind.library, off)
    return ways


def _race(
    ways: Mapping[str, tuple[nn.Module, torch.dtype]],
    rows: int,
    inputs: int,
    rounds: int,
    other: torch.Tensor,
) -> dict[str, float]:
    """The shortest time of each format for some input rows, with weights that are in no cache."""
    states = {name: torch.randn(rows, inputs).to(dtype) for name, (_, dtype) in ways.items()}
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, (layer, _) in ways.items():
            other.sum()
            began = time.perf_counter()
            layer(states[name])
            least[name] = min(least[name], time.perf_counter() - began)
    return least


@cache
def works(kind: type[Packed]) -> bool:
    """Whether this processor and this build of torch support a format."""
    try:
        with torch.inference_mode():
            kind(torch.ones(64, 64), torch.ones(64)).product(torch.ones(2, 64, dtype=kind.states))
    except (RuntimeError, AttributeError, NotImplementedError, ValueError):
        return False
    # Without these instructions oneDNN falls back to a reference kernel that is hundreds of times slower.
    return kind is not BFloat16 or cpu_has_bfloat16()


def _shape(linear: nn.Module) -> tuple[int, int]:
    """Outputs and inputs."""
    outputs, inputs = rows_of(linear)[0].shape
    return outputs, inputs


def _name(kind: type[Packed]) -> str:
    return f"{kind.name} {kind.library}"


def fingerprint(model: Network, *others: object) -> str:
    """What a measurement depends on: this processor, the shapes of a model's linear layers, and `others`."""
    shapes = Counter(_shape(linear) for _, _, linear in linears(model))
    return kept.fingerprint(_machine(), str(model.dtype), sorted(map(list, shapes.items())), *others)


def _machine() -> list[str]:
    able = sorted(name for name, there in torch.cpu.get_capabilities().items() if there is True)
    return [
        processor(),
        " ".join(able),
        str(psutil.cpu_count()),
        str(torch.get_num_threads()),
        torch.__version__,
    ]


@cache
def processor() -> str:
    """What the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    facts = dict(_pair(line) for line in reversed(lines) if ":" in line)
    named = [
        facts[name]
        for name in ("vendor_id", "model name", "cpu family", "model", "stepping")
        if name in facts
    ]
    return " ".join(named) or platform.processor() or platform.machine()


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def recall(file: Path | None, key: str, names: Sequence[str]) -> dict[str, Seconds] | None:
    """An earlier measurement of "plain" and `names`, or None. What was broken then is missing."""
    known = _read(file).get(key) if file else None
    if not isinstance(known, dict) or "plain" not in known or not known.keys() <= {"plain", *names}:
        return None
    times: dict[str, Seconds] = {}
    for name, seconds in known.items():
        if not isinstance(seconds, list) or len(seconds) != len(ROWS):
            return None
        if not all(isinstance(number, float) and number > 0 for number in seconds):
            return None
        times[name] = tuple(number for number in seconds if isinstance(number, float))
    return times


def remember(file: Path | None, key: str, times: Mapping[str, Seconds]) -> None:
    if file is None:
        return
    entries = list(_read(file).items())[1 - _REMEMBERED :]
    content = dict(entries) | {key: {name: list(seconds) for name, seconds in times.items()}}
    try:
        kept.write_json(file, content)
    except OSError as error:
        log.warning("The measurement of this processor could not be stored (%s).", error.strerror)


def _read(file: Path) -> dict[str, kept.JSON]:
    return kept.read_json(file) or {}
