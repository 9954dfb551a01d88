"""What Redis promises beyond the contract: its loss is told at once, and its return is noticed."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from naru.engines.kv.base import StoreUnavailable
from naru.engines.kv.redis import RedisKeyValue
from naru.kernel.errors import ConfigError
from tests.services import PASSWORD, free_port

pytestmark = pytest.mark.service


@pytest.fixture
async def open_store(redis_server, tmp_path):
    opened = []

    def open_store(url=None, *, timeout_s=0.25) -> RedisKeyValue:
        opened.append(RedisKeyValue(url or redis_server.url, prefix=tmp_path.name, timeout_s=timeout_s))
        return opened[-1]

    yield open_store
    for store in opened:
        await store.close()


async def come_back(store) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                await store.get("a")
            except StoreUnavailable:
                await asyncio.sleep(0.02)
            else:
                return


async def test_replicas_share_it_and_other_narus_do_not(open_store, redis_server):
    """Two replicas see one value; another prefix is another store."""
    first, second = open_store(), open_store()
    other = RedisKeyValue(redis_server.url, prefix="other")
    await first.set("a", b"1")
    assert await second.get("a") == b"1"
    assert await other.get("a") is None
    assert await first.generation() == await second.generation()
    await other.close()


async def test_a_server_that_is_gone_is_told_at_once(open_store, redis_server, caplog):
    """After the first failure nobody waits; is_available says so; the log has its loss and its return."""
    store = open_store()
    await store.incr("a", ttl_s=60)
    before = await store.generation()
    with caplog.at_level(logging.WARNING, "naru"):
        await asyncio.to_thread(redis_server.stop)
        try:
            for _ in range(20):
                with pytest.raises(StoreUnavailable) as caught:
                    await store.incr("a", ttl_s=60)
            assert not store.is_available
            assert caught.value.status == 503
        finally:
            await asyncio.to_thread(redis_server.start)
        await come_back(store)
    assert store.is_available
    assert await store.generation() != before, "what was counted is lost, and that can be seen"
    assert await store.incr("a", ttl_s=60) == 1
    told = [r.getMessage() for r in caplog.records if r.name.startswith("naru")]
    assert len(told) == 2
    assert PASSWORD not in "".join(told)


async def test_a_server_that_hangs_delays_one_call_and_not_the_next(open_store, redis_server):
    """One timeout finds it out; while it hangs hundreds of calls together wait for one more at most."""
    store = open_store(timeout_s=0.2)
    await store.get("a")
    redis_server.hang()
    try:
        with pytest.raises(StoreUnavailable):
            await store.get("a")
        began = time.monotonic()
        for _ in range(300):
            with pytest.raises(StoreUnavailable):
                await store.get("a")
        assert time.monotonic() - began < 0.4
    finally:
        redis_server.go_on()
    await come_back(store)


async def test_an_addition_is_not_repeated(open_store, redis_server):
    """Its answer was lost, so nobody knows: it is said so, and the counter has it once at most."""
    store = open_store(timeout_s=0.1)
    await store.incr("a", ttl_s=60)
    redis_server.hang()
    with pytest.raises(StoreUnavailable):
        await store.incr("a", ttl_s=60)
    redis_server.go_on()
    await come_back(store)
    assert await store.get("a") in {b"1", b"2"}


async def test_a_full_or_read_only_server_counts_as_gone(open_store, redis_server):
    """A store that cannot write cannot hold a limit."""
    import redis

    store = open_store()
    with redis.Redis.from_url(redis_server.url) as admin:
        admin.config_set("maxmemory", 1)
        try:
            with pytest.raises(StoreUnavailable):
                await store.incr("a", ttl_s=60)
        finally:
            admin.config_set("maxmemory", 0)
    await come_back(store)


@pytest.mark.parametrize(
    "change", [lambda url: url.replace(PASSWORD, "wrong-and-secret"), None], ids=["password", "port"]
)
async def test_a_server_that_cannot_be_used_is_said_without_secrets(open_store, redis_server, change):
    """Neither message nor log holds the address's password."""
    url = change(redis_server.url) if change else f"redis://:{PASSWORD}@127.0.0.1:{free_port()}/0"
    store = open_store(url)
    with pytest.raises(StoreUnavailable) as caught:
        await store.get("a")
    shown = f"{caught.value}{store.place}{store!r}"
    assert PASSWORD not in shown
    assert "wrong-and-secret" not in shown


@pytest.mark.parametrize("url", [f"http://:{PASSWORD}@h", f"redis://:{PASSWORD}@h:port/0", "nonsense"])
def test_an_address_that_cannot_be_read_is_not_repeated(url):
    with pytest.raises(ConfigError, match="write redis://") as caught:
        RedisKeyValue(url)
    assert PASSWORD not in str(caught.value)


async def test_a_call_that_is_given_up_leaves_no_answer_to_the_next(open_store):
    """Cancelled in the middle, the connection is not used again: nobody reads another's answer."""
    store = open_store(timeout_s=5)
    await store.set("a", b"a")
    await store.set("b", b"b")
    for _ in range(30):
        task = asyncio.create_task(store.get("a"))
        await asyncio.sleep(0)
        task.cancel()
        assert await store.get("b") == b"b"
    assert store.is_available
