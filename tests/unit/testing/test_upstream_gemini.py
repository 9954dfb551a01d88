"""Gemini's shapes, as its REST reference draws them."""

from __future__ import annotations

import json

import pytest

CALL = "/v1beta/models/gemini-x"
BODY = {"contents": [{"role": "user", "parts": [{"text": "안녕하세요 나루"}]}]}


async def test_a_whole_answer_counts_thoughts_apart_from_candidates(ask, upstream):
    heard = await ask(upstream, f"{CALL}:generateContent", BODY, reply="네 네", reasoning="a b c")
    answer = json.loads(heard.body)
    candidate = answer["candidates"][0]
    assert candidate["content"] == {
        "parts": [{"text": "a b c", "thought": True}, {"text": "네 네"}],
        "role": "model",
    }
    assert candidate["finishReason"] == "STOP"
    usage = answer["usageMetadata"]
    assert (usage["candidatesTokenCount"], usage["thoughtsTokenCount"]) == (2, 3)
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + 5
    assert answer["modelVersion"] == "gemini-x"


async def test_a_stream_uses_crlf_and_reports_usage_in_every_chunk(ask, upstream):
    heard = await ask(upstream, f"{CALL}:streamGenerateContent?alt=sse", BODY, tokens=["네", " 🚣"])
    assert heard.headers["content-type"].startswith("text/event-stream")
    assert heard.body.count(b"\r\n\r\n") == 3
    chunks = [json.loads(event) for event in heard.events]
    assert [chunk["usageMetadata"]["candidatesTokenCount"] for chunk in chunks] == [1, 2, 2]
    assert "finishReason" not in chunks[0]["candidates"][0]
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"
    assert "".join(chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in chunks) == "네 🚣"


@pytest.mark.parametrize("script", [{}, {"inband_error_after_tokens": 2}, {"tokens": []}])
async def test_without_alt_sse_the_stream_is_one_json_array(ask, upstream, script):
    heard = await ask(upstream, f"{CALL}:streamGenerateContent", BODY, **script)
    assert heard.headers["content-type"].startswith("application/json")
    chunks = json.loads(heard.body)
    assert ("error" in chunks[-1]) == ("inband_error_after_tokens" in script)


async def test_calls_come_whole_and_only_the_first_is_signed(ask, upstream):
    calls = [{"name": "f", "arguments": {"도시": "서울"}}, {"name": "g"}]
    heard = await ask(upstream, f"{CALL}:streamGenerateContent?alt=sse", BODY, tool_calls=calls)
    parts = [json.loads(event)["candidates"][0]["content"]["parts"][0] for event in heard.events]
    assert parts[0]["functionCall"] == {"name": "f", "args": {"도시": "서울"}}
    assert "thoughtSignature" in parts[0]
    assert parts[1] == {"functionCall": {"name": "g", "args": {}}}


async def test_a_429_says_when_to_come_back_in_its_details(ask, upstream):
    heard = await ask(
        upstream,
        f"{CALL}:generateContent",
        BODY,
        error_status=429,
        retry_after=7,
        retry_after_form="detail",
    )
    error = json.loads(heard.body)["error"]
    assert (heard.status, error["code"], error["status"]) == (429, 429, "RESOURCE_EXHAUSTED")
    assert error["details"][0]["retryDelay"] == "7s"
    assert "retry-after" not in heard.headers


async def test_one_text_embeds_alike_alone_and_in_a_batch(ask, upstream):
    content = {"content": {"parts": [{"text": "나루"}]}, "outputDimensionality": 4}
    one = json.loads((await ask(upstream, f"{CALL}:embedContent", content)).body)
    batch = json.loads((await ask(upstream, f"{CALL}:batchEmbedContents", {"requests": [content] * 2})).body)
    assert batch["embeddings"] == [one["embedding"]] * 2
    assert len(one["embedding"]["values"]) == 4


async def test_a_script_may_hide_in_the_percent_encoded_model_name(ask, upstream):
    name = "scripted:%7B%22reply%22%3A%22a%2Fb%3Ac%22%7D"
    heard = await ask(upstream, f"/v1beta/models/{name}:generateContent", BODY)
    assert json.loads(heard.body)["candidates"][0]["content"]["parts"] == [{"text": "a/b:c"}]
