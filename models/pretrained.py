# ruff: noqa: PLC0415 - word vectors and songs use `reading` and need neither torch nor transformers
"""Loads a pretrained model from this machine: device, number format, and what is rejected.

Loading is safe: it opens no pickle, runs no code that comes with a model, and failures name no path.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import texts
from models.failures import (
    BringsOwnCode,
    DamagedFile,
    FolderWithoutTokenizer,
    IncompleteWeights,
    LoadFailed,
    MissingPackage,
    ModelError,
    ModelFailed,
    NoSuchDevice,
    NoSuchDtype,
    NotEnoughMemory,
    TextTooLongForModel,
    UnknownArchitecture,
    UnnamedPackage,
)
from models.files import finding
from models.files.finding import Source

if TYPE_CHECKING:
    import torch

    from models.progress import Progress

log = logging.getLogger(__name__)

WORTH_HALVING = 300_000_000
"""Parameters above which a CPU's memory bandwidth, not its arithmetic, is the bottleneck."""

_BUILDING = threading.Lock()
_PATIENCE = 60.0
"""Seconds after which a model that may hang no longer delays the next one."""


@contextmanager
def building() -> Iterator[None]:
    """Held while transformers builds a model. It changes its own classes and torch's default dtype for all threads
    meanwhile, and of two threads the second to finish would leave the classes changed: no model could tie its weights
    any more.
    """
    held = _BUILDING.acquire(timeout=_PATIENCE)
    try:
        yield
    finally:
        if held:
            _BUILDING.release()


@contextmanager
def reading(label: str, *, chatty: bool = True) -> Iterator[None]:
    """Converts the loaders' exceptions to a ModelError about the model called `label`.

    `chatty` loaders, those of transformers, are silenced.
    """
    if chatty:
        quiet_transformers()
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        log.debug("%s could not be loaded", label, exc_info=True)
        raise _failure(label, error) from error


@cache
def quiet_transformers() -> None:
    """Keep transformers and the hub client from drawing progress bars and logging advice.

    Set TRANSFORMERS_VERBOSITY to see it.
    """
    import transformers

    finding.quiet_hub_client()
    if "TRANSFORMERS_VERBOSITY" not in os.environ:
        transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def choose(
    device: str, dtype: str, *, parameters: int, trained_as: str = ""
) -> tuple[torch.device, torch.dtype]:
    """A model's device and number format. "auto" means:

    the GPU if there is one, in bfloat16 if the model was trained in it and the GPU supports it, otherwise in float16;
    without a GPU, the CPU in float32, the notebook's choice, unless the CPU supports bfloat16 in hardware and the
    model is so large that reading its weights dominates the time.
    """
    import torch

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        place = torch.device(device)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise NoSuchDevice(device) from error
    if dtype == "auto":
        if place.type == "cuda":
            wide = trained_as == "bfloat16" and torch.cuda.is_bf16_supported()
            dtype = "bfloat16" if wide else "float16"
        else:
            halve = place.type == "cpu" and parameters >= WORTH_HALVING and cpu_has_bfloat16()
            dtype = "bfloat16" if halve else "float32"
    known = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
    if dtype not in known:
        raise NoSuchDtype(dtype, ", ".join(known))
    return place, known[dtype]


def weight(name: str, revision: str | None, device: str, dtype: str) -> tuple[str, int]:
    """The device where a model would run, and the size of its weights there in bytes. Raises ModelError."""
    source = finding.find(name, revision=revision)
    with reading(source.label):
        place, numbers = _choose(source, device, dtype)
        return str(place), parameters_in(source.folder) * numbers.itemsize


def pretrained(
    auto: Any,
    source: Source,
    *,
    device: str,
    dtype: str,
    progress: Progress | None = None,
    encoder: bool = False,
) -> Any:
    """Load the model of a source through `auto`, one of transformers' Auto classes, in evaluation mode.

    Raises ModelError for weights that are unreadable or incomplete. An `encoder` may lack its pooler and, for an
    encoder-decoder, the decoder.
    """
    with reading(source.label):
        place, numbers = _choose(source, device, dtype)
        if progress:
            progress(texts.say("progress-reading-weights", name=source.label), None)
        with building():
            model, report = auto.from_pretrained(
                source.target,
                revision=source.revision,
                trust_remote_code=False,
                use_safetensors=True,
                local_files_only=True,
                dtype=numbers,
                output_loading_info=True,
            )
        # transformers fills missing weights with random numbers, and the answers would be noise.
        spare = ("pooler.", "decoder.") if is_translator(model) else ("pooler.",)
        missing = sorted(key for key in report["missing_keys"] if not (encoder and key.startswith(spare)))
        if missing:
            raise IncompleteWeights(source.label, missing[0], len(missing) - 1)
        if progress:
            progress(texts.say("progress-moving-model", name=source.label, device=str(place)), None)
        return model.to(place).eval()


def is_translator(model: Any) -> bool:
    """Whether a model has an encoder and a decoder, as T5 and BART have."""
    return hasattr(model, "encoder") and hasattr(model, "decoder")


def index_failure(name: str, error: IndexError) -> ModelError:
    """The meaning of an IndexError in a model: among embedding lookups, only positions depend on the text's length."""
    return (
        TextTooLongForModel(name) if "index out of range" in str(error) else ModelFailed(name, "IndexError")
    )


def release(model: torch.nn.Module) -> None:
    """Free the tensors of an unused module, which reference cycles would keep alive."""
    import torch

    from models.packed import packed_in

    for packed in packed_in(model):
        packed.release()
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data = torch.empty(0, dtype=tensor.dtype)


def footprint(model: torch.nn.Module) -> int:
    """Bytes that a torch module's parameters, buffers and packed weights take."""
    from models.packed import packed_in

    tensors = [*model.parameters(), *model.buffers()]
    plain = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    return plain + sum(packed.nbytes for packed in packed_in(model))


def parameters_of(model: torch.nn.Module) -> int:
    """How many numbers a torch module has learnt, however they are kept."""
    from models.packed import PackedLinear

    packed = [module for module in model.modules() if isinstance(module, PackedLinear)]
    return sum(tensor.numel() for tensor in model.parameters()) + sum(module.numbers for module in packed)


def parameters_in(folder: Path) -> int:
    """The number of parameters in a folder's weights, from its safetensors headers."""
    from safetensors import safe_open

    count = 0
    for file in finding.weight_files(folder):
        with safe_open(file, framework="numpy") as tensors:
            for key in tensors.keys():  # noqa: SIM118 - it is no mapping
                size = 1
                for length in tensors.get_slice(key).get_shape():
                    size *= length
                count += size
    return count


def _choose(source: Source, device: str, dtype: str) -> tuple[torch.device, torch.dtype]:
    settings = finding.config(source.folder, source.label)
    return choose(
        device,
        dtype,
        parameters=parameters_in(source.folder),
        trained_as=str(settings.get("dtype") or settings.get("torch_dtype") or ""),
    )


def cpu_has_bfloat16() -> bool:
    """Whether the CPU has units for bfloat16."""
    import torch

    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))


def _missing_package(text: str, label: str) -> ModelError:
    """The package that transformers needs; its messages vary."""
    named = re.search(r"pip install (?:-U |--upgrade )?`?['\"]?([\w.-]+)|No module named '([\w.]+)'", text)
    return MissingPackage(label, named[1] or named[2]) if named else UnnamedPackage(label)


def _failure(label: str, error: Exception) -> ModelError:
    """The failure for an exception of transformers, torch or safetensors, recognised by its message."""
    text = str(error)
    kind = type(error).__name__
    signs: list[tuple[bool, Callable[[str], ModelError]]] = [
        ("trust_remote_code" in text or "custom code" in text, BringsOwnCode),
        (kind == "OutOfMemoryError" or isinstance(error, MemoryError), NotEnoughMemory),
        (kind in {"JSONDecodeError", "UnicodeDecodeError", "SafetensorError"}, DamagedFile),
        (
            any(sign in text for sign in ("model type", "Unrecognized model", "Unrecognized configuration")),
            UnknownArchitecture,
        ),
        (isinstance(error, ImportError) or "pip install" in text, partial(_missing_package, text)),
        ("instantiate the backend tokenizer" in text, FolderWithoutTokenizer),
    ]
    found = next((failure for applies, failure in signs if applies), None)
    return LoadFailed(label, kind) if found is None else found(label)
