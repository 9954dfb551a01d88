"""The fields of a budget's form, read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from naru.kernel.errors import BadRequest
from naru.quota import Budget
from naru.web.api.budgets import to_ns


def read_budget(form: Mapping[str, str], scope: Any) -> Budget:
    # What the literals below hold is checked by the book, as everything that comes from outside.
    return Budget(
        id="",
        scope=scope,
        name=form.get("name", "").strip(),
        period=cast("Any", form.get("period", "month")),
        time_zone=form.get("time_zone", "").strip(),
        starts_at_ns=read_moment(form.get("starts_at", "")),
        ends_at_ns=read_moment(form.get("ends_at", "")),
        amount=read_decimal(form.get("amount", ""), "amount"),
        currency=cast("Any", form.get("currency", "USD")),
        warn_percents=read_percents(form.get("warn", "")),
        stop_percent=read_bound(form.get("stop", "")),
        on_unpriced="allow" if form.get("unpriced") == "allow" else "refuse",
    )


def read_decimal(text: str, param: str) -> Decimal:
    try:
        return Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        raise BadRequest("Give a number.", code="invalid_value", param=param) from None


def read_bound(text: str) -> int | None:
    text = text.strip().replace(",", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 13:
        raise BadRequest("Give a whole number, or nothing.", code="invalid_value")
    return int(text)


def read_percents(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return tuple(sorted({cast("int", read_bound(part)) for part in parts}))


def read_moment(text: str) -> int | None:
    """A date and time of a form, in UTC."""
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip() + "+00:00")
    except ValueError:
        raise BadRequest("Give a date and a time.", code="invalid_value") from None
    return to_ns(moment)
