"""HTTP/1.1 by hand, for clients that must cost next to nothing and must see when each byte came."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from bench.processes import BenchError

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:\s*chunked", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how one gateway is asked, so that the request reaches the wanted upstream."""

    port: int
    model: str
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = "/v1/chat/completions"

    def build_body(self, prompt: str, **fields: Any) -> bytes:
        """A chat request in compact JSON, as the official SDK sends it."""
        messages = [
            {"role": "system", "content": "You answer briefly and to the point."},
            {"role": "user", "content": prompt},
        ]
        return json.dumps(
            {"model": self.model, "messages": messages, **fields}, ensure_ascii=False, separators=(",", ":")
        ).encode()

    def build_request(self, body: bytes) -> bytes:
        lines = [
            f"POST {self.path} HTTP/1.1",
            f"host: 127.0.0.1:{self.port}",
            "content-type: application/json",
            "accept: */*",
            *(f"{name}: {value}" for name, value in self.headers.items()),
            f"content-length: {len(body)}",
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Connection:
    """One blocking keep-alive connection with TCP_NODELAY: no event loop between clock and wire."""

    def __init__(self, port: int, timeout_s: float = 30) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send one request and read its whole answer: status and decoded body."""
        self._socket.sendall(request)
        buffer = b""
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            buffer += self._receive()
        head, rest = buffer[:end], buffer[end + 4 :]
        status = int(head[9:12])
        if length := _LENGTH.search(head):
            wanted = int(length[1])
            while len(rest) < wanted:
                rest += self._receive()
            return status, rest
        if not _CHUNKED.search(head):
            raise BenchError("an answer without length cannot be told from a broken one")
        while not rest.endswith(b"0\r\n\r\n"):
            rest += self._receive()
        return status, b"".join(payload for payload, _ in split_chunks(rest))

    def _receive(self) -> bytes:
        data = self._socket.recv(262_144)
        if not data:
            raise BenchError("the gateway closed the connection inside an answer")
        return data

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def split_chunks(raw: bytes) -> list[tuple[bytes, int]]:
    """Chunked transfer coding undone: each payload with the offset in `raw` just after it."""
    chunks: list[tuple[bytes, int]] = []
    at = 0
    while (line_end := raw.find(b"\r\n", at)) >= 0:
        size = int(raw[at:line_end].partition(b";")[0], 16)
        start = line_end + 2
        if size == 0 or start + size > len(raw):
            break
        chunks.append((raw[start : start + size], start + size))
        at = start + size + 2
    return chunks


@dataclass(frozen=True, slots=True)
class Event:
    """One SSE event and when its last byte came."""

    at: float
    data: bytes


def read_events(reads: list[tuple[float, bytes]]) -> tuple[int, list[Event]]:
    """The status and the SSE events of one streamed answer from its timed reads."""
    raw = b"".join(data for _, data in reads)
    head_end = raw.find(b"\r\n\r\n")
    if head_end < 0:
        return 0, []
    head, body = raw[:head_end], raw[head_end + 4 :]
    pieces = split_chunks(body) if _CHUNKED.search(head) else [(body, len(body))]
    marks: list[tuple[int, float]] = []
    total = 0
    for at, data in reads:
        total += len(data)
        marks.append((total, at))
    events: list[Event] = []
    pending = b""
    mark = 0
    for payload, end in pieces:
        raw_end = head_end + 4 + end
        while mark < len(marks) - 1 and marks[mark][0] < raw_end:
            mark += 1
        *whole, pending = (pending + payload).replace(b"\r\n", b"\n").split(b"\n\n")
        for block in whole:
            lines = [line[5:].lstrip() for line in block.split(b"\n") if line.startswith(b"data:")]
            if lines:
                events.append(Event(marks[mark][1], b"\n".join(lines)))
    return int(head[9:12]), events
