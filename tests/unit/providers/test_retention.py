"""What a request says about keeping, by kind of provider and language."""

from __future__ import annotations

import msgspec
import pytest

from naru.kernel.errors import BadRequest
from naru.providers.retention import list_flags, tell_retention

RAW_FALSE = msgspec.Raw(b"false")


def told(kind, retention, dialect, **fields):
    tell_retention(kind, retention, dialect, fields)
    return fields


@pytest.mark.parametrize("kind", ["openai", "azure", "openai-compatible"])
def test_responses_are_not_kept_where_nothing_may_be(kind):
    assert told(kind, "none", "responses") == {"store": RAW_FALSE}
    assert told(kind, "default", "responses") == {}
    assert list_flags(kind, "none")


@pytest.mark.parametrize("kind", ["anthropic", "gemini", "bedrock", "local", "openai-compatible", "azure"])
@pytest.mark.parametrize("retention", ["none", "default"])
def test_no_server_gets_a_field_of_chat_it_may_not_know(kind, retention):
    assert told(kind, retention, "chat") == {}


@pytest.mark.parametrize("retention", ["none", "default"])
def test_openai_chat_is_always_told(retention):
    assert told("openai", retention, "chat") == {"store": RAW_FALSE}


def test_a_client_that_says_otherwise_is_heard_by_default_and_refused_by_none():
    assert told("openai", "default", "chat", store=True) == {"store": True}
    for value in (True, msgspec.Raw(b"true")):
        with pytest.raises(BadRequest) as caught:
            told("openai", "none", "chat", store=value)
        assert (caught.value.code, caught.value.param) == ("retention_none", "store")


@pytest.mark.parametrize("value", [False, None, msgspec.Raw(b"false"), msgspec.Raw(b"null")])
@pytest.mark.parametrize("name", ["store", "background"])
def test_what_is_switched_off_is_no_reason_to_refuse(name, value):
    assert told("openai", "none", "responses", **{name: value})["store"] == RAW_FALSE


def test_a_longer_prompt_cache_is_not_asked_for():
    """The extended prompt cache keeps what was computed of a prompt for up to a day."""
    said = told("openai", "none", "chat", prompt_cache_retention=msgspec.Raw(b'"24h"'))
    assert said == {"store": RAW_FALSE}
