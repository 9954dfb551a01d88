"""What is not the PostgreSQL it should be is told so, soon, and is given no password."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self

import pytest

from naru.engines.sql.postgres import PostgresEngine
from naru.kernel.errors import ConfigError

SECRET = "kept-out-of-every-log"
TLS_REFUSED = b"N"
SIGNED_IN = b"R\0\0\0\x08\0\0\0\0"
READY = b"Z\0\0\0\x05I"
IN_THE_CLEAR = b"R\0\0\0\x08\0\0\0\x03"
KERBEROS = b"R\0\0\0\x08\0\0\0\x07"
SCRAM = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"


class Impostor:
    """Listens on a free port, and says the next line of its part whenever it was told something."""

    def __init__(self, *part: bytes) -> None:
        self._part = part
        self.heard = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._play)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # not connected on every system
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _play(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            with connection:
                connection.settimeout(5)
                for line in self._part:
                    self.heard += connection.recv(4_096)
                    connection.sendall(line)
                while told := connection.recv(4_096):
                    self.heard += told


def refusal(impostor: Impostor, query: str = "") -> str:
    url = f"postgresql://u:{SECRET}@127.0.0.1:{impostor.port}/d?connect_timeout=1{query}"
    engine = PostgresEngine(url, start_wait_s=0)
    try:
        with pytest.raises(ConfigError) as caught:
            engine.migrate()
    finally:
        engine.close()
    assert SECRET not in str(caught.value)
    return caught.value.message


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "does not answer as PostgreSQL does"),
        ([TLS_REFUSED, b"SSH-2.0-OpenSSH_9.2\r\n"], "nobody answers"),
        ([TLS_REFUSED, b"?\0\0\0\x04"], "does not answer as PostgreSQL does"),
        ([TLS_REFUSED, KERBEROS], "a way to sign in that Naru does not know"),
        ([TLS_REFUSED, SCRAM, SIGNED_IN + READY], "does not prove who it is"),
        ([b"S", b"no TLS at all"], "nobody answers"),
        ([], "nobody answers"),
    ],
    ids=["http", "ssh", "noise", "kerberos", "unproven", "tls", "silence"],
)  # fmt: skip
def test_another_server_at_the_address_is_told_apart(part, said):
    """Whatever it says or does not say, the operator reads a sentence within the time to connect."""
    with Impostor(*part) as impostor:
        assert said in refusal(impostor)


def test_a_required_proof_comes_before_the_password():
    """channel_binding=require: who asks for the password itself, or for none, is left without it."""
    for answer in (IN_THE_CLEAR, SIGNED_IN + READY, SCRAM):
        with Impostor(TLS_REFUSED, answer) as impostor:
            assert "does not prove who it is" in refusal(impostor, "&channel_binding=require")
        assert SECRET.encode() not in impostor.heard


def test_no_tls_no_word():
    """sslmode=require: to a server without TLS nothing is said, not even a name."""
    with Impostor(TLS_REFUSED) as impostor:
        assert "offers no TLS" in refusal(impostor, "&sslmode=require")
    assert len(impostor.heard) == 8
