"""Which store it is: this process's own unless the settings name a Redis. For app.py and the CLI alone."""

from __future__ import annotations

from naru.engines.kv.base import KeyValue
from naru.engines.kv.memory import MemoryKeyValue
from naru.kernel.clock import Clock
from naru.settings.model import Redis


def open_store(settings: Redis, clock: Clock) -> KeyValue:
    """The store of these settings; not connected yet.

    Raises:
        ConfigError: the address cannot be read.
    """
    if settings.url is None:
        return MemoryKeyValue(clock)
    from naru.engines.kv.redis import RedisKeyValue  # noqa: PLC0415  one Naru alone needs no driver

    return RedisKeyValue(
        settings.url.get_secret_value(), prefix=settings.prefix, timeout_s=settings.timeout_s
    )
