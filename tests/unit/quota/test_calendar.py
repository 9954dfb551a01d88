"""Windows follow the calendar of the budget's time zone, touch, and never overlap."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.quota.conftest import new_budget

from naru.kernel.errors import BadRequest
from naru.quota.calendar import NS, local_day, read_window, read_zone

# Seoul has no summer time; New York shifts at 2, Santiago and Beirut at midnight; Lord Howe by half an hour;
# Apia skipped a day.
ZONES = ("UTC", "Asia/Seoul", "America/New_York", "America/Santiago", "Asia/Beirut", "Australia/Lord_Howe",
         "Pacific/Apia")  # fmt: skip


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * NS


@pytest.mark.parametrize(
    ("period", "moment", "start", "end"),
    [
        ("day", "2026-03-01T08:59:59+09:00", "2026-03-01T00:00:00+09:00", "2026-03-02T00:00:00+09:00"),
        ("day", "2026-02-28T15:00:00+00:00", "2026-03-01T00:00:00+09:00", "2026-03-02T00:00:00+09:00"),
        ("week", "2026-03-01T12:00:00+09:00", "2026-02-23T00:00:00+09:00", "2026-03-02T00:00:00+09:00"),
        ("month", "2026-12-31T23:59:59+09:00", "2026-12-01T00:00:00+09:00", "2027-01-01T00:00:00+09:00"),
        ("month", "2028-02-29T00:00:00+09:00", "2028-02-01T00:00:00+09:00", "2028-03-01T00:00:00+09:00"),
    ],
)
def test_days_weeks_and_months_of_seoul(period, moment, start, end):
    """A week begins on Monday; a month is a calendar month."""
    budget = new_budget(period=period, time_zone="Asia/Seoul")
    assert read_window(budget, at(moment)) == (at(start), at(end))


def test_a_day_of_changing_clocks_is_a_day():
    """23 and 25 hours long, where clocks change."""
    budget = new_budget(time_zone="America/New_York")
    for moment, hours in (("2026-03-08T12:00:00-04:00", 23), ("2026-11-01T12:00:00-05:00", 25)):
        start, end = read_window(budget, at(moment))
        assert (end - start) / NS == hours * 3600


def test_a_fixed_budget_applies_within_its_range_only():
    start, end = at("2026-01-10T00:00:00+00:00"), at("2026-02-10T00:00:00+00:00")
    budget = new_budget(period="fixed", starts_at_ns=start, ends_at_ns=end)
    assert read_window(budget, start) == read_window(budget, end - 1) == (start, end)
    assert read_window(budget, start - 1) is None
    assert read_window(budget, end) is None


@given(
    zone=st.sampled_from(ZONES),
    period=st.sampled_from(["day", "week", "month"]),
    second=st.integers(at("2010-01-01T00:00:00+00:00") // NS, at("2037-12-31T00:00:00+00:00") // NS),
)
def test_windows_touch(zone, period, second):
    """Every moment lies in exactly one window, and the next begins where it ends."""
    budget = new_budget(period=period, time_zone=zone)
    start, end = read_window(budget, second * NS)
    assert start <= second * NS < end
    assert read_window(budget, start) == (start, end)
    assert read_window(budget, end - 1) == (start, end)
    assert read_window(budget, end)[0] == end


def test_an_unknown_zone_is_refused():
    for name in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(BadRequest) as caught:
            read_zone(name)
        assert caught.value.code == "unknown_time_zone"


def test_the_local_day_is_the_zones_own():
    assert local_day(at("2026-02-28T15:00:00+00:00"), "Asia/Seoul") == "2026-03-01"
