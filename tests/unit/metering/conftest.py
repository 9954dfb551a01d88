"""A real ledger, in SQLite and (marked `service`) in PostgreSQL, and calls to put into it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from tests.databases import place

from naru.engines.sql.base import SqlEngine
from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.kernel.clock import FrozenClock
from naru.kernel.tokens import Usage
from naru.metering import Attempt, Call, Cost

NOON = FrozenClock().now_ns() + 12 * 3_600 * 1_000_000_000
PRICED = Cost(nano_usd=1_500, state="priced", price_version="openai/gpt-4o@2026-01-01")
USAGE = Usage(input_tokens=100, cache_read_tokens=20, output_tokens=30, reasoning_tokens=5)


def new_attempt(number: int = 1, **changes: object) -> Attempt:
    fields = {
        "id": f"att_{number}",
        "number": number,
        "started_at_ns": NOON,
        "provider": "openai",
        "vendor": "openai",
        "site": "cloud",
        "model": "gpt-4o",
        "status": "ok",
        "upstream_status": 200,
        "error_code": None,
        "finish_reason": "stop",
        "first_token_ms": 12.5,
        "duration_ms": 40.25,
        "usage": USAGE,
        "cost": PRICED,
    }
    return Attempt(**(fields | changes))


def new_call(number: int = 1, **changes: object) -> Call:
    fields = {
        "id": f"req_{number:08d}",
        "started_at_ns": NOON + number,
        "endpoint": "chat",
        "is_stream": True,
        "key_id": "key_1",
        "org": None,
        "team": "search",
        "project": None,
        "user": "someone",
        "tags": {"feature": "summary"},
        "route": None,
        "model_asked": "fast",
        "model_served": "gpt-4o",
        "provider": "openai",
        "site": "cloud",
        "status": "ok",
        "http_status": 200,
        "error_code": None,
        "error_class": None,
        "finish_reason": "stop",
        "first_token_ms": 12.5,
        "duration_ms": 40.25,
        "overhead_ms": 0.25,
        "usage": USAGE,
        "cost": PRICED,
        "cache": "miss",
        "masked_count": None,
        "energy_wh": None,
        "energy_source": None,
        "policy": None,
        "attempts": (new_attempt(),),
    }
    return Call(**(fields | changes))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def open_engine(request, tmp_path) -> Iterator[Callable[[], SqlEngine]]:
    """Opens the test's ledger, as often as it likes."""
    opened: list[SqlEngine] = []
    if request.param == "postgresql":
        from naru.engines.sql.postgres import PostgresEngine

        url = request.getfixturevalue("postgres_server").create_database()

    def open_engine() -> SqlEngine:
        if request.param == "postgresql":
            opened.append(PostgresEngine(url, start_wait_s=0))
        else:
            opened.append(SqliteEngine(place(tmp_path / FILE_NAME), busy_timeout_ms=20))
        return opened[-1]

    yield open_engine
    for engine in opened:
        engine.close()


@pytest.fixture
def engine(open_engine) -> SqlEngine:
    engine = open_engine()
    engine.migrate()
    return engine


@pytest.fixture
def wait_for_count(engine, open_engine) -> Callable[[int], None]:
    """Blocks until the ledger holds so many calls; looks again whenever a connection was given back."""
    changed = threading.Condition()

    def on_checkin(*_: object) -> None:
        with changed:
            changed.notify_all()

    sa.event.listen(engine.sqlalchemy, "checkin", on_checkin)

    def wait(number: int) -> None:
        other = open_engine()

        def is_there() -> bool:
            with other.connect() as connection:
                return connection.exec_driver_sql("SELECT count(*) FROM calls").scalar_one() == number

        with changed:
            assert changed.wait_for(is_there, timeout=20)

    return wait


class LogWatch(logging.Handler):
    """Records of one logger, and a way to wait for the next that says a given thing."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []
        self._new = threading.Condition()

    def emit(self, record: logging.LogRecord) -> None:
        with self._new:
            self.messages.append(record.getMessage())
            self._new.notify_all()

    def wait_for(self, text: str) -> None:
        with self._new:
            assert self._new.wait_for(lambda: any(text in m for m in self.messages), timeout=20), (
                self.messages
            )


@pytest.fixture
def ledger_log() -> Iterator[LogWatch]:
    watch = LogWatch()
    logger = logging.getLogger("naru.metering.writer")
    logger.addHandler(watch)
    yield watch
    logger.removeHandler(watch)


@pytest.fixture
def make_call() -> Callable[..., Call]:
    return new_call


@pytest.fixture
def make_attempt() -> Callable[..., Attempt]:
    return new_attempt
