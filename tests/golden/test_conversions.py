"""Each language into each other: requests upstream, replies and streams back to the client."""

from __future__ import annotations

import json

import pytest

from naru.kernel.errors import BadRequest
from naru.kernel.tokens import Usage
from naru.wire.model import End, Fault
from naru.wire.registry import CLIENT_DIALECTS, UPSTREAM_DIALECTS
from naru.wire.sse import SseFraming
from tests.golden import sdk
from tests.golden.files import find_cases, read_frames, read_json

# The name an upstream is asked for: some parameters depend on it.
UPSTREAM_MODELS = {
    "chat": "gpt-4o",
    "completions": "gpt-3.5-turbo-instruct",
    "responses": "gpt-5",
    "messages": "claude-sonnet-4-5",
    "gemini": "gemini-2.5-pro",
    "converse": "anthropic.claude-sonnet-4-5-v1:0",
}
# The request a reply answers, in each client's language.
_ASKED = {
    "chat": {"model": "asked", "messages": [{"role": "user", "content": "Hello"}]},
    "completions": {"model": "asked", "prompt": "Hello"},
    "responses": {"model": "asked", "input": "Hello"},
    "messages": {"model": "asked", "max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}]},
}


def _crossings(kind, sources, targets):
    return [
        pytest.param(source, path, target, id=f"{source}-to-{target}-{path.stem}")
        for source, path in find_cases(kind)
        if source in sources
        for target in targets
    ]


def _ask(client, *, is_stream):
    asked = dict(_ASKED[client])
    if is_stream:
        asked["stream"] = True
        if client in ("chat", "completions"):
            asked["stream_options"] = {"include_usage": True}
    return CLIENT_DIALECTS[client].decode_request(asked)


@pytest.mark.parametrize(
    ("source", "path", "target"), _crossings("requests", CLIENT_DIALECTS, UPSTREAM_DIALECTS)
)
def test_a_request_reaches_the_upstream_as_expected(golden, source, path, target):
    """What the client said is said upstream, or refused with the field at fault."""
    made = _cross(source, path, target)
    if "refused" in made:
        assert made["refused"]["param"], "a refusal names the field at fault"
    else:
        sdk.validate_request(target, made)
    golden.check_json(made, source, target, "requests", path.stem)


@pytest.mark.parametrize(
    ("source", "path", "target"), _crossings("replies", UPSTREAM_DIALECTS, CLIENT_DIALECTS)
)
def test_a_reply_reaches_the_client_as_expected(golden, source, path, target):
    """The client gets the upstream's answer in its own language, as its SDK's types demand."""
    reply = UPSTREAM_DIALECTS[source].decode_reply(read_json(path))
    made = CLIENT_DIALECTS[target].encode_reply(reply, _ask(target, is_stream=False))
    sdk.validate_reply(target, made)
    golden.check_json(made, source, target, "replies", path.stem)


@pytest.mark.parametrize(
    ("source", "path", "target"), _crossings("streams", UPSTREAM_DIALECTS, CLIENT_DIALECTS)
)
def test_a_stream_reaches_the_client_as_expected(golden, source, path, target):
    """The client gets a well-formed stream whatever the upstream's looked like; an error ends it."""
    client = CLIENT_DIALECTS[target]
    decoder, encoder = (
        UPSTREAM_DIALECTS[source].new_decoder(),
        client.new_encoder(_ask(target, is_stream=True)),
    )
    made, is_whole, has_failed = b"", False, False
    for event in (event for frame in read_frames(path) for event in decoder.decode(frame)):
        if isinstance(event, Fault):
            made += client.encode_stream_error(
                status=502,
                type="upstream_error",
                code=event.fault.code or "upstream_error",
                message=event.fault.message,
                request_id="req_golden",
            )
            has_failed = True
            break
        is_whole = is_whole or isinstance(event, End)
        made += encoder.encode(event)
    assert is_whole != has_failed, "a recorded stream ends in its terminal event or in an error"
    _validate_stream(target, made)
    golden.check_stream(made, source, target, path.stem)


@pytest.mark.parametrize(
    ("source", "path"),
    [pytest.param(source, path, id=f"{source}-{path.stem}") for source, path in find_cases("replies")],
)
def test_metering_reads_the_same_from_bytes_as_from_the_reply(source, path):
    """A reply that passes untouched is metered as one that is translated."""
    dialect = UPSTREAM_DIALECTS[source]
    reply, summary = dialect.decode_reply(read_json(path)), dialect.summarize(path.read_bytes())
    assert (summary.usage or Usage()) == reply.usage


def _cross(source, path, target):
    try:
        request = CLIENT_DIALECTS[source].decode_request(read_json(path))
        return UPSTREAM_DIALECTS[target].encode_request(request, UPSTREAM_MODELS[target])
    except BadRequest as error:
        return {"refused": {"code": error.code, "param": error.param, "message": error.message}}


def _validate_stream(language, made):
    framing = SseFraming()
    for frame in framing.feed(made):
        if not frame.data or frame.data == b"[DONE]":
            continue
        data = json.loads(frame.data)
        if frame.name != "error" and "error" not in data:
            sdk.validate_event(language, data)
    assert not framing.has_rest
