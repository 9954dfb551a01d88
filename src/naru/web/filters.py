"""Which calls to show: the same filters for the API, the export and the console's table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, TypedDict, get_args

from fastapi import Depends, Query

from naru.metering.models import Call, CallStatus
from naru.web.context import LedgerReader
from naru.web.window import ns_from_time

Endpoint = Literal["chat", "responses", "completions", "messages", "embeddings"]
STATUSES: tuple[str, ...] = get_args(CallStatus)
ENDPOINTS: tuple[str, ...] = get_args(Endpoint)


class CallFilter(TypedDict):
    """Keyword arguments of the ledger's `list_calls` and `export_calls`; None does not filter."""

    model: str | None
    provider: str | None
    status: str | None
    team: str | None
    endpoint: str | None
    from_ns: int | None
    to_ns: int | None


def read_filter(
    model: Annotated[str | None, Query(max_length=200, description="Asked for or served, exact.")] = None,
    provider: Annotated[str | None, Query(max_length=200, description="Name of the provider.")] = None,
    status: Annotated[CallStatus | None, Query(description="How the call ended.")] = None,
    team: Annotated[str | None, Query(max_length=200, description="Team of the key.")] = None,
    endpoint: Annotated[Endpoint | None, Query(description="Which API was called.")] = None,
    from_: Annotated[datetime | None, Query(alias="from", description="Begin, RFC 3339.")] = None,
    to: Annotated[datetime | None, Query(description="End (excluded), RFC 3339.")] = None,
) -> CallFilter:
    """The filter a query string asks for."""
    return CallFilter(
        model=model,
        provider=provider,
        status=status,
        team=team,
        endpoint=endpoint,
        from_ns=None if from_ is None else ns_from_time(from_),
        to_ns=None if to is None else ns_from_time(to),
    )


Filter = Annotated[CallFilter, Depends(read_filter)]


def list_page(
    ledger: LedgerReader, filter_: CallFilter, *, limit: int, before: str | None
) -> tuple[Sequence[Call], str | None]:
    """One page and the cursor of the next, None at the end. Blocks on the database."""
    calls = ledger.list_calls(limit=limit + 1, before_id=before, **filter_)
    page = calls[:limit]
    return page, page[-1].id if len(calls) > limit else None
