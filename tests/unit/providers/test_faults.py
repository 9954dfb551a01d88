"""What an upstream's error becomes: the right status, no wrong retry, no leak."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.kernel.errors import UpstreamTimeout, UpstreamUnavailable
from naru.providers.faults import parse_retry_after, to_error
from naru.providers.redact import Redactor
from naru.wire.model import UpstreamFault

NOW = 1_767_225_600.0
REDACTOR = Redactor(["https://ai.acme.example/v1", "plain-secret"])


def error(status=None, *, code=None, type=None, message="it went wrong", headers=None, param=None):
    fault = UpstreamFault(message=message, code=code, type=type, status=status, param=param)
    return to_error(fault, headers or {}, REDACTOR, now=NOW)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_passing_trouble_is_retried(status):
    """The same request may succeed at the same provider a moment later."""
    result = error(status)
    assert result.is_retryable
    assert result.may_fail_over
    assert result.upstream_status == status


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422, 501, 505, 418, 302])
def test_lasting_trouble_is_not_retried(status):
    """The same request will fail again, and may be billed again."""
    assert not error(status).is_retryable


@pytest.mark.parametrize(
    ("status", "client_status", "type", "code", "may_fail_over"),
    [
        (400, 400, "invalid_request_error", "invalid_request", False),
        (401, 502, "upstream_error", "upstream_auth", True),
        (402, 429, "insufficient_quota", "insufficient_quota", True),
        (403, 502, "upstream_error", "upstream_auth", True),
        (404, 502, "upstream_error", "upstream_model_not_found", True),
        (408, 504, "upstream_error", "upstream_timeout", True),
        (409, 409, "upstream_error", "upstream_conflict", True),
        (413, 413, "invalid_request_error", "payload_too_large", True),
        (422, 422, "invalid_request_error", "invalid_request", False),
        (429, 429, "rate_limit_error", "rate_limit_exceeded", True),
        (500, 502, "upstream_error", "upstream_error", True),
        (503, 503, "upstream_error", "upstream_unavailable", True),
        (504, 504, "upstream_error", "upstream_timeout", True),
        (529, 503, "overloaded_error", "upstream_overloaded", True),
        (522, 502, "upstream_error", "upstream_error", True),
    ],
)
def test_each_status_has_one_meaning_for_the_client(status, client_status, type, code, may_fail_over):
    """Clients and their SDKs act on the status, the type and the code."""
    result = error(status)
    assert (result.status, result.type, result.code, result.may_fail_over) == (
        client_status,
        type,
        code,
        may_fail_over,
    )


def test_kinds_that_callers_catch_have_classes_of_their_own():
    """Timeouts and unreachable upstreams, as the error tree promises."""
    assert isinstance(error(504), UpstreamTimeout)
    assert isinstance(error(503), UpstreamUnavailable)


def test_wrong_credentials_are_ours_and_are_not_shown():
    """The client's key is fine: no 401, and no word of what the provider said about our key."""
    result = error(401, message="Incorrect API key provided: sk-proj-****WXYZ", code="invalid_api_key")
    assert result.status == 502
    assert "sk-" not in result.message
    assert "WXYZ" not in result.message


@pytest.mark.parametrize(
    ("status", "code", "type", "message"),
    [
        (429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota"),
        (429, None, None, "You exceeded your current quota, please check your plan"),
        (400, None, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
        (None, None, "billing_error", "billing"),
    ],
)
def test_an_empty_account_is_not_retried_but_fails_over(status, code, type, message):
    """Waiting fills no account; another provider has one of its own."""
    result = error(status, code=code, type=type, message=message)
    assert result.code == "insufficient_quota"
    assert not result.is_retryable
    assert result.may_fail_over


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("context_length_exceeded", "too long"),
        (None, "This model's maximum context length is 8192 tokens."),
        (None, "prompt is too long: 210000 tokens > 200000 maximum"),
        ("INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8)."),
        ("ValidationException", "Input is too long for requested model."),
    ],
)
def test_a_prompt_too_long_keeps_its_code_and_may_fail_over(code, message):
    """Another model may have a longer context; clients know this one code, whoever said it."""
    result = error(400, code=code, message=message)
    assert (result.status, result.code) == (400, "context_length_exceeded")
    assert result.may_fail_over
    assert not result.is_retryable


def test_a_filtered_prompt_is_not_carried_to_another_provider():
    """Shopping around for a laxer filter is not ours to do."""
    result = error(400, code="content_filter")
    assert (result.status, result.code, result.may_fail_over) == (400, "content_filter", False)


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", "upstream_auth"),
        (400, "ValidationException", "The provided model identifier is invalid.", "upstream_model_not_found"),
        (400, "model_not_found", "no such model", "upstream_model_not_found"),
        (
            404,
            "DeploymentNotFound",
            "The API deployment for this resource does not exist.",
            "upstream_model_not_found",
        ),
        (500, "invalid_api_key", "model_not_found", "upstream_error"),
        (400, "unsupported_value", "no", "unsupported_value"),
        (400, "400", "no", "invalid_request"),
        (422, "x" * 100, "no", "invalid_request"),
    ],
)
def test_what_the_code_says_counts_where_the_status_is_vague(status, code, message, expected):
    """Providers disagree on statuses; a 5xx is the provider's trouble whatever it says."""
    assert error(status, code=code, message=message).code == expected


@pytest.mark.parametrize(
    ("name", "status", "is_retryable"),
    [
        ("overloaded_error", 503, True),
        ("rate_limit_error", 429, True),
        ("api_error", 502, True),
        ("server_error", 502, True),
        ("throttlingException", 429, True),
        ("modelTimeoutException", 504, True),
        ("internalServerException", 502, True),
        ("validationException", 400, False),
        ("RESOURCE_EXHAUSTED", 429, True),
        ("UNAVAILABLE", 503, True),
        ("PERMISSION_DENIED", 502, False),
        ("invalid_request_error", 400, False),
        ("authentication_error", 502, False),
        ("not_found_error", 502, False),
        (None, 502, True),
    ],
)
def test_an_error_inside_a_stream_is_read_by_its_name(name, status, is_retryable):
    """It has no status of its own."""
    for result in (error(type=name), error(code=name)):
        assert (result.status, result.is_retryable, result.upstream_status) == (status, is_retryable, None)


def test_x_should_retry_overrides():
    """The provider knows better than any table."""
    assert error(400, headers={"x-should-retry": "true"}).is_retryable
    assert not error(503, headers={"x-should-retry": "false"}).is_retryable
    assert error(503, headers={"x-should-retry": "maybe"}).is_retryable


def test_the_field_at_fault_and_the_message_pass_cleaned():
    """What was wrong with the request reaches the client; where we sent it does not."""
    result = error(
        400, message="bad x at https://ai.acme.example/v1/chat plain-secret", param="messages[0].x"
    )
    assert result.message == "bad x at *** ***"
    assert result.param == "messages[0].x"
    assert error(400, message="").message


def test_the_wait_is_read_from_headers_and_words():
    """OpenAI and Gemini say it in the message when no header does."""
    assert error(429, headers={"retry-after": "7"}).retry_after_s == 7
    assert error(429, message="Rate limit reached. Please try again in 1.5s.").retry_after_s == 1.5
    assert error(429, message="Please try again in 20ms.").retry_after_s == 0.02
    assert error(429, message="Please retry in 34.074s.").retry_after_s == 34.074
    assert error(400, message="Please try again in 20s.").retry_after_s is None


# --- Retry-After -------------------------------------------------------------------------------------------


def test_the_finest_form_of_retry_after_wins():
    """Milliseconds, then Azure's milliseconds, then seconds or a date."""
    headers = {"retry-after-ms": "1500", "x-ms-retry-after-ms": "2500", "retry-after": "60"}
    assert parse_retry_after(headers, NOW) == 1.5
    del headers["retry-after-ms"]
    assert parse_retry_after(headers, NOW) == 2.5
    del headers["x-ms-retry-after-ms"]
    assert parse_retry_after(headers, NOW) == 60
    assert parse_retry_after({}, NOW) is None


def test_nonsense_gives_way_to_the_next_form():
    """One bad header must not hide a good one."""
    assert parse_retry_after({"retry-after-ms": "-5", "retry-after": "3"}, NOW) == 3
    assert parse_retry_after({"retry-after-ms": "soon", "x-ms-retry-after-ms": "10"}, NOW) == 0.01


@pytest.mark.parametrize(
    "value", ["", " ", "-1", "nan", "inf", "1e3", "soon", "٣", "1,5", "0x10", "Wed, 99 Foo"]
)
def test_nonsense_is_ignored(value):
    """float() would take some of these."""
    for name in ("retry-after-ms", "x-ms-retry-after-ms", "retry-after"):
        assert parse_retry_after({name: value}, NOW) is None


@given(st.integers(-(10**7), 10**7), st.sampled_from([UTC, timezone(timedelta(hours=9))]))
def test_a_date_gives_the_seconds_until_then(offset, zone):
    """In any zone; a moment past is no wait."""
    value = format_datetime(datetime.fromtimestamp(NOW + offset, zone))
    assert parse_retry_after({"retry-after": value}, NOW) == max(0, offset)


def test_a_date_of_the_web_is_gmt_whatever_the_machine_thinks():
    """`GMT`, the obsolete two-digit year, and no zone at all."""
    for value in (
        "Thu, 01 Jan 2026 00:01:00 GMT",
        "Thursday, 01-Jan-26 00:01:00 GMT",
        "Thu Jan  1 00:01:00 2026",
        "Thu, 01 Jan 2026 00:01:00 -0000",
    ):
        assert parse_retry_after({"retry-after": value}, NOW) == 60


@given(st.integers(0, 10**6), st.integers(0, 999))
def test_numbers_are_read_exactly(whole, thousandths):
    """With or without a fraction."""
    assert parse_retry_after({"retry-after": str(whole)}, NOW) == whole
    value = f"{whole}.{thousandths:03}"
    assert parse_retry_after({"retry-after": f" {value} "}, NOW) == float(value)
    assert parse_retry_after({"retry-after-ms": value}, NOW) == float(value) / 1000


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "x-ms-retry-after-ms"]), st.text()))
def test_any_header_gives_a_wait_or_nothing(headers):
    """Never negative, never endless, never an exception."""
    wait = parse_retry_after(headers, NOW)
    assert wait is None or 0 <= wait < 10**12
