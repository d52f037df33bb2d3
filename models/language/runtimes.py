"""Chooses what generates the texts of a model, and in which weight format: torch or the compiled step."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from models import kernels
from models.failures import CompiledNeedsCpu, Int8Unsupported, ModelError
from models.language.cache import empty_row
from models.language.decoder import Decoder
from models.language.layers import CausalModel, scales_by_length
from models.language.padded import TorchRuntime
from models.language.rows import Runtime
from models.packed import LARGEST_HALF, Packed, linears, pack, packed_in, rows_of, weights_in
from models.specs import LanguageSpec

if TYPE_CHECKING:
    from models.language.compiled.runtime import CompiledRuntime

log = logging.getLogger(__name__)

_BYTES_WITH = {"auto", "bfloat16"}
"""Data types that the settings may combine with int8; the others promise more precision than int8 has."""
_ROUNDS = 6
_FILE = "runtimes.json"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What generates a model's texts: a runtime, or torch if that is None."""

    runtime: CompiledRuntime | None
    detail: str
    """For admins; empty for torch with plain weights."""


def prepare(model: CausalModel, spec: LanguageSpec) -> Prepared:
    """Pack the weights as the spec says, and make the runtime that it names; where it leaves a choice, the fastest.

    Raises Int8Unsupported and CompiledNeedsCpu.
    """
    on_cpu = model.device.type == "cpu"
    if spec.int8 and not (on_cpu and spec.dtype in _BYTES_WITH):
        raise Int8Unsupported
    if spec.runtime == "compiled":
        if not on_cpu:
            raise CompiledNeedsCpu
        if not spec.together:
            return _with_torch(model, spec, "together = false")
    if not _may_compile(spec, model):
        return Prepared(None, _packed(model, spec))
    try:
        return _with_compiled(model, spec)
    except ModelError:
        raise
    except Exception:
        log.warning("The compiled step cannot be used for this model.", exc_info=True)
    return _with_torch(model, spec, "the compiled step failed")


def _may_compile(spec: LanguageSpec, model: CausalModel) -> bool:
    if spec.runtime == "torch" or not spec.together or model.device.type != "cpu" or os.name != "posix":
        return False
    if scales_by_length(model.config):  # such a model computes each text on its own
        return False
    # Numba takes half a second and 60 MB, which a small model does without.
    return spec.runtime == "compiled" or weights_in(model) >= kernels.WORTH_TRYING


def _with_torch(model: CausalModel, spec: LanguageSpec, why: str) -> Prepared:
    made = _packed(model, spec)
    return Prepared(None, ", ".join(filter(None, [made, f"torch, because {why}"])))


def _with_compiled(model: CausalModel, spec: LanguageSpec) -> Prepared:
    from models.language.compiled.runtime import REVISION, VERSION, CompiledRuntime, covers  # noqa: PLC0415 - see `_may_compile`

    is_free = spec.runtime == "auto"
    kind = _kind(model, spec)
    if not covers(model, kind):
        if is_free:
            return Prepared(None, _packed(model, spec))
        return _with_torch(model, spec, "the compiled step does not cover this model")
    folder = _folder(spec)
    file = folder / _FILE if folder else None
    key = kernels.fingerprint(model, VERSION, REVISION, spec.dtype, spec.int8)
    times = kernels.recall(file, key, ["compiled"])
    if times is not None and "compiled" not in times:
        times = None
    if is_free and times is not None and not _wins(times, kind):
        return Prepared(None, _packed(model, spec))
    plain = _times_of_torch(model, spec) if times is None else times["plain"]
    if kind is not None:
        pack(model, kind)
    runtime = CompiledRuntime.of(model)
    if runtime is None:
        raise RuntimeError("a covered model could not be compiled")
    if times is None:
        times = {"plain": plain, "compiled": _race(runtime, model)}
        kernels.remember(file, key, times)
    if is_free and not _wins(times, kind):
        # If they are packed already, they are in the format that suits torch from the next load on.
        return Prepared(None, _packed(model, spec))
    if kind is None and not _reads_faster(times):
        runtime.leave_prompts_to_torch()
    return Prepared(runtime, _detail(VERSION, model, times))


def _kind(model: CausalModel, spec: LanguageSpec) -> type[Packed] | None:
    """The format of the weights for the compiled step; None for that of the model."""
    from models.language.compiled.instructions import HAS_PAIRS, HAS_TILES  # noqa: PLC0415 - see `_may_compile`
    from models.language.compiled.packed import BFloat16Panels, Float16Panels, Int8Panels  # noqa: PLC0415 - as above

    if spec.int8:
        return Int8Panels
    if model.dtype == torch.bfloat16:
        # With tiles, torch reads prompts faster from plain rows.
        return BFloat16Panels if HAS_PAIRS and not HAS_TILES else None
    is_half = spec.dtype == "float16" or (spec.dtype == "auto" and model.dtype == torch.float32)
    return Float16Panels if is_half and kernels.works(Float16Panels) and _fits_half(model) else None


def _fits_half(model: CausalModel) -> bool:
    """Whether all weights are finite in float16."""
    weights = (rows_of(linear)[0] for _, _, linear in linears(model))
    return all(bool(torch.stack(weight.aminmax()).abs().max() <= LARGEST_HALF) for weight in weights)


def _packed(model: CausalModel, spec: LanguageSpec) -> str:
    """Pack the weights for torch, unless they are packed; returns a description of the format."""
    if packed := packed_in(model):
        return f"{packed[0].name} weights ({packed[0].library})"
    choice = kernels.choose(model, spec.dtype, int8=spec.int8, folder=_folder(spec))
    if spec.int8 and choice.kind is None:
        raise Int8Unsupported
    if choice.kind is not None:
        pack(model, choice.kind)
    return choice.detail


def _times_of_torch(model: CausalModel, spec: LanguageSpec) -> kernels.Seconds:
    """Seconds of a step with torch, in its fastest format, for each number of tokens in `kernels.ROWS`.

    The gain from packed weights is taken from a measurement of the products alone, which promises a little more than a
    whole step keeps.
    """
    choice = kernels.choose(model, spec.dtype, int8=spec.int8, folder=_folder(spec), gains=True)
    runtime = TorchRuntime(model)
    runtime.decoder = Decoder.of(model)
    times = _race(runtime, model)
    gains = choice.gains or (1.0,) * len(kernels.WRITING)
    return tuple(seconds / gain for seconds, gain in zip(times, [*gains, 1.0], strict=True))


def _race(runtime: Runtime, model: CausalModel) -> kernels.Seconds:
    one, several, prompt = kernels.ROWS
    with torch.inference_mode():
        return (
            _quickest(runtime, model, [[1]] * one),
            _quickest(runtime, model, [[1]] * several),
            _quickest(runtime, model, [[1] * prompt]),
        )


def _quickest(runtime: Runtime, model: CausalModel, tokens: list[list[int]]) -> float:
    rows = runtime.rows([empty_row(model.config.num_hidden_layers) for _ in tokens])
    rows.feed(tokens, {})
    least = float("inf")
    for _ in range(_ROUNDS):
        rows.take_back([len(new) for new in tokens])
        began = time.perf_counter()
        rows.feed(tokens, {})
        least = min(least, time.perf_counter() - began)
    return least


def _wins(times: dict[str, kernels.Seconds], kind: type[Packed] | None) -> bool:
    """Whether the compiled step is faster. From plain weights, whichever is quicker reads the prompts; those that are
    packed for the step are multiplied by the same functions with torch.
    """
    *writing, reading = times["compiled"]
    if kind is None:
        reading = min(reading, times["plain"][-1])
    return kernels.is_faster((*writing, reading), times["plain"])


def _reads_faster(times: dict[str, kernels.Seconds]) -> bool:
    return times["compiled"][-1] <= times["plain"][-1]


def _folder(spec: LanguageSpec) -> Path | None:
    """Where measurements are kept."""
    return Path(spec.cache) if spec.cache else None


def _detail(version: str, model: CausalModel, times: dict[str, kernels.Seconds]) -> str:
    packed = packed_in(model)
    name = packed[0].name if packed else str(model.dtype).removeprefix("torch.")
    one, several = kernels.gains_of(times["compiled"], times["plain"])
    return (
        f"{name} weights (compiled with Numba {version}), measured {one:.1f} times as fast as torch for one text,"
        f" {several:.1f} times for {kernels.WRITING[1]}"
    )
