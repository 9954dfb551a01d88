"""PostgreSQL and Redis of the tests' own, from Debian's packages: own folder, free port, gone afterwards.

Never the machine's running servers. Where they are not installed: skipped, and failed in CI.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

PASSWORD = "kept-out-of-every-log"
"""In every address of these servers, so that a test can look whether it leaked."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(is_true, *, timeout_s=20.0) -> None:
    """For what a process of another's can only be asked."""
    deadline = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)


def missing(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{what} is not installed; .ci/run installs it")
    pytest.skip(f"{what} is not installed")


class PostgresServer:
    """A cluster in a folder of its own. The server refuses to run as root, so root becomes `postgres`."""

    USER = "naru"

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._numbers = itertools.count()
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="naru-postgres-"))
        self._as_user: dict[str, object] = {}
        if os.geteuid() == 0:
            who = pwd.getpwnam("postgres")
            os.chown(self._folder, who.pw_uid, who.pw_gid)
            self._as_user = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        self._data = self._folder / "data"
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._run(
            "initdb", "-D", self._data, "-U", self.USER, "--pwfile", secret, "-A", "scram-sha-256",
            "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync",
        )  # fmt: skip
        self.start()

    def _run(self, program: str, *arguments: object) -> None:
        command = [self._programs / program, *map(str, arguments)]
        done = subprocess.run(
            command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", **self._as_user
        )
        assert done.returncode == 0, f"{program}: {done.stderr.decode()}"

    def start(self) -> None:
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder} "
            "-c fsync=off -c max_connections=100 -c shared_buffers=32MB -c log_statement=none"
        )
        self._run("pg_ctl", "start", "-w", "-s", "-D", self._data, "-l", self._folder / "log", "-o", options)

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "stop", "-w", "-s", "-D", self._data, "-m", mode)

    def remove(self) -> None:
        with contextlib.suppress(AssertionError):
            self.stop("immediate")
        shutil.rmtree(self._folder)

    def url(self, database: str, **parameters: str) -> str:
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        address = f"postgresql://{self.USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"
        return f"{address}?{query}" if query else address

    def execute(self, statement: str, *, database: str = "postgres") -> list[tuple]:
        """As the cluster's owner, beside whatever is tested."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def create_database(self) -> str:
        """The address of a new, empty database."""
        name = f"naru_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)


class RedisServer:
    """A server with a password and nothing kept on disk."""

    def __init__(self, program: str) -> None:
        self._program = program
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="naru-redis-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                "--appendonly", "no", "--requirepass", PASSWORD, "--dir", self._folder,
                "--logfile", self._folder / "log", "--daemonize", "no",
            ]
        )  # fmt: skip
        wait_until(self._answers)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as probe:
            probe.sendall(b"PING\r\n")
            return probe.recv(64).startswith(b"-NOAUTH")
        return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """It takes connections and says nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)


@pytest.fixture(scope="session")
def postgres_server():
    """One for the whole run; each test makes a database of its own in it."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not versions:
        missing("PostgreSQL")
    server = PostgresServer(versions[-1].parent)
    yield server
    server.remove()


@pytest.fixture(scope="session")
def redis_server():
    """One for the whole run; each test has a prefix of its own."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        missing("Redis")
    server = RedisServer(program)
    yield server
    server.remove()
