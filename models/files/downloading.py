"""Files by address: resumed where they broke off, checked, and in their place only when they are whole.

A small downloader of our own, because others do not resume. `pooch` 1.9 writes each attempt into a fresh temporary
file ("w+b"), sends no Range header and deletes the file when the attempt fails, so that a file of gigabytes on a bad
line never arrives.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import http.client
import os
import shutil
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from ssl import SSLError
from typing import TypeAlias
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from filelock import FileLock

from models.failures import DownloadDamaged, NoRoom, NotAWebAddress
from models.files import kept

SILENCE = 20.0
"""Seconds without a byte after which a connection counts as broken."""
ATTEMPTS, PAUSE = 5, 1.0
"""Attempts in a row that may bring nothing, and the seconds before the second one, doubled each time."""
MARGIN = 50_000_000
"""Bytes of the disk that are left free."""
CHUNK = 1 << 18

Watch: TypeAlias = Callable[[str, int, int | None], object]
"""Called with the name of what is being downloaded, its bytes so far and, where it is known, its size."""


class Algorithm(StrEnum):
    """How a checksum is made."""

    SHA256 = "sha256"
    MD5 = "md5"


@dataclass(frozen=True, slots=True)
class Checksum:
    algorithm: Algorithm
    digest: str

    def fits(self, path: Path) -> bool:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, lambda: hashlib.new(self.algorithm, usedforsecurity=False))
        return found.hexdigest() == self.digest.lower()


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file to get: its address, what people call it, and a secret for its first server alone."""

    url: str
    label: str
    checksum: Checksum | None = None
    authorization: str = ""

    def request(self, start: int = 0, newer_than: float | None = None) -> Request:
        """For the bytes from `start` on; `newer_than` is a time in seconds."""
        if urlsplit(self.url).scheme not in {"http", "https"}:
            raise NotAWebAddress
        # Compressed on the way, a file could not be resumed in the middle.
        headers = {"User-Agent": "tokenwise", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        if newer_than is not None:
            headers["If-Modified-Since"] = formatdate(newer_than, usegmt=True)
        request = Request(self.url, headers=headers)  # noqa: S310 - checked above
        if self.authorization:
            # "Unredirected": the store that a hub sends us on to must not get the token.
            request.add_unredirected_header("Authorization", self.authorization)
        return request


def download(file: RemoteFile, target: Path, watch: Watch, *, update: bool = False) -> int:
    """Get a file to `target`, all or nothing; the bytes that came over the network.

    Two processes that want the same file wait for one another. A file that is there is kept, unless `update` says
    that the server is to be asked for a newer one. Raises what `urllib` raises, OSError or ModelError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = target.with_name(f".{target.name[:200]}.lock")
    try:
        with FileLock(lock):
            if target.is_file() and not update:
                return 0
            transfer = _Transfer(file, target, watch)
            if (partial := transfer.run()) is None:
                return 0
            if file.checksum is not None and not file.checksum.fits(partial):
                partial.unlink()
                raise DownloadDamaged(file.label, file.checksum.algorithm)
            if transfer.modified is not None:
                os.utime(partial, (transfer.modified, transfer.modified))
            kept.settle(partial, target)
            return transfer.received
    finally:
        with contextlib.suppress(OSError):
            lock.unlink()


@contextmanager
def opened(request: Request) -> Iterator[http.client.HTTPResponse]:
    """The answer to a request, which is closed in the end."""
    try:
        response = urlopen(request, timeout=SILENCE)  # noqa: S310 - http(s) only
    except HTTPError as error:
        error.close()  # it is an open answer, too, of which nobody reads more than the status
        raise
    with response:
        yield response


def require_room(folder: Path, size: int, label: str) -> None:
    """NoRoom if the disk has no room for `size` more bytes."""
    free = shutil.disk_usage(folder).free - MARGIN
    if size > free:
        raise NoRoom(label, size, max(0, free))


class _Transfer:
    """One file on its way into a partial one beside its place.

    The name of the partial file says which content it is the beginning of: another version is not resumed.
    """

    def __init__(self, file: RemoteFile, target: Path, watch: Watch) -> None:
        self._file = file
        self._target = target
        self._watch = watch
        self._partial = self._left_by_another_run()
        # Whoever told us the checksum was there a moment ago.
        self._answered = file.checksum is not None
        self.received = 0
        self.modified: float | None = None
        """When the content was last changed, in seconds."""

    def run(self) -> Path | None:
        """The partial file, whole by then, however often the connection broke; None if there is nothing newer."""
        fruitless = 0
        while True:
            before = self.received
            problem: OSError | http.client.HTTPException
            try:
                return self._attempt()
            except HTTPError as error:
                if error.code < HTTPStatus.INTERNAL_SERVER_ERROR and error.code not in {408, 429}:
                    raise
                problem = error
            except (URLError, http.client.HTTPException, ConnectionError, TimeoutError, SSLError) as error:
                problem = error
            fruitless = 0 if self.received > before else fruitless + 1
            # Where nobody ever answered there is no reason to think that somebody will in a moment.
            if fruitless >= ATTEMPTS or not self._answered:
                raise problem
            time.sleep(PAUSE * 2**fruitless)

    def _attempt(self) -> Path | None:
        start = self._partial.stat().st_size if self._partial.is_file() else 0
        newer_than = self._target.stat().st_mtime if self._target.is_file() else None
        try:
            with opened(self._file.request(start, newer_than)) as response:
                self._answered = True
                if response.status != HTTPStatus.PARTIAL_CONTENT or _unpacking(response.headers):
                    start = 0  # whether it was asked for a part or not, it sends the whole
                if not start or self._resumes(response.headers, start):
                    return self._receive(response, start)
        except HTTPError as error:
            if error.code == HTTPStatus.NOT_MODIFIED:
                return None
            if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not start:
                raise
            # What is here is all there is of the same content, or no part of it.
            whole = error.headers.get("Content-Range") == f"bytes */{start}"
            if whole and self._partial == self._named(self._identity_now()):
                return self._partial
        self._partial.unlink()
        return self._attempt()

    def _receive(self, response: http.client.HTTPResponse, start: int) -> Path:
        length = response.headers.get("Content-Length")
        total = None if length is None else start + int(length)
        self.modified = _modified(response.headers)
        require_room(self._target.parent, (total or start) - start, self._file.label)
        if not start:
            self._partial.unlink(missing_ok=True)
            self._partial = self._named(self._identity(response.headers))
        done = start
        unpack = _unpacking(response.headers)
        with self._partial.open("ab" if start else "wb") as file:
            self._watch(self._file.label, done, total)
            while chunk := response.read1(CHUNK):
                file.write(unpack.decompress(chunk) if unpack else chunk)
                done += len(chunk)
                self.received += len(chunk)
                self._watch(self._file.label, done, total)
            if unpack:
                file.write(unpack.flush())
        broken = (total is not None and done < total) or (unpack is not None and not unpack.eof)
        if broken and unpack:  # the length of what is here says nothing about where to go on
            self._partial.unlink()
        if broken:
            raise http.client.IncompleteRead(b"", (total or done) - done)
        return self._partial

    def _resumes(self, headers: http.client.HTTPMessage, start: int) -> bool:
        """Whether an answer holds what follows on the bytes that are here already."""
        identity = self._identity(headers)
        same = not identity or self._partial == self._named(identity)
        return same and (headers.get("Content-Range") or "").startswith(f"bytes {start}-")

    def _identity_now(self) -> str:
        """What tells the content that the server has by now."""
        if self._file.checksum is not None:
            return self._file.checksum.digest
        request = self._file.request()
        request.method = "HEAD"
        with opened(request) as response:
            return self._identity(response.headers)

    def _identity(self, headers: http.client.HTTPMessage) -> str:
        """What tells this content from other versions of it; "" if nothing does."""
        if self._file.checksum is not None:
            return self._file.checksum.digest
        return headers.get("ETag") or headers.get("Last-Modified") or ""

    def _named(self, identity: str) -> Path:
        mark = hashlib.sha256(identity.encode()).hexdigest()[:12]
        return self._target.with_name(f".{self._target.name[:200]}.{mark}.incomplete")

    def _left_by_another_run(self) -> Path:
        """Where to go on. What nothing tells from other versions is begun again."""
        unknown = self._named("")
        if self._file.checksum is not None:
            return self._named(self._file.checksum.digest)
        begun = self._target.parent.glob(f".{glob.escape(self._target.name[:200])}.*.incomplete")
        found = [path for path in begun if path != unknown]
        unknown.unlink(missing_ok=True)
        return max(found, key=lambda path: path.stat().st_mtime, default=unknown)


def _unpacking(headers: http.client.HTTPMessage) -> zlib._Decompress | None:
    """What undoes the compression of an answer. We ask for none, and some servers compress all the same."""
    encoding = (headers.get("Content-Encoding") or "identity").strip().lower()
    if encoding in {"gzip", "x-gzip"}:
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    return zlib.decompressobj() if encoding == "deflate" else None


def _modified(headers: http.client.HTTPMessage) -> float | None:
    try:
        return parsedate_to_datetime(headers["Last-Modified"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return None
