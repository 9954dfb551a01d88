"""What every store of shared values promises, in process and in Redis."""

from __future__ import annotations

import asyncio

import pytest

from naru.engines.kv.base import Lease, Script


async def gone(is_gone) -> None:
    """Until the store's own clock has passed an end; only asking tells."""
    async with asyncio.timeout(10):
        while not await is_gone():  # noqa: ASYNC110 - the clock is the server's
            await asyncio.sleep(0.005)


async def test_a_value_is_what_was_set(store):
    """Bytes come back as they were, a missing key is None, and delete says how many there were."""
    assert await store.get("a") is None
    await store.set("a", b"\x00\xff\r\n")
    await store.set("b", b"")
    assert await store.get("a") == b"\x00\xff\r\n"
    assert await store.get("b") == b""
    assert await store.delete("a", "b", "c") == 2
    assert await store.get("a") is None
    assert await store.delete() == 0


async def test_a_value_expires(store):
    """After its time a value is not there; setting it anew without a time keeps it."""
    await store.set("a", b"1", ttl_s=0.02)
    await store.set("b", b"1", ttl_s=0.02)
    await store.set("b", b"2")
    await gone(lambda: _is(store.get("a"), None))
    assert await store.get("b") == b"2"


async def test_a_counter_counts_for_its_time_from_the_first_addition(store):
    """Adding later does not prolong it: a window of a limit ends when it was to end."""
    assert await store.incr("n", ttl_s=0.15) == 1
    assert await store.incr("n", 5, ttl_s=100) == 6
    assert await store.incr("n", -2, ttl_s=100) == 4
    assert await store.get("n") == b"4"
    await gone(lambda: _is(store.get("n"), None))
    assert await store.incr("n", 7, ttl_s=1) == 7


async def test_no_addition_is_lost(store):
    """Many at once: the last value is their sum, and no two saw the same."""
    seen = await asyncio.gather(*(store.incr("n", ttl_s=60) for _ in range(200)))
    assert sorted(seen) == list(range(1, 201))


async def test_compare_and_set_changes_only_what_was_expected(store):
    """Set when absent, change when equal, remove when equal; otherwise nothing happens."""
    assert await store.compare_and_set("a", None, b"1")
    assert not await store.compare_and_set("a", None, b"2")
    assert not await store.compare_and_set("a", b"2", b"3")
    assert await store.compare_and_set("a", b"1", b"")
    assert await store.compare_and_set("a", b"", b"2", ttl_s=60)
    assert not await store.compare_and_set("a", b"1", None)
    assert await store.get("a") == b"2"
    assert await store.compare_and_set("a", b"2", None)
    assert await store.get("a") is None
    assert await store.compare_and_set("a", None, None)
    assert await store.compare_and_set("b", None, b"1", ttl_s=0.02)
    await gone(lambda: _is(store.get("b"), None))


async def test_one_of_many_wins_a_compare_and_set(store):
    """Exactly one of those who found it absent has set it."""
    won = await asyncio.gather(*(store.compare_and_set("leader", None, b"%d" % n) for n in range(50)))
    assert won.count(True) == 1
    assert await store.get("leader") == b"%d" % won.index(True)


async def test_no_more_places_than_the_limit(store):
    """Fifty ask at once for ten places: ten have one, and a released place goes to the next."""
    asked = await asyncio.gather(*(store.acquire("l", f"call-{n}", limit=10, ttl_s=60) for n in range(50)))
    held = [n for n, lease in enumerate(asked) if lease.is_held]
    assert len(held) == 10
    assert await store.holders("l") == 10
    assert await store.acquire("l", "late", limit=10, ttl_s=60) == Lease(is_held=False, holders=10)
    assert await store.release("l", f"call-{held[0]}")
    assert not await store.release("l", f"call-{held[0]}")
    assert await store.acquire("l", "late", limit=10, ttl_s=60) == Lease(is_held=True, holders=10)


async def test_a_place_of_one_who_vanished_comes_back(store):
    """No call keeps its place longer than its time, whether or not it is ever heard of again."""
    assert await store.acquire("l", "vanishes", limit=2, ttl_s=0.05) == Lease(is_held=True, holders=1)
    assert await store.acquire("l", "stays", limit=2, ttl_s=60) == Lease(is_held=True, holders=2)
    await gone(lambda: _is(store.holders("l"), 1))
    assert await store.acquire("l", "next", limit=2, ttl_s=60) == Lease(is_held=True, holders=2)
    assert not await store.renew("l", "vanishes", ttl_s=60)
    assert not await store.release("l", "vanishes")


async def test_asking_again_and_renewing_keep_a_place(store):
    """Both move its end; neither takes a second place, and asking again succeeds though the limit sank."""
    for _ in range(3):
        assert await store.acquire("l", "a", limit=1, ttl_s=0.05) == Lease(is_held=True, holders=1)
    assert await store.acquire("l", "a", limit=0, ttl_s=60) == Lease(is_held=True, holders=1)
    await store.acquire("m", "a", limit=1, ttl_s=0.2)
    assert await store.renew("m", "a", ttl_s=60)
    await store.set("mark", b"", ttl_s=0.25)
    await gone(lambda: _is(store.get("mark"), None))
    assert await store.holders("l") == 1
    assert await store.holders("m") == 1


def _take(state, keys, args) -> int:
    amount, *limits = map(int, args)
    used = [int(state.read(key) or 0) for key in keys]
    for number, (now, limit) in enumerate(zip(used, limits, strict=True)):
        if now + amount > limit:
            return number
    for key, now in zip(keys, used, strict=True):
        state.write(key, b"%d" % (now + amount), 60_000)
    return -1


# Takes ARGV[1] from every counter that has room for it, or from none: what limits need.
TAKE = Script(
    lua="""
for i, key in ipairs(KEYS) do
  local used = tonumber(redis.call('GET', key) or '0')
  if used + ARGV[1] > tonumber(ARGV[i + 1]) then return i - 1 end
end
for _, key in ipairs(KEYS) do
  redis.call('INCRBY', key, ARGV[1])
  if redis.call('PTTL', key) < 0 then redis.call('PEXPIRE', key, 60000) end
end
return -1
""",
    python=_take,
)


async def test_a_script_is_one_step(store):
    """Asked for by many at once, it takes from all counters or from none, and never past a limit."""
    said = await asyncio.gather(*(store.run(TAKE, ["key", "team"], [3, 100, 50]) for _ in range(40)))
    assert said.count(-1) == 16
    assert set(said) == {-1, 1}
    assert await store.get("key") == b"48"
    assert await store.get("team") == b"48"
    assert await store.run(TAKE, ["key", "team"], ["2", b"100", 50]) == -1


async def test_a_generation_lasts_as_long_as_the_content(store):
    """The same name for whoever asks."""
    assert len({await store.generation() for _ in range(3)}) == 1


async def test_facts_tell_what_it_is_and_no_password(store):
    """Kind and place, for the operator."""
    facts = await store.read_facts()
    assert facts["kind"] in {"memory", "redis"}
    assert facts["place"]
    assert "kept-out" not in str(facts)
    assert store.is_available


async def _is(value, wanted) -> bool:
    return await value == wanted


@pytest.mark.parametrize("store", ["memory"], indirect=True)
async def test_memory_follows_what_is_alive(store):
    """A million keys that expired take no room: each write removes some of them."""
    for n in range(3_000):
        await store.set(f"old-{n}", b"", ttl_s=0.001)
    await asyncio.sleep(0.002)
    for n in range(500):
        await store.set(f"new-{n}", b"", ttl_s=60)
    assert len(store) <= 500
