"""What PostgreSQL and the way to it answer, as PEP 249 classes that keep the SQLSTATE and show no value."""

from __future__ import annotations

import socket
import ssl

from pg8000 import dbapi

LOST = ("08", "57P01", "57P02", "57P03")
"""SQLSTATEs after which the connection is of no more use."""
READ_ONLY = "25006"


class ConnectionLost(dbapi.OperationalError):  # type: ignore[misc]  # the driver has no types
    """The connection broke; what it was asked may have happened or not."""

    sqlstate: str | None = None


class ConnectFailed(dbapi.OperationalError):  # type: ignore[misc]  # as above
    """No connection was made.

    Args:
        reason: one clause for the operator, without addresses.
        may_come: waiting may help.
    """

    def __init__(self, reason: str, *, may_come: bool, sqlstate: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_come = may_come
        self.sqlstate = sqlstate


_CLASSES = {
    "0A": dbapi.NotSupportedError,
    "08": dbapi.OperationalError,
    "22": dbapi.DataError,
    "23": dbapi.IntegrityError,
    "25": dbapi.InternalError,
    "28": dbapi.OperationalError,
    "40": dbapi.OperationalError,  # deadlocks, serialization
    "53": dbapi.OperationalError,  # out of disk, memory, connections
    "55": dbapi.OperationalError,  # locks
    "57": dbapi.OperationalError,  # cancelled, shutting down
    "58": dbapi.OperationalError,  # the server's own disk
    "XX": dbapi.InternalError,
}


def server_error(fields: dict[str, str]) -> Exception:
    """The server's answer as an exception. Its DETAIL and CONTEXT hold values and are left out."""
    state = fields.get("C", "")
    error: Exception = _CLASSES.get(state[:2], dbapi.ProgrammingError)(fields.get("M", "it was refused"))
    error.sqlstate = state  # type: ignore[attr-defined]  # the driver's class has none
    return error


def sqlstate(error: BaseException | None) -> str | None:
    """The SQLSTATE that this, or what it was made from, came with."""
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return state if isinstance(state, str) else None


REASONS = {
    "28P01": ("it refuses the password", False),
    "28000": ("its pg_hba.conf does not let this user in from here", False),
    "3D000": ("it has no such database; create it, or correct the name", False),
    "42501": ("this user may not do that there", False),
    "42704": ("it does not know a setting in the URL's options", False),
    "53300": ("it has no connection free; raise its max_connections or lower database.pool_size", True),
    "57P03": ("it is starting up or shutting down", True),
}
"""Why a connection was refused, by SQLSTATE; whether waiting may help."""


def failed(error: Exception) -> ConnectFailed:
    """A connection that could not be made, explained in words of ours."""
    if isinstance(error, ConnectFailed):
        return error
    state = sqlstate(error)
    if state is not None:
        reason, may_come = REASONS.get(
            state, (f"it refuses (SQLSTATE {state})", not state.startswith(("28", "42", "22")))
        )
        return ConnectFailed(reason, may_come=may_come, sqlstate=state)
    reason, may_come = _explain(error)
    return ConnectFailed(reason, may_come=may_come)


_KINDS: tuple[tuple[type[BaseException], str, bool], ...] = (
    (ssl.SSLCertVerificationError, "its certificate is not trusted; see sslmode and sslrootcert", False),
    (ssl.SSLError, "no TLS could be agreed on with it", False),
    (socket.gaierror, "this host name is not known", True),
    (UnicodeError, "this host name is not known", False),
    (ConnectionRefusedError, "nothing listens at this address", True),
    (TimeoutError, "nobody answers at this address", True),
    (FileNotFoundError, "there is no socket at this address", True),
    (PermissionError, "Naru may not use the socket at this address", False),
    (OSError, "it cannot be reached", True),
    (dbapi.InterfaceError, "it breaks off the connection", True),
    (Exception, "it does not answer as PostgreSQL does", True),
)
"""The first that fits."""
_CERTIFICATES = {
    10: "its certificate has expired",
    62: "its certificate is for another host name than the URL's",
    64: "its certificate is for another host name than the URL's",
}
"""By OpenSSL's number of the fault."""


def _explain(error: Exception) -> tuple[str, bool]:
    told = _CERTIFICATES.get(getattr(error, "verify_code", 0))
    if told is not None:
        return told, False
    return next((said, may_come) for kind, said, may_come in _KINDS if isinstance(error, kind))
