"""A PostgreSQL server of the tests' own, from the programs that Debian's `postgresql` installs."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

WHERE = "/usr/lib/postgresql/*/bin"
"""Debian puts the server's programs in no PATH."""
PASSWORD = "p@ss/word:%41"
"""One that has to be escaped in a URL."""
QUOTED = "p%40ss%2Fword%3A%2541"
FAST = ("fsync=off", "full_page_writes=off", "max_connections=100", "shared_buffers=16MB")
"""Nothing here has to survive a power failure. What an end of the server's processes takes away does not depend on it."""


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`; None if PostgreSQL is not installed."""
    folders = [*sorted(Path("/").glob(WHERE.removeprefix("/")), reverse=True)]
    if found := shutil.which("initdb"):
        folders.append(Path(found).resolve().parent)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


class Cluster:
    """A server with its data in `folder`, on a Unix socket there and nowhere else unless it is `listening`."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.data = folder / "data"
        self.port = 5432
        self._folder = folder
        self._programs = programs
        self._numbers = count(1)
        self._server: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._account:
            shutil.chown(self._folder, self._account, self._account)
        (self._folder / "password").write_text(PASSWORD)
        (self._folder / "password").chmod(0o644)
        self._run(
            "initdb", "--pgdata", str(self.data), "--username", "bot", "--pwfile", str(self._folder / "password"),
            "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync",
        )  # fmt: skip

    def start(self) -> None:
        options = [part for option in FAST for part in ("-c", option)]
        sockets = ["-c", f"unix_socket_directories={self._folder}", "-c", "listen_addresses="]
        with (self._folder / "log.txt").open("ab") as log:
            self._server = subprocess.Popen(  # noqa: S603
                [
                    *self._as_account(),
                    str(self._programs / "postgres"),
                    "-D",
                    str(self.data),
                    *options,
                    *sockets,
                ],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
            )
        until = time.monotonic() + 30
        while not self.answers():
            assert self._server.poll() is None, (self._folder / "log.txt").read_text()
            assert time.monotonic() < until, "PostgreSQL does not start"
            time.sleep(0.02)

    def answers(self) -> bool:
        command = [str(self._programs / "pg_isready"), "-q", "-h", str(self._folder), "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0  # noqa: S603

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End the server: at once with its connections (SIGINT), as in a crash (SIGQUIT), or all of it by SIGKILL."""
        if self._server is None:
            return
        pids = [self._postmaster, *self._children()]
        if number is signal.SIGKILL:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        else:
            os.kill(self._postmaster, number)
        self._server.wait(30)
        self._server = None
        until = time.monotonic() + 30
        while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < until:
            time.sleep(0.01)
        if number is signal.SIGKILL:
            # Another server, that happens to have the same pid, would not be taken for this one in real life.
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    @contextlib.contextmanager
    def stuck(self) -> Iterator[None]:
        """The server's processes stand still: connections are open, and nothing answers."""
        pids = [self._postmaster, *self._children()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What `psql` prints."""
        command = ["psql", "-h", str(self._folder), "-p", str(self.port), "-U", "bot", "-d", database]
        return self._run(*command, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement).strip()

    def database(self, options: str = "") -> str:
        """Make an empty database; its URL."""
        name = f"test{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} {options}")
        return self.url(name)

    def url(self, database: str, user: str = "bot", password: str = QUOTED) -> str:
        return f"postgresql+asyncpg://{user}:{password}@/{database}?host={self._folder}&port={self.port}"

    @property
    def _postmaster(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def _children(self) -> list[int]:
        listed = Path(f"/proc/{self._postmaster}/task/{self._postmaster}/children")
        return [int(pid) for pid in listed.read_text().split()]

    @property
    def _account(self) -> str:
        """Whom PostgreSQL runs as; "" if it is whoever runs the tests. It refuses to be run by root."""
        return "postgres" if os.geteuid() == 0 else ""

    def _as_account(self) -> list[str]:
        if not self._account:
            return []
        return ["setpriv", f"--reuid={self._account}", f"--regid={self._account}", "--init-groups"]

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603
            [*self._as_account(), str(self._programs / program), *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=self._folder,
            env=os.environ | {"PGPASSWORD": PASSWORD},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def why_not() -> str:
    """Why there can be no server here; "" if there can."""
    if programs() is None:
        return "PostgreSQL is not installed (Debian: apt-get install postgresql)"
    if os.geteuid() == 0:
        with contextlib.suppress(KeyError):
            pwd.getpwnam("postgres")
            return ""
        return "PostgreSQL does not run as root, and there is no account postgres"
    return ""


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """A server that was created in `folder`, which must be one that the account postgres can reach."""
    found = programs()
    assert found is not None
    cluster = Cluster(folder, found)
    cluster.create()
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop(signal.SIGQUIT)
