"""What the upstream saw of one request, kept for the test that asks."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec


class Received:
    """One request. Headers are lower-case; of a header that came twice the last one is kept.

    `closed_early` turns True when the client went away before the answer was written; `finished` is set
    when the answer was written, cut as scripted, or left by the client.
    """

    __slots__ = ("_finished", "at", "body", "closed_early", "is_finished", "method", "raw_headers", "target")

    def __init__(
        self, method: str, target: str, raw_headers: list[tuple[bytes, bytes]], body: bytes, at: float
    ) -> None:
        self.method = method
        self.target = target
        self.raw_headers = raw_headers
        self.body = body
        self.at = at
        self.closed_early = False
        self.is_finished = False
        self._finished: asyncio.Event | None = None

    @property
    def path(self) -> str:
        """The path, percent-decoded, without the query."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, str]:
        """The query's fields."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def headers(self) -> dict[str, str]:
        """Headers by lower-case name."""
        return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self.raw_headers}

    @property
    def json(self) -> Any:
        """The body as JSON. Raises msgspec.DecodeError when it is none."""
        return msgspec.json.decode(self.body)

    @property
    def finished(self) -> asyncio.Event:
        """Set when the upstream is through with this request, one way or the other."""
        if self._finished is None:
            self._finished = asyncio.Event()
            if self.is_finished:
                self._finished.set()
        return self._finished

    def finish(self, *, closed_early: bool = False) -> None:
        """Called once by the connection."""
        self.is_finished = True
        self.closed_early = closed_early
        if self._finished is not None:
            self._finished.set()

    def __repr__(self) -> str:
        return f"<Received {self.method} {self.path} {len(self.body)} bytes>"
