"""Where a window begins and ends: whole days, weeks (from Monday) and months of the budget's time zone.

Windows touch: the end of one is the start of the next, also where clocks are put forward at midnight.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from naru.kernel.errors import BadRequest
from naru.quota.models import Budget

NS = 1_000_000_000


@lru_cache(maxsize=256)
def read_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name.

    Raises:
        BadRequest: there is none of this name (code `unknown_time_zone`).
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadRequest(
            "This time zone is not known. Give an IANA name such as `Asia/Seoul` or `UTC`.",
            code="unknown_time_zone",
            param="time_zone",
        ) from None


def read_window(budget: Budget, at_ns: int) -> tuple[int, int] | None:
    """Start and end of the window that holds a moment; None outside the range of a fixed budget."""
    if budget.period == "fixed":
        if not budget.is_in_force(at_ns):
            return None
        assert budget.starts_at_ns is not None
        assert budget.ends_at_ns is not None
        return budget.starts_at_ns, budget.ends_at_ns
    zone = read_zone(budget.time_zone)
    day = datetime.fromtimestamp(at_ns // NS, zone).date()
    if budget.period == "day":
        first, last = day, day + timedelta(days=1)
    elif budget.period == "week":
        first = day - timedelta(days=day.weekday())
        last = first + timedelta(days=7)
    else:
        first = day.replace(day=1)
        last = (first + timedelta(days=31)).replace(day=1)
    start_ns, end_ns = _midnight_ns(first, zone), _midnight_ns(last, zone)
    if at_ns < start_ns:  # clocks put back across midnight: the second 23:30 belongs to the day that began
        return _midnight_ns(first - timedelta(days=1), zone), start_ns
    return start_ns, end_ns


def local_day(at_ns: int, zone: str) -> str:
    """ISO date of a moment in a zone."""
    return datetime.fromtimestamp(at_ns // NS, read_zone(zone)).date().isoformat()


def _midnight_ns(day: date, zone: ZoneInfo) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    return int(midnight.timestamp()) * NS
