"""Reads the address of a PostgreSQL server as libpq's manual writes it, and never repeats it.

A message names a parameter at most: everything else in the address may be part of a password.
"""

from __future__ import annotations

import os
import pwd
import re
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, cast, get_args
from urllib.parse import unquote

from naru.kernel.errors import ConfigError

SslMode = Literal["disable", "prefer", "require", "verify-ca", "verify-full"]
SessionAttrs = Literal["any", "read-write", "primary"]

SYSTEM = "system"
"""As `sslrootcert`: the certificates that the machine trusts."""
_SOCKETS = "/var/run/postgresql"
_PORT = 5432
_WHERE = "the database URL"
_HOW = (
    "cannot be read; write postgresql://user:password@host:5432/database, and any of @ : / ? # % "
    "in the password as %40 %3A %2F %3F %23 %25"
)
_NAME = re.compile(r"[a-z_]{1,40}")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")


class Host(NamedTuple):
    """One server: a name or number of a machine, or the folder of a socket."""

    name: str
    port: int

    @property
    def socket(self) -> str | None:
        """The path of its Unix socket, if it is one."""
        return f"{self.name}/.s.PGSQL.{self.port}" if self.name.startswith("/") else None

    def __str__(self) -> str:
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a database is, and how to get in."""

    hosts: tuple[Host, ...]
    """Tried in this order."""
    user: str
    password: str | None = field(repr=False)
    database: str
    sslmode: SslMode = "prefer"
    sslrootcert: str | None = None
    sslcert: str | None = None
    sslkey: str | None = None
    channel_binding: Literal["prefer", "require"] = "prefer"
    target_session_attrs: SessionAttrs = "any"
    connect_timeout_s: float | None = 5
    application_name: str = "naru"
    options: str = ""
    """For the server's command line, `-c name=value` for example."""

    @property
    def place(self) -> str:
        """The address as it may be shown: hosts, ports and database."""
        return f"postgresql://{','.join(map(str, self.hosts))}/{self.database}"


def read_address(url: str) -> Address:
    """What the address says.

    Raises:
        ConfigError: it cannot be read, or asks for what Naru cannot do. A parameter is named, nothing quoted.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in {"postgresql", "postgres"}:
        raise ConfigError(
            "is not an address of PostgreSQL; write postgresql://user@host:5432/database", path=_WHERE
        )
    rest, _, query = rest.partition("?")
    authority, _, database = rest.partition("/")
    who, _, where = authority.rpartition("@")
    user, has_password, password = who.partition(":")
    hosts, ports = _split_hosts(where)
    given = {
        "user": _decode(user),
        "password": _decode(password) if has_password else "",
        "dbname": _decode(database),
        "host": ",".join(hosts),
        "port": ",".join(ports) if any(ports) else "",
    } | _read_query(query)
    return _build(given)


def _build(given: dict[str, str]) -> Address:
    user = given.pop("user") or _own_name()
    timeout_s = _whole(given.pop("connect_timeout", "") or "5", "connect_timeout")
    address = Address(
        hosts=_pair(given.pop("host"), given.pop("port")),
        user=user,
        password=given.pop("password") or None,
        database=given.pop("dbname") or user,
        sslmode=cast("SslMode", _choice(given, "sslmode", get_args(SslMode))),
        channel_binding=cast(
            "Literal['prefer', 'require']", _choice(given, "channel_binding", ("prefer", "require"))
        ),
        target_session_attrs=cast(
            "SessionAttrs", _choice(given, "target_session_attrs", get_args(SessionAttrs))
        ),
        sslrootcert=given.pop("sslrootcert", "") or None,
        sslcert=given.pop("sslcert", "") or None,
        sslkey=given.pop("sslkey", "") or None,
        connect_timeout_s=timeout_s or None,
        application_name=given.pop("application_name", "") or "naru",
        options=given.pop("options", ""),
    )
    if given:
        name = min(given)
        raise ConfigError(f"has the parameter {name}, which Naru does not know; take it out", path=_WHERE)
    if address.sslmode == "verify-ca" and address.sslrootcert in {None, SYSTEM}:
        raise ConfigError(
            "asks for sslmode=verify-ca, which needs sslrootcert=FILE: any certificate of a public "
            "authority would do otherwise",
            path=_WHERE,
        )
    if address.sslkey and not address.sslcert:
        raise ConfigError("has sslkey and no sslcert", path=_WHERE)
    return address


def _unreadable() -> ConfigError:
    return ConfigError(_HOW, path=_WHERE)


def _decode(text: str) -> str:
    if _BAD_PERCENT.search(text) or "\0" in text:
        raise _unreadable()
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise _unreadable() from None


def _split_hosts(text: str) -> tuple[list[str], list[str]]:
    hosts, ports = [], []
    for one in text.split(","):
        if one.startswith("["):
            host, closed, rest = one[1:].partition("]")
            if not closed or (rest and not rest.startswith(":")):
                raise _unreadable()
            port = rest[1:]
        else:
            host, _, port = one.partition(":")
        hosts.append(_decode(host))
        ports.append(_decode(port))
    return hosts, ports


def _read_query(query: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for pair in query.split("&") if query else []:
        name, equals, value = pair.partition("=")
        # A question mark in a password that was not written as %3F leads here.
        if not equals or "@" in query or not _NAME.fullmatch(name):
            raise _unreadable()
        given[name] = _decode(value)
    return given


def _pair(hosts: str, ports: str) -> tuple[Host, ...]:
    names, numbers = hosts.split(","), ports.split(",")
    if len(numbers) == 1:
        numbers *= len(names)
    if len(names) != len(numbers):
        raise ConfigError("has not as many ports as hosts", path=_WHERE)
    return tuple(Host(name or _SOCKETS, _port(number)) for name, number in zip(names, numbers, strict=True))


def _port(text: str) -> int:
    if not text:
        return _PORT
    # Not told apart: what looks like a port is the end of a password with a bare `/`.
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65_536:
        raise _unreadable()
    return int(text)


def _whole(text: str, name: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise ConfigError(f"has {name} with something that is no whole number", path=_WHERE)
    return int(text)


def _choice(given: dict[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = given.pop(name, "") or ("prefer" if "prefer" in allowed else allowed[0])
    if value not in allowed:
        raise ConfigError(
            f"has {name} with what Naru does not know; it knows {', '.join(allowed)}", path=_WHERE
        )
    return value


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise ConfigError("names no user", path=_WHERE) from None
