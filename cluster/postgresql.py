"""A separate PostgreSQL server with its own data folder, run with the programs from Debian's `postgresql` package."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

WHERE = "/usr/lib/postgresql/*/bin"
"""Debian puts the server's programs in no PATH."""
USER = "bot"
PATIENCE = 60.0
"""Seconds that the server may take to start or to end."""


class PostgresqlError(RuntimeError):
    """The server is unavailable; `str()` gives the reason in the words of its programs."""


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`; None if PostgreSQL is not installed."""
    folders = [*sorted(Path("/").glob(WHERE.removeprefix("/")), reverse=True)]
    if found := shutil.which("initdb"):
        folders.append(Path(found).resolve().parent)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def why_not() -> str:
    """The reason why no server can be started here; "" if one can."""
    if programs() is None:
        return "PostgreSQL is not installed (Debian: apt-get install postgresql)"
    if os.geteuid() == 0:
        with contextlib.suppress(KeyError):
            pwd.getpwnam("postgres")
            return ""
        return "PostgreSQL does not run as root, and there is no account postgres"
    return ""


class Server:
    """A server with its data in `folder`, listening on a Unix socket there and on no port.

    If root starts it, the account postgres must be able to access `folder`. `options` are PostgreSQL settings, such as
    "shared_buffers=16MB".
    """

    def __init__(self, folder: Path, options: Sequence[str] = (), password: str = "") -> None:
        found = programs()
        if found is None:
            raise PostgresqlError(why_not())
        self.folder = folder
        self.data = folder / "data"
        self.port = 5432
        """The socket's name has it; nothing listens on it."""
        self.password = password or secrets.token_urlsafe()
        self._options = tuple(options)
        self._programs = found
        self._server: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        """Create an empty data folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        secret = self.folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        if self._account:
            for path in (self.folder, secret):
                shutil.chown(path, self._account, self._account)
        self._run(
            "initdb", "--pgdata", str(self.data), "--username", USER, "--pwfile", str(secret),
            "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync",
        )  # fmt: skip

    def start(self) -> None:
        """Start the server; returns when it accepts connections."""
        sockets = (f"unix_socket_directories={self.folder}", "listen_addresses=")
        options = [part for option in (*self._options, *sockets) for part in ("-c", option)]
        command = [*self._as_account(), str(self._programs / "postgres"), "-D", str(self.data), *options]
        log = self.folder / "log.txt"
        with log.open("ab") as output:
            self._server = subprocess.Popen(  # noqa: S603
                command, stdout=output, stderr=output, cwd=self.folder, start_new_session=True
            )
        until = time.monotonic() + PATIENCE
        while not self.answers():
            if self._server.poll() is not None or time.monotonic() > until:
                raise PostgresqlError(f"PostgreSQL does not start:\n{log.read_text()}")
            time.sleep(0.02)

    def answers(self) -> bool:
        command = [str(self._programs / "pg_isready"), "-q", "-h", str(self.folder), "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0  # noqa: S603

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: close connections immediately (SIGINT), simulate a crash (SIGQUIT), or kill it (SIGKILL)."""
        if self._server is None:
            return
        pids = self.pids()
        if number is signal.SIGKILL:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        elif pids:
            os.kill(pids[0], number)
        self._server.wait(PATIENCE)
        self._server = None
        until = time.monotonic() + PATIENCE
        while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < until:
            time.sleep(0.01)
        if number is signal.SIGKILL:
            # The pid may have been reused, and a new server would mistake that process for this one.
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def pids(self) -> list[int]:
        """The server's processes, the postmaster first; empty if it is not running."""
        with contextlib.suppress(OSError, IndexError):
            postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
            children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
            return [postmaster, *map(int, children)]
        return []

    def sql(self, statement: str, database: str = "postgres") -> str:
        """The output of `psql`."""
        command = ["psql", "-h", str(self.folder), "-p", str(self.port), "-U", USER, "-d", database]
        return self._run(*command, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement).strip()

    def create_database(self, name: str, options: str = "") -> str:
        """Create an empty database; returns its URL."""
        self.sql(f"CREATE DATABASE {name} {options}")
        return self.url(name)

    def url(self, database: str, user: str = USER, password: str = "") -> str:
        secret = password or quote(self.password, safe="")
        return f"postgresql+asyncpg://{user}:{secret}@/{database}?host={self.folder}&port={self.port}"

    @property
    def _account(self) -> str:
        """The account that runs PostgreSQL; "" for the current one. PostgreSQL refuses to run as root."""
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
            cwd=self.folder,
            env=os.environ | {"PGPASSWORD": self.password},
        )
        if done.returncode:
            raise PostgresqlError(done.stderr.strip())
        return done.stdout


@contextlib.contextmanager
def reachable_folder() -> Iterator[Path]:
    """A temporary folder that the account postgres can access; deleted at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="tokenwise-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server, created and started; stopped at the end of the block."""
    server.create()
    try:
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)
