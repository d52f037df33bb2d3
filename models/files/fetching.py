# ruff: noqa: PLC0415 - the hub client takes a second to import, and word vectors or songs may not need it
"""Downloads what the settings name: models from the Hugging Face hub, files by address, gensim's datasets.

Interrupted downloads resume, checksums are verified where they are known, and files appear in place only when
complete. From a repository, only safetensors weights, tokenizers and settings are downloaded: no pickles and no
code, and from gensim's datasets not the accompanying Python.

The hub's client downloads the small files of a repository and lays out its cache. The large ones are downloaded by
`models.files.downloading` into the `blobs` of that cache, under their SHA-256, where the client finds them. With
huggingface_hub 2.4 and a server that disconnects after 1 of 3 MB, `hf_hub_download` and so `snapshot_download`
delete what has arrived and start from 0 the next time (intended since 2.x: `_download_to_tmp_and_move`), accept
content with the right size but a wrong SHA-256, and write a branch's new commit to `refs` before its files are there,
which breaks a complete model.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import json
import logging
import os
import re
import shutil
import time
import urllib.error
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlsplit

import texts
from models.failures import (
    AskedTooOften,
    CannotWrite,
    DiskFull,
    DownloadBrokeOff,
    DownloadFailed,
    DownloadRefused,
    DownloadsOff,
    HostUnreachable,
    MeaninglessAnswer,
    ModelError,
    NoSuchDataSet,
    NoSuchRepository,
    NoSuchRevision,
    NothingAtAddress,
    NotOneVectorFile,
    NotThere,
    OnlyPicklesOffered,
    OnlyVariantWeights,
    ServerFailed,
    TermsNotAccepted,
)
from models.files import finding, names, trial
from models.files.downloading import Algorithm, Checksum, RemoteFile, Watch, download, opened, require_room
from models.files.items import Item, Kind

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

log = logging.getLogger(__name__)

T = TypeVar("T")

GENSIM_LIST = "https://raw.githubusercontent.com/RaRe-Technologies/gensim-data/master/list.json"
GENSIM_FILES = "https://github.com/RaRe-Technologies/gensim-data/releases/download"
"""The addresses of gensim's list of datasets with checksums, and of the datasets, as in `gensim.downloader`."""

PAUSES, LONGEST_PAUSE = (1.0, 2.0, 4.0), 60.0
"""Seconds before retrying a request to the hub, and the longest delay that it may ask for."""
TOO_MANY, SERVER_ERROR = 429, 500
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
_NOT_NEEDED = (
    ".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".h5", ".msgpack", ".ot", ".onnx", ".onnx_data",
    ".tflite", ".mlmodel", ".gguf", ".ggml", ".npz", ".npy", ".py", ".ipynb", ".sh", ".md", ".pdf", ".png", ".jpg", ".jpeg",
    ".gif", ".webp", ".svg", ".mp4", ".wav", ".zip", ".tar", ".gz", ".license", "license",
)  # fmt: skip
"""Suffixes of weights, code and pictures: all other top-level files may belong to the tokenizer."""
HUB_SECONDS = 4.0
"""Seconds for the hub's first response."""
CONVERTER = "SFconvertbot"
"""The hub's account that offers the weights of old repositories as safetensors, in a pull request."""


def _unwatched(_what: str, _done: int, _total: int | None) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Fetched:
    """The location of an item, and how many bytes were downloaded for it; 0 if it already existed."""

    path: Path
    downloaded: int


def present(item: Item) -> Path | None:
    """The location of a complete item on this machine; None if it is missing. Uses no network."""
    try:
        return finding.locate(item)
    except NotThere:
        return None


def fetch(item: Item, watch: Watch = _unwatched, *, update: bool = False) -> Fetched:
    """Make sure that an item is on this machine. With `update`, check for a newer version even if it exists.

    Existing items are tested as far as that takes only seconds, and downloaded again if they do not load. Raises
    NotThere if it cannot be downloaded, and ModelError if it does not load; partial downloads are kept for the next
    time.
    """
    if item.kind in {Kind.PATH, Kind.STARTER}:
        there = finding.locate(item)
        trial.attempt(item)
        return Fetched(there, 0)
    try:
        if not update and (path := present(item)) is not None:
            trial.attempt(item)
            return Fetched(path, 0)
    except ModelError as error:
        log.info("%s exists but does not load: %s", item.label, error)
    fetched = _fetch(item, watch, update=update)
    trial.attempt(item)
    return fetched


def _fetch(item: Item, watch: Watch, *, update: bool) -> Fetched:
    with _failing(item):
        _refuse_offline(item.label)
        match item.kind:
            case Kind.FILE:
                target = names.downloaded(item.name, item.data_dir)
                file = RemoteFile(item.name, item.label)
                return Fetched(target, download(file, target, watch, update=update))
            case Kind.DATASET:
                return _data_set(item, watch)
            case _:
                return _Repository(item, watch).fetch()


def _refuse_offline(label: str) -> None:
    """Raises DownloadsOff if HF_HUB_OFFLINE is set."""
    from huggingface_hub import constants

    if constants.is_offline_mode():
        raise DownloadsOff(label)


def _data_set(item: Item, watch: Watch) -> Fetched:
    """A dataset of `gensim.downloader`, which may have several parts."""
    with opened(RemoteFile(GENSIM_LIST, item.label).request()) as response:
        known = json.load(response)["models"]
    if (about := known.get(item.name)) is None:
        raise NoSuchDataSet(item.name)
    target = names.data_sets(item.data_dir)[0] / item.name / f"{item.name}.gz"
    url = f"{GENSIM_FILES}/{quote(item.name)}/{quote(item.name)}.gz"
    if (count := int(about.get("parts", 1))) == 1:
        file = RemoteFile(url, item.label, Checksum(Algorithm.MD5, about["checksum"]))
        return Fetched(target, download(file, target, watch))
    parts = [target.with_name(f"{target.name}_0{number}") for number in range(count)]
    arrived = 0
    for number, part in enumerate(parts):
        label = texts.say("download-part", name=item.label, part=number + 1, count=count)
        checksum = Checksum(Algorithm.MD5, about[f"checksum-{number}"])
        arrived += download(RemoteFile(f"{url}_0{number}", label, checksum), part, watch)
    whole = target.with_name(f"{target.name}.incomplete")
    require_room(target.parent, sum(part.stat().st_size for part in parts), item.label)
    with whole.open("wb") as file_of_all:
        for part in parts:
            with part.open("rb") as one:
                shutil.copyfileobj(one, file_of_all)
    whole.replace(target)
    for part in parts:
        part.unlink()
    return Fetched(target, arrived)


# Repositories of the hub -----------------------------------------------------------------------------------


class _Repository:
    """Downloads a repository to the cache of the Hugging Face libraries, which all programs share."""

    def __init__(self, item: Item, watch: Watch) -> None:
        from huggingface_hub import HfApi, constants
        from huggingface_hub.file_download import repo_folder_name

        self._item = item
        self._watch = watch
        self._api = HfApi()
        self._home = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=item.name, repo_type="model")

    def fetch(self) -> Fetched:
        finding.quiet_hub_client()
        revision, info = self._choose_revision()
        commit = str(info.sha)
        folder = self._home / "snapshots" / commit
        files = {file.rfilename: file for file in info.siblings or ()}
        missing = [files[name] for name in self._wanted(files) if not self._holds(folder, files[name])]
        downloads = [file for file in missing if not self._blob(file).is_file()]
        self._home.mkdir(parents=True, exist_ok=True)
        require_room(self._home, sum(file.size or 0 for file in downloads), self._item.label)
        arrived = 0
        for file in sorted(missing, key=lambda file: file.lfs is not None):
            if file in downloads:
                # A repository may have been renamed; `id` is its current name.
                arrived += self._download(file, info.id, commit)
            self._settle(file, commit)
        # Last, so that the name refers to the previous version until everything is there.
        self._point(revision, commit)
        return Fetched(folder, arrived)

    def _holds(self, folder: Path, file: RepoSibling) -> bool:
        """Whether a file exists with the hub's content; otherwise the file and its blob are removed."""
        path = folder / file.rfilename
        if not path.is_file():
            return False
        with path.open("rb") as opened_file:
            if file.lfs is not None:
                right = Checksum(Algorithm.SHA256, file.lfs.sha256).fits(path)
            elif file.size is not None:
                # A git blob's id is the hash of its length and content.
                head = f"blob {file.size}\0".encode()
                digest = hashlib.sha1(head + opened_file.read(), usedforsecurity=False).hexdigest()
                right = digest == file.blob_id
            else:
                right = True
        if not right:
            log.warning("%s of %s is damaged; downloading it again", file.rfilename, self._item.label)
            path.resolve().unlink(missing_ok=True)
            path.unlink(missing_ok=True)
        return right

    def _choose_revision(self) -> tuple[str, ModelInfo]:
        """The revision to download; for a repository with only pickles, the hub's own conversion, if there is one."""
        revision = self._item.revision or "main"
        info = self._info(revision)
        if self._item.kind is Kind.MODEL and self._item.revision is None:
            offered = [file.rfilename for file in info.siblings or ()]
            if not _tensors(offered) and (conversion := self._conversion()) is not None:
                return conversion, self._info(conversion)
        return revision, info

    def _info(self, revision: str) -> ModelInfo:
        # The hub client would retry for a minute; this first request fails fast.
        return _patiently(
            lambda: self._api.model_info(
                self._item.name, revision=revision, timeout=HUB_SECONDS, files_metadata=True
            )
        )

    def _conversion(self) -> str | None:
        from huggingface_hub.errors import HfHubHTTPError

        try:
            for discussion in self._api.get_repo_discussions(self._item.name, author=CONVERTER):
                by_the_hub = discussion.author == CONVERTER and discussion.is_pull_request
                if by_the_hub and discussion.status == "open":
                    return str(discussion.git_reference)
        except HfHubHTTPError:
            log.info("cannot find out whether %s was converted", self._item.name, exc_info=True)
        return None

    def _wanted(self, files: Iterable[str]) -> list[str]:
        if self._item.kind is Kind.VECTORS:
            return wanted_vectors(files, self._item.label)
        return wanted(files, self._item.label, weights=self._item.kind is Kind.MODEL)

    def _download(self, file: RepoSibling, repository: str, commit: str) -> int:
        """Download a large file into the cache; the client downloads small ones itself. Returns the received bytes."""
        from huggingface_hub import constants, get_token, hf_hub_url

        label = f"{self._item.label} {file.rfilename}"
        if file.lfs is None:
            self._watch(label, 0, file.size)
            self._settle(file, commit)
            self._watch(label, file.size or 0, file.size)
            return file.size or 0
        token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
        remote = RemoteFile(
            hf_hub_url(repository, file.rfilename, revision=commit),
            label,
            Checksum(Algorithm.SHA256, file.lfs.sha256),
            f"Bearer {token}" if token else "",
        )
        return download(remote, self._blob(file), self._watch)

    def _settle(self, file: RepoSibling, commit: str) -> None:
        """Let the client put a file in place, downloading it unless its blob exists."""
        _patiently(lambda: self._api.hf_hub_download(self._item.name, file.rfilename, revision=commit))

    def _point(self, revision: str, commit: str) -> None:
        """Point the name of a revision to a commit, as the client's cache does."""
        if revision == commit:
            return
        reference = self._home / "refs" / revision
        reference.parent.mkdir(parents=True, exist_ok=True)
        new = reference.with_name(f".{reference.name}.{os.getpid()}")
        new.write_text(commit, encoding="utf-8")
        new.replace(reference)

    def _blob(self, file: RepoSibling) -> Path:
        return self._home / "blobs" / (file.lfs.sha256 if file.lfs else str(file.blob_id))


def _patiently(ask: Callable[[], T]) -> T:
    """The hub's response; retries after the requested delay if it limits requests or has an outage."""
    from huggingface_hub.errors import HfHubHTTPError

    for pause in (*PAUSES, None):
        try:
            return ask()
        except HfHubHTTPError as error:
            status = error.response.status_code
            if pause is None or not (status == TOO_MANY or status >= SERVER_ERROR):
                raise
            with contextlib.suppress(ValueError):  # a date: use the usual delay
                pause = float(error.response.headers.get("Retry-After", pause))  # noqa: PLW2901
            if pause > LONGEST_PAUSE:
                raise
            time.sleep(pause)
    raise AssertionError  # the last attempt returned or raised


def _tensors(files: Iterable[str]) -> list[str]:
    """The weights that transformers would read: one file, or shards. Repositories often contain duplicates."""
    top = [file for file in files if "/" not in file]
    if finding.WEIGHTS in top:
        return [finding.WEIGHTS]
    return [file for file in top if _SHARD.fullmatch(file)]


def wanted(files: Iterable[str], label: str, *, weights: bool) -> list[str]:
    """The files of a repository, by top-level names, that are needed to read it safely."""
    every = list(files)
    # Tokenizers have various file names: bpe.codes, source.spm, spiece.model.
    needed = [
        file
        for file in every
        if (("/" not in file and "." in file) or file.startswith("additional_chat_templates/"))
        and not file.lower().endswith(_NOT_NEEDED)
        and not file.startswith(".")
    ]
    if not weights:
        return needed
    if not (tensors := _tensors(every)):
        others = [file for file in every if file.endswith(".safetensors") and "/" not in file]
        raise OnlyVariantWeights(label, others[0]) if others else OnlyPicklesOffered(label)
    return needed + tensors


def wanted_vectors(files: Iterable[str], label: str) -> list[str]:
    """The files with a repository's word vectors: our own format, or a single file in another one."""
    top = [file for file in files if "/" not in file]
    own = ["vectors.npy", "words.txt"]
    if set(own) <= set(top):
        return own
    found = [file for file in top if file.endswith((".vec", ".txt", ".gz", ".bin"))]
    found = [file for file in found if file not in {"requirements.txt", "pytorch_model.bin"}]
    if len(found) != 1:
        raise NotOneVectorFile(label, len(found))
    return found


# Failures --------------------------------------------------------------------------------------------------


@contextmanager
def _failing(item: Item) -> Iterator[None]:
    """Converts any error of a download to a failure of the item."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        log.info("%s could not be downloaded", item.label, exc_info=True)
        raise _failure_of_the_client(item, error) or _failure(item, error) from error


def _failure(item: Item, error: Exception) -> NotThere:
    label, host = item.label, _host(item)
    match error:
        case urllib.error.HTTPError():
            return _refusal(label, urlsplit(error.url).hostname or host, error.code)
        case http.client.IncompleteRead():
            return DownloadBrokeOff(label)
        case OSError() if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return DiskFull(label)
        case PermissionError() | FileExistsError() | NotADirectoryError() | IsADirectoryError():
            return CannotWrite(label, str(error.strerror))
        case json.JSONDecodeError() | KeyError():
            return MeaninglessAnswer(label)
    return (
        HostUnreachable(label, host) if _unreachable(error) else DownloadFailed(label, type(error).__name__)
    )


def _failure_of_the_client(item: Item, error: BaseException | None) -> NotThere | None:
    from huggingface_hub import errors

    match error:
        case errors.LocalEntryNotFoundError():
            # The client could not reach the hub, and the file is not on this machine either.
            return _failure_of_the_client(item, error.__cause__)
        case errors.GatedRepoError():
            return TermsNotAccepted(item.label)
        case errors.RevisionNotFoundError():
            return NoSuchRevision(item.label, item.revision or "main")
        case errors.RepositoryNotFoundError():
            return NoSuchRepository(item.label)
        case errors.HfHubHTTPError():
            return _refusal(item.label, _host(item), error.response.status_code)
    return None


def _unreachable(error: Exception) -> bool:
    """Whether an error is a connection error; the hub client's types depend on its HTTP library."""
    library = type(error).__module__.partition(".")[0]
    return isinstance(error, OSError | http.client.HTTPException) or library.startswith(("httpx", "httpcore"))


def _refusal(label: str, host: str, status: int) -> NotThere:
    match status:
        case 401 | 403:
            return DownloadRefused(label, host, status)
        case 404 | 410:
            return NothingAtAddress(label, host)
        case 429:
            return AskedTooOften(label, host)
    return ServerFailed(label, host, status)


def _host(item: Item) -> str:
    """The host that an item is downloaded from."""
    from huggingface_hub import constants

    address = {Kind.FILE: item.name, Kind.DATASET: GENSIM_LIST}.get(item.kind, constants.ENDPOINT)
    return urlsplit(address).hostname or address
