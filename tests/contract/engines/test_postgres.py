"""What PostgreSQL promises beyond the contract: it may go and come back, and its password is told nobody."""

from __future__ import annotations

import logging
import os
import signal
import threading

import pytest
import sqlalchemy as sa

from naru.engines.sql.base import DatabaseUnavailable
from naru.engines.sql.postgres import DatabaseNotReady, PostgresEngine
from naru.kernel.errors import ConfigError
from tests.services import PASSWORD, free_port

pytestmark = pytest.mark.service


@pytest.fixture
def open_engine(postgres_server):
    opened = []

    def open_engine(url=None, **options) -> PostgresEngine:
        opened.append(PostgresEngine(url or postgres_server.create_database(), **options))
        return opened[-1]

    yield open_engine
    for engine in opened:
        engine.close()


def one(engine) -> int:
    with engine.connect() as connection:
        return connection.exec_driver_sql("SELECT 1").scalar_one()


def test_a_restart_of_the_server_costs_nobody_an_error(open_engine, postgres_server):
    """Connections in the pool die with the server; whoever asks next gets a new one."""
    engine = open_engine()
    engine.migrate()
    assert one(engine) == 1
    for mode in ("fast", "immediate"):
        postgres_server.stop(mode)
        try:
            with pytest.raises(DatabaseUnavailable) as caught:
                one(engine)
            assert PASSWORD not in str(caught.value)
            assert "127.0.0.1" not in str(caught.value)
        finally:
            postgres_server.start()
        assert one(engine) == 1


def test_a_transaction_that_is_cut_is_unavailable_and_leaves_nothing(open_engine):
    """The server ends the connection in the middle: said as 503, nothing written, the next one works."""
    engine = open_engine()
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n BIGINT)")

    def write_and_be_cut() -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO t VALUES (1)")
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with engine.connect() as other:
                other.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
            connection.exec_driver_sql("INSERT INTO t VALUES (2)")

    with pytest.raises(DatabaseUnavailable):
        write_and_be_cut()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM t").scalar_one() == 0


def test_a_statement_that_takes_too_long_is_cancelled(open_engine):
    """The server itself stops it, so that it holds no lock and no connection for ever."""
    engine = open_engine(statement_timeout_s=0.05)
    with pytest.raises(DatabaseUnavailable), engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(30)")
    with engine.begin_unbounded() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(0.1)")
    assert one(engine) == 1


def test_the_pool_is_bounded(open_engine, postgres_server, monkeypatch):
    """No more connections than were allowed; whoever finds none free is told to try again."""
    monkeypatch.setattr("naru.engines.sql.postgres._POOL_WAIT_S", 0.05)
    engine = open_engine(pool_size=2)
    with engine.connect() as first, engine.connect() as second:
        for held in (first, second):
            held.exec_driver_sql("SELECT 1")
        with pytest.raises(DatabaseUnavailable):
            one(engine)
    assert one(engine) == 1


def test_a_standby_is_left_at_the_next_try(open_engine):
    """After a failover a connection leads to a read-only server: it is dropped, not kept for half an hour."""
    engine = open_engine(pool_size=2)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n BIGINT)")
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()

    def write_to_a_standby() -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")  # what a standby is to a client
            connection.exec_driver_sql("INSERT INTO t VALUES (1)")

    with pytest.raises(DatabaseUnavailable) as caught:
        write_to_a_standby()
    assert not engine.is_row_fault(caught.value)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() != pid


def test_readers_cannot_write(open_engine):
    """connect() is for reading, and the server holds it to that."""
    engine = open_engine()
    with pytest.raises(DatabaseUnavailable), engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n BIGINT)")
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []


def test_the_server_sees_who_is_connected(open_engine):
    """An administrator finds Naru's connections by name, unless the URL names them otherwise."""
    engine = open_engine()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW application_name").scalar_one() == "naru"


def test_hosts_are_tried_in_their_order(open_engine, postgres_server):
    """Several hosts, as libpq takes them: the first that answers, by a name of our choice."""
    url = postgres_server.create_database()
    dead = f"127.0.0.1:{free_port()},"
    several = url.replace("127.0.0.1", f"{dead}127.0.0.1") + "?application_name=seoul-1&sslmode=prefer"
    engine = open_engine(several)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW application_name").scalar_one() == "seoul-1"
    assert engine.place.startswith("postgresql://127.0.0.1:")


def test_a_server_that_takes_no_writes_is_passed_by(open_engine, postgres_server):
    """With target_session_attrs=read-write nobody settles on a standby; waiting may help."""
    url = postgres_server.create_database()
    name = url.rpartition("/")[2]
    postgres_server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert one(open_engine(url)) == 1
    engine = open_engine(f"{url}?target_session_attrs=read-write", start_wait_s=0)
    with pytest.raises(DatabaseNotReady, match="takes no writes"):
        engine.migrate()
    postgres_server.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert one(engine) == 1


def test_a_socket_of_the_machine(open_engine, postgres_server):
    """host=/folder needs no wire, as libpq does it; other options reach the server."""
    name = postgres_server.create_database().rpartition("/")[2]
    where = f"host={postgres_server.folder}&port={postgres_server.port}&options=-c%20work_mem%3D7MB"
    engine = open_engine(f"postgresql://naru:{PASSWORD}@/{name}?{where}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT inet_client_addr()").scalar() is None
        assert connection.exec_driver_sql("SHOW work_mem").scalar_one() == "7MB"
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "30s"


def test_a_server_that_falls_silent_is_noticed(open_engine, postgres_server, monkeypatch):
    """Its host is up and its processes hang: told soon after a statement's time is over."""
    monkeypatch.setattr("naru.engines.sql.postgres._REPLY_MARGIN_S", 0.2)
    engine = open_engine(statement_timeout_s=0.3)

    def ask_a_hanging_process() -> None:
        with engine.begin() as connection:
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            os.kill(pid, signal.SIGSTOP)
            try:
                connection.exec_driver_sql("SELECT 1")
            finally:
                os.kill(pid, signal.SIGCONT)

    with pytest.raises(DatabaseUnavailable):
        ask_a_hanging_process()
    assert one(engine) == 1


def test_a_value_that_cannot_be_sent_leaves_the_connection_usable(open_engine):
    """Text that is not Unicode fails before a byte of it is sent, and not the statement after it."""
    engine = open_engine(pool_size=2)
    with engine.connect() as connection:
        with pytest.raises(UnicodeEncodeError) as caught:
            connection.exec_driver_sql("SELECT %s::text", ("\ud800",))
        assert engine.is_row_fault(caught.value)
        assert (
            connection.exec_driver_sql("SELECT %s::text", ("나루 %s $1 \\ '",)).scalar_one()
            == "나루 %s $1 \\ '"
        )
        with pytest.raises(sa.exc.DataError) as caught:
            connection.exec_driver_sql("SELECT %s::text", ("a\0b",))
        assert engine.is_row_fault(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: url.replace(PASSWORD, "wrong-and-secret"), "refuses the password"),
        (lambda url: url.rpartition("/")[0] + "/nowhere", "no such database"),
        (lambda url: url + "?sslmode=require", "offers no TLS"),
        (lambda url: url.replace(f":{PASSWORD}@", "@"), "asks for a password"),
        (lambda url: url.replace("naru:", "nobody:"), "refuses the password"),
        (lambda url: url + "?options=-c%20nothing.like%3Dthis%20-c%20nothing%3D1", "setting in the URL"),
        (lambda url: url + "?channel_binding=require", "does not prove who it is"),
        (lambda url: url.replace("127.0.0.1", "/nowhere".replace("/", "%2F")), "no socket"),
        (lambda url: url.replace("127.0.0.1", "nobody.invalid"), "host name is not known"),
        (lambda url: url.replace(url.split(":")[-1].split("/")[0], str(free_port())), "nothing listens"),
    ],
    ids=["password", "database", "tls", "none", "user", "options", "binding", "socket", "host", "port"],
)
def test_a_server_that_cannot_be_used_is_explained(open_engine, postgres_server, change, said):
    """One sentence for the operator, with the place and without the password or the server's own words."""
    engine = open_engine(change(postgres_server.create_database()), start_wait_s=0)
    with pytest.raises(ConfigError, match=said) as caught:
        engine.migrate()
    shown = f"{caught.value}{caught.value.__cause__}{engine.place}{engine!r}"
    assert PASSWORD not in shown
    assert "wrong-and-secret" not in shown


def test_a_step_that_fails_is_told_in_words_of_ours(open_engine, postgres_server):
    """A user who may not make tables: no statement, no name of the server's in what the operator reads."""
    url = postgres_server.create_database()
    postgres_server.execute(f"CREATE USER reader PASSWORD '{PASSWORD}'")
    engine = open_engine(url.replace("naru:", "reader:", 1))
    with pytest.raises(ConfigError, match="this user may not do that there") as caught:
        engine.migrate()
    assert "CREATE TABLE" not in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_a_start_waits_for_a_server_that_starts_beside_it(open_engine, postgres_server, caplog):
    """Both come up together after a power cut: Naru waits, says so once, and goes on."""
    engine = open_engine()
    postgres_server.stop()
    starter = threading.Timer(0.6, postgres_server.start)
    starter.start()
    with caplog.at_level(logging.WARNING, "naru"):
        engine.migrate()
    starter.join()
    engine.require_current()
    told = [r.getMessage() for r in caplog.records if r.name.startswith("naru")]
    assert len(told) == 1
    assert "waiting for the database" in told[0]
    assert PASSWORD not in told[0]


def test_a_database_of_another_encoding_is_refused(open_engine, postgres_server):
    """Korean names do not fit into LATIN1; better known at the start than at the first of them."""
    url = postgres_server.create_database()
    postgres_server.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    engine = open_engine(url.rpartition("/")[0] + "/latin")
    with pytest.raises(ConfigError, match="stores text as LATIN1"):
        engine.migrate()
