"""Puts an answer on the wire: pacing, framing, and the faults that happen to bytes and sockets."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from http import HTTPStatus
from typing import Protocol

from naru.testing.upstream.answer import Answer
from naru.testing.upstream.turn import ID_MARK

_MARK = ID_MARK.encode()
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_CUT_PAUSE_S = 0.001
"""Between the two halves of a character: long enough that the other side reads them apart."""


class Wire(Protocol):
    """The connection as delivery needs it."""

    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None:
        """Returns when the client takes more."""
        ...

    async def reset(self) -> None:
        """Let what was written arrive, then reset."""
        ...

    def close(self) -> None:
        """Let what was written arrive, then send FIN."""
        ...


class _Cut(Exception):
    """The byte was reached at which the script ends the body."""


def encode_head(answer: Answer, framing: str, length: int, *, is_keep_alive: bool) -> bytes:
    """The status line and headers."""
    lines = [f"HTTP/1.1 {answer.status} {_PHRASES.get(answer.status, 'Unknown')}"]
    has_type = bool(answer.pieces) or answer.is_stream
    if has_type:
        lines.append(f"content-type: {answer.content_type}")
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if framing == "length":
        lines.append(f"content-length: {length}")
    elif framing == "chunked":
        lines.append("transfer-encoding: chunked")
    if answer.script.gzip:
        lines.append("content-encoding: gzip")
    if not is_keep_alive:
        lines.append("connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def encode_whole(answer: Answer) -> list[bytes]:
    """Head and body of an answer that may go out at once, cut where the request's id belongs."""
    body = b"".join(piece.data for piece in answer.pieces)
    return (encode_head(answer, "length", len(body), is_keep_alive=True) + body).split(_MARK)


async def deliver(wire: Wire, answer: Answer, id: bytes, *, is_keep_alive: bool, is_http10: bool) -> bool:
    """Send `answer` as its script says. True when the connection may carry another request.

    Args:
        id: put where the answer has its mark.
        is_keep_alive: the client wants the connection kept.
        is_http10: the client cannot read chunks.
    """
    script = answer.script
    wait_ms = script.delay_headers_ms + (0 if answer.is_stream else script.delay_first_ms)
    if wait_ms:
        await asyncio.sleep(wait_ms / 1000)
    if script.reset_at_byte == -1:
        await wire.reset()
        return False
    if script.close_at_byte == -1:
        wire.close()
        return False
    if not answer.is_stream and answer.pieces and answer.pieces[0].kind == "stall":
        await _forever()
    framing = _framing(answer, is_http10=is_http10)
    if framing == "close":
        is_keep_alive = False
    body = _Body(wire, answer, framing, id)
    wire.write(encode_head(answer, framing, body.length, is_keep_alive=is_keep_alive).replace(_MARK, id))
    try:
        await _send(answer, body)
    except _Cut:
        if script.reset_at_byte is not None:
            await wire.reset()
        else:
            wire.close()
        return False
    is_kept = is_keep_alive and not script.hang_up
    if not is_kept:
        wire.close()
    return is_kept


async def _send(answer: Answer, body: _Body) -> None:
    script = answer.script
    loop = asyncio.get_running_loop()
    due = 0.0
    for piece in answer.pieces:
        if piece.kind == "stall":
            await _forever()
        elif piece.kind == "token":
            # Absolute times, so that 2,000 tokens do not drift.
            due = due + script.delay_token_ms / 1000 if due else loop.time() + script.delay_first_ms / 1000
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
        await body.write(piece.data)
    await body.end()
    if answer.is_cut:
        raise _Cut


def _framing(answer: Answer, *, is_http10: bool) -> str:
    script = answer.script
    framing = script.framing
    if framing == "auto":
        if answer.is_cut or (answer.is_stream and script.close_at_byte is not None):
            framing = "close"
        elif answer.is_stream:
            framing = "chunked"
        else:
            framing = "length"
    if framing == "chunked" and is_http10:
        framing = "close"
    return framing


async def _forever() -> None:
    await asyncio.get_running_loop().create_future()


class _Body:
    """Compresses, cuts, counts and frames what is written."""

    def __init__(self, wire: Wire, answer: Answer, framing: str, id: bytes) -> None:
        script = answer.script
        self._wire = wire
        self._script = script
        self._is_chunked = framing == "chunked"
        self._id = id
        limits = [n for n in (script.reset_at_byte, script.close_at_byte) if n is not None]
        self._left = min(limits) if limits else None
        self._zip = zlib.compressobj(wbits=31) if script.gzip else None
        self._whole: bytes | None = None
        self.length = 0
        """What a content-length must say."""
        if framing == "length":
            plain = b"".join(piece.data for piece in answer.pieces)
            if self._zip is not None:
                # The length must be known before the first byte, so the body is compressed in one.
                plain = self._whole = self._zip.compress(plain.replace(_MARK, id)) + self._zip.flush()
            self.length = len(plain)
            if any(piece.kind == "stall" for piece in answer.pieces):
                self.length *= 2

    async def write(self, data: bytes) -> None:
        """One piece, in as many writes as the script wants."""
        if self._whole is not None:
            return
        data = data.replace(_MARK, self._id)
        if self._zip is not None:
            data = self._zip.compress(data) + self._zip.flush(zlib.Z_SYNC_FLUSH)
        await self._write(data)

    async def end(self) -> None:
        """What closes the body."""
        if self._whole is not None:
            await self._write(self._whole)
        elif self._zip is not None:
            await self._write(self._zip.flush())
        if self._is_chunked:
            self._wire.write(b"0\r\n\r\n")

    async def _write(self, data: bytes) -> None:
        script = self._script
        if not (script.split_writes or script.cut_utf8):
            if script.delay_write_ms:
                await asyncio.sleep(script.delay_write_ms / 1000)
            await self._put(data)
            return
        pause_s = script.delay_write_ms / 1000 or (_CUT_PAUSE_S if script.cut_utf8 else 0)
        for part in _slices(data, script.split_writes) if script.split_writes else _halves(data):
            await self._put(part)
            await asyncio.sleep(pause_s)

    async def _put(self, data: bytes) -> None:
        if self._left is not None and len(data) >= self._left:
            data, self._left = data[: self._left], 0
        elif self._left is not None:
            self._left -= len(data)
        if data:
            self._wire.write(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)
            await self._wire.drain()
        if self._left == 0:
            raise _Cut


def _slices(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def _halves(data: bytes) -> Iterator[bytes]:
    """`data` cut after the first byte of every multi-byte character, and once in the middle."""
    cuts = sorted({at + 1 for at, byte in enumerate(data) if byte >= 0xC0} | {len(data) // 2})
    start = 0
    for cut in [*cuts, len(data)]:
        if cut > start:
            yield data[start:cut]
            start = cut
