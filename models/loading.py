# ruff: noqa: PLC0415 - word vectors and songs use this module and need neither torch nor transformers
"""Finding a model by its hub name or folder, choosing where and how it runs, and reading it safely.

Safe means: no pickle is opened, no code that comes with a model is run, and a failure is one sentence
about the model that names no path.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.failures import BadInput, ModelError, NotThere
from models.specs import Progress

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

HUB_SECONDS = 4.0
"""How long the hub may take to say that it is there."""
WORTH_HALVING = 300_000_000
"""Parameters from which on a CPU's memory bandwidth, not its arithmetic, sets the pace."""

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model", "tekken.json")


@dataclass(frozen=True, slots=True)
class Source:
    """A model on this machine. `target` and `revision` are what `from_pretrained` is to be given."""

    label: str
    target: str
    folder: Path
    revision: str | None = None


def label(name: str) -> str:
    """How a model is called where people see it: the hub name, or the last part of a folder."""
    return name if _folder(name) is None and not _looks_like_a_path(name) else path_of(name).name


def catalogue_label(songs: str | os.PathLike[str]) -> str:
    """How a song catalogue is called: by its folder, since its files have the same names everywhere."""
    return path_of(songs).parent.name or path_of(songs).name


def path_of(name: str | os.PathLike[str]) -> Path:
    """A path in full, so that it has a last part; `~` is home, and `~nobody` just a strange name."""
    return Path(os.path.abspath(os.path.expanduser(name)))  # noqa: PTH100, PTH111 - Path raises for ~nobody


def find(
    name: str, *, revision: str | None = None, weights: bool = True, progress: Progress | None = None
) -> Source:
    """The folder of a model, local, cached or downloaded; a name that is a folder is that folder.

    With `weights` it must hold safetensors, else a tokenizer is enough. Raises NotThere or ModelError.
    """
    shown = label(name)
    if (folder := _folder(name)) is not None:
        _check(folder, shown, weights=weights)
        return Source(shown, str(folder), folder)
    if _looks_like_a_path(name) or not _HUB_NAME.fullmatch(name):
        raise NotThere(f"There is no model folder called {shown or 'that'} on this machine.")
    folder = _cached(name, revision)
    if folder is None or not _complete(folder, weights=weights):
        try:
            folder = _download(name, revision, progress, weights=weights)
        except NotThere:
            # A tokenizer of bytes or letters has no file of its vocabulary: what is cached may be all of it.
            if folder is None or weights or not (folder / "tokenizer_config.json").is_file():
                raise
    _check(folder, shown, weights=weights)
    # By its name transformers knows the peculiarities of a model, but it wants a config.json then.
    if (folder / "config.json").is_file():
        return Source(shown, name, folder, revision)
    return Source(shown, str(folder), folder)


@contextmanager
def reading(shown: str, *, chatty: bool = True) -> Iterator[None]:
    """Turns whatever the loaders raise into a ModelError with one sentence about the model `shown`.

    `chatty` loaders are those of transformers, which are told to be quiet.
    """
    if chatty:
        hush()
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        log.info("%s could not be loaded", shown, exc_info=True)
        raise ModelError(_sentence(shown, error)) from error


@cache
def hush() -> None:
    """Keep transformers and the hub client from drawing bars and logging advice on the terminal.

    Whoever wants to see it sets TRANSFORMERS_VERBOSITY.
    """
    import transformers
    from huggingface_hub.utils import logging as hub_logging
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if "TRANSFORMERS_VERBOSITY" not in os.environ:
        transformers.logging.set_verbosity_error()
        hub_logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    disable_progress_bars()


def choose(
    device: str, dtype: str, *, parameters: int, trained_as: str = ""
) -> tuple[torch.device, torch.dtype]:
    """Where a model runs and in which numbers. "auto" means:

    the GPU if there is one, in bfloat16 if the model was trained so and the GPU has it, else float16; else
    the CPU in float32, the notebook's choice, unless the CPU has bfloat16 units and the model is so
    large that reading its weights is what takes the time.
    """
    import torch

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        place = torch.device(device)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ModelError(f"This machine has no device “{device}” that torch can use; try “auto”.") from error
    if dtype == "auto":
        if place.type == "cuda":
            wide = trained_as == "bfloat16" and torch.cuda.is_bf16_supported()
            dtype = "bfloat16" if wide else "float16"
        else:
            halve = place.type == "cpu" and parameters >= WORTH_HALVING and _cpu_has_bfloat16()
            dtype = "bfloat16" if halve else "float32"
    known = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
    if dtype not in known:
        raise ModelError(f"“{dtype}” is no dtype that I know; use auto, {', '.join(known)}.")
    return place, known[dtype]


def pretrained(
    auto: Any,
    source: Source,
    *,
    device: str,
    dtype: str,
    progress: Progress | None = None,
    encoder: bool = False,
) -> Any:
    """The model of a source through `auto`, one of transformers' Auto classes, ready to answer.

    ModelError for weights that cannot be read, or that lack what the model computes with. An `encoder` does
    without the pooler on top of it and, if it is half of a translator, without the other half.
    """
    with reading(source.label):
        place, numbers = choose(
            device,
            dtype,
            parameters=parameters_in(source.folder),
            trained_as=_trained_as(_settings(source.folder, source.label)),
        )
        if progress:
            progress(f"reading the weights of {source.label}", None)
        model, report = auto.from_pretrained(
            source.target,
            revision=source.revision,
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=True,
            dtype=numbers,
            output_loading_info=True,
        )
        # transformers fills gaps with random numbers, and the answers would be noise.
        spare = ("pooler.", "decoder.") if is_translator(model) else ("pooler.",)
        missing = sorted(it for it in report["missing_keys"] if not (encoder and it.startswith(spare)))
        if missing:
            raise ModelError(
                f"The weights of {source.label} are incomplete for this use: {missing[0]} is missing"
                f"{f', and {len(missing) - 1} more' if missing[1:] else ''}."
            )
        if progress:
            progress(f"moving {source.label} to {place}", None)
        return model.to(place).eval()


def is_translator(model: Any) -> bool:
    """Whether a model has an encoder and a decoder, as T5 and BART have."""
    return hasattr(model, "encoder") and hasattr(model, "decoder")


def parameters_in(folder: Path) -> int:
    """How many numbers the weights of a folder hold, from the headers of its safetensors."""
    from safetensors import safe_open

    count = 0
    for file in folder.glob("*.safetensors"):
        with safe_open(file, framework="numpy") as tensors:
            for key in tensors.keys():  # noqa: SIM118 - it is no mapping
                size = 1
                for length in tensors.get_slice(key).get_shape():
                    size *= length
                count += size
    return count


def usable_text(text: str) -> str:
    """The text itself, if it can be encoded; BadInput if it holds half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadInput(
            "The text holds half of a character (a lone surrogate), which nothing can encode. "
            "Delete it and ask again."
        ) from error
    return text


def _folder(name: str) -> Path | None:
    if not name:
        return None
    try:
        path = path_of(name)
        return path if path.is_dir() else None
    except (OSError, ValueError):
        return None


def _looks_like_a_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or "\\" in name or name.count("/") > 1


def _settings(folder: Path, shown: str) -> dict[str, Any]:
    """What config.json says; nothing if there is none, as beside a bare tokenizer."""
    file = folder / "config.json"
    with reading(shown, chatty=False):
        settings = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if not isinstance(settings, dict):
        raise ModelError(f"A file of {shown} is damaged.")
    return settings


def _trained_as(settings: dict[str, Any]) -> str:
    return str(settings.get("dtype") or settings.get("torch_dtype") or "")


def _cpu_has_bfloat16() -> bool:
    import torch

    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))


def _complete(folder: Path, *, weights: bool) -> bool:
    if not weights:
        return any(next(folder.glob(pattern), None) for pattern in _TOKENIZER_FILES)
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        return all((folder / shard).is_file() for shard in shards)
    return next(folder.glob("*.safetensors"), None) is not None


def _check(folder: Path, shown: str, *, weights: bool) -> None:
    """Refuse what would have to be unpickled, and settings that would fetch code from elsewhere."""
    if weights and next(folder.glob("*.safetensors"), None) is None:
        if any(file.suffix in _PICKLES for file in folder.iterdir()):
            raise ModelError(
                f"{shown} has its weights only as a pickle, which can run code when it is opened; "
                "I read safetensors only."
            )
        raise NotThere(f"The folder of {shown} holds no weights (no safetensors file).")
    # transformers would fetch an attention kernel named like this from the hub and run it.
    if "/" in str(_settings(folder, shown).get("attn_implementation", "")):
        raise ModelError(f"{shown} wants to run code from the hub, which I never do.")


def _cached(name: str, revision: str | None) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        # Whether all is there that we need is for us to say: asked for nothing, the client has nothing to miss.
        return Path(snapshot_download(name, revision=revision, local_files_only=True, allow_patterns=[]))
    except LocalEntryNotFoundError:
        return None


def _download(name: str, revision: str | None, progress: Progress | None, *, weights: bool) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    hush()
    if progress:
        progress(f"looking for {name} on the hub", None)
    try:
        # The downloader itself tries for a minute; this one question says at once whether to begin.
        info = HfApi().model_info(name, revision=revision, timeout=HUB_SECONDS)
        files = [sibling.rfilename for sibling in info.siblings or ()]
        wanted = _wanted(files, name, weights=weights)
        if progress:
            progress(f"downloading {name}", None)
        return Path(snapshot_download(name, revision=revision, allow_patterns=wanted))
    except ModelError:
        raise
    except GatedRepoError as error:
        raise NotThere(
            f"{name} may only be downloaded by people who agreed to its terms on the hub; "
            "agree there and set HF_TOKEN."
        ) from error
    except RevisionNotFoundError as error:
        raise NotThere(f"{name} has no revision “{revision}” on the hub.") from error
    except RepositoryNotFoundError as error:
        raise NotThere(f"{name} is not on this machine, and the hub has no model of that name.") from error
    except Exception as error:
        log.info("%s could not be downloaded", name, exc_info=True)
        raise NotThere(f"{name} is not on this machine and could not be downloaded.") from error


def _wanted(files: list[str], name: str, *, weights: bool) -> list[str]:
    """The files of a hub repository that reading it safely takes."""
    top = [file for file in files if "/" not in file]
    wanted = [file for file in top if file.endswith((".json", ".txt", ".model", ".jinja"))]
    if not weights:
        return wanted
    tensors = [file for file in top if file.endswith(".safetensors")]
    if not tensors:
        raise ModelError(
            f"{name} offers its weights only as a pickle, which can run code when it is opened; "
            "I read safetensors only."
        )
    usual = [file for file in tensors if file.startswith("model")]
    return wanted + (usual or tensors)


def _sentence(shown: str, error: Exception) -> str:
    text = str(error)
    kind = type(error).__name__
    if "trust_remote_code" in text or "custom code" in text:
        return f"{shown} brings program code of its own, which I never run."
    if kind == "OutOfMemoryError" or isinstance(error, MemoryError):
        return f"There is not enough memory for {shown}."
    if kind in {"JSONDecodeError", "UnicodeDecodeError", "SafetensorError"}:
        return f"A file of {shown} is damaged."
    if "model type" in text or "Unrecognized model" in text or "Unrecognized configuration" in text:
        return f"{shown} is of a kind that I do not know."
    # transformers says so in several ways, and not always of the package that is really missing.
    if isinstance(error, ImportError) or "pip install" in text:
        return f"{shown} needs a Python package that is not installed here (often sentencepiece or protobuf)."
    return f"{shown} could not be loaded ({kind})."


def footprint(model: Any) -> int:
    """Bytes that a torch module's parameters and buffers take."""
    tensors = [*model.parameters(), *model.buffers()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
