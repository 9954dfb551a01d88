"""One Redis 7+ or Valkey for all replicas. Loss is told at once: nothing waits longer than the timeout, and
while it is known to be gone nothing waits at all.

Commands are never repeated by themselves: an addition whose answer was lost may have been made.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import redis.asyncio as driver
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from naru.engines.kv.base import Facts, KeyValue, Lease, Reply, Script, StoreUnavailable
from naru.kernel.errors import ConfigError
from naru.kernel.ids import new_id

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_REST_S = 0.5
"""After a failure nobody is made to wait for so long; then one call tries again."""
_MAX_CONNECTIONS = 32

_NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
_INCR = """
local value = redis.call('INCRBY', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return value
"""
_COMPARE_AND_SET = """
local found = redis.call('GET', KEYS[1])
if ARGV[1] == '0' then
  if found then return 0 end
elseif found ~= ARGV[2] then
  return 0
end
if ARGV[3] == '0' then redis.call('DEL', KEYS[1])
elseif ARGV[5] == '0' then redis.call('SET', KEYS[1], ARGV[4])
else redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5]) end
return 1
"""
_HOLD = """
local ttl = tonumber(ARGV[2])
redis.call('ZADD', KEYS[1], now + ttl, ARGV[1])
if redis.call('PTTL', KEYS[1]) < ttl then redis.call('PEXPIRE', KEYS[1], ttl) end
"""
_EXPIRE = "redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)\n"
_ACQUIRE = (
    _NOW
    + _EXPIRE
    + """
local held = redis.call('ZSCORE', KEYS[1], ARGV[1])
local number = redis.call('ZCARD', KEYS[1])
if not held and number >= tonumber(ARGV[3]) then return {0, number} end
"""
    + _HOLD
    + "return {1, redis.call('ZCARD', KEYS[1])}"
)
_RENEW = (
    _NOW + _EXPIRE + "if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end\n" + _HOLD + "return 1"
)
_RELEASE = _NOW + _EXPIRE + "return redis.call('ZREM', KEYS[1], ARGV[1])"
_HOLDERS = _NOW + "return redis.call('ZCOUNT', KEYS[1], '(' .. now, '+inf')"
_GENERATION = """
local found = redis.call('GET', KEYS[1])
if found then return found end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
"""


class RedisKeyValue(KeyValue):
    """Belongs to one event loop.

    Args:
        url: redis://, rediss:// or unix://.
        prefix: of every key; replicas of one Naru have the same.
        timeout_s: longest wait for an answer.

    Raises:
        ConfigError: the address cannot be read.
    """

    def __init__(self, url: str, *, prefix: str = "naru", timeout_s: float = 0.25) -> None:
        self.place = _place(url)
        # In braces, so that all keys lie in one slot where the server is a cluster.
        self._prefix = f"{{{prefix}}}:"
        self._timeout_s = timeout_s
        self._resting_until = 0.0
        self._is_available = True
        try:
            pool = driver.BlockingConnectionPool.from_url(
                url,
                max_connections=_MAX_CONNECTIONS,
                timeout=timeout_s,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                retry=Retry(NoBackoff(), 0),
                client_name="naru",
            )
        except (ValueError, TypeError):
            raise ConfigError(
                "cannot be read; write redis://user:password@host:6379/0", path="the Redis URL"
            ) from None
        self._client: Any = driver.Redis(connection_pool=pool)
        self._scripts: dict[str, Any] = {}

    @property
    def is_shared(self) -> bool:
        """Always."""
        return True

    @property
    def is_available(self) -> bool:
        """As the contract says."""
        return self._is_available

    async def get(self, key: str) -> bytes | None:
        """As the contract says."""
        found: bytes | None = await self._ask(lambda: self._client.get(self._prefix + key))
        return found

    async def set(self, key: str, value: bytes, *, ttl_s: float | None = None) -> None:
        """As the contract says."""
        px = None if ttl_s is None else _ms(ttl_s)
        await self._ask(lambda: self._client.set(self._prefix + key, value, px=px))

    async def delete(self, *keys: str) -> int:
        """As the contract says."""
        if not keys:
            return 0
        count: int = await self._ask(lambda: self._client.delete(*(self._prefix + key for key in keys)))
        return count

    async def incr(self, key: str, by: int = 1, *, ttl_s: float) -> int:
        """As the contract says."""
        return _int(await self._eval(_INCR, [key], [by, _ms(ttl_s)]))

    async def compare_and_set(
        self, key: str, expected: bytes | None, value: bytes | None, *, ttl_s: float | None = None
    ) -> bool:
        """As the contract says."""
        arguments: list[str | bytes | int] = [
            0 if expected is None else 1,
            expected or b"",
            0 if value is None else 1,
            value or b"",
            0 if ttl_s is None else _ms(ttl_s),
        ]
        return await self._eval(_COMPARE_AND_SET, [key], arguments) == 1

    async def acquire(self, key: str, holder: str, *, limit: int, ttl_s: float) -> Lease:
        """As the contract says."""
        reply = await self._eval(_ACQUIRE, [key], [holder, _ms(ttl_s), limit])
        assert isinstance(reply, list)
        return Lease(is_held=reply[0] == 1, holders=_int(reply[1]))

    async def renew(self, key: str, holder: str, *, ttl_s: float) -> bool:
        """As the contract says."""
        return await self._eval(_RENEW, [key], [holder, _ms(ttl_s)]) == 1

    async def release(self, key: str, holder: str) -> bool:
        """As the contract says."""
        return await self._eval(_RELEASE, [key], [holder]) == 1

    async def holders(self, key: str) -> int:
        """As the contract says."""
        return _int(await self._eval(_HOLDERS, [key], []))

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Reply:
        """As the contract says."""
        return await self._eval(script.lua, keys, args)

    async def generation(self) -> str:
        """As the contract says."""
        found = await self._eval(_GENERATION, ["generation"], [new_id("gen")])
        assert isinstance(found, bytes)
        return found.decode()

    async def read_facts(self) -> Facts:
        """As the contract says."""
        info: dict[str, Any] = await self._ask(self._client.info)
        return {
            "kind": "redis",
            "place": self.place,
            "version": str(info.get("valkey_version") or info.get("redis_version")),
            "bytes": info.get("used_memory"),
            "eviction": info.get("maxmemory_policy"),
            "is_standby": info.get("role") != "master",
        }

    async def close(self) -> None:
        """As the contract says."""
        await self._client.aclose()
        await self._client.connection_pool.aclose()

    async def _eval(self, lua: str, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Reply:
        script = self._scripts.get(lua)
        if script is None:
            script = self._scripts[lua] = self._client.register_script(lua)
        reply: Reply = await self._ask(
            lambda: script(keys=[self._prefix + key for key in keys], args=list(args))
        )
        return reply

    async def _ask(self, command: Callable[[], Awaitable[_T]]) -> _T:
        now = time.monotonic()
        if not self._is_available:
            if now < self._resting_until:
                raise StoreUnavailable(_GONE, retry_after_s=1)
            self._resting_until = now + _REST_S  # this call tries; the others go on resting
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await command()
        except (RedisError, OSError, TimeoutError) as error:
            self._rest(error)
            # Without the driver's text: it names hosts, and a script's error quotes the script.
            raise StoreUnavailable(_GONE, retry_after_s=1) from error
        if not self._is_available:
            self._is_available = True
            _log.warning("Redis answers again (%s)", self.place)
        return answer

    def _rest(self, error: Exception) -> None:
        self._resting_until = time.monotonic() + _REST_S
        if self._is_available:
            self._is_available = False
            _log.error("Redis does not answer (%s, %s)", self.place, type(error).__name__)


_GONE = "The store that the replicas share does not answer right now. Try again in a moment."


def _place(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(
            "cannot be read; write redis://user:password@host:6379/0", path="the Redis URL"
        ) from None
    where = f"{host or ''}:{port}" if port else host or ""
    return f"{parts.scheme}://{where}{parts.path}"


def _ms(ttl_s: float) -> int:
    return max(1, math.ceil(ttl_s * 1000))


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
