# ruff: noqa: PLC0415 - the hub client takes a second to import, and word vectors or songs may not need it
"""Downloading what the settings name: models from the Hugging Face hub, files by address, gensim's data sets.

What breaks off is kept and goes on where it ended, what arrives is held against its checksum where one is
known, and nothing stands in its place before it is whole. Only weights in safetensors, tokenizers and
settings are taken from a repository: no pickle, no code, and of gensim's data sets not the Python beside them.
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
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from ssl import SSLError
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import quote, urlsplit

from models.failures import ModelError, NotThere
from models.files import finding
from models.specs import Need, Spec

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

log = logging.getLogger(__name__)

GENSIM_LIST = "https://raw.githubusercontent.com/RaRe-Technologies/gensim-data/master/list.json"
GENSIM_FILES = "https://github.com/RaRe-Technologies/gensim-data/releases/download"
"""Where `gensim.downloader` finds the list of its data sets, with their checksums, and the data sets."""

SILENCE = 20.0
"""Seconds without a byte after which a connection counts as broken."""
ATTEMPTS, PAUSE = 5, 1.0
"""Attempts in a row that may bring nothing, and the seconds before the second one, doubled each time."""
MARGIN = 50_000_000
"""Bytes of the disk that are left free."""
CHUNK = 1 << 18

CONVERTER = "SFconvertbot"
"""The hub's own account that offers the weights of old repositories as safetensors, in a pull request."""

Hashes: TypeAlias = Literal["sha256", "md5"]
Kind: TypeAlias = Literal["model", "tokenizer", "vectors", "file", "dataset", "path"]
Watch: TypeAlias = Callable[[str, int, int | None], None]
"""Called with the name of what is being downloaded, its bytes so far and, where it is known, its size."""


def _unwatched(_what: str, _done: int, _total: int | None) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a slot needs.

    `kind` says what `name` is: a repository of the hub with a "model", only a "tokenizer" or word "vectors"; the
    address of a "file"; a "dataset" of gensim; or a "path", which is there or is not.
    """

    slot: str
    name: str
    kind: Kind
    revision: str | None = None
    data_dir: str | os.PathLike[str] | None = None

    @property
    def label(self) -> str:
        return finding.label(self.name)


@dataclass(frozen=True, slots=True)
class Fetched:
    """Where an item lies, and how many bytes were downloaded for it; 0 if it was there already."""

    path: Path
    downloaded: int


def items(slot: str, spec: Spec) -> list[Item]:
    """What a slot needs, in the order of the settings."""
    return [Item(slot, need.name, _kind(need), need.revision, need.data_dir) for need in spec.needs()]


def _kind(need: Need) -> Kind:
    if need.kind in {"file", "vectors"} and finding.is_remote(need.name):
        return "file"
    if need.kind == "file" or not finding.is_hub_name(need.name):
        return "path"
    return "dataset" if need.kind == "vectors" and "/" not in need.name else need.kind


def present(item: Item) -> Path | None:
    """Where an item lies on this machine, whole; None if it does not. Asks nobody."""
    try:
        if item.kind in {"model", "tokenizer"}:
            weights = item.kind == "model"
            return finding.find(item.name, revision=item.revision, weights=weights).folder
        return finding.local(item.name, item.data_dir, slot=item.slot)
    except NotThere:
        return None


def fetch(item: Item, watch: Watch = _unwatched, *, update: bool = False) -> Fetched:
    """See to it that an item is on this machine. With `update` the newest is asked for even if it is there.

    NotThere says in one sentence why it cannot be had; what has arrived until then is kept for the next time.
    """
    if item.kind == "path":
        if (path := present(item)) is None:
            raise NotThere(f"There is no file or folder called {item.label or 'that'} on this machine.")
        return Fetched(path, 0)
    if not update and (path := present(item)) is not None:
        return Fetched(path, 0)
    with _failing(item):
        match item.kind:
            case "file":
                target = finding.downloaded(item.name, item.data_dir)
                return Fetched(target, _address(item, target, watch, update=update))
            case "dataset":
                return _dataset(item, watch)
            case _:
                return _Repository(item, watch).fetch()


# Plain files -----------------------------------------------------------------------------------------------


def _address(item: Item, target: Path, watch: Watch, *, update: bool) -> int:
    _refuse_offline(item.label)
    request = Request(item.name)
    if update and target.is_file():
        # Servers answer 304 to this, if it is the newest already.
        request.headers["If-Modified-Since"] = time.strftime(
            "%a, %d %b %Y %H:%M:%S GMT", time.gmtime(target.stat().st_mtime)
        )
    return download(request, target, item.label, watch, replace=update)


def _dataset(item: Item, watch: Watch) -> Fetched:
    """A data set of `gensim.downloader`, which may come in several parts."""
    _refuse_offline(item.label)
    with _opened(Request(GENSIM_LIST)) as response:
        known = json.load(response)["models"]
    if (about := known.get(item.name)) is None:
        raise NotThere(f"gensim has no word vectors called {item.name}.")
    folder = finding.data_sets(item.data_dir)[0] / item.name
    target = folder / f"{item.name}.gz"
    base = f"{GENSIM_FILES}/{quote(item.name)}/{quote(item.name)}.gz"
    if (count := int(about.get("parts", 1))) == 1:
        return Fetched(target, download(Request(base), target, item.label, watch, ("md5", about["checksum"])))
    parts = [target.with_name(f"{target.name}_0{part}") for part in range(count)]
    arrived = 0
    for number, part in enumerate(parts):
        checksum: tuple[Hashes, str] = ("md5", about[f"checksum-{number}"])
        shown = f"{item.label} ({number + 1} of {count})"
        arrived += download(Request(f"{base}_0{number}"), part, shown, watch, checksum)
    whole = target.with_name(f"{target.name}.incomplete")
    _make_room(folder, sum(part.stat().st_size for part in parts), item.label)
    with whole.open("wb") as file:
        for part in parts:
            with part.open("rb") as one:
                shutil.copyfileobj(one, file)
    whole.replace(target)
    for part in parts:
        part.unlink()
    return Fetched(target, arrived)


@dataclass(slots=True)
class Request:
    """A file to get: its address, headers for every server and a secret for its first one alone.

    `identity` is what the content is known by, such as its checksum; without it a download goes on only if
    the server says that the content is still the same.
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    authorization: str = ""
    identity: str = ""

    def at(self, start: int) -> urllib.request.Request:
        if urlsplit(self.url).scheme not in {"http", "https"}:
            raise ModelError("Only addresses that begin with https:// or http:// can be downloaded.")
        # Compressed on the way, a file could not be gone on with in the middle.
        headers = {"User-Agent": "tokenwise", "Accept-Encoding": "identity", **self.headers}
        if start:
            headers["Range"] = f"bytes={start}-"
        request = urllib.request.Request(self.url, headers=headers)  # noqa: S310 - checked above
        if self.authorization:
            # "Unredirected": the store that a hub sends us on to must not get the token.
            request.add_unredirected_header("Authorization", self.authorization)
        return request


def download(
    request: Request,
    target: Path,
    label: str,
    watch: Watch = _unwatched,
    checksum: tuple[Hashes, str] | None = None,
    *,
    replace: bool = False,
) -> int:
    """Get a file to `target`, all or nothing; the bytes that came over the network.

    Two processes that want the same file wait for one another. A file that is there is kept, unless `replace`
    says that the server is to be asked for a newer one. OSError, or ModelError with a sentence about `label`.
    """
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]  # it has no __all__

    target.parent.mkdir(parents=True, exist_ok=True)
    lock = target.with_name(f".{target.name[:200]}.lock")
    try:
        with WeakFileLock(lock):
            if target.is_file() and not replace:
                return 0
            transfer = _Transfer(request, target, label, watch)
            arrived = transfer.run()
            if transfer.unchanged:
                return 0
            if checksum is not None and _hash(transfer.partial, checksum[0]) != checksum[1].lower():
                transfer.partial.unlink()
                raise NotThere(
                    f"{label} arrived damaged (its {checksum[0]} checksum is wrong) and was thrown away; "
                    "fetch it again."
                )
            transfer.partial.replace(target)
            if transfer.modified is not None:
                os.utime(target, (transfer.modified, transfer.modified))
            return arrived
    finally:
        with contextlib.suppress(OSError):
            lock.unlink()


class _Transfer:
    """One file on its way into a partial one beside its place."""

    def __init__(self, request: Request, target: Path, label: str, watch: Watch) -> None:
        self._request = request
        self._target = target
        self._label = label
        self._watch = watch
        self._identity = request.identity
        self._total: int | None = None
        self._came = 0
        self.unchanged = False
        """Whether the server said that what is there is the newest."""
        self.modified: float | None = None
        self.partial = self._partial() if request.identity else Path()

    def run(self) -> int:
        """Get all of it, however often the connection breaks, unless nothing comes any more."""
        idle = 0
        while True:
            before = self._came
            broken = self._attempt()
            if broken is None:
                return self._came
            idle = 0 if self._came > before else idle + 1
            # Where nobody ever answered there is no reason to think that somebody will in a moment.
            if idle >= ATTEMPTS or not self._identity:
                raise broken
            time.sleep(PAUSE * 2**idle)

    def _attempt(self) -> Exception | None:
        """Get what is missing; the reason, if the connection broke or the server had no time."""
        try:
            self._try()
        except urllib.error.HTTPError as error:
            if error.code < http.client.INTERNAL_SERVER_ERROR and error.code not in {408, 429}:
                raise
            return error
        except (
            urllib.error.URLError,
            http.client.HTTPException,
            ConnectionError,
            TimeoutError,
            SSLError,
        ) as error:
            return error
        return None

    def _try(self) -> None:
        start = self._size() if self._identity else 0
        if self._total is not None and start == self._total:
            return
        try:
            with _opened(self._request, start) as response:
                if not self._begun_before(response):
                    self._take(response, start)
                    return
        except urllib.error.HTTPError as error:
            if error.code == http.client.NOT_MODIFIED:
                self.unchanged = True
                return
            if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            # What is here is all there is, or no part of it.
            if error.headers.get("Content-Range") == f"bytes */{start}":
                self._total = start
                return
            self.partial.unlink(missing_ok=True)
        self._try()

    def _begun_before(self, response: Any) -> bool:
        """Learn from the first answer which content it is, and whether some of it is here from an earlier time."""
        if self._identity:
            return False
        self._identity = _validator(response.headers) or f"at {time.time_ns()}"
        self.partial = self._partial()
        return response.headers.get("Accept-Ranges") != "none" and self._size() > 0

    def _take(self, response: Any, start: int) -> None:
        if response.status != http.client.PARTIAL_CONTENT:
            start = 0  # whether it was asked for a part or not, it sends the whole
        elif not self._goes_on(response.headers, start):
            self.partial.unlink(missing_ok=True)
            raise ConnectionError("the server sent another part than it was asked for")
        length = response.headers.get("Content-Length")
        self._total = start + int(length) if length is not None else None
        self.modified = _modified(response.headers)
        _make_room(self._target.parent, (self._total or 0) - start, self._label)
        with self.partial.open("ab" if start else "wb") as file:
            done = start
            self._watch(self._label, done, self._total)
            while chunk := response.read1(CHUNK):
                file.write(chunk)
                done += len(chunk)
                self._came += len(chunk)
                self._watch(self._label, done, self._total)
        if self._total is not None and done < self._total:
            raise http.client.IncompleteRead(b"", self._total - done)

    def _goes_on(self, headers: Mapping[str, str], start: int) -> bool:
        """Whether an answer holds what follows on the bytes that are here already."""
        told = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range") or "")
        if told is None or int(told[1]) != start:
            return False
        return bool(self._request.identity) or _validator(headers) in {"", self._identity}

    def _partial(self) -> Path:
        """A partial file for this very content: of another version of the file nothing is gone on with."""
        mark = hashlib.sha256(self._identity.encode()).hexdigest()[:12]
        return self._target.with_name(f".{self._target.name[:200]}.{mark}.incomplete")

    def _size(self) -> int:
        return self.partial.stat().st_size if self.partial.is_file() else 0


def _validator(headers: Mapping[str, str]) -> str:
    return headers.get("ETag") or headers.get("Last-Modified") or ""


def _modified(headers: Mapping[str, str]) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(headers["Last-Modified"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return None


@contextmanager
def _opened(request: Request, start: int = 0) -> Iterator[Any]:
    try:
        response = urllib.request.urlopen(request.at(start), timeout=SILENCE)  # noqa: S310 - http(s) only
    except urllib.error.HTTPError as error:
        error.close()  # it is an open answer, too, of which nobody reads more than the status
        raise
    with response:
        yield response


def _hash(path: Path, kind: Hashes) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()


def _make_room(folder: Path, size: int, label: str) -> None:
    """NotThere if the disk has no room for `size` more bytes."""
    free = shutil.disk_usage(folder).free - MARGIN
    if size > free:
        raise NotThere(
            f"There is no space for {label}: it takes {amount(size)}, and the disk has {amount(max(0, free))} free."
        )


def _refuse_offline(label: str) -> None:
    """NotThere if the hub's own switch says that nothing is to be asked for."""
    from huggingface_hub import constants

    if constants.is_offline_mode():
        raise NotThere(
            f"{label} is not on this machine, and HF_HUB_OFFLINE says that nothing is to be downloaded."
        )


# Repositories of the hub -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Remote:
    """A file of a repository: where it is, how large in bytes, and by what name the cache knows its content."""

    name: str
    commit: str
    url: str
    etag: str
    size: int


class _Repository:
    """A repository on its way into the cache of the Hugging Face libraries, which all programs share."""

    def __init__(self, item: Item, watch: Watch) -> None:
        from huggingface_hub import constants
        from huggingface_hub.file_download import repo_folder_name

        self._item = item
        self._watch = watch
        self._home = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=item.name, repo_type="model")

    def fetch(self) -> Fetched:
        finding.hush_hub()
        item = self._item
        _refuse_offline(item.label)
        revision, info = self._chosen()
        commit = str(info.sha)
        wanted = [name for name in self._wanted(info) if not (self._snapshot(commit) / name).is_file()]
        remotes = [self._remote(name, commit) for name in wanted]
        missing = [it for it in remotes if not self._blob(it).is_file()]
        self._home.mkdir(parents=True, exist_ok=True)
        _make_room(self._home, sum(it.size for it in missing), item.label)
        arrived = sum(self._get(it) for it in missing)
        self._link(remotes)
        # Last, so that until all is there the name still means what was there before.
        self._point(revision, commit)
        return Fetched(self._snapshot(commit), arrived)

    def _chosen(self) -> tuple[str, ModelInfo]:
        """The revision to take; of a repository that has only pickles, the hub's own conversion if there is one."""
        revision = self._item.revision or "main"
        info = self._info(revision)
        if self._item.kind == "model" and self._item.revision is None and not _tensors(_top(info)):
            found = self._conversion()
            if found is not None:
                return found, self._info(found)
        return revision, info

    def _info(self, revision: str) -> ModelInfo:
        from huggingface_hub import HfApi

        # The hub client itself would try for a minute; this first question says soon whether to begin.
        return HfApi().model_info(self._item.name, revision=revision, timeout=finding.HUB_SECONDS)

    def _conversion(self) -> str | None:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError

        try:
            for it in HfApi().get_repo_discussions(self._item.name, author=CONVERTER):
                if it.author == CONVERTER and it.is_pull_request and it.status == "open":
                    return str(it.git_reference)
        except HfHubHTTPError:
            log.info("the hub does not say whether %s was converted", self._item.name, exc_info=True)
        return None

    def _wanted(self, info: ModelInfo) -> list[str]:
        if self._item.kind == "vectors":
            return _vectors(_top(info), self._item.label)
        return wanted(_top(info), self._item.label, weights=self._item.kind == "model")

    def _remote(self, name: str, commit: str) -> _Remote:
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        url = hf_hub_url(self._item.name, name, revision=commit)
        about = get_hf_file_metadata(url)
        if not about.etag:
            raise ModelError(f"The hub does not say which version of {self._item.label} it has.")
        # A repository may have moved within the hub. The address of a store elsewhere, where large files lie, is
        # good for an hour at most: there the hub sends us on anew each time.
        moved = urlsplit(about.location).netloc == urlsplit(url).netloc
        return _Remote(name, commit, about.location if moved else url, about.etag, about.size or 0)

    def _get(self, remote: _Remote) -> int:
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # it has no __all__

        token = build_hf_headers().get("authorization", "")
        request = Request(remote.url, authorization=token, identity=remote.etag)
        # Large files go by their SHA-256; small ones by git's name for them, which differs between hubs.
        known = re.fullmatch(r"[0-9a-f]{64}", remote.etag) is not None
        shown = f"{self._item.label} {remote.name}"
        checksum: tuple[Hashes, str] | None = ("sha256", remote.etag) if known else None
        return download(request, self._blob(remote), shown, self._watch, checksum)

    def _link(self, remotes: Sequence[_Remote]) -> None:
        """Give the files their names. They are in the cache by now, so that the client finds nothing to get."""
        from huggingface_hub import hf_hub_download

        for it in remotes:
            hf_hub_download(self._item.name, it.name, revision=it.commit)

    def _point(self, revision: str, commit: str) -> None:
        if revision == commit:
            return
        reference = self._home / "refs" / revision
        reference.parent.mkdir(parents=True, exist_ok=True)
        fresh = reference.with_name(f".{reference.name}.{os.getpid()}")
        fresh.write_text(commit, encoding="utf-8")
        fresh.replace(reference)

    def _blob(self, remote: _Remote) -> Path:
        return self._home / "blobs" / remote.etag

    def _snapshot(self, commit: str) -> Path:
        return self._home / "snapshots" / commit


def _top(info: ModelInfo) -> list[str]:
    return [it.rfilename for it in info.siblings or () if "/" not in it.rfilename]


def _tensors(files: Iterable[str]) -> list[str]:
    """The weights of a model. Some repositories hold them a second time under other names."""
    found = [file for file in files if file.endswith(".safetensors")]
    return [file for file in found if file.startswith("model")] or found


def wanted(files: Iterable[str], label: str, *, weights: bool) -> list[str]:
    """The files of a repository, by its top-level names, that reading it safely takes."""
    top = [file for file in files if "/" not in file]
    needed = [file for file in top if file.endswith((".json", ".txt", ".model", ".jinja"))]
    if not weights:
        return needed
    if not (tensors := _tensors(top)):
        raise ModelError(
            f"{label} offers its weights only as a pickle, which can run code when it is opened; "
            "I read safetensors only."
        )
    return needed + tensors


def _vectors(files: Sequence[str], label: str) -> list[str]:
    """The files with the word vectors of a repository: our own kind, or the one file of another."""
    own = ["vectors.npy", "words.txt"]
    if set(own) <= set(files):
        return own
    found = [file for file in files if file.endswith((".vec", ".txt", ".gz", ".bin"))]
    found = [file for file in found if file not in {"requirements.txt", "pytorch_model.bin"}]
    if len(found) != 1:
        raise ModelError(
            f"{label} must hold one file of word vectors (.txt, .vec, .gz or .bin), and it holds {len(found)}; "
            "put the https:// address of one into the settings."
        )
    return found


# Failures --------------------------------------------------------------------------------------------------


@contextmanager
def _failing(item: Item) -> Iterator[None]:
    """Turns whatever goes wrong with a download into one sentence about the item."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        log.info("%s could not be downloaded", item.label, exc_info=True)
        raise NotThere(_sentence(item, error)) from error


def _sentence(item: Item, error: Exception) -> str:  # noqa: C901, PLR0911 - a table, line by line
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    label = item.label
    match error:
        case GatedRepoError():
            return (
                f"{label} may only be downloaded by people who agreed to its terms on the hub; "
                "agree there and set HF_TOKEN."
            )
        case RevisionNotFoundError():
            return f"{label} has no revision “{item.revision or 'main'}” on the hub."
        case RepositoryNotFoundError():
            return f"The hub has no model called {label}, or it is private and HF_TOKEN does not open it."
        case HfHubHTTPError():
            return _status(label, _host(item), error.response.status_code)
        case urllib.error.HTTPError():
            return _status(label, urlsplit(error.url).hostname or _host(item), error.code)
        case http.client.IncompleteRead():
            return f"The download of {label} broke off; what has arrived is kept, so fetch it again to go on."
        case OSError() if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return f"There is no space left for {label}; what has arrived is kept."
        case PermissionError() | FileExistsError() | NotADirectoryError() | IsADirectoryError():
            return f"{label} cannot be written to its folder ({error.strerror})."
        case json.JSONDecodeError() | KeyError():
            return f"The server's answer about {label} makes no sense."
    if _unreachable(error):
        return f"{label} could not be downloaded: {_host(item)} cannot be reached. Is there a network?"
    return f"{label} could not be downloaded ({type(error).__name__})."


def _unreachable(error: Exception) -> bool:
    """Whether a failure is one of the connection; the hub client's kinds go by the library it happens to use."""
    library = type(error).__module__.partition(".")[0]
    return isinstance(error, OSError | http.client.HTTPException) or library.startswith(("httpx", "httpcore"))


def _status(label: str, host: str, status: int) -> str:
    match status:
        case 401 | 403:
            return f"{label} could not be downloaded: {host} does not give it to everybody (status {status})."
        case 404 | 410:
            return f"{label} could not be found: {host} has nothing at this address."
        case 429:
            return f"{label} could not be downloaded: {host} was asked too often. Try again in a while."
    return f"{label} could not be downloaded: {host} answered with status {status}. Try again later."


def _host(item: Item) -> str:
    """Whom an item is asked of."""
    from huggingface_hub import constants

    address = {"file": item.name, "dataset": GENSIM_LIST}.get(item.kind, constants.ENDPOINT)
    return urlsplit(address).hostname or "its server"


def amount(size: float) -> str:
    """Bytes for people, in powers of 1000."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004 - the step from one unit to the next
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
