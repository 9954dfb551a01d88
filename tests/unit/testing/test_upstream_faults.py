"""Each fault does to the bytes what its name says."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from naru.testing.upstream import Script, Upstream

CHAT = "/v1/chat/completions"
WHOLE = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
STREAM = {**WHOLE, "stream": True}
both = pytest.mark.parametrize("body", [WHOLE, STREAM], ids=["whole", "stream"])


# --- cut short


@both
@pytest.mark.parametrize("at", [0, 1, 300])
async def test_a_reset_comes_after_exactly_so_many_bytes(ask, upstream, body, at):
    heard = await ask(upstream, CHAT, body, reset_at_byte=at)
    assert heard.is_reset
    assert len(heard.body) == at


@both
async def test_a_reset_may_come_before_the_headers(ask, upstream, body):
    heard = await ask(upstream, CHAT, body, reset_at_byte=-1)
    assert heard.is_reset
    assert heard.status == 0


async def test_a_closed_stream_looks_complete_to_http(ask, upstream):
    """No length and no chunks: only the missing terminal event tells."""
    heard = await ask(upstream, CHAT, STREAM, close_at_byte=400)
    assert not heard.is_reset
    assert len(heard.raw) == 400
    assert not {"content-length", "transfer-encoding"} & set(heard.headers)


async def test_a_closed_stream_in_chunks_lacks_its_last_chunk(ask, upstream):
    heard = await ask(upstream, CHAT, STREAM, close_at_byte=400, framing="chunked")
    assert len(heard.body) == 400
    assert not heard.raw.endswith(b"0\r\n\r\n")


async def test_a_closed_whole_answer_is_shorter_than_it_said(ask, upstream):
    heard = await ask(upstream, CHAT, WHOLE, close_at_byte=50)
    assert len(heard.raw) == 50 < int(heard.headers["content-length"])


@both
async def test_a_limit_beyond_the_body_changes_nothing(ask, upstream, body):
    heard = await ask(upstream, CHAT, body, reset_at_byte=100_000)
    assert not heard.is_reset
    assert heard.events[-1:] == ["[DONE]"] if body is STREAM else json.loads(heard.body)


# --- cut apart


@both
async def test_a_character_is_cut_between_two_reads_and_whole_in_the_end(ask, upstream, body):
    heard = await ask(upstream, CHAT, body, cut_utf8=True, reply="안녕 🚣", framing="close")
    broken = 0
    for read in heard.reads:
        try:
            read.decode()
        except UnicodeDecodeError:
            broken += 1
    assert broken >= 3
    assert "안녕" in heard.body.decode()


@both
async def test_a_truncated_character_ends_the_body(ask, upstream, body):
    heard = await ask(upstream, CHAT, body, truncate_utf8=True)
    with pytest.raises(UnicodeDecodeError, match="unexpected end of data"):
        heard.body.decode()


@both
async def test_split_writes_keep_every_byte(ask, upstream, body):
    plain = await ask(upstream, CHAT, body, reply="안녕 🚣 hello")
    split = await ask(upstream, CHAT, body, reply="안녕 🚣 hello", split_writes=5)
    assert len(split.body) == len(plain.body)
    if body is STREAM:
        assert split.raw.startswith(b"5\r\ndata:\r\n5\r\n")


async def test_a_slow_body_takes_its_time(ask, upstream):
    loop = asyncio.get_running_loop()
    begun = loop.time()
    heard = await ask(upstream, CHAT, WHOLE, split_writes=200, delay_write_ms=10)
    assert json.loads(heard.body)
    assert loop.time() - begun >= 0.03


@pytest.mark.parametrize(
    "styles",
    [["crlf"], ["cr"], ["tight"], ["multiline"], ["comments"], ["ids"], ["bom"], ["crlf", "multiline"]],
)
async def test_every_style_of_events_reads_the_same(ask, upstream, styles):
    plain = await ask(upstream, CHAT, STREAM, tokens=["a", "나"])
    styled = await ask(upstream, CHAT, STREAM, tokens=["a", "나"], sse=styles)
    assert styled.body != plain.body
    assert styled.events[-1] == "[DONE]"

    def said(heard):
        return [json.loads(event)["choices"][0]["delta"] for event in heard.events[:-1]]

    assert said(styled) == said(plain)


async def test_escapes_and_gzip_carry_the_same_text(ask, upstream):
    escaped = await ask(upstream, CHAT, WHOLE, reply="🚣", ascii=True)
    assert escaped.body.isascii()
    assert json.loads(escaped.body)["choices"][0]["message"]["content"] == "🚣"
    for body in (WHOLE, STREAM):
        packed = await ask(upstream, CHAT, body, gzip=True)
        assert packed.headers["content-encoding"] == "gzip"
        assert "나루" in gzip.decompress(packed.body).decode()


# --- late


async def test_a_stalled_stream_stays_open_after_so_many_tokens(ask, upstream):
    heard = await ask(upstream, CHAT, STREAM, stall_after_tokens=2, tokens=["a", "b", "c"], listen_s=0.1)
    assert heard.is_open
    assert [json.loads(e)["choices"][0]["delta"].get("content") for e in heard.events] == ["", "a", "b"]
    await upstream.wait_aborted(1)
    assert upstream.requests[-1].closed_early
    assert upstream.active == 0


@pytest.mark.parametrize(("tokens", "status"), [(0, 0), (1, 200)])
async def test_a_stalled_whole_answer_has_no_head_or_half_a_body(ask, upstream, tokens, status):
    head_s = 5.0 if status else 0.1
    heard = await ask(upstream, CHAT, WHOLE, stall_after_tokens=tokens, listen_s=0.1, head_s=head_s)
    assert heard.is_open
    assert heard.status == status


async def test_a_stall_beyond_the_last_token_withholds_the_end(ask, upstream):
    heard = await ask(upstream, CHAT, STREAM, stall_after_tokens=99, listen_s=0.1)
    assert heard.is_open
    assert json.loads(heard.events[-1])["choices"][0]["finish_reason"] == "stop"


async def test_delays_add_up(ask, upstream):
    loop = asyncio.get_running_loop()
    begun = loop.time()
    script = {"delay_headers_ms": 20, "delay_first_ms": 30, "delay_token_ms": 5, "tokens": 21}
    await ask(upstream, CHAT, STREAM, **script)
    assert loop.time() - begun >= 0.149


# --- wrong


@pytest.mark.parametrize(
    ("path", "body", "last"),
    [
        (CHAT, STREAM, "[DONE]"),
        ("/v1/completions", {"model": "m", "prompt": "x", "stream": True}, "[DONE]"),
        ("/v1/messages", {**STREAM, "max_tokens": 9}, "message_stop"),
        ("/v1/responses", {"model": "m", "input": "x", "stream": True}, "response.completed"),
        ("/v1beta/models/m:streamGenerateContent?alt=sse", {"contents": []}, "finishReason"),
    ],
)
async def test_the_terminal_event_can_be_forgotten_in_each_language(ask, upstream, path, body, last):
    """HTTP itself ends well, so nothing but the missing event tells."""
    kept = await ask(upstream, path, body)
    forgotten = await ask(upstream, path, body, forget_done=True)
    failed = await ask(upstream, path, body, inband_error_after_tokens=1)
    both_ = await ask(upstream, path, body, inband_error_after_tokens=1, done_after_error=True)
    assert last in kept.events[-1]
    assert last not in forgotten.body.decode()
    assert forgotten.raw.endswith(b"0\r\n\r\n")
    assert last not in failed.body.decode()
    assert "error" in failed.events[-1]
    assert last in both_.events[-1]
    assert len(both_.events) == len(failed.events) + 1


async def test_a_whole_answer_may_be_a_200_that_holds_an_error(ask, upstream):
    heard = await ask(upstream, CHAT, WHOLE, inband_error_after_tokens=0)
    assert heard.status == 200
    assert "error" in json.loads(heard.body)


@both
async def test_garbage_is_no_json(ask, upstream, body):
    heard = await ask(upstream, CHAT, body, garbage=True)
    broken = heard.events[2] if body is STREAM else heard.body
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken)


@both
async def test_an_empty_body_a_wrong_type_and_more_headers(ask, upstream, body):
    heard = await ask(
        upstream, CHAT, body, empty_body=True, content_type="text/plain", headers={"x-more": "yes"}
    )
    assert heard.body == b""
    assert heard.headers["x-more"] == "yes"
    heard = await ask(upstream, CHAT, body, content_type="text/plain")
    assert heard.headers["content-type"] == "text/plain"


async def test_a_redirect_a_page_and_a_body_of_ones_own(ask, upstream):
    moved = await ask(upstream, CHAT, WHOLE, redirect="http://127.0.0.1:9/")
    assert (moved.status, moved.headers["location"]) == (302, "http://127.0.0.1:9/")
    page = await ask(upstream, CHAT, WHOLE, html_error=True)
    assert (page.status, page.headers["content-type"]) == (502, "text/html")
    assert page.body.startswith(b"<html>")
    own = await ask(upstream, CHAT, WHOLE, error_status=418, error_body={"detail": "tea"})
    assert (own.status, json.loads(own.body)) == (418, {"detail": "tea"})


@pytest.mark.parametrize(
    ("form", "header", "value"),
    [
        ("seconds", "retry-after", "2"),
        ("retry-after-ms", "retry-after-ms", "2000"),
        ("x-ms-retry-after-ms", "x-ms-retry-after-ms", "2000"),
    ],
)
async def test_a_429_says_when_to_come_back_in_each_form(ask, upstream, form, header, value):
    heard = await ask(
        upstream, CHAT, WHOLE, error_status=429, retry_after=2, retry_after_form=form, should_retry=False
    )
    assert heard.status == 429
    assert heard.headers[header] == value
    assert heard.headers["x-should-retry"] == "false"
    assert [name for name in heard.headers if "retry-after" in name] == [header]


async def test_a_429_may_name_a_date(ask, upstream):
    heard = await ask(upstream, CHAT, WHOLE, error_status=429, retry_after=30, retry_after_form="date")
    wait = parsedate_to_datetime(heard.headers["retry-after"]) - datetime.now(UTC)
    assert 28 < wait.total_seconds() <= 31


async def test_only_the_first_requests_fail(ask, upstream):
    statuses = [(await ask(upstream, CHAT, WHOLE, error_status=503, error_times=2)).status for _ in range(4)]
    assert statuses == [503, 503, 200, 200]
    resets = [(await ask(upstream, CHAT, WHOLE, reset_at_byte=-1, error_times=1)).is_reset for _ in range(2)]
    assert resets == [True, False]


async def test_scripts_follow_one_another():
    scripts = [Script(error_status=500), Script(reply="one"), Script(reply="two")]
    async with Upstream(scripts) as upstream:
        seen = [await _status_and_text(upstream) for _ in range(4)]
    assert seen == [(500, None), (200, "one"), (200, "two"), (200, "two")]


async def _status_and_text(upstream):
    reader, writer = await asyncio.open_connection(upstream.host, upstream.port)
    body = json.dumps(WHOLE).encode()
    writer.write(b"POST %s HTTP/1.0\r\ncontent-length: %d\r\n\r\n%s" % (CHAT.encode(), len(body), body))
    head, _, answer = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    said = json.loads(answer).get("choices")
    return int(head.split()[1]), said[0]["message"]["content"] if said else None


async def test_a_huge_event_is_one_event(ask, upstream):
    heard = await ask(upstream, CHAT, STREAM, huge_event_bytes=2_000_000)
    assert max(map(len, heard.events)) > 2_000_000
    assert heard.events[-1] == "[DONE]"


async def test_echo_shows_what_arrived(ask, upstream):
    body = {**STREAM, "unknown": {"깊이": [1.0, None]}}
    heard = await ask(upstream, CHAT + "?a=b", body, lines=["x-client: me"], echo=True)
    said = [json.loads(event)["choices"][0]["delta"].get("content", "") for event in heard.events[:-1]]
    seen = json.loads("".join(said))
    assert (seen["method"], seen["path"], seen["query"]) == ("POST", CHAT, {"a": "b"})
    assert seen["body"] == body
    assert seen["headers"]["x-client"] == "me"


@both
async def test_the_models_name_can_carry_the_script(ask, upstream, body):
    model = 'team/scripted:{"reply": "명령대로", "served_model": "m-1"}'
    heard = await ask(upstream, CHAT, {**body, "model": model})
    assert '"model":"m-1"' in heard.body.decode()
    assert "명령대로" in heard.body.decode()


async def test_a_misspelt_script_is_refused_by_name(ask, upstream):
    heard = await ask(upstream, CHAT, WHOLE, repyl="x")
    assert heard.status == 400
    assert "repyl" in json.loads(heard.body)["error"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/v1/chat/completions",
        "/chat/completions",
        "/openai/deployments/d/chat/completions",
        "/model/x/talk",
    ],
)
async def test_a_slip_in_the_path_is_a_404(ask, upstream, path):
    assert (await ask(upstream, path, WHOLE)).status == 404


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"model": 3}', b'{"stream": true}', b"\xff\xfe"])
async def test_a_body_no_provider_would_take_is_a_400(upstream, raw):
    reader, writer = await asyncio.open_connection(upstream.host, upstream.port)
    writer.write(b"POST %s HTTP/1.0\r\ncontent-length: %d\r\n\r\n%s" % (CHAT.encode(), len(raw), raw))
    assert (await reader.read()).startswith(b"HTTP/1.1 400")
    writer.close()
