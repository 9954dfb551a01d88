"""The embedded model as the road sees it: one more provider, honest about its state."""

import json
import sys
from pathlib import Path

import pytest

from naru.hosting import LocalModel
from naru.hosting.provider import LocalProvider
from naru.kernel.errors import BadRequest, UpstreamUnavailable
from naru.settings.model import Local

CHILD = str(Path(__file__).with_name("scripted_child.py"))


@pytest.fixture
async def start(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    models = []

    async def start(behaviour):
        model = LocalModel(Local(path=str(path)), command=(sys.executable, CHILD, behaviour))
        models.append(model)
        await model.start()
        return model, LocalProvider(model, "local")

    yield start
    for model in models:
        await model.stop()


def prepare(provider, **fields):
    body = json.dumps({"model": "smollm2", "messages": [], **fields}).encode()
    return provider.prepare("chat", "smollm2", body, is_stream=False, client_headers={})


async def test_while_it_loads_the_client_is_told_to_come_back(start):
    _, provider = await start("never-ready")
    for ask in (lambda: prepare(provider), lambda: provider.prepare_embeddings("smollm2", b"{}")):
        with pytest.raises(UpstreamUnavailable) as caught:
            ask()
        assert caught.value.code == "model_loading"
        assert caught.value.retry_after_s == 1


async def test_after_it_stopped_the_client_is_told_so(start):
    model, provider = await start("serve")
    await model.stop()
    with pytest.raises(UpstreamUnavailable) as caught:
        prepare(provider)
    assert caught.value.code == "model_failed"


async def test_ready_it_is_addressed_with_its_own_key(start):
    """The request goes to the child's address; address and key are known to be secrets."""
    model, provider = await start("serve")
    await model.wait_ready(10)
    request = prepare(provider)
    assert request.url == f"{model.base_url}/chat/completions"
    assert model.api_key in request.headers["authorization"]
    assert model.api_key in provider.secrets


async def test_tools_are_said_in_the_engines_way(start):
    model, provider = await start("serve")
    await model.wait_ready(10)
    tool = {"type": "function", "function": {"name": "f"}}
    request = prepare(provider, tools=[tool], tool_choice=tool)
    assert json.loads(request.body)["tool_choice"] == "required"
    with pytest.raises(BadRequest):
        prepare(provider, tools=[], tool_choice=tool)
