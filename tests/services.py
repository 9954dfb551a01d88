"""PostgreSQL and Redis of the tests' own, from Debian's packages: own folder, free port, gone afterwards.

Never the machine's running servers. Where they are not installed: skipped, and failed in CI.
"""

from __future__ import annotations

import contextlib
import datetime as dt
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
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

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
    """A cluster in a folder of its own. The server refuses to run as root, so root becomes `postgres`.

    Args:
        programs: the folder of its programs.
        has_tls: with a certificate of its own for `localhost`, at `certificate`.
    """

    USER = "naru"

    def __init__(self, programs: Path, *, has_tls: bool = False) -> None:
        self._programs = programs
        self._has_tls = has_tls
        self._numbers = itertools.count()
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="naru-postgres-"))
        self._as_user: dict[str, object] = {}
        if os.geteuid() == 0:
            who = pwd.getpwnam("postgres")
            os.chown(self.folder, who.pw_uid, who.pw_gid)
            self._as_user = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        self._data = self.folder / "data"
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._run(
            "initdb", "-D", self._data, "-U", self.USER, "--pwfile", secret, "-A", "scram-sha-256",
            "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync",
        )  # fmt: skip
        if has_tls:
            self._make_certificate()
        self.start()

    @property
    def certificate(self) -> Path:
        return self.folder / "server.crt"

    def _make_certificate(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        secret = self.folder / "server.key"
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        secret.chmod(0o600)
        if "user" in self._as_user:
            os.chown(secret, self._as_user["user"], self._as_user["group"])

    def _run(self, program: str, *arguments: object) -> None:
        command = [self._programs / program, *map(str, arguments)]
        done = subprocess.run(
            command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", **self._as_user
        )
        assert done.returncode == 0, f"{program}: {done.stderr.decode()}"

    def start(self) -> None:
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} "
            "-c fsync=off -c max_connections=100 -c shared_buffers=32MB -c log_statement=none"
        )
        if self._has_tls:
            options += (
                f" -c ssl=on -c ssl_cert_file={self.certificate} -c ssl_key_file={self.folder}/server.key"
            )
        self._run("pg_ctl", "start", "-w", "-s", "-D", self._data, "-l", self.folder / "log", "-o", options)

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "stop", "-w", "-s", "-D", self._data, "-m", mode)

    def remove(self) -> None:
        with contextlib.suppress(AssertionError):
            self.stop("immediate")
        shutil.rmtree(self.folder)

    def url(self, database: str, **parameters: str) -> str:
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        address = f"postgresql://{self.USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"
        return f"{address}?{query}" if query else address

    def execute(self, statement: str, *, database: str = "postgres") -> list[tuple]:
        """As the cluster's owner, beside whatever is tested."""
        from pg8000 import dbapi

        connection = dbapi.connect(
            self.USER,
            password=PASSWORD,
            host="127.0.0.1",
            port=self.port,
            database=database,
            ssl_context=False,
        )
        try:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        finally:
            connection.close()

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


def find_postgres() -> Path:
    """The folder of its programs; skips where there is none."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not versions:
        missing("PostgreSQL")
    return versions[-1].parent


@pytest.fixture(scope="session")
def postgres_server():
    """One for the whole run; each test makes a database of its own in it."""
    server = PostgresServer(find_postgres())
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
