"""Chooses what generates the texts of a model, and in which weight format: torch or OpenVINO."""

from __future__ import annotations

import importlib.util
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from models import kernels
from models.failures import Int8Unsupported, ModelError, OpenVinoMissing, OpenVinoNeedsCpu
from models.language.cache import empty_row
from models.language.decoder import CausalModel, Decoder
from models.language.padded import TorchRuntime
from models.language.rows import Runtime
from models.packed import Float16, Int8, Packed, pack, weights_in
from models.specs import LanguageSpec

if TYPE_CHECKING:
    from models.language.openvino.paged import OpenVinoRuntime

log = logging.getLogger(__name__)

_BYTES_WITH = {"auto", "bfloat16"}
"""Data types that the settings may combine with int8; the others promise more precision than int8 has."""
_ROUNDS = 6
COPIES = 3
"""A model's weights with OpenVINO, as a multiple of its own: it keeps what it was given and what its kernels read."""
_MEASURED = 512
"""Number of tokens that a cache must hold to be measured; memory that is not written costs nothing."""
_FILE = "runtimes.json"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What generates a model's texts: a runtime, or torch if that is None."""

    runtime: OpenVinoRuntime | None
    detail: str
    """For admins; empty for torch with plain weights."""


def prepare(model: CausalModel, spec: LanguageSpec) -> Prepared:
    """Pack the weights as the spec says, and make the runtime that it names; where it leaves a choice, the fastest.

    Raises Int8Unsupported, OpenVinoMissing and OpenVinoNeedsCpu.
    """
    on_cpu = model.device.type == "cpu"
    if spec.int8 and not (on_cpu and spec.dtype in _BYTES_WITH):
        raise Int8Unsupported
    if spec.runtime == "openvino":
        if not _is_installed():
            raise OpenVinoMissing
        if not on_cpu:
            raise OpenVinoNeedsCpu
        if not spec.together:
            return _with_torch(model, spec, "together = false")
    if not may_use_openvino(spec, model.device.type):
        return Prepared(None, _packed(model, spec))
    try:
        return _with_openvino(model, spec)
    except ModelError:
        raise
    except Exception:
        log.warning("OpenVINO cannot be used for this model.", exc_info=True)
    return _with_torch(model, spec, "OpenVINO failed")


def may_use_openvino(spec: LanguageSpec, device: str) -> bool:
    """Whether a model on this device may have its weights in OpenVINO too."""
    return spec.runtime != "torch" and spec.together and device == "cpu" and _is_installed()


def _is_installed() -> bool:
    return importlib.util.find_spec("openvino") is not None


def _with_torch(model: CausalModel, spec: LanguageSpec, why: str) -> Prepared:
    made = _packed(model, spec)
    return Prepared(None, ", ".join(filter(None, [made, f"torch, because {why}"])))


def _with_openvino(model: CausalModel, spec: LanguageSpec) -> Prepared:
    from models.language.openvino.paged import VERSION, OpenVinoRuntime  # noqa: PLC0415 - an optional dependency

    is_free = spec.runtime == "auto"
    kind = Int8 if spec.int8 else Float16 if spec.dtype == "float16" else None
    if kind is not None and not kernels.works(kind):
        return _with_torch(model, spec, f"this processor lacks the {kind.name} weights of {kind.library}")
    folder = _folder(spec)
    file = folder / _FILE if folder else None
    key = kernels.fingerprint(model, VERSION, spec.dtype, spec.int8)
    times = kernels.recall(file, key, ["openvino"]) if is_free else None
    if is_free and (weights_in(model) < kernels.WORTH_TRYING or (times is not None and not _wins(times))):
        return Prepared(None, _packed(model, spec))
    runtime = OpenVinoRuntime.of(model, kind, max(spec.kv_tokens, _MEASURED))
    if runtime is None:
        return _with_torch(model, spec, "OpenVINO does not cover this model")
    if is_free and times is None:
        times = _measured(model, runtime, spec)
        kernels.remember(file, key, times)
    if times is not None and not _wins(times):
        return Prepared(None, _packed(model, spec))
    if kind is not None:
        pack(model, kind)  # what is computed solo must have the same weights
    return Prepared(runtime, _detail(VERSION, kind, model, times))


def _packed(model: CausalModel, spec: LanguageSpec) -> str:
    """Pack the weights for torch; returns a description of the format."""
    choice = kernels.choose(model, spec.dtype, int8=spec.int8, folder=_folder(spec))
    if spec.int8 and choice.kind is None:
        raise Int8Unsupported
    if choice.kind is not None:
        pack(model, choice.kind)
    return choice.detail


def _measured(model: CausalModel, runtime: OpenVinoRuntime, spec: LanguageSpec) -> dict[str, kernels.Seconds]:
    """Seconds of a step with torch ("plain") and with OpenVINO, for each number of tokens in `kernels.ROWS`.

    The gain that torch would have from packed weights is taken from a measurement of the products alone, which
    promises a little more than a whole step keeps.
    """
    choice = kernels.choose(model, spec.dtype, int8=spec.int8, folder=_folder(spec), gains=True)
    torch_runtime = TorchRuntime(model)
    torch_runtime.decoder = Decoder.of(model)
    ours, theirs = _race(torch_runtime, model), _race(runtime, model)
    gains = choice.gains or (1.0,) * len(kernels.WRITING)
    best = [seconds / gain for seconds, gain in zip(ours, [*gains, 1.0], strict=True)]
    return {"plain": tuple(best), "openvino": theirs}


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


def _wins(times: dict[str, kernels.Seconds]) -> bool:
    return kernels.is_faster(times["openvino"], times["plain"])


def _folder(spec: LanguageSpec) -> Path | None:
    """Where measurements are kept."""
    return Path(spec.cache) if spec.cache else None


def _detail(
    version: str,
    kind: type[Packed] | None,
    model: CausalModel,
    times: dict[str, kernels.Seconds] | None,
) -> str:
    name = kind.name if kind else str(model.dtype).removeprefix("torch.")
    made = f"{name} weights (OpenVINO {version})"
    if times is None:
        return made
    one, several = kernels.gains_of(times["openvino"], times["plain"])
    return (
        f"{made}, measured {one:.1f} times as fast as torch for one text, {several:.1f} times for"
        f" {kernels.WRITING[1]}"
    )
