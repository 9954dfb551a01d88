"""Limits: nothing leaks, nothing is taken on a refusal, and clients are told what OpenAI tells them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.kernel.clock import FrozenClock
from naru.quota import Limit, LimitReached, Scope
from naru.quota.limits import Limiter

KEY, TEAM = Scope("key", "k"), Scope("team", "t")
BOTH = (KEY, TEAM)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def limiter(clock) -> Limiter:
    return Limiter(clock, lease_s=60)


def refused(limiter, *arguments) -> LimitReached:
    with pytest.raises(LimitReached) as caught:
        limiter.admit(*arguments)
    return caught.value


def test_requests_a_minute(limiter, clock):
    """Sixty a minute: sixty at once, then one a second."""
    limiter.configure([Limit(scope=KEY, requests_per_minute=60)])
    for number in range(60):
        limiter.admit(f"r{number}", BOTH, 1)
    error = refused(limiter, "r", BOTH, 1)
    assert (error.status, error.code) == (429, "rate_limit_exceeded")
    assert error.retry_after_s == pytest.approx(1.0)
    clock.advance(1.001)
    limiter.admit("r", BOTH, 1)
    refused(limiter, "r", BOTH, 1)


def test_headers_are_openais(limiter):
    """Limit, remaining and reset of requests and tokens, of the scope with the least left."""
    limiter.configure(
        [
            Limit(scope=KEY, requests_per_minute=600, tokens_per_minute=60_000),
            Limit(scope=TEAM, requests_per_minute=10),
        ]
    )
    headers = dict(limiter.admit("r", BOTH, 6_000).headers)
    assert headers == {
        b"x-ratelimit-limit-requests": b"10",
        b"x-ratelimit-remaining-requests": b"9",
        b"x-ratelimit-reset-requests": b"6s",
        b"x-ratelimit-limit-tokens": b"60000",
        b"x-ratelimit-remaining-tokens": b"54000",
        b"x-ratelimit-reset-tokens": b"6s",
    }


def test_a_refusal_takes_nothing(limiter, clock):
    """Where one of two limits refuses, the other is as it was."""
    limiter.configure(
        [
            Limit(scope=KEY, requests_per_minute=100, tokens_per_minute=1_000, concurrent_calls=5),
            Limit(scope=TEAM, concurrent_calls=1),
        ]
    )
    first = limiter.admit("a", BOTH, 10)
    for _ in range(50):
        refused(limiter, "b", BOTH, 10)
    limiter.settle(first, 10)
    headers = dict(limiter.admit("c", BOTH, 10).headers)
    assert headers[b"x-ratelimit-remaining-requests"] == b"98"
    assert headers[b"x-ratelimit-remaining-tokens"] == b"980"


def test_tokens_are_corrected_by_what_was_used(limiter):
    """More or less than was said at first; unknown leaves it as it was said."""
    limiter.configure([Limit(scope=KEY, tokens_per_minute=1_000)])
    for said, used, left in ((100, 40, 960), (100, 300, 660), (60, None, 600)):
        limiter.settle(limiter.admit("r", BOTH, said), used)
        probe = limiter.admit("probe", BOTH, 0)
        limiter.settle(probe, 0)
        assert dict(probe.headers)[b"x-ratelimit-remaining-tokens"] == b"%d" % left


def test_a_call_larger_than_a_minute_passes_when_the_bucket_is_full(limiter, clock):
    """And the next one waits the longer; else it could never be made at all."""
    limiter.configure([Limit(scope=KEY, tokens_per_minute=1_000)])
    limiter.admit("r", BOTH, 3_000)
    assert refused(limiter, "s", BOTH, 10).retry_after_s == pytest.approx(120.6)
    clock.advance(121)
    limiter.admit("s", BOTH, 10)


def test_a_crashed_call_never_keeps_its_slot(limiter, clock):
    """A slot that nobody gives back ends by time."""
    limiter.configure([Limit(scope=KEY, concurrent_calls=2)])
    limiter.admit("lost", BOTH, 1)
    kept = limiter.admit("kept", BOTH, 1)
    assert "2 may run" in refused(limiter, "c", BOTH, 1).message
    clock.advance(60)
    limiter.admit("c", BOTH, 1)
    limiter.admit("d", BOTH, 1)
    limiter.settle(kept, 1)  # too late, and harmless
    refused(limiter, "e", BOTH, 1)


def test_a_slot_given_back_twice_is_given_back_once(limiter):
    limiter.configure([Limit(scope=KEY, concurrent_calls=1, tokens_per_minute=1_000)])
    admission = limiter.admit("a", BOTH, 100)
    limiter.settle(admission, 50)
    second = limiter.admit("b", BOTH, 100)
    limiter.settle(admission, 50)
    refused(limiter, "c", BOTH, 1)
    assert dict(second.headers)[b"x-ratelimit-remaining-tokens"] == b"850"


def test_changing_a_limit_is_no_fresh_start(limiter):
    """What was used counts against the new one."""
    limiter.configure([Limit(scope=KEY, requests_per_minute=10)])
    for _ in range(10):
        limiter.admit("r", BOTH, 1)
    limiter.configure([Limit(scope=KEY, requests_per_minute=12)])
    limiter.admit("r", BOTH, 1)
    limiter.admit("r", BOTH, 1)
    refused(limiter, "r", BOTH, 1)


@given(limit=st.integers(1, 50), replicas=st.integers(1, 7))
def test_replicas_share_a_limit_exactly(limit, replicas):
    """What each may do adds up to the limit, neither more nor less."""
    passed = 0
    for index in range(replicas):
        limiter = Limiter(FrozenClock(), lease_s=60)
        limiter.configure([Limit(scope=KEY, requests_per_minute=limit)], index=index, replicas=replicas)
        for _ in range(limit + 1):
            try:
                limiter.admit("r", BOTH, 1)
                passed += 1
            except LimitReached:
                break
    assert passed == limit


def test_no_limit_no_admission(limiter):
    """Nothing to pay, nothing to say."""
    assert limiter.admit("r", BOTH, 1) is None
    limiter.configure([Limit(scope=Scope("key", "other"), requests_per_minute=1)])
    assert limiter.admit("r", BOTH, 1) is None
