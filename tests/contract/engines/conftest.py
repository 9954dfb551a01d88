"""Each engine of a family, fresh: the suites do not know which they test, but by a test's own wish."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from naru.engines.kv.memory import MemoryKeyValue
from naru.engines.sql.base import SqlEngine
from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.kernel.clock import SystemClock

POSTGRES = pytest.param("postgresql", marks=pytest.mark.service)
REDIS = pytest.param("redis", marks=pytest.mark.service)


@pytest.fixture(params=["sqlite", POSTGRES])
def open_engine(request, tmp_path) -> Iterator[Callable[[], SqlEngine]]:
    """Opens the test's database, as often as it likes: each is what a replica of its own would have."""
    opened: list[SqlEngine] = []
    if request.param == "postgresql":
        from naru.engines.sql.postgres import PostgresEngine

        url = request.getfixturevalue("postgres_server").create_database()

    def open_engine() -> SqlEngine:
        if request.param == "postgresql":
            opened.append(PostgresEngine(url))
        else:
            opened.append(SqliteEngine(tmp_path / "home" / FILE_NAME))
        return opened[-1]

    yield open_engine
    for engine in opened:
        engine.close()


@pytest.fixture
def engine(open_engine) -> SqlEngine:
    return open_engine()


@pytest.fixture(params=["memory", REDIS])
async def store(request, tmp_path):
    if request.param == "memory":
        store = MemoryKeyValue(SystemClock())
    else:
        from naru.engines.kv.redis import RedisKeyValue

        url = request.getfixturevalue("redis_server").url
        store = RedisKeyValue(url, prefix=tmp_path.name, timeout_s=5)
    yield store
    await store.close()
