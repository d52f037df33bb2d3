# ruff: noqa: PLC0415 - word vectors and songs use this module and need neither torch nor transformers
"""Finding a model by its hub name, folder or address, choosing where and how it runs, and reading it safely.

Nothing here asks the network: what is not on this machine is downloaded in a step of its own, by
`models.fetching`. Safe means: no pickle is opened, no code that comes with a model is run, and a failure is
one sentence about the model that names no path.
"""

from __future__ import annotations

import hashlib
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
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from models.failures import BadInput, ModelError, NotThere
from models.specs import EncoderSpec, LanguageSpec, Progress

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

HUB_SECONDS = 4.0
"""How long the hub may take to say that it is there."""
WORTH_HALVING = 300_000_000
"""Parameters from which on a CPU's memory bandwidth, not its arithmetic, sets the pace."""

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
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
    """How a model is called where people see it: the hub name, or the last part of a folder or address."""
    if is_remote(name):
        return _parts(name)[-1]
    return name if _folder(name) is None and not _looks_like_a_path(name) else path_of(name).name


def catalogue_label(songs: str | os.PathLike[str]) -> str:
    """How a song catalogue is called: by its folder, since its files have the same names everywhere."""
    if is_remote(os.fspath(songs)):
        return _parts(os.fspath(songs))[-2]
    return path_of(songs).parent.name or path_of(songs).name


def path_of(name: str | os.PathLike[str]) -> Path:
    """A path in full, so that it has a last part; `~` is home, and `~nobody` just a strange name.

    The address of a file on this machine, file:///..., is the path in it.
    """
    text = os.fspath(name)
    if text.startswith("file:"):
        text = url2pathname(urlsplit(text).path)
    return Path(os.path.abspath(os.path.expanduser(text)))  # noqa: PTH100, PTH111 - Path raises for ~nobody


def is_remote(name: str) -> bool:
    """Whether a name is the address of a file elsewhere."""
    return name.startswith(("https://", "http://"))


def is_hub_name(name: str) -> bool:
    """Whether a name is one of the Hugging Face hub (or of gensim's data) and of nothing on this machine."""
    return HUB_NAME.fullmatch(name) is not None and not _exists(name)


def remedy(slot: str) -> str:
    """What brings a missing model of a slot here."""
    return f"“python -m bot fetch{' ' * bool(slot)}{slot}” downloads it"


def local(
    address: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None = None, *, slot: str = ""
) -> Path:
    """The file or folder of an address on this machine; `slot` is what it is for.

    An address is a path, file://..., or https://..., which `models.fetching` downloads to a place under
    `data_dir`. That of the words may also be the name of a gensim data set, wherever gensim or we put it, or
    of a repository on the hub. Raises NotThere, with the remedy where there is one.
    """
    name = os.fspath(address)
    if is_remote(name):
        if (path := downloaded(name, data_dir)).is_file():
            return path
    elif _exists(name):
        return path_of(name)
    elif slot != "words" or not is_hub_name(name):
        shown = path_of(name).name if name else ""
        raise NotThere(f"There is no file or folder called {shown or 'that'} on this machine.")
    elif "/" in name:
        if (folder := _cached(name, None)) is not None:
            return folder
    else:
        for base in data_sets(data_dir):
            # Beside it gensim puts an __init__.py that it runs. The vectors are all there is to it.
            if (path := base / name / f"{name}.gz").is_file():
                return path
    raise NotThere(f"{label(name)} is not on this machine yet; {remedy(slot)}.")


def downloaded(address: str, data_dir: str | os.PathLike[str] | None = None) -> Path:
    """Where the file of an https:// address is kept: under its host and path, so that people find it."""
    return path_of(data_dir or "data").joinpath("downloads", *_parts(address))


def data_sets(data_dir: str | os.PathLike[str] | None = None) -> tuple[Path, Path]:
    """The folders of gensim's data sets: ours, and the one that `gensim.downloader` uses."""
    return (
        path_of(data_dir or "data") / "gensim-data",
        path_of(os.environ.get("GENSIM_DATA_DIR") or "~/gensim-data"),
    )


def find(name: str, *, revision: str | None = None, weights: bool = True, slot: str = "") -> Source:
    """The folder of a model on this machine; a name that is a folder is that folder, others are in the hub's cache.

    With `weights` it must hold safetensors, else a tokenizer is enough. Raises NotThere, with the remedy for the
    `slot` where there is one, or ModelError.
    """
    shown = label(name)
    if (folder := _folder(name)) is not None:
        _check(folder, shown, weights=weights)
        return Source(shown, str(folder), folder)
    if _looks_like_a_path(name) or not HUB_NAME.fullmatch(name):
        raise NotThere(f"There is no model folder called {shown or 'that'} on this machine.")
    folder = _cached(name, revision)
    if folder is None or not _complete(folder, weights=weights):
        if weights and revision is None and (converted := _converted(name)) is not None:
            return Source(shown, name, *converted)
        some = "not on this machine yet" if folder is None else "only partly on this machine"
        raise NotThere(f"{shown}{f' ({revision})' * bool(revision)} is {some}; {remedy(slot)}.")
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

    hush_hub()
    if "TRANSFORMERS_VERBOSITY" not in os.environ:
        transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


@cache
def hush_hub() -> None:
    """Keep the hub client from drawing bars, logging advice, and asking the network of its own accord.

    To describe itself to the hub it first asks the hub how, even when it only looks into its cache.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils import logging as hub_logging
    from huggingface_hub.utils.tqdm import disable_progress_bars

    constants.HF_HUB_DISABLE_TELEMETRY = True
    if "TRANSFORMERS_VERBOSITY" not in os.environ:
        hub_logging.set_verbosity_error()
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


def weight(spec: LanguageSpec | EncoderSpec) -> tuple[str, int]:
    """Where a model would run, and the bytes that its weights would take there. Raises ModelError."""
    source = find(spec.name, revision=spec.revision)
    with reading(source.label):
        parameters = parameters_in(source.folder)
        place, numbers = choose(
            spec.device,
            spec.dtype,
            parameters=parameters,
            trained_as=_trained_as(_settings(source.folder, source.label)),
        )
    return str(place), parameters * numbers.itemsize


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


def _exists(name: str) -> bool:
    try:
        return bool(name) and path_of(name).exists()
    except (OSError, ValueError):
        return False


def _folder(name: str) -> Path | None:
    return path_of(name) if _exists(name) and path_of(name).is_dir() else None


def _looks_like_a_path(name: str) -> bool:
    return name.startswith((".", "/", "~", "file:")) or "\\" in name or name.count("/") > 1


def _parts(address: str) -> list[str]:
    """The host and path of an address as names of folders and a file, at least one of each."""
    parts = urlsplit(address)
    names = [unquote(part) for part in parts.path.split("/")]
    safe = [re.sub(r"[^\w.+@=-]", "_", name)[:120] for name in (parts.netloc.rpartition("@")[2], *names)]
    found = [name for name in safe if name.strip(".")] or ["nowhere"]
    if parts.query:
        found[-1] = f"{hashlib.sha256(parts.query.encode()).hexdigest()[:8]}-{found[-1]}"
    return found if found[1:] else [*found, "index"]


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

    hush_hub()
    try:
        # Whether all is there that we need is for us to say: asked for nothing, the client has nothing to miss.
        return Path(snapshot_download(name, revision=revision, local_files_only=True, allow_patterns=[]))
    except LocalEntryNotFoundError:
        return None


def _converted(name: str) -> tuple[Path, str] | None:
    """The folder and revision of a hub's own conversion to safetensors, which is kept as a pull request."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    home = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model")
    for reference in sorted((home / "refs" / "refs" / "pr").glob("*")):
        revision = f"refs/pr/{reference.name}"
        folder = _cached(name, revision)
        if folder is not None and _complete(folder, weights=True) and (folder / "config.json").is_file():
            return folder, revision
    return None


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
    none = "instantiate the backend tokenizer" in text
    return f"The folder of {shown} holds no tokenizer." if none else f"{shown} could not be loaded ({kind})."


def footprint(model: Any) -> int:
    """Bytes that a torch module's parameters and buffers take."""
    tensors = [*model.parameters(), *model.buffers()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
