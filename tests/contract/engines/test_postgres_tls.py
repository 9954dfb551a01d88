"""TLS to PostgreSQL as libpq's manual says: what each `sslmode` asks of the server, and what it refuses."""

from __future__ import annotations

import logging

import pytest

from naru.engines.sql.postgres import PostgresEngine
from naru.kernel.errors import ConfigError
from tests.services import PASSWORD, PostgresServer, find_postgres

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def server():
    server = PostgresServer(find_postgres(), has_tls=True)
    yield server
    server.remove()


@pytest.fixture(scope="module")
def url(server) -> str:
    """By the name in the certificate."""
    return server.create_database().replace("127.0.0.1", "localhost")


def is_encrypted(url: str) -> bool:
    engine = PostgresEngine(url)
    try:
        return engine.read_facts()["is_encrypted"]
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("", True),
        ("sslmode=prefer", True),
        ("sslmode=require", True),
        ("sslmode=require&channel_binding=require", True),
        ("sslmode=require&sslrootcert={root}", True),
        ("sslmode=verify-ca&sslrootcert={root}", True),
        ("sslmode=verify-full&sslrootcert={root}", True),
        ("sslmode=disable", False),
    ],
)
def test_modes_that_get_in(server, url, mode, expected):
    """With the certificate at hand every mode works, and all but `disable` encrypt."""
    assert is_encrypted(f"{url}?{mode.format(root=server.certificate)}") is expected


def test_another_name_passes_verify_ca_and_not_verify_full(server, url):
    """verify-full holds the server to the name in the URL; verify-ca to its authority alone."""
    by_number = url.replace("localhost", "127.0.0.1")
    assert is_encrypted(f"{by_number}?sslmode=verify-ca&sslrootcert={server.certificate}")
    refused(f"{by_number}?sslmode=verify-full&sslrootcert={server.certificate}", "for another host name")


@pytest.mark.parametrize("more", ["", "&sslrootcert=system"])
def test_a_certificate_nobody_vouches_for_is_refused(url, more):
    """The server's own certificate is not enough: said in one sentence, with what to look at."""
    refused(f"{url}?sslmode=verify-full{more}", "certificate is not trusted; see sslmode and sslrootcert")


def refused(url: str, said: str) -> None:
    engine = PostgresEngine(url, start_wait_s=0)
    try:
        with pytest.raises(ConfigError, match=said) as caught:
            engine.migrate()
    finally:
        engine.close()
    assert PASSWORD not in str(caught.value)


def test_the_password_is_never_logged(url, caplog):
    """At the finest level of every logger, SQLAlchemy's and the driver's included: it works, and it fails."""
    with caplog.at_level(logging.DEBUG):
        assert is_encrypted(url)
        refused(url.replace(PASSWORD, "wrong-and-secret"), "refuses the password")
    assert PASSWORD not in caplog.text
    assert "wrong-and-secret" not in caplog.text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("sslmode=verify-full&sslrootcert=/nowhere/{p}.crt", "no certificate can be read from sslrootcert"),
        ("sslmode=require&sslcert=/nowhere/{p}.crt", "can be read from sslcert and sslkey"),
    ],
)
def test_a_file_that_is_not_there_is_told_at_once(url, more, said):
    """Before any connection, and without its path, which may hold anything."""
    with pytest.raises(ConfigError, match=said) as caught:
        PostgresEngine(f"{url}?{more.format(p=PASSWORD)}")
    assert PASSWORD not in str(caught.value)
