"""What the names in the settings refer to: models on the Hugging Face hub, local paths, or addresses."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
"""The pattern of a repository name on the hub (or of a gensim dataset): `gpt2`, `microsoft/phi-1_5`."""


STARTER = "starter:"
"""The prefix of starter models in the settings: `starter:glove-6b-50d`."""


def starter_folder(data_dir: str | os.PathLike[str]) -> Path:
    """The folder of the starter models, one subfolder each."""
    return path_of(data_dir) / "starter"


def is_hub_name(name: str) -> bool:
    """Whether a name refers to the hub (or to a gensim dataset) and not to anything on this machine."""
    return HUB_NAME.fullmatch(name) is not None and not exists(name)


def is_remote(name: str) -> bool:
    """Whether a name is a web address."""
    return name.startswith(("https://", "http://"))


def is_pathlike(name: str) -> bool:
    """Whether a name can only be a path, whether or not there is anything."""
    return name.startswith((".", "/", "~", "file:")) or "\\" in name or name.count("/") > 1


def exists(name: str) -> bool:
    """Whether a file or folder with this name exists on this machine."""
    try:
        return bool(name) and path_of(name).exists()
    except (OSError, ValueError):
        return False


def folder_of(name: str) -> Path | None:
    """The local folder with this name, if there is one."""
    return path_of(name) if exists(name) and path_of(name).is_dir() else None


def path_of(name: str | os.PathLike[str]) -> Path:
    """An absolute path, so that it has a last part; `~` is the home folder, and an unknown `~user` an ordinary name.

    A file:// address becomes its path.
    """
    text = os.fspath(name)
    if text.startswith("file:"):
        text = url2pathname(urlsplit(text).path)
    return Path(os.path.abspath(os.path.expanduser(text)))  # noqa: PTH100, PTH111 - Path raises for ~nobody


def label(name: str) -> str:
    """The display name of a model: its hub name, or the last part of a folder or address."""
    if is_remote(name):
        return _address_parts(name)[-1]
    return name if folder_of(name) is None and not is_pathlike(name) else path_of(name).name


def catalogue_label(songs: str | os.PathLike[str]) -> str:
    """The display name of a song catalogue: its folder, since its files have the same names everywhere."""
    if is_remote(os.fspath(songs)):
        return _address_parts(os.fspath(songs))[-2]
    return path_of(songs).parent.name or path_of(songs).name


def downloaded(address: str, data_dir: str | os.PathLike[str] | None = None) -> Path:
    """The local path for the file of an https:// address: readable, by host and path."""
    return path_of(data_dir or "data").joinpath("downloads", *_address_parts(address))


def data_sets(data_dir: str | os.PathLike[str] | None = None) -> tuple[Path, Path]:
    """The folders of gensim's datasets: ours, and that of `gensim.downloader`."""
    return (
        path_of(data_dir or "data") / "gensim-data",
        path_of(os.environ.get("GENSIM_DATA_DIR") or "~/gensim-data"),
    )


def fetch_command(slot: str) -> str:
    """The command that downloads the missing models of a slot, or of all slots."""
    return f"python -m bot fetch {slot}".rstrip()


def _address_parts(address: str) -> list[str]:
    """The host and path of an address as folder names and a file name, at least one of each."""
    parts = urlsplit(address)
    names = [unquote(part) for part in parts.path.split("/")]
    safe = [re.sub(r"[^\w.+@=-]", "_", name)[:120] for name in (parts.netloc.rpartition("@")[2], *names)]
    found = [name for name in safe if name.strip(".")] or ["nowhere"]
    if parts.query:
        found[-1] = f"{hashlib.sha256(parts.query.encode()).hexdigest()[:8]}-{found[-1]}"
    return found if found[1:] else [*found, "index"]
