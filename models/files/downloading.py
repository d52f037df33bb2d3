"""Downloads files by address: resumed after interruptions, verified, and put in place only when complete.

Our own small downloader, because others do not resume. `pooch` 1.9 writes each attempt to a new temporary file
("w+b"), sends no Range header and deletes the file when the attempt fails, so large files never arrive over a bad
connection.
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
"""Seconds without data after which a connection counts as broken."""
ATTEMPTS, PAUSE = 5, 1.0
"""Consecutive attempts without data, and the seconds before the second one, doubled each time."""
MARGIN = 50_000_000
"""Bytes to leave free on the disk."""
CHUNK = 1 << 18

Watch: TypeAlias = Callable[[str, int, int | None], object]
"""Called with the name of the download, its bytes so far and, if known, its size."""


class Algorithm(StrEnum):
    """A checksum and its algorithm."""

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
    """A file to download: its address, its display name, and a token that is sent only to its first server."""

    url: str
    label: str
    checksum: Checksum | None = None
    authorization: str = ""

    def request(self, start: int = 0, newer_than: float | None = None) -> Request:
        """For the bytes from `start` on; `newer_than` is a time in seconds."""
        if urlsplit(self.url).scheme not in {"http", "https"}:
            raise NotAWebAddress
        # A compressed transfer could not be resumed in the middle.
        headers = {"User-Agent": "tokenwise", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        if newer_than is not None:
            headers["If-Modified-Since"] = formatdate(newer_than, usegmt=True)
        request = Request(self.url, headers=headers)  # noqa: S310 - checked above
        if self.authorization:
            # "Unredirected": a storage server that the hub redirects to must not get the token.
            request.add_unredirected_header("Authorization", self.authorization)
        return request


def download(file: RemoteFile, target: Path, watch: Watch, *, update: bool = False) -> int:
    """Download a file to `target`, all or nothing; returns the bytes received over the network.

    Two processes that want the same file wait for each other. An existing file is kept unless `update` asks the
    server for a newer one. Raises urllib's errors, OSError or ModelError.
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
    """The response to a request, closed at the end."""
    try:
        response = urlopen(request, timeout=SILENCE)  # noqa: S310 - http(s) only
    except HTTPError as error:
        error.close()  # it is also an open response, but only its status is needed
        raise
    with response:
        yield response


def require_room(folder: Path, size: int, label: str) -> None:
    """Raises NoRoom if the disk has no room for `size` more bytes."""
    free = shutil.disk_usage(folder).free - MARGIN
    if size > free:
        raise NoRoom(label, size, max(0, free))


class _Transfer:
    """One download into a partial file next to its target.

    The partial file's name identifies its content, so another version is not resumed.
    """

    def __init__(self, file: RemoteFile, target: Path, watch: Watch) -> None:
        self._file = file
        self._target = target
        self._watch = watch
        self._partial = self._left_by_another_run()
        # The server was reachable a moment ago, when it sent the checksum.
        self._answered = file.checksum is not None
        self.received = 0
        self.modified: float | None = None
        """When the content was last changed, in seconds since 1970."""

    def run(self) -> Path | None:
        """The completed partial file, however often the connection broke; None if there is nothing newer."""
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
            # A server that never answered will probably not answer soon.
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
                    start = 0  # the server sends the whole file, even if asked for a part
                if not start or self._resumes(response.headers, start):
                    return self._receive(response, start)
        except HTTPError as error:
            if error.code == HTTPStatus.NOT_MODIFIED:
                return None
            if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not start:
                raise
            # The partial file is complete, or does not belong to this content.
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
        if broken and unpack:  # the partial file's length does not tell where to resume
            self._partial.unlink()
        if broken:
            raise http.client.IncompleteRead(b"", (total or done) - done)
        return self._partial

    def _resumes(self, headers: http.client.HTTPMessage, start: int) -> bool:
        """Whether a response continues after the bytes that are already here."""
        identity = self._identity(headers)
        same = not identity or self._partial == self._named(identity)
        return same and (headers.get("Content-Range") or "").startswith(f"bytes {start}-")

    def _identity_now(self) -> str:
        """The identity of the server's current content."""
        if self._file.checksum is not None:
            return self._file.checksum.digest
        request = self._file.request()
        request.method = "HEAD"
        with opened(request) as response:
            return self._identity(response.headers)

    def _identity(self, headers: http.client.HTTPMessage) -> str:
        """What distinguishes this content from other versions; "" if nothing does."""
        if self._file.checksum is not None:
            return self._file.checksum.digest
        return headers.get("ETag") or headers.get("Last-Modified") or ""

    def _named(self, identity: str) -> Path:
        mark = hashlib.sha256(identity.encode()).hexdigest()[:12]
        return self._target.with_name(f".{self._target.name[:200]}.{mark}.incomplete")

    def _left_by_another_run(self) -> Path:
        """Where to resume. Content without an identity is downloaded again from the start."""
        unknown = self._named("")
        if self._file.checksum is not None:
            return self._named(self._file.checksum.digest)
        begun = self._target.parent.glob(f".{glob.escape(self._target.name[:200])}.*.incomplete")
        found = [path for path in begun if path != unknown]
        unknown.unlink(missing_ok=True)
        return max(found, key=lambda path: path.stat().st_mtime, default=unknown)


def _unpacking(headers: http.client.HTTPMessage) -> zlib._Decompress | None:
    """The decompressor of a response. We request none, but some servers compress anyway."""
    encoding = (headers.get("Content-Encoding") or "identity").strip().lower()
    if encoding in {"gzip", "x-gzip"}:
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    return zlib.decompressobj() if encoding == "deflate" else None


def _modified(headers: http.client.HTTPMessage) -> float | None:
    try:
        return parsedate_to_datetime(headers["Last-Modified"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return None
