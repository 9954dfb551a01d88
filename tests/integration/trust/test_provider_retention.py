"""What a provider is told about keeping a call, and what is refused where it may keep nothing."""

from __future__ import annotations

import json

import openai
import pytest

from tests.integration.conftest import CONFIG

KEEPS_NOTHING = 'kind = "{kind}"\nretention = "none"'


def told(upstream) -> dict:
    return json.loads(upstream.requests[-1].body)


@pytest.fixture
async def strict(start, upstream):
    """A Naru whose providers keep nothing."""
    config = CONFIG.format(url=upstream.url)
    for kind in ("openai", "openai-compatible", "azure", "anthropic", "gemini", "bedrock"):
        config = config.replace(f'kind = "{kind}"', KEEPS_NOTHING.format(kind=kind))
    return await start(config)


CHAT = {"messages": [{"role": "user", "content": "안녕"}]}


async def test_by_default_chat_says_so_and_responses_are_the_clients_to_decide(naru, upstream):
    """OpenAI's chat is told to keep nothing; who relies on the history at the provider is not broken."""
    async with naru.openai() as client:
        await client.chat.completions.create(model="openai/m", **CHAT)
        assert told(upstream)["store"] is False
        await client.chat.completions.create(model="openai/m", store=True, **CHAT)
        assert told(upstream)["store"] is True
        await client.chat.completions.create(model="compatible/m", **CHAT)
        assert "store" not in told(upstream), "a server of somebody's own may refuse what it does not know"
        await client.responses.create(model="openai/m", input="안녕")
        assert "store" not in told(upstream)


async def test_a_provider_that_may_keep_nothing_is_told_so(strict, upstream):
    async with strict.openai() as client:
        await client.chat.completions.create(model="openai/m", **CHAT)
        assert told(upstream)["store"] is False
        await client.responses.create(model="openai/m", input="안녕")
        assert told(upstream)["store"] is False
        for provider in ("compatible", "azure", "anthropic", "gemini", "bedrock"):
            await client.chat.completions.create(model=f"{provider}/m", **CHAT)
            assert "store" not in told(upstream), provider


@pytest.mark.parametrize(
    "asked",
    [
        {"previous_response_id": "resp_1"},
        {"store": True},
        {"background": True},
        {"conversation": "conv_1"},
    ],
    ids=lambda asked: next(iter(asked)),
)
async def test_what_needs_storing_is_refused_by_name(strict, upstream, asked):
    async with strict.openai() as client:
        with pytest.raises(openai.BadRequestError) as caught:
            await client.responses.create(model="openai/m", input="안녕", **asked)
    assert caught.value.body["code"] == "retention_none"
    assert caught.value.body["param"] == next(iter(asked))
    assert not upstream.requests


async def test_chat_that_asks_to_be_stored_is_refused(strict, upstream):
    async with strict.openai() as client:
        with pytest.raises(openai.BadRequestError) as caught:
            await client.chat.completions.create(model="openai/m", store=True, **CHAT)
    assert caught.value.body["code"] == "retention_none"
    assert not upstream.requests


async def test_a_target_that_may_keep_is_asked_instead(start, upstream):
    """Of two targets the one that serves what was asked is chosen."""
    config = CONFIG.format(url=upstream.url).replace('kind = "azure"', KEEPS_NOTHING.format(kind="azure"))
    naru = await start(config + '[models.both]\ntargets = ["azure/strict", "openai/lenient"]\n')
    async with naru.openai() as client:
        answer = await client.responses.create(model="both", input="안녕", previous_response_id="resp_1")
    assert answer.model == "lenient"


async def test_each_provider_shows_what_it_is_told(strict, http):
    async with http.get(f"{strict.base}/api/providers", headers=strict.headers) as answer:
        shown = {
            p["name"]: (p["retention"], p["retention_flags"]) for p in (await answer.json())["providers"]
        }
    assert shown["openai"] == ("none", ["chat: store=false", "responses: store=false"])
    assert shown["azure"] == ("none", ["responses: store=false"])
    assert shown["gemini"] == ("none", [])
