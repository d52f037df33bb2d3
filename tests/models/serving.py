"""Servers on loopback to download from: plain files, and as much of the Hugging Face hub as its client asks.

What the hub says and how is taken from the client's own source: `HfApi.model_info`, `get_hf_file_metadata`,
`hf_raise_for_status`. Large files lie in a store on another host, which refuses requests with the hub's token.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aiohttp import web

TOKEN = "hf_of-the-tests"
LARGE = 4096
"""Bytes from which a file of a repository lies in the store."""


@dataclass
class Files:
    """Plain files by path, and how the server misbehaves."""

    files: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    """Sent with every file, an ETag for example."""
    ranges: bool = True
    lengths: bool = True
    compressed: bool = False
    """Whether content comes compressed, although nobody asked for that."""
    breaks: list[int] = field(default_factory=list)
    """After so many bytes the connection breaks: one number for each of the next requests for content."""
    status: int = 200
    seen: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    """Method, path and headers of each request."""

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/{path:.*}", self._get)]

    def sent(self, part: str = "") -> list[str]:
        """The requests whose path holds `part`, with their ranges."""
        return [
            f"{method} {path} {headers.get('Range', '')}".strip()
            for method, path, headers in self.seen
            if part in path
        ]

    async def _get(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.method, request.path_qs, dict(request.headers)))
        if self.status != web.HTTPOk.status_code:
            return web.Response(status=self.status)
        if (data := self.files.get(request.match_info["path"])) is None:
            return web.Response(status=404)
        if request.headers.get("If-Modified-Since", "") == self.headers.get("Last-Modified", "never"):
            return web.Response(status=304)
        return await self.content(request, data, self.headers)

    async def content(
        self, request: web.Request, data: bytes, headers: Mapping[str, str]
    ) -> web.StreamResponse:
        """Some content, or the requested part of it, cut off if configured."""
        start, status, more = 0, 200, dict(headers)
        if self.compressed:
            data, more["Content-Encoding"] = gzip.compress(data), "gzip"
        if self.ranges and (asked := re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))):
            start, status = int(asked[1]), 206
            if start >= len(data):
                return web.Response(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
            more["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        answer = web.StreamResponse(status=status, headers=more)
        rest = data[start:]
        if self.lengths:
            answer.content_length = len(rest)
        await answer.prepare(request)
        if request.method == "HEAD":
            return answer
        if self.breaks:
            await answer.write(rest[: self.breaks.pop(0)])
            # The client is to have read that much before it sees the connection break.
            await asyncio.sleep(0.05)
            assert request.transport is not None
            request.transport.abort()
            return answer
        await answer.write(rest)
        return answer


@dataclass
class Repository:
    """Files by revision and name. A gated one opens to TOKEN only."""

    revisions: dict[str, dict[str, bytes]]
    gated: bool = False
    conversion: str = ""
    """The revision of a pull request with which the hub's own account offers safetensors."""

    def commit(self, revision: str) -> str | None:
        """The commit of a branch, a tag or a commit; None if there is no such revision."""
        commits = {name: _commit(files) for name, files in self.revisions.items()}
        return revision if revision in commits.values() else commits.get(revision)

    def files(self, commit: str) -> dict[str, bytes]:
        return next(files for files in self.revisions.values() if _commit(files) == commit)


def _commit(files: Mapping[str, bytes]) -> str:
    return hashlib.sha1(repr(sorted(files.items())).encode(), usedforsecurity=False).hexdigest()


def _git_name(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _details(data: bytes) -> dict[str, Any]:
    """What the hub says of a file, if asked for more than its name."""
    size: dict[str, Any] = {"size": len(data), "blobId": _git_name(data)}
    if len(data) < LARGE:
        return size
    digest = hashlib.sha256(data).hexdigest()
    return {**size, "lfs": {"sha256": digest, "size": len(data), "pointerSize": 130}}


@dataclass
class Hub(Files):
    """The hub: what it says of a repository, where its files are, and the store of the large ones."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    store: str = ""
    """The address of the store: this server under another name."""
    busy: list[int] = field(default_factory=list)
    """Statuses of the next answers about repositories, before it says anything."""
    damaged: bool = False
    """Whether the store sends something else than the hub says it has."""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/models/{name:.+}/revision/{revision}", self._about),
            web.get("/api/models/{name:.+}/discussions", self._discussions),
            web.get("/store/{digest}", self._stored),
            web.get("/{name:.+}/resolve/{revision}/{file}", self._resolve),
            web.route("*", "/{path:.*}", self._unknown),
        ]

    async def _about(self, request: web.Request) -> web.StreamResponse:
        self._see(request)
        if self.busy:
            return web.Response(status=self.busy.pop(0), headers={"Retry-After": "0"})
        name, revision = request.match_info["name"], unquote(request.match_info["revision"])
        repository = self.repositories.get(name)
        if repository is None:
            return web.json_response({}, status=401, headers={"X-Error-Code": "RepoNotFound"})
        if (commit := repository.commit(revision)) is None:
            return web.json_response({}, status=404, headers={"X-Error-Code": "RevisionNotFound"})
        details = request.query.get("blobs") is not None
        siblings = [
            {"rfilename": file} | (_details(data) if details else {})
            for file, data in repository.files(commit).items()
        ]
        return web.json_response({"id": name, "sha": commit, "private": False, "siblings": siblings})

    async def _discussions(self, request: web.Request) -> web.StreamResponse:
        self._see(request)
        repository = self.repositories[request.match_info["name"]]
        found = [
            {
                "title": "Adding `safetensors` variant of this model",
                "num": int(repository.conversion.rpartition("/")[2]),
                "author": {"name": "SFconvertbot"},
                "createdAt": "2024-01-01T00:00:00.000Z",
                "status": "open",
                "isPullRequest": True,
                "repo": {"name": request.match_info["name"], "type": "model"},
            }
        ]
        found = found if repository.conversion else []
        return web.json_response({"discussions": found, "count": len(found), "start": 0})

    async def _resolve(self, request: web.Request) -> web.StreamResponse:
        self._see(request)
        name, file = request.match_info["name"], request.match_info["file"]
        repository = self.repositories.get(name)
        commit = repository.commit(unquote(request.match_info["revision"])) if repository else None
        if repository is None or commit is None:
            return web.Response(status=404, headers={"X-Error-Code": "RepoNotFound"})
        if repository.gated and request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=403, headers={"X-Error-Code": "GatedRepo"})
        if (data := repository.files(commit).get(file)) is None:
            return web.Response(status=404, headers={"X-Error-Code": "EntryNotFound"})
        headers = {"X-Repo-Commit": commit}
        if len(data) < LARGE:
            return await self.content(request, data, {**headers, "ETag": f'"{_git_name(data)}"'})
        digest = hashlib.sha256(data).hexdigest()
        self.files[digest] = data
        linked = {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(data))}
        return web.Response(
            status=302, headers={**headers, **linked, "Location": f"{self.store}/store/{digest}?signature=1"}
        )

    async def _stored(self, request: web.Request) -> web.StreamResponse:
        self._see(request)
        if "Authorization" in request.headers or request.query.get("signature") != "1":
            return web.Response(status=400)
        data = self.files[request.match_info["digest"]]
        return await self.content(request, data[::-1] if self.damaged else data, {"ETag": '"of the store"'})

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        self._see(request)
        return web.Response(status=501)

    def _see(self, request: web.Request) -> None:
        self.seen.append((request.method, unquote(request.path), dict(request.headers)))


@contextmanager
def serving(server: Files) -> Iterator[str]:
    """The address of a server that runs in its own thread during the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(what: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(what, loop).result(10)

    application = web.Application()
    application.add_routes(server.routes())
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)

    async def start() -> int:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return int(runner.addresses[0][1])

    try:
        port = run(start())
        if isinstance(server, Hub):
            server.store = f"http://localhost:{port}"
        yield f"http://127.0.0.1:{port}"
        run(runner.cleanup())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
