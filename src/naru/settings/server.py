"""Where Naru listens, and how patient it is with upstreams."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from naru.settings.table import RESTART, Seconds, Table


class Server(Table):
    """Where Naru listens and what it accepts."""

    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address to listen on. 0.0.0.0 opens it to the network.",
        json_schema_extra=RESTART,
    )
    port: int = Field(
        8400,
        ge=0,
        le=65_535,
        description="Port to listen on; 0 takes a free one.",
        json_schema_extra=RESTART,
    )
    public_url: str | None = Field(
        None,
        description="Address by which browsers reach it, e.g. `https://naru.example.com`; default: as each "
        "request says it. Set it behind a proxy that ends TLS: cookies are Secure then.",
    )
    max_body_bytes: int = Field(20 * 1024 * 1024, ge=1024, description="Largest request body, in bytes.")
    max_concurrent_calls: int = Field(
        4096, ge=1, description="Calls in flight in one process; more get 503 with Retry-After."
    )
    shutdown_grace_s: Seconds = Field(
        30, description="How long running calls may finish at a stop.", json_schema_extra=RESTART
    )

    @field_validator("public_url")
    @classmethod
    def _is_an_origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            is_origin = parts.port != 0 and parts.path in ("", "/") and not parts.query and not parts.fragment
        except ValueError:
            raise ValueError("is not an address; write it as https://host[:port]") from None
        if not is_origin or "@" in parts.netloc or not value.isprintable() or " " in value:
            raise ValueError("must be https://host[:port] and nothing behind it")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must begin with https:// or http:// and name a host")
        return value.rstrip("/")


class Resilience(Table):
    """Timeouts, retries and circuit breakers of calls to upstreams. A provider can override the timeouts."""

    connect_timeout_s: Seconds = Field(5, description="Until the connection stands, TLS included.")
    first_token_timeout_s: Seconds = Field(
        120, description="Of a stream: from sending the request to the first content."
    )
    idle_timeout_s: Seconds = Field(60, description="Longest silence inside a stream.")
    total_timeout_s: Seconds = Field(
        600, description="All attempts together; a client's shorter deadline wins (x-naru-timeout-ms)."
    )
    max_retries: int = Field(2, ge=0, le=10, description="Further tries at the same target.")
    retry_budget: float = Field(
        0.2, ge=0, le=1, description="Retries may be this share of recent calls, so that they cannot storm."
    )
    retry_base_s: Seconds = Field(0.25, description="Backoff before retry k is random in [0, base·2^k].")
    retry_max_s: Seconds = Field(8, description="Longest single backoff; a longer Retry-After fails over.")
    breaker_failures: int = Field(5, ge=1, description="Failures in a row that open a target's circuit.")
    breaker_open_s: Seconds = Field(15, description="How long an open circuit rests before one trial call.")
