# ruff: noqa: PLC0415 - the hub client takes a second to import, and word vectors or songs may not need it
"""Downloading what the settings name: models from the Hugging Face hub, files by address, gensim's data sets.

What breaks off is kept and goes on where it ended, what arrives is held against its checksum where one is
known, and nothing stands in its place before it is whole. Only weights in safetensors, tokenizers and
settings are taken from a repository: no pickle, no code, and of gensim's data sets not the Python beside them.

The hub's client downloads the small files of a repository and lays out its cache. The large ones are downloaded by
`models.files.downloading` into the `blobs` of that cache, under their SHA-256, where the client finds them. Measured
with huggingface_hub 2.4 against a server that breaks off after 1 of 3 MB, `hf_hub_download` and so
`snapshot_download` delete what has arrived and begin at 0 the next time (since 2.x on purpose:
`_download_to_tmp_and_move`), take content of the right size with another SHA-256, and write the branch's new commit
into `refs` before its files are there, so that a model that was whole is not any more.
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
"""Where `gensim.downloader` finds the list of its data sets, with their checksums, and the data sets."""

PAUSES, LONGEST_PAUSE = (1.0, 2.0, 4.0), 60.0
"""Seconds before the hub is asked again, and the longest time that it may ask for."""
TOO_MANY, SERVER_ERROR = 429, 500
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
_NOT_NEEDED = (
    ".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".h5", ".msgpack", ".ot", ".onnx", ".onnx_data",
    ".tflite", ".mlmodel", ".gguf", ".ggml", ".npz", ".npy", ".py", ".ipynb", ".sh", ".md", ".pdf", ".png", ".jpg", ".jpeg",
    ".gif", ".webp", ".svg", ".mp4", ".wav", ".zip", ".tar", ".gz", ".license", "license",
)  # fmt: skip
"""How the names of weights, code and pictures end: all else at the top of a repository may belong to its tokenizer."""
HUB_SECONDS = 4.0
"""How long the hub may take to say that it is there."""
CONVERTER = "SFconvertbot"
"""The hub's own account that offers the weights of old repositories as safetensors, in a pull request."""


def _unwatched(_what: str, _done: int, _total: int | None) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Fetched:
    """Where an item lies, and how many bytes were downloaded for it; 0 if it was there already."""

    path: Path
    downloaded: int


def present(item: Item) -> Path | None:
    """Where an item lies on this machine, whole; None if it does not. Asks nobody."""
    try:
        return finding.locate(item)
    except NotThere:
        return None


def fetch(item: Item, watch: Watch = _unwatched, *, update: bool = False) -> Fetched:
    """See to it that an item is on this machine. With `update` the newest is asked for even if it is there.

    What is there is tried, as far as that takes seconds: what does not load is fetched again. NotThere says why it
    cannot be had, and ModelError why it does not load; what has arrived is kept for the next time.
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
        log.info("%s is there and does not hold: %s", item.label, error)
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
    """DownloadsOff if the hub's own switch says that nothing is to be asked for."""
    from huggingface_hub import constants

    if constants.is_offline_mode():
        raise DownloadsOff(label)


def _data_set(item: Item, watch: Watch) -> Fetched:
    """A data set of `gensim.downloader`, which may come in several parts."""
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
    """A repository on its way into the cache of the Hugging Face libraries, which all programs share."""

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
                # A repository may have moved within the hub; `id` is what it is called now.
                arrived += self._download(file, info.id, commit)
            self._settle(file, commit)
        # Last, so that until all is there the name still means what was there before.
        self._point(revision, commit)
        return Fetched(folder, arrived)

    def _holds(self, folder: Path, file: RepoSibling) -> bool:
        """Whether a file is there with the content that the hub has; one that is not is removed, with its blob."""
        path = folder / file.rfilename
        if not path.is_file():
            return False
        with path.open("rb") as opened_file:
            if file.lfs is not None:
                right = Checksum(Algorithm.SHA256, file.lfs.sha256).fits(path)
            elif file.size is not None:
                # What git calls a blob is made from its length and content.
                head = f"blob {file.size}\0".encode()
                digest = hashlib.sha1(head + opened_file.read(), usedforsecurity=False).hexdigest()
                right = digest == file.blob_id
            else:
                right = True
        if not right:
            log.warning("%s of %s is damaged; getting it again", file.rfilename, self._item.label)
            path.resolve().unlink(missing_ok=True)
            path.unlink(missing_ok=True)
        return right

    def _choose_revision(self) -> tuple[str, ModelInfo]:
        """The revision to take; of a repository that has only pickles, the hub's own conversion if there is one."""
        revision = self._item.revision or "main"
        info = self._info(revision)
        if self._item.kind is Kind.MODEL and self._item.revision is None:
            offered = [file.rfilename for file in info.siblings or ()]
            if not _tensors(offered) and (conversion := self._conversion()) is not None:
                return conversion, self._info(conversion)
        return revision, info

    def _info(self, revision: str) -> ModelInfo:
        # The hub client itself would try for a minute; this first question says soon whether to begin.
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
            log.info("the hub does not say whether %s was converted", self._item.name, exc_info=True)
        return None

    def _wanted(self, files: Iterable[str]) -> list[str]:
        if self._item.kind is Kind.VECTORS:
            return wanted_vectors(files, self._item.label)
        return wanted(files, self._item.label, weights=self._item.kind is Kind.MODEL)

    def _download(self, file: RepoSibling, repository: str, commit: str) -> int:
        """Get a large file into its place in the cache; the client gets small ones itself. The bytes that came."""
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
        """Have the client put a file, which it gets itself unless it is there, into its place."""
        _patiently(lambda: self._api.hf_hub_download(self._item.name, file.rfilename, revision=commit))

    def _point(self, revision: str, commit: str) -> None:
        """Let the name of a revision mean a commit from now on, as the client's cache notes it."""
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
    """What the hub answers, asked again after the time that it names where it was asked too often, or is in trouble."""
    from huggingface_hub.errors import HfHubHTTPError

    for pause in (*PAUSES, None):
        try:
            return ask()
        except HfHubHTTPError as error:
            status = error.response.status_code
            if pause is None or not (status == TOO_MANY or status >= SERVER_ERROR):
                raise
            with contextlib.suppress(ValueError):  # a date: the usual pause is as good
                pause = float(error.response.headers.get("Retry-After", pause))  # noqa: PLW2901
            if pause > LONGEST_PAUSE:
                raise
            time.sleep(pause)
    raise AssertionError  # the last attempt answered or raised


def _tensors(files: Iterable[str]) -> list[str]:
    """The weights that transformers would read: one file, or shards. Often they are there a second time."""
    top = [file for file in files if "/" not in file]
    if finding.WEIGHTS in top:
        return [finding.WEIGHTS]
    return [file for file in top if _SHARD.fullmatch(file)]


def wanted(files: Iterable[str], label: str, *, weights: bool) -> list[str]:
    """The files of a repository, by its top-level names, that reading it safely takes."""
    every = list(files)
    # Kinds of tokenizers call their files as they like: bpe.codes, source.spm, spiece.model.
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
    """The files with the word vectors of a repository: our own kind, or the one file of another."""
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
    """Turns whatever goes wrong with a download into a failure of the item."""
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
            # The client could not ask, and what it then looked for on this machine is not there either.
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
    """Whether a failure is one of the connection; the hub client's kinds go by the library it happens to use."""
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
    """Whom an item is asked of."""
    from huggingface_hub import constants

    address = {Kind.FILE: item.name, Kind.DATASET: GENSIM_LIST}.get(item.kind, constants.ENDPOINT)
    return urlsplit(address).hostname or address
