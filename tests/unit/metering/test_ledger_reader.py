"""What was recorded comes back as it was, and every figure over it is the one a person would count."""

from __future__ import annotations

import math
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.databases import place

from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.kernel.clock import FrozenClock
from naru.kernel.tokens import Usage
from naru.metering import Cost, LedgerReader, LedgerWriter
from naru.settings.model import Ledger

NOON = FrozenClock().now_ns() + 12 * 3_600 * 1_000_000_000
SECOND = 1_000_000_000


@pytest.fixture
def store(engine):
    """Writes calls and gives a reader over them."""

    async def write(*calls) -> LedgerReader:
        writer = LedgerWriter(engine, Ledger(), FrozenClock())
        writer.start()
        for call in calls:
            writer.record(call)
        assert await writer.stop() == 0
        return LedgerReader(engine)

    return write


async def test_a_call_comes_back_as_it_was_recorded(store, make_call, make_attempt):
    """Every field of a full call, a bare one, and both their attempts survive the way through the tables."""
    full = make_call(
        1,
        org="o",
        project="p",
        route="r",
        error_code="c",
        error_class="upstream",
        masked_count=3,
        energy_wh=0.5,
        energy_source="measured",
        policy="allow",
        tags={"b": "2", "a": "값"},
        usage=Usage(**{f: n for n, f in enumerate(Usage.__struct_fields__) if f.endswith("_tokens")}),
        attempts=(make_attempt(1, status="error", usage=None, upstream_status=None), make_attempt(2)),
    )
    bare = make_call(
        2,
        key_id=None,
        team=None,
        user=None,
        tags={},
        is_stream=False,
        model_asked=None,
        model_served=None,
        provider=None,
        site=None,
        status="rejected",
        http_status=401,
        finish_reason=None,
        first_token_ms=None,
        overhead_ms=None,
        usage=None,
        cost=Cost(nano_usd=None, state="none", price_version=None),
        attempts=(),
    )
    reader = await store(full, bare)
    assert reader.list_calls() == [bare, full]
    assert reader.find_call(full.id) == full
    assert reader.find_call("req_none") is None


@given(
    usage=st.none()
    | st.builds(
        Usage,
        **{f: st.none() | st.integers(0, 10**10) for f in Usage.__struct_fields__ if f.endswith("_tokens")},
        service_tier=st.none() | st.sampled_from(["flex", "기본"]),
        is_estimated=st.booleans(),
    )
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_unknown_and_zero_stay_apart(make_call, usage):
    """No usage, a bucket nobody named, and a bucket of zero are three things in the ledger too."""
    from naru.metering.rows import call_row, read_usage
    from naru.metering.tables import calls

    row = call_row(make_call(1, usage=usage))
    assert read_usage(dict(zip(calls.c.keys(), row, strict=True))) == usage


async def test_pages_are_whole_and_never_overlap(store, make_call):
    """Walking by before_id meets each call once, newest first, also where many began in the same moment."""
    calls = [make_call(n, started_at_ns=NOON + n // 4) for n in range(23)]
    reader = await store(*calls)
    seen, before = [], None
    while page := reader.list_calls(limit=5, before_id=before):
        seen += [call.id for call in page]
        before = page[-1].id
    assert seen == [call.id for call in reversed(calls)]
    assert reader.list_calls(before_id="req_unknown") == []


async def test_filters(store, make_call):
    """Each filter keeps exactly the calls that match, and they combine."""
    reader = await store(
        make_call(1, model_served="a", provider="p", status="ok", team="t", endpoint="chat"),
        make_call(2, model_served="b", provider="q", status="error", team="t", endpoint="messages"),
        make_call(3, model_served=None, model_asked="a", provider=None, status="rejected", team=None),
    )

    def ids(**filters) -> list[int]:
        return [int(call.id[-1]) for call in reader.list_calls(**filters)]

    assert ids(model="a") == [3, 1]
    assert ids(provider="q") == [2]
    assert ids(status="error") == [2]
    assert ids(team="t") == [2, 1]
    assert ids(team="t", endpoint="chat") == [1]
    assert ids(from_ns=NOON + 2) == [3, 2]
    assert ids(to_ns=NOON + 2) == [1]
    assert ids(model="' OR 1=1 --") == []


async def test_totals_count_each_state_apart(store, make_call):
    """Known cost is summed; unpriced, unknown and estimated are counted; rejected calls cost nothing."""

    def cost(state, nano=None):
        return Cost(nano_usd=nano, state=state, price_version=None)

    reader = await store(
        make_call(1, cost=cost("priced", 100), usage=Usage(input_tokens=1, output_tokens=2)),
        make_call(2, cost=cost("estimated", 7), usage=Usage(input_tokens=10, is_estimated=True)),
        make_call(3, cost=cost("unpriced"), status="partial", usage=Usage(output_tokens=5)),
        make_call(4, cost=cost("unknown"), status="error", usage=None),
        make_call(5, cost=cost("none"), status="rejected", usage=None),
        make_call(6, cost=cost("priced", 0), status="cancelled", usage=Usage(reasoning_tokens=3)),
    )
    found = reader.read_totals(from_ns=NOON, to_ns=NOON + SECOND)
    assert (found.requests, found.errors, found.partials, found.cancelled, found.rejected) == (6, 1, 1, 1, 1)
    assert (found.cost_nano_usd, found.unpriced, found.estimated, found.unmetered) == (107, 2, 1, 1)
    assert found.usage == Usage(input_tokens=11, output_tokens=7, reasoning_tokens=3, is_estimated=True)


async def test_absurd_counts_are_unknown_and_break_no_sum(store, make_call):
    """An upstream that reports 9e18 or -5 tokens is not believed, and the console's sums still work."""
    absurd = Usage(input_tokens=2**63 - 1, output_tokens=-5, reasoning_tokens=7)
    reader = await store(*(make_call(n, usage=absurd) for n in range(5)))
    found = reader.read_totals(from_ns=NOON, to_ns=NOON + SECOND)
    assert found.usage == Usage(reasoning_tokens=35)


async def test_an_empty_span_is_zero_calls_and_unknown_times(store):
    """With no calls there are 0 requests, and no latency at all rather than one of 0 ms."""
    reader = await store()
    found = reader.read_totals(from_ns=NOON, to_ns=NOON + SECOND)
    assert (found.requests, found.cost_nano_usd, found.usage) == (0, 0, Usage())
    assert found.duration_p50_ms is None
    assert found.first_token_p95_ms is None
    assert reader.read_breakdown(from_ns=NOON, to_ns=NOON + SECOND, by="team") == []


def nearest_rank(values: list[float], percent: int) -> float:
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_percentiles_are_values_that_happened(tmp_path_factory, make_call, durations):
    """Median and 95th are the nearest ranks of the durations, computed here by sorting."""
    from naru.metering.rows import call_row
    from naru.metering.tables import calls as table

    engine = SqliteEngine(place(tmp_path_factory.mktemp("ledger") / FILE_NAME))
    engine.migrate()
    rows = [call_row(make_call(n, duration_ms=d, attempts=())) for n, d in enumerate(durations)]
    with engine.begin() as connection:
        connection.execute(table.insert(), [dict(zip(table.c.keys(), r, strict=True)) for r in rows])
    found = LedgerReader(engine).read_totals(from_ns=NOON, to_ns=NOON + SECOND)
    engine.close()
    assert found.duration_p50_ms == nearest_rank(durations, 50)
    assert found.duration_p95_ms == nearest_rank(durations, 95)


async def test_refused_calls_do_not_flatter_the_latency(store, make_call):
    """A thousand 0 ms refusals leave the percentiles of served calls as they are."""
    refused = [make_call(n, status="rejected", duration_ms=0.0, first_token_ms=None) for n in range(1000)]
    served = [make_call(2000 + n, duration_ms=100.0 + n, first_token_ms=None) for n in range(3)]
    reader = await store(*refused, *served)
    found = reader.read_totals(from_ns=NOON, to_ns=NOON + SECOND)
    assert (found.duration_p50_ms, found.duration_p95_ms) == (101.0, 102.0)
    assert found.first_token_p50_ms is None


async def test_a_series_has_every_bucket_and_adds_up(store, make_call):
    """Empty buckets are there, each call is in exactly one, and edges belong to the later bucket."""
    minute = 60 * SECOND
    times = [0, 1, minute - 1, minute, 3 * minute, 3 * minute + 5]
    calls = [make_call(n, started_at_ns=NOON + t, cost=make_call().cost) for n, t in enumerate(times)]
    reader = await store(*calls, make_call(99, started_at_ns=NOON + 5 * minute))
    series = reader.read_series(from_ns=NOON, to_ns=NOON + 5 * minute, bucket_s=60)
    assert [b.start_ns for b in series] == [NOON + n * minute for n in range(5)]
    assert [b.requests for b in series] == [3, 1, 0, 2, 0]
    totals = reader.read_totals(from_ns=NOON, to_ns=NOON + 5 * minute)
    assert sum(b.cost_nano_usd for b in series) == totals.cost_nano_usd == 6 * 1_500
    assert series[2].duration_p50_ms is None


async def test_a_series_begins_at_round_times(store, make_call):
    """An uneven span still gives buckets at multiples of the width, counting nothing outside the span."""
    reader = await store(make_call(1, started_at_ns=NOON), make_call(2, started_at_ns=NOON + 20 * SECOND))
    series = reader.read_series(from_ns=NOON + 10 * SECOND, to_ns=NOON + 70 * SECOND, bucket_s=60)
    assert [(b.start_ns - NOON, b.requests) for b in series] == [(0, 1), (60 * SECOND, 0)]


@pytest.mark.parametrize("by", ["model", "provider", "site", "team", "endpoint", "status"])
async def test_a_breakdown_splits_everything_once(store, make_call, by):
    """The rows of a breakdown add up to the totals; calls without a value have a row of their own."""
    field = {"model": "model_served"}.get(by, by)
    empty = None if by not in {"endpoint", "status"} else "error"
    calls = [make_call(n, **{field: ("ok", "partial", empty)[n % 3]}) for n in range(10)]
    reader = await store(*calls)
    rows = reader.read_breakdown(from_ns=NOON, to_ns=NOON + SECOND, by=by)
    assert {row.value: row.requests for row in rows} == {"ok": 4, "partial": 3, empty: 3}
    assert sum(row.cost_nano_usd for row in rows) == 10 * 1_500
    assert rows[0].value == "ok"


async def test_an_export_is_whole_and_needs_little_memory(store, make_call):
    """6,000 calls go through in pages: all of them, newest first, and never all at once in memory."""
    reader = await store(*(make_call(n, started_at_ns=NOON + n // 7) for n in range(6_000)))
    list(reader.export_calls(to_ns=NOON))  # what the first use compiles and keeps is not the export's
    tracemalloc.start()
    ids = [int(call.id[4:]) for call in reader.export_calls()]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert ids == list(range(5_999, -1, -1))
    assert peak < 12_000_000
    assert sum(1 for _ in reader.export_calls(team="nobody")) == 0
