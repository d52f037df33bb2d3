"""Which way of keeping weights multiplies them fastest on this processor: found out by trying, and remembered.

What wins depends on the processor (does it have units for bfloat16, how fast is its memory), on the shapes of a model, on the number
of cores and on the libraries that torch was built with; no rule of thumb holds for all of them.
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
)
from models.pretrained import cpu_has_bfloat16

log = logging.getLogger(__name__)

Seconds: TypeAlias = tuple[float, ...]
"""Of all linear layers of a model together, for each number in `ROWS`."""

WORTH_TRYING = 20_000_000
"""Parameters below which weights stay as they are: they fit into caches, and whatever is done with them is quick."""
ROWS = (1, 8, 32)
"""Texts that get a token, and tokens of a prompt, for which ways are compared."""
WRITING = ROWS[:2]
TOLERANCE = 1.05
"""Factor by which a way may seem slower than the plain one and still pass for no slower."""
GAIN = 0.95
"""Share of the plain way's time that another must not exceed to be worth it."""
_ROUNDS = (11, 11, 4)
"""Tries for each of `ROWS`."""
_CACHE = 64 << 20
"""Bytes that are read before each try, so that weights come from memory as they do in a model."""
_SHAPES = 4
"""Shapes that are tried: those that most of a model's weights have."""
_LARGEST_SHAPE = 1 << 26
"""Weights of a layer above which it is left out, as an output head that is read once a token while others are read often."""
_ERRORS = {"float16": 2e-3, "bfloat16": 1e-2, "int8": 5e-2}
"""Share of the length of an output by which a product may be off before a kernel counts as broken."""
_REMEMBERED = 64
"""Choices that are kept on disk."""
_FILE = "kernels.json"


@dataclass(frozen=True, slots=True)
class Choice:
    """How weights are kept: None for the plain way, and how many times as fast as that it is for one text and for several."""

    kind: type[Packed] | None = None
    gains: tuple[float, ...] = ()

    @property
    def detail(self) -> str:
        """For admins; empty for the plain way."""
        if self.kind is None:
            return ""
        made = f"{self.kind.name} weights ({self.kind.library})"
        if not self.gains:
            return made
        one, several = self.gains
        return f"{made}, measured to multiply {one:.1f} times as fast for one text, {several:.1f} times for {WRITING[1]}"


PLAIN = Choice()


def choose(model: Network, dtype: str, *, int8: bool, folder: Path | None = None) -> Choice:
    """The best way to keep the weights of a model on the CPU, of those that `dtype` and `int8` of the settings allow.

    "auto" takes what is fastest and keeps 16 bits, "float16" float16 weights, "bfloat16" what is fastest in bfloat16, "float32"
    the plain way; int8 what is fastest with bytes. Where there is a choice it is made by a measurement, which is kept in `folder`.
    """
    if model.device.type != "cpu":
        return PLAIN
    able = [kind for kind in _allowed(model, dtype, int8=int8) if works(kind)]
    required = int8 or dtype == "float16"
    if not able:
        return PLAIN
    if required and len(able) == 1:
        return Choice(able[0])
    shapes = Counter(_shape(linear) for _, _, linear in linears(model))
    if sum(count * outputs * inputs for (outputs, inputs), count in shapes.items()) < WORTH_TRYING:
        return Choice(able[0]) if required else PLAIN
    names = [_name(kind) for kind in able]
    key = kept.fingerprint(_machine(), str(model.dtype), sorted(map(list, shapes.items())), names)
    times = _recall(folder, key, ["plain", *names])
    if times is None:
        times = measure(model, able)
        _remember(folder, key, times)
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
    """What to choose when it takes so long: `times` by name, "plain" among them.

    The best for one text and for several alike, among those that are not slower than the plain way for either, or for a prompt.
    With `required`, the plain way is no choice.
    """
    plain = times["plain"]

    def ratios(name: str) -> list[float]:
        return [mine / its for mine, its in zip(times[name], plain, strict=True)]

    def cost(name: str) -> float:
        return sum(ratios(name)[: len(WRITING)])

    fit = [name for name in kinds if required or max(ratios(name)) <= TOLERANCE]
    winner = min(fit, key=cost, default=None)
    if winner is None or (not required and cost(winner) > GAIN * len(WRITING)):
        return PLAIN
    return Choice(kinds[winner], tuple(1 / ratio for ratio in ratios(winner)[: len(WRITING)]))


def measure(model: Network, kinds: Sequence[type[Packed]]) -> dict[str, Seconds]:
    """Seconds that the linear layers of a model take, by the name of the kind, and "plain"; kinds that are off are left out.

    They take turns, and the least time of each counts, so that what else the machine does harms none more than others.
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
    """A layer in each way, by name, with the numbers that it takes; those whose results are off are left out."""
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
            log.warning(
                "%s products of %s are off by %.2g, so they are not used.", kind.name, kind.library, off
            )
    return ways


def _race(
    ways: Mapping[str, tuple[nn.Module, torch.dtype]],
    rows: int,
    inputs: int,
    rounds: int,
    other: torch.Tensor,
) -> dict[str, float]:
    """The least seconds that each way took for so many rows, with its weights out of the processor's caches."""
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
    """Whether this processor and this torch can do it at all."""
    try:
        with torch.inference_mode():
            kind(torch.ones(32, 32), torch.ones(32)).product(torch.ones(2, 32, dtype=kind.states))
    except (RuntimeError, AttributeError, NotImplementedError, ValueError):
        return False
    # Elsewhere oneDNN has only its reference for bfloat16, which is hundreds of times slower.
    return kind is not BFloat16 or cpu_has_bfloat16()


def _shape(linear: nn.Module) -> tuple[int, int]:
    """Outputs and inputs."""
    outputs, inputs = rows_of(linear)[0].shape
    return outputs, inputs


def _name(kind: type[Packed]) -> str:
    return f"{kind.name} {kind.library}"


def _machine() -> list[str]:
    """What a measurement depends on beside the model."""
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


def _recall(folder: Path | None, key: str, names: Sequence[str]) -> dict[str, Seconds] | None:
    """What was measured before of `names`, or None. What was found broken then is missing and stays so."""
    known = _read(folder).get(key) if folder else None
    if not isinstance(known, dict) or "plain" not in known or not known.keys() <= set(names):
        return None
    times: dict[str, Seconds] = {}
    for name, seconds in known.items():
        if not isinstance(seconds, list) or len(seconds) != len(ROWS):
            return None
        if not all(isinstance(number, float) and number > 0 for number in seconds):
            return None
        times[name] = tuple(number for number in seconds if isinstance(number, float))
    return times


def _remember(folder: Path | None, key: str, times: Mapping[str, Seconds]) -> None:
    if folder is None:
        return
    entries = list(_read(folder).items())[1 - _REMEMBERED :]
    content = dict(entries) | {key: {name: list(seconds) for name, seconds in times.items()}}
    try:
        kept.write_json(folder / _FILE, content)
    except OSError as error:
        log.warning("What was measured of the processor could not be kept (%s).", error.strerror)


def _read(folder: Path) -> dict[str, kept.JSON]:
    return kept.read_json(folder / _FILE) or {}
