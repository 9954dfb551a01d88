"""The same trouble means the same, whichever provider words it: real answers, read as the road does."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from naru.providers.faults import to_error
from naru.providers.redact import Redactor
from naru.providers.registry import build_provider
from naru.providers.transport import Transport
from naru.settings.model import Provider
from naru.testing.upstream import Script, Upstream
from naru.wire.model import Fault

KEY = "plain-key-1234567890"
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":5,"stream":%s}'
# name: kind, what stands behind the upstream's address, the language spoken
LANGUAGES = {
    "chat": ("openai", "/v1", {}),
    "responses": ("openai", "/v1", {}),
    "completions": ("openai", "/v1", {}),
    "messages": ("anthropic", "/v1", {}),
    "gemini": ("gemini", "/v1beta", {}),
    "converse": ("bedrock", "", {"region": "us-east-1"}),
}


async def ask(language, script, *, is_stream=False):
    """The error that the road would raise."""
    kind, path, fields = LANGUAGES[language]
    async with Upstream(script) as upstream:
        table = Provider(kind=kind, base_url=upstream.url + path, api_key=SecretStr(KEY), **fields)
        provider = build_provider("acme", table)
        dialect = provider.find_dialect(language)
        transport = Transport(connect_timeout_s=5, max_connections=1)
        try:
            body = BODY % (b"true" if is_stream else b"false")
            request = provider.prepare(language, "m", body, is_stream=is_stream, client_headers={})
            response = await transport.open(request)
            body = await response.read()
            headers = {name.lower(): content for name, content in response.headers.items()}
            response.close()
            if is_stream:
                assert response.status == 200, body
                decoder = dialect.new_decoder()
                events = [e for frame in provider.new_framing().feed(body) for e in decoder.decode(frame)]
                fault = next(event.fault for event in events if isinstance(event, Fault))
                headers = {}
            else:
                fault = dialect.decode_fault(response.status, body)
        finally:
            await transport.close()
    return to_error(fault, headers, Redactor(provider.secrets))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("status", "error_kind", "code"),
    [
        (400, "invalid_request", "invalid_request"),
        (400, "context_length_exceeded", "context_length_exceeded"),
        (401, "invalid_api_key", "upstream_auth"),
        (403, "permission", "upstream_auth"),
        (404, "model_not_found", "upstream_model_not_found"),
        (429, "rate_limit", "rate_limit_exceeded"),
        (500, None, "upstream_error"),
        (503, None, "upstream_unavailable"),
        (529, "overloaded", "upstream_overloaded"),
    ],
)
async def test_every_provider_says_it_in_its_own_words(language, status, error_kind, code):
    """Code and status for the client depend on the trouble, not on the provider."""
    error = await ask(language, Script(error_status=status, error_kind=error_kind))
    if code == "invalid_request":
        # The upstream's own code is kept where it has one.
        assert (error.status, error.is_retryable, error.may_fail_over) == (400, False, False)
    else:
        assert error.code == code
    assert error.upstream_status == status
    assert error.message


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", ["seconds", "date", "retry-after-ms", "x-ms-retry-after-ms", "detail"])
async def test_every_form_of_the_wait_is_understood(language, form):
    """In a header, as a date, or in Gemini's details and everybody's words."""
    error = await ask(language, Script(error_status=429, retry_after=7, retry_after_form=form))
    if form == "detail":
        assert error.retry_after_s in (7, None)
    else:
        # A date has whole seconds: the upstream says one more, and some have passed.
        assert 5 <= error.retry_after_s <= 8
    assert error.is_retryable


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_page_of_a_proxy_becomes_a_plain_sentence(language):
    """No HTML, no name of a machine."""
    error = await ask(language, Script(html_error=True))
    assert (error.status, error.code, error.is_retryable) == (502, "upstream_error", True)
    assert "<" not in error.message
    assert "nginx" not in error.message


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_error_that_echoes_our_key_is_cleaned(language):
    """Some providers repeat what they were sent."""
    message = f"bad request from key {KEY} at http://10.1.2.3:8000/v1"
    error = await ask(language, Script(error_status=400, error_message=message))
    assert error.message == "bad request from key *** at ***"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_error_inside_a_stream_is_the_providers_trouble(language):
    """Before any content the road may try again: it must know that it may."""
    error = await ask(language, Script(inband_error_after_tokens=1), is_stream=True)
    assert error.status in (502, 503)
    assert error.code in ("upstream_error", "upstream_overloaded", "upstream_unavailable")
    assert error.is_retryable
    assert error.may_fail_over
