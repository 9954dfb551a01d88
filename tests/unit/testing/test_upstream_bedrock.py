"""AWS's own client and parser find the upstream's Bedrock shapes and frames right."""

from __future__ import annotations

import json
from contextlib import closing

import botocore.session
import pytest
from botocore.config import Config
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer
from botocore.exceptions import ClientError, EventStreamError
from hypothesis import given
from hypothesis import strategies as st

from naru.testing.upstream import ThreadedUpstream, ToolCall
from naru.testing.upstream.converse import frame

ASK = {"modelId": "anthropic.claude-x:0", "messages": [{"role": "user", "content": [{"text": "안녕"}]}]}


@pytest.fixture(scope="module")
def bedrock():
    """AWS's client against an upstream in a thread."""
    with ThreadedUpstream() as upstream:
        client = botocore.session.Session().create_client(
            "bedrock-runtime",
            region_name="ap-northeast-2",
            endpoint_url=upstream.url,
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="secret",
            config=Config(retries={"max_attempts": 0}),
        )
        yield client, upstream
        client.close()


def test_converse_whole_and_streamed_agree(bedrock):
    client, upstream = bedrock
    upstream.script(
        reply="네 🚣",
        reasoning="음 그래",
        tool_calls=[ToolCall(name="f", arguments={"도시": "서울"})],
        input_tokens=10,
        cache_read_tokens=4,
    )
    whole = client.converse(**ASK)
    blocks: dict[int, dict] = {}
    with closing(client.converse_stream(**ASK)["stream"]) as stream:
        events = list(stream)
    for event in events:
        ((kind, value),) = event.items()
        if kind == "contentBlockStart":
            blocks[value["contentBlockIndex"]] = {"tool": value["start"]["toolUse"], "input": ""}
        if kind == "contentBlockDelta":
            block = blocks.setdefault(value["contentBlockIndex"], {"text": "", "reasoning": ""})
            delta = value["delta"]
            if "toolUse" in delta:
                block["input"] += delta["toolUse"]["input"]
            elif "text" in delta:
                block["text"] += delta["text"]
            else:
                block["reasoning"] += delta["reasoningContent"].get("text", "")
        if kind == "messageStop":
            stop = value["stopReason"]
        if kind == "metadata":
            usage = value["usage"]
    content = whole["output"]["message"]["content"]
    assert content[0]["reasoningContent"]["reasoningText"]["text"] == blocks[0]["reasoning"] == "음 그래"
    assert content[1]["text"] == blocks[1]["text"] == "네 🚣"
    assert content[2]["toolUse"]["input"] == json.loads(blocks[2]["input"]) == {"도시": "서울"}
    assert whole["stopReason"] == stop == "tool_use"
    assert whole["usage"] == usage
    assert usage["totalTokens"] == 14 + usage["outputTokens"]


def test_the_model_and_the_signature_arrive(bedrock):
    client, upstream = bedrock
    upstream.script()
    client.converse(**ASK)
    received = upstream.requests[-1]
    assert received.path == "/model/anthropic.claude-x:0/converse"
    assert received.headers["authorization"].startswith("AWS4-HMAC-SHA256")


def test_an_http_error_is_the_exception_aws_names(bedrock):
    client, upstream = bedrock
    upstream.script(error_status=429)
    with pytest.raises(ClientError) as caught:
        client.converse(**ASK)
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"


def test_an_in_band_error_is_an_exception_frame(bedrock):
    client, upstream = bedrock
    upstream.script(inband_error_after_tokens=1)
    with (
        closing(client.converse_stream(**ASK)["stream"]) as stream,
        pytest.raises(EventStreamError, match="modelStreamErrorException"),
    ):
        list(stream)


def test_garbage_is_a_checksum_that_does_not_hold(bedrock):
    client, upstream = bedrock
    upstream.script(garbage=True)
    with closing(client.converse_stream(**ASK)["stream"]) as stream, pytest.raises(ChecksumMismatch):
        list(stream)


def test_titan_and_cohere_embed(bedrock):
    client, upstream = bedrock
    upstream.script()

    def invoke(body):
        with closing(client.invoke_model(modelId="embed", body=json.dumps(body))["body"]) as answer:
            return json.loads(answer.read())

    titan = invoke({"inputText": "나루", "dimensions": 4})
    cohere = invoke({"texts": ["나루", "b"], "input_type": "search_query", "output_dimension": 4})
    typed = invoke({"texts": ["나루"], "embedding_types": ["float"], "output_dimension": 4})
    assert titan["embedding"] == cohere["embeddings"][0] == typed["embeddings"]["float"][0]
    assert titan["inputTextTokenCount"] == 1


@given(
    headers=st.dictionaries(
        st.from_regex(r":[a-z-]{1,20}", fullmatch=True), st.text(max_size=40), max_size=4
    ),
    payload=st.binary(max_size=400),
    cut=st.integers(0, 500),
)
def test_any_frame_reads_back_wherever_it_is_cut(headers, payload, cut):
    raw = frame(headers, payload)
    buffer = EventStreamBuffer()
    buffer.add_data(raw[:cut])
    buffer.add_data(raw[cut:])
    (message,) = list(buffer)
    assert message.headers == headers
    assert message.payload == payload
