"""Every language is there under its own name."""

from __future__ import annotations

import json

import msgspec
import pytest

from naru.wire.registry import CLIENT_DIALECTS, UPSTREAM_DIALECTS


def test_every_client_language_and_every_provider_language_is_registered():
    """These are the names the settings and the ledger speak of."""
    assert set(CLIENT_DIALECTS) == {"chat", "completions", "responses", "messages"}
    assert set(UPSTREAM_DIALECTS) == {*CLIENT_DIALECTS, "gemini", "converse"}
    for dialects in (CLIENT_DIALECTS, UPSTREAM_DIALECTS):
        assert all(dialect.name == name for name, dialect in dialects.items())


@pytest.mark.parametrize("name", sorted(CLIENT_DIALECTS))
def test_a_language_of_both_sides_can_pass_untouched(name):
    """Only the model's name is changed of a request that needs nothing else."""
    assert UPSTREAM_DIALECTS[name] is CLIENT_DIALECTS[name]
    fields = msgspec.json.decode(b'{"odd":[1.10,{"b":null}],"model":"asked"}', type=dict[str, msgspec.Raw])
    assert UPSTREAM_DIALECTS[name].patch_request(fields, "served", may_ask_usage=True) is False
    assert bytes(fields["odd"]) == b'[1.10,{"b":null}]'
    assert json.loads(bytes(fields["model"])) == "served"


@pytest.mark.parametrize("name", sorted(CLIENT_DIALECTS))
def test_every_language_words_an_error(name):
    """With the message a person can act on."""
    error = CLIENT_DIALECTS[name].encode_error(
        status=404,
        type="not_found_error",
        code="model_not_found",
        message="No such model.",
        param="model",
        request_id="r",
    )
    assert error["error"]["message"] == "No such model."
