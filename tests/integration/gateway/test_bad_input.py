"""Bad input gets a clear error of the right shape at once; nothing of Naru's inside shows."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest

PATHS = ("chat/completions", "responses", "completions", "embeddings", "messages")
DEEP = b'{"model":"openai/m","messages":[{"role":"user","content":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}"
BAD_BODIES = {
    "empty": (b"", "invalid_json"),
    "half": (b'{"model": "openai/m", "mess', "invalid_json"),
    "not json": (b"model=openai", "invalid_json"),
    "array": (b"[1,2,3]", "invalid_type"),
    "null": (b"null", "invalid_type"),
    "no model": (
        b'{"messages":[{"role":"user","content":"x"}],"input":"x","prompt":"x","max_tokens":5}',
        "missing_required_parameter",
    ),
    "model a number": (b'{"model":5,"messages":[],"input":"x","prompt":"x","max_tokens":5}', "invalid_type"),
    "latin-1": (b'{"model":"openai/m","x":"\xe9t\xe9"}', "invalid_utf8"),
    "cut utf-8": (b'{"model":"openai/m","x":"\xea\xb0"}', "invalid_utf8"),
    "too deep": (DEEP, "nesting_too_deep"),
    "nan": (b'{"model":"openai/m","x":NaN}', "invalid_json"),
}


def error_of(path: str, body: dict) -> dict:
    if path == "messages":
        assert body["type"] == "error"
        return body["error"]
    assert set(body["error"]) == {"message", "type", "param", "code"}
    return body["error"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", BAD_BODIES)
async def test_a_bad_body_is_400_in_the_right_shape(naru, http, upstream, path, name):
    body, code = BAD_BODIES[name]
    async with http.post(f"{naru.base}/v1/{path}", data=body, headers=naru.headers) as response:
        text = await response.text()
    assert response.status == 400, text
    error = error_of(path, json.loads(text))
    if path != "messages":
        assert error["code"] == code
    assert "Traceback" not in text
    assert len(upstream.requests) == 0
    call = await naru.wait_call()
    assert (call.status, call.error_code, call.http_status) == ("rejected", code, 400)
    assert call.cost.state == "none"


@pytest.mark.parametrize("path", PATHS)
async def test_an_unknown_model_is_404_and_is_named(naru, http, path):
    body = {
        "model": "no-such",
        "messages": [{"role": "user", "content": "x"}],
        "input": "x",
        "prompt": "x",
        "max_tokens": 5,
    }
    async with http.post(f"{naru.base}/v1/{path}", json=body, headers=naru.headers) as response:
        error = error_of(path, await response.json())
    assert response.status == 404
    assert "no-such" in error["message"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("key", [None, "Bearer wrong", "Basic abc", "Bearer ", "Bearer \xff"])
async def test_without_a_valid_key_nothing_is_read(naru, http, path, key):
    headers = {} if key is None else {"authorization": key}
    async with http.post(f"{naru.base}/v1/{path}", data=b"{", headers=headers) as response:
        error = error_of(path, await response.json())
    assert response.status == 401
    assert error["type"] in ("authentication_error", "invalid_request_error")
    assert await naru.calls() == []


WRONG_TYPES = [
    ({"messages": "hi"}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": [{"role": 5, "content": "x"}]}, "messages.0.role"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
    ({"messages": [{"role": "user", "content": "x"}], "stream": "yes"}, "stream"),
    ({"messages": [{"role": "user", "content": "x"}], "temperature": "hot"}, "temperature"),
    ({"messages": [{"role": "user", "content": "x"}], "max_tokens": 0}, "max_tokens"),
    ({"messages": [{"role": "user", "content": "x"}], "tools": {"a": 1}}, "tools"),
]


@pytest.mark.parametrize(("fields", "param"), WRONG_TYPES)
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_a_wrong_type_names_the_field(naru, http, provider, fields, param):
    body = {"model": f"{provider}/m", **fields}
    async with http.post(f"{naru.base}/v1/chat/completions", json=body, headers=naru.headers) as response:
        error = (await response.json())["error"]
    assert response.status == 400
    assert error["param"] == param


async def test_an_oversize_body_is_413_before_it_is_read(naru, http):
    size = 21 * 1024 * 1024
    request = (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\n"
        b"content-length: %d\r\n\r\n" % (naru.key.encode(), size)
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", naru.port)
    writer.write(request)  # and not one byte of the body
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 413 " in head
    assert b"payload_too_large" in await reader.read()
    writer.close()


async def test_an_oversize_chunked_body_is_413_as_soon_as_it_is(naru, http):
    async def endless():
        for _ in range(40):
            yield b"x" * 1024 * 1024

    try:
        async with http.post(
            f"{naru.base}/v1/chat/completions", data=endless(), headers=naru.headers
        ) as response:
            assert response.status == 413
    except OSError:
        pass  # cut while still sending is as good an answer
    assert (await naru.wait_call()).http_status == 413


async def test_a_header_bomb_is_refused_with_flat_memory(naru):
    reader, writer = await asyncio.open_connection("127.0.0.1", naru.port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\n")
    sent = 0
    try:
        for number in range(4096):
            line = b"x-%d: %s\r\n" % (number, b"a" * 8000)
            writer.write(line)
            sent += len(line)
            await writer.drain()
    except OSError:
        pass
    assert sent < 32 * 1024 * 1024
    answer = b""
    with contextlib.suppress(OSError):
        answer = await reader.read(200)
    assert answer.startswith(b"HTTP/1.1 431") or answer == b""
    writer.close()


async def test_many_small_headers_are_refused(naru, http):
    headers = {**naru.headers, **{f"x-h{n}": "1" for n in range(300)}}
    async with http.get(f"{naru.base}/v1/models", headers=headers) as response:
        assert response.status == 431
        assert (await response.json())["error"]["code"] == "headers_too_large"


@pytest.mark.parametrize(
    "tags", ["no equals", "=x", "a=" + "v" * 300, ",".join(f"k{n}=1" for n in range(30))]
)
async def test_bad_tags_are_refused(naru, http, tags):
    body = {"model": "openai/m", "messages": [{"role": "user", "content": "x"}]}
    headers = {**naru.headers, "x-naru-tags": tags}
    async with http.post(f"{naru.base}/v1/chat/completions", json=body, headers=headers) as response:
        assert response.status == 400
        assert (await response.json())["error"]["param"] == "x-naru-tags"


async def test_unknown_paths_and_methods_have_openai_errors(naru, http):
    async with http.post(f"{naru.base}/v1/nothing", headers=naru.headers) as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "not_found"
    async with http.get(f"{naru.base}/v1/chat/completions", headers=naru.headers) as response:
        assert response.status == 405
    async with http.post(f"{naru.base}/v1/nothing") as response:
        assert response.status == 401


async def test_a_body_of_garbage_http_is_a_400(naru):
    reader, writer = await asyncio.open_connection("127.0.0.1", naru.port)
    writer.write(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400")
    writer.close()
