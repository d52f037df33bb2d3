# ruff: noqa: PLC0415 - word vectors and songs use this module and need no hub client, which takes a second to import
"""Finds models and files on this machine, without the network, which `models.files.fetching` uses."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from models.failures import (
    AdapterFolder,
    AsksForHubCode,
    DamagedFile,
    LoadFailed,
    LoneAdapter,
    MissingShard,
    ModelError,
    NoName,
    NoSuchFile,
    NoSuchModelFolder,
    NotDownloaded,
    NoWeights,
    OnlyPickledWeights,
    OnlyVariantWeights,
    OtherWeights,
    PartlyDownloaded,
    PointerFile,
    QuantisedWeights,
    SeveralGgufFiles,
)
from models.files import gguf, items, names
from models.files.items import Item, Kind

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
_POINTER = b"version https://git-lfs"
_OTHER_FORMATS = {
    ".onnx": "ONNX",
    ".h5": "TensorFlow",
    ".msgpack": "Flax",
    ".tflite": "TensorFlow Lite",
    ".mlmodel": "Core ML",
}
_TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model", "tekken.json")


@dataclass(frozen=True, slots=True)
class Source:
    """A model on this machine. `target` and `revision` are the arguments for `from_pretrained`."""

    label: str
    target: str
    folder: Path
    revision: str | None = None


def locate(item: Item) -> Path:
    """The location of a complete item on this machine. Raises NotThere, with a remedy if there is one."""
    found: Path | None
    match item.kind:
        case Kind.MODEL | Kind.TOKENIZER:
            weights = item.kind is Kind.MODEL
            return find(item.name, revision=item.revision, weights=weights, slot=item.slot).folder
        case Kind.PATH | Kind.STARTER:
            return _path(item.name)
        case Kind.FILE:
            path = names.downloaded(item.name, item.data_dir)
            found = path if path.is_file() else None
        case Kind.VECTORS:
            found = _cached(item.name, None)
        case Kind.DATASET:
            # gensim puts an __init__.py next to it and runs that; only the vectors are needed.
            paths = [base / item.name / f"{item.name}.gz" for base in names.data_sets(item.data_dir)]
            found = next((path for path in paths if path.is_file()), None)
    if found is None:
        raise NotDownloaded(item.label, names.fetch_command(item.slot))
    return found


def look(item: Item, *, weights: bool) -> None:
    """Raise what keeps an item from loading, as far as that is visible without reading or converting it.

    `weights` says whether they are needed.
    """
    folder = names.folder_of(item.name)
    if folder is None or not weights:
        locate(item)
    elif gguf.only_file(folder) is None:
        _check(folder, item.label, weights=True)


def local(
    address: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None = None, *, slot: str = ""
) -> Path:
    """The file or folder of an address: a path, file://..., or https://... that was downloaded under `data_dir`.

    `slot` is the slot that needs it. Raises NotThere, with a remedy if there is one.
    """
    return locate(items.file(slot, address, data_dir))


def find(name: str, *, revision: str | None = None, weights: bool = True, slot: str = "") -> Source:
    """The folder of a model on this machine: a local folder of that name, or one in the hub's cache.

    With `weights` it must contain safetensors, otherwise a tokenizer is enough. Raises NotThere, with a remedy for
    the `slot` if there is one, or ModelError.
    """
    label = names.label(name)
    if names.exists(name) and (file := gguf.only_file(names.path_of(name))) is not None:
        made = gguf.converted(file)
        return Source(label, str(made), made)
    if (folder := names.folder_of(name)) is not None:
        _check(folder, label, weights=weights)
        return Source(label, str(folder), folder)
    if names.is_pathlike(name) or not names.HUB_NAME.fullmatch(name):
        if is_starter(name):
            raise NotDownloaded(label, names.fetch_command("starter"))
        raise NoSuchModelFolder(label) if label else NoName()
    folder = _cached(name, revision)
    if folder is None or not _complete(folder, weights=weights):
        if weights and revision is None and (converted := _converted(name)) is not None:
            return Source(label, name, *converted)
        missing = NotDownloaded if folder is None else PartlyDownloaded
        raise missing(label + f" ({revision})" * bool(revision), names.fetch_command(slot))
    _check(folder, label, weights=weights)
    # transformers recognises special cases by a model's name, but then needs a config.json.
    if (folder / "config.json").is_file():
        return Source(label, name, folder, revision)
    return Source(label, str(folder), folder)


def is_starter(name: str) -> bool:
    """Whether a name is the place of a starter model, which `fetch` can prepare."""
    from models.starter.models import STARTERS

    if not names.is_pathlike(name):
        return False
    path = names.path_of(name)
    folder = names.starter_folder(path.parent.parent)
    return any(path == folder / starter.name for starter in STARTERS)


def config(folder: Path, label: str) -> dict[str, Any]:
    """The config.json of a model; empty if there is none, as for a bare tokenizer."""
    file = folder / "config.json"
    try:
        settings = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except ValueError as error:
        raise DamagedFile(label) from error
    except OSError as error:
        raise LoadFailed(label, type(error).__name__) from error
    if not isinstance(settings, dict):
        raise DamagedFile(label)
    return settings


@cache
def quiet_hub_client() -> None:
    """Keep the hub client from drawing progress bars, logging advice, and using the network on its own.

    It contacts the hub to describe itself even when it only reads its cache. Set TRANSFORMERS_VERBOSITY to see its
    messages.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils import logging as hub_logging
    from huggingface_hub.utils.tqdm import disable_progress_bars

    constants.HF_HUB_DISABLE_TELEMETRY = True
    if "TRANSFORMERS_VERBOSITY" not in os.environ:
        hub_logging.set_verbosity_error()
    disable_progress_bars()


def _path(name: str) -> Path:
    if names.exists(name):
        return names.path_of(name)
    if is_starter(name):
        raise NotDownloaded(names.label(name), names.fetch_command("starter"))
    raise NoSuchFile(names.path_of(name).name) if name else NoName()


def weight_files(folder: Path) -> list[Path]:
    """The files that transformers reads weights from: one, or the shards that the index names. Some may be missing.

    Other files are duplicates: consolidated.safetensors, model.fp16.safetensors, original/.
    """
    if (whole := folder / WEIGHTS).is_file():
        return [whole]
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        return sorted(folder / str(shard) for shard in set(index["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def _complete(folder: Path, *, weights: bool) -> bool:
    """Whether all files that a repository needs are there."""
    if weights:
        files = weight_files(folder)
        return bool(files) and all(file.is_file() for file in files)
    return any(next(folder.glob(pattern), None) for pattern in _TOKENIZER_FILES) or _own_files(folder)


def _own_files(folder: Path) -> bool:
    """Whether a folder contains the files of its kind of tokenizer: bpe.codes, source.spm ...; some kinds need none."""
    from transformers import AutoConfig
    from transformers.models.auto.tokenization_auto import tokenizer_class_from_name

    try:
        name = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")).get(
            "tokenizer_class"
        )
        if not name and (folder / "config.json").is_file():
            config = AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
            name = config.tokenizer_class
    except (OSError, ValueError, AttributeError):
        return False
    kind = tokenizer_class_from_name(str(name)) if name else None
    if kind is None:
        return False
    needed = [file for key, file in kind.vocab_files_names.items() if key != "tokenizer_file"]
    return not needed or any((folder / file).is_file() for file in needed)


def _check(folder: Path, label: str, *, weights: bool) -> None:
    """Reject pickles, incomplete models, and settings that would download code."""
    if weights:
        _check_weights(folder, label)
    # transformers would download an attention kernel with such a name from the hub and run it.
    if "/" in str(config(folder, label).get("attn_implementation", "")):
        raise AsksForHubCode(label)


def _check_weights(folder: Path, label: str) -> None:
    files = weight_files(folder)
    if not files:
        raise _why_no_weights(folder, label)
    if missing := [file for file in files if not file.is_file()]:
        raise MissingShard(label, missing[0].name)
    for file in files:
        with file.open("rb") as opened:
            if opened.read(len(_POINTER)) == _POINTER:
                raise PointerFile(label, file.name)
    quantisation = config(folder, label).get("quantization_config")
    if isinstance(quantisation, dict):
        raise QuantisedWeights(label, str(quantisation.get("quant_method") or "?"))


def _why_no_weights(folder: Path, label: str) -> ModelError:
    """The failure that describes what a folder contains instead of readable weights."""
    names_there = sorted(path.name for path in folder.iterdir())
    if "adapter_config.json" in names_there:
        try:
            settings = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
            base = str(settings.get("base_model_name_or_path") or "")
        except (OSError, ValueError, AttributeError):
            base = ""
        return AdapterFolder(label, names.label(base)) if base else LoneAdapter(label)
    if ggufs := [name for name in names_there if name.endswith(gguf.SUFFIX)]:
        return SeveralGgufFiles(label, tuple(ggufs))
    if others := [name for name in names_there if name.endswith(".safetensors")]:
        return OnlyVariantWeights(label, others[0])
    if any(name.endswith(_PICKLES) for name in names_there):
        return OnlyPickledWeights(label)
    formats = {form for name in names_there for end, form in _OTHER_FORMATS.items() if name.endswith(end)}
    return OtherWeights(label, tuple(sorted(formats))) if formats else NoWeights(label)


def _cached(name: str, revision: str | None) -> Path | None:
    """The folder of a repository in the hub client's shared cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    quiet_hub_client()
    try:
        # We check completeness ourselves; the client is asked for no files, so it misses none.
        return Path(snapshot_download(name, revision=revision, local_files_only=True, allow_patterns=[]))
    except LocalEntryNotFoundError:
        return None


def _converted(name: str) -> tuple[Path, str] | None:
    """The folder and revision of the hub's own conversion to safetensors, which is a pull request."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    home = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model")
    for reference in sorted((home / "refs" / "refs" / "pr").glob("*")):
        revision = f"refs/pr/{reference.name}"
        folder = _cached(name, revision)
        if folder is not None and _complete(folder, weights=True) and (folder / "config.json").is_file():
            return folder, revision
    return None
