"""pg8000 as Naru uses it: own sockets and TLS, one round trip for a statement, errors that keep their code.

A connection is either in step with the server or closed: whatever goes wrong inside an exchange closes it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from functools import lru_cache
from struct import Struct
from typing import Any

from pg8000 import core, dbapi
from pg8000.converters import make_params
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGCompiler
from sqlalchemy.dialects.postgresql.pg8000 import PGDialect_pg8000

from naru.engines.sql.postgres_errors import (
    LOST,
    READ_ONLY,
    ConnectFailed,
    ConnectionLost,
    failed,
    server_error,
    sqlstate,
)
from naru.engines.sql.postgres_url import SYSTEM, Address, Host
from naru.kernel.errors import ConfigError

DRIVER = "postgresql+naru"
PARAMSTYLE = "numeric_dollar"
"""For SQLAlchemy: a value that stands in two places is one to the server too (GROUP BY needs it so)."""
_TLS_REQUEST = Struct("!ii").pack(8, 80877103)
_INT = Struct("!i").pack
_SHORT = Struct("!H").pack
_SIGNED_IN, _SASL, _SASL_FINAL = 0, 10, 12
_UNBOUND = frozenset({3, 5})
"""A password in the clear, or with MD5."""
_SIGN_IN = frozenset({_SIGNED_IN, *_UNBOUND, _SASL, 11, _SASL_FINAL})
"""Kinds of the protocol's Authentication message that the driver knows."""
_KEEPALIVES = (
    ("TCP_KEEPIDLE", 30),
    ("TCP_KEEPINTVL", 10),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 30_000),
)
"""A server that went away without a word is noticed after half a minute, not after two hours."""


def make_tls(address: Address) -> ssl.SSLContext | None:
    """As libpq understands `sslmode`; None for none at all.

    Raises:
        ConfigError: a file cannot be used.
    """
    mode, root = address.sslmode, address.sslrootcert
    if mode == "disable":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # With a root to hold it to, `require` checks too: so does libpq.
    is_checked = mode in {"verify-ca", "verify-full"} or (mode == "require" and root is not None)
    context.check_hostname = mode == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if is_checked else ssl.CERT_NONE
    try:
        if is_checked and root not in {None, SYSTEM}:
            context.load_verify_locations(root)
        elif is_checked:
            context.load_default_certs()
    except (OSError, ValueError):
        raise ConfigError("no certificate can be read from sslrootcert", path="the database URL") from None
    try:
        if address.sslcert is not None:
            # The password keeps OpenSSL from asking for one at the terminal.
            context.load_cert_chain(address.sslcert, address.sslkey, password="")
    except (OSError, ValueError):
        raise ConfigError(
            "no certificate with its key (without a password) can be read from sslcert and sslkey",
            path="the database URL",
        ) from None
    return context


class Connection(dbapi.Connection):  # type: ignore[misc]  # the driver has no types
    """One session. For one thread at a time."""

    isolation: str | None = None
    is_read_only = False
    _sock: Any
    _usock: socket.socket | None

    def __init__(self, *, must_bind: bool = False, **arguments: Any) -> None:
        self._must_bind = must_bind
        self._is_server_proven = not must_bind
        super().__init__(**arguments)

    def cursor(self) -> Cursor:
        return Cursor(self)

    def begin(self) -> None:
        """Unless a transaction runs. The server learns its kind on the way."""
        if self._in_transaction or self.autocommit:
            return
        level = f" isolation level {self.isolation}" if self.isolation else ""
        self.execute_simple(f"begin{level}{' read only' if self.is_read_only else ''}")

    def commit(self) -> None:
        self.execute_simple("commit")

    def rollback(self) -> None:
        if self._in_transaction:
            self.execute_simple("rollback")

    def ping(self) -> None:
        """Raises ConnectionLost unless the server answers."""
        self.execute_simple(";")

    def wait(self, timeout_s: float | None) -> None:
        """How long the server may be silent before it counts as gone; None for as long as TCP holds."""
        if self._usock is not None:
            self._usock.settimeout(timeout_s)

    def close(self) -> None:
        """Never fails: what is closed may well be broken."""
        file, sock = self._sock, self._usock
        self._sock = self._usock = None
        if file is not None:
            with contextlib.suppress(OSError, ValueError):
                file.write(core.TERMINATE_MSG)
                file.flush()
            with contextlib.suppress(OSError, ValueError):
                file.close()
        if sock is not None:
            sock.close()

    def execute_simple(self, statement: str) -> core.Context:
        text = statement.encode() + b"\0"
        return self._exchange(_message(b"Q", text), core.Context(statement))

    def execute_unnamed(
        self, statement: str, vals: Any = (), oids: Any = (), stream: Any = None
    ) -> core.Context:
        """One round trip where the driver's own takes three. Encoded as a whole before anything is sent: a
        value that cannot be must not leave half a message behind."""
        types = b"".join(_INT(max(oid, 0)) for oid in oids)
        parse = b"\0" + statement.encode() + b"\0" + _SHORT(len(oids)) + types
        values = bytearray(b"\0\0" + _SHORT(0) + _SHORT(len(vals)))
        for value in make_params(self.py_types, vals):
            if value is None:
                values += _INT(-1)
            else:
                data = value.encode()
                values += _INT(len(data)) + data
        values += _SHORT(0)
        messages = (
            _message(b"P", parse),
            _message(b"B", values),
            _message(b"D", b"P\0"),
            core.EXECUTE_MSG,
            core.SYNC_MSG,
        )
        return self._exchange(b"".join(messages), core.Context(statement, stream=stream))

    def _exchange(self, messages: bytes, context: core.Context) -> core.Context:
        try:
            self._sock.write(messages)
            self._sock.flush()
            self.handle_messages(context)
        except BaseException as error:
            if error is context.error:
                raise  # the server's answer; both are in step
            self.close()
            if not isinstance(error, Exception):
                raise
            raise ConnectionLost("the connection to the database broke") from error
        return context

    def handle_ERROR_RESPONSE(self, data: bytes, context: core.Context) -> None:  # noqa: N802  the driver's
        super().handle_ERROR_RESPONSE(data, context)
        context.error = server_error(context.error.args[0])

    # The driver's name for it.
    def handle_AUTHENTICATION_REQUEST(self, data: bytes, context: core.Context) -> None:  # noqa: N802
        code = int.from_bytes(data[:4], "big")
        if code not in _SIGN_IN:
            raise ConnectFailed(
                "it asks for a way to sign in that Naru does not know; it knows passwords and certificates",
                may_come=False,
            )
        if self.password is None and code != _SIGNED_IN:
            raise ConnectFailed("it asks for a password, and none was given", may_come=False)
        # Before the password is sent in the clear, and before "you are in" is believed.
        if (self._must_bind and code in _UNBOUND) or (code == _SIGNED_IN and not self._is_server_proven):
            raise _unbound()
        if code == _SASL:
            self._is_server_proven = False
        super().handle_AUTHENTICATION_REQUEST(data, context)
        if code == _SASL and self._must_bind and not self.auth.mechanism_name.endswith("-PLUS"):
            raise _unbound()
        if code == _SASL_FINAL:
            self._is_server_proven = True  # it knows the password too, or the line above had raised


def _unbound() -> ConnectFailed:
    return ConnectFailed("it does not prove who it is (channel_binding)", may_come=False)


def _message(code: bytes, data: bytes | bytearray) -> bytes:
    return code + _INT(len(data) + 4) + data


class Cursor(dbapi.Cursor):  # type: ignore[misc]  # as above
    """As the driver's, but a statement is taken apart once and not every time."""

    _input_oids: tuple[int, ...]

    def execute(self, operation: str, args: Any = (), stream: Any = None) -> Cursor:
        connection: Connection = self._c
        connection.begin()
        if args or stream is not None:
            self._context = connection.execute_unnamed(_numbered(operation), args, self._input_oids, stream)
        else:
            self._context = connection.execute_simple(operation)
        rows = self._context.rows
        self._row_iter = None if rows is None else iter(rows)
        self._input_oids = ()
        return self


@lru_cache(512)
def _numbered(operation: str) -> str:
    """With `$1` for `%s`. SQLAlchemy's own statements come numbered (`PARAMSTYLE`)."""
    if "$1" in operation:
        return operation
    statement: str = dbapi.convert_paramstyle("format", operation, ())[0]
    return statement


class Dialect(PGDialect_pg8000):
    """SQLAlchemy's for pg8000, where a transaction's kind costs no round trip of its own."""

    driver = "naru"
    supports_statement_cache = True
    # The driver's own doubles `%`, for statements that are not numbered.
    statement_compiler = PGCompiler  # type: ignore[assignment]  # what the base dialect has
    use_insertmanyvalues_wo_returning = True

    @classmethod
    def import_dbapi(cls) -> Any:
        return dbapi

    def is_disconnect(self, e: Exception, *_: object) -> bool:
        # A server that has become a standby is no use either: the pool leads to the new one.
        state = sqlstate(e) or ""
        return isinstance(e, ConnectionLost) or state.startswith(LOST) or state == READ_ONLY

    def do_ping(self, dbapi_connection: Any) -> bool:
        dbapi_connection.ping()
        return True

    def set_isolation_level(self, dbapi_connection: Any, level: str) -> None:
        dbapi_connection.autocommit = level == "AUTOCOMMIT"
        dbapi_connection.isolation = None if level == "AUTOCOMMIT" else level.replace("_", " ")

    def set_readonly(self, connection: Any, value: bool) -> None:
        connection.is_read_only = value

    def get_readonly(self, connection: Any) -> bool:
        return bool(connection.is_read_only)


registry.register("postgresql.naru", __name__, "Dialect")


def connect(
    address: Address, tls: ssl.SSLContext | None, *, options: str, reply_timeout_s: float
) -> Connection:
    """A session on the first of the address's servers that will do.

    Args:
        options: for the server's command line.
        reply_timeout_s: how long the server may take to answer before it counts as gone.

    Raises:
        ConnectFailed: there is none.
    """
    errors: list[ConnectFailed] = []
    for host in address.hosts:
        try:
            connection = _connect_to(host, address, tls, options)
        except Exception as error:  # noqa: BLE001  the driver raises its own, OpenSSL's, and Python's
            errors.append(failed(error))
            if (errors[-1].sqlstate or "").startswith("28"):
                break  # as libpq: a refused password is not tried elsewhere
            continue
        connection.wait(reply_timeout_s)
        return connection
    last = errors[-1]
    raise ConnectFailed(last.reason, may_come=any(error.may_come for error in errors), sqlstate=last.sqlstate)


def _connect_to(host: Host, address: Address, tls: ssl.SSLContext | None, options: str) -> Connection:
    sock = _open_socket(host, address, tls)
    try:
        connection = Connection(
            user=address.user,
            password=address.password,
            database=address.database,
            application_name=address.application_name,
            startup_params={"options": options, "client_encoding": "UTF8"},
            sock=sock,
            ssl_context=False,  # it is wrapped already
            must_bind=address.channel_binding == "require",
        )
    except BaseException:
        sock.close()
        raise
    told = connection.parameter_statuses
    is_standby = told.get("in_hot_standby") == "on"
    is_read_only = is_standby or told.get("default_transaction_read_only") == "on"
    wanted = address.target_session_attrs
    if (wanted == "primary" and is_standby) or (wanted == "read-write" and is_read_only):
        connection.close()
        raise ConnectFailed("it takes no writes, and the URL asks for one that does", may_come=True)
    return connection


def _open_socket(host: Host, address: Address, tls: ssl.SSLContext | None) -> socket.socket:
    path = host.socket
    if path is not None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _closed_on_error(sock):
            sock.settimeout(address.connect_timeout_s)
            sock.connect(path)
        return sock  # no wire, no TLS
    plain = _dial(host, address)
    if tls is None:
        return plain
    with _closed_on_error(plain):
        plain.sendall(_TLS_REQUEST)
        answer = plain.recv(1)
        if answer == b"S":
            try:
                return tls.wrap_socket(plain, server_hostname=host.name)
            except ssl.SSLError:
                if address.sslmode != "prefer":
                    raise
                return _dial(host, address)  # as libpq: what is only preferred may fail
        if answer != b"N":
            raise ConnectFailed("it does not answer as PostgreSQL does", may_come=True)
        if address.sslmode != "prefer":
            raise ConnectFailed("it offers no TLS, and the URL asks for it (sslmode)", may_come=False)
    return plain


def _dial(host: Host, address: Address) -> socket.socket:
    sock = socket.create_connection((host.name, host.port), address.connect_timeout_s)
    with _closed_on_error(sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for name, value in _KEEPALIVES:
            if hasattr(socket, name):  # not every system has each
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return sock


@contextlib.contextmanager
def _closed_on_error(sock: socket.socket) -> Any:
    try:
        yield
    except BaseException:
        sock.close()
        raise
