"""Fills a ledger with a day's worth of plausible calls: the same ones for the same seed."""

from __future__ import annotations

import asyncio
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.kernel.clock import SystemClock
from naru.kernel.ids import new_id
from naru.kernel.tokens import Usage
from naru.metering import Attempt, Call, Cost, LedgerWriter
from naru.settings.model import Ledger

_NS = 1_000_000_000
# provider, vendor, site, model, USD a million tokens in and out (None: no price is known), share of calls
_TARGETS = (
    ("openai", "openai", "cloud", "gpt-4o-mini", 0.15, 0.6, 34),
    ("anthropic", "anthropic", "cloud", "claude-sonnet-4-5", 3.0, 15.0, 22),
    ("seoul-vllm", "upstage", "on-prem", "solar-pro-2", 0.25, 0.25, 20),
    ("gemini", "gemini", "cloud", "gemini-2.5-flash", 0.3, 2.5, 12),
    ("local", "local", "edge", "smollm2", 0.0, 0.0, 8),
    ("clova", "naver", "cloud", "HCX-007", None, None, 4),
)
_TEAMS = ("platform", "contact-centre", "legal", None)


def seed(home: Path, *, count: int = 480, hours: float = 23, random_seed: int = 7) -> list[Call]:
    """Write `count` calls of the last `hours` through the real writer; returns them, oldest first."""
    dice = random.Random(random_seed)
    now_ns = time.time_ns()
    moments = sorted(now_ns - int(dice.betavariate(1.2, 1.6) * hours * 3600 * _NS) for _ in range(count))
    calls = [_call(dice, moment) for moment in moments]
    home.mkdir(parents=True, exist_ok=True)
    engine = SqliteEngine(home / FILE_NAME)
    engine.migrate()
    with ThreadPoolExecutor(1) as thread:  # the browser driver keeps a loop of its own in this one
        thread.submit(lambda: asyncio.run(_write(engine, calls))).result()
    engine.close()
    return calls


async def _write(engine: SqliteEngine, calls: list[Call]) -> None:
    writer = LedgerWriter(engine, Ledger(), SystemClock())
    writer.start()
    for call in calls:
        writer.record(call)
    await writer.stop()


def _call(dice: random.Random, started_at_ns: int) -> Call:
    target = dice.choices(_TARGETS, [entry[-1] for entry in _TARGETS])[0]
    fate = dice.choices(("ok", "error", "partial", "cancelled", "rejected", "failover"), (90, 2, 1, 2, 2, 5))[
        0
    ]
    is_stream = dice.random() < 0.7
    attempts: list[Attempt] = []
    offset_ms = dice.uniform(0.2, 0.9)
    if fate in ("error", "failover"):
        first = _attempt(dice, target, 1, started_at_ns, offset_ms, "error", is_stream)
        attempts.append(first)
        offset_ms += first.duration_ms + dice.uniform(50, 400)
        target = _TARGETS[1] if target[0] != "anthropic" else _TARGETS[0]
    if fate != "rejected":
        status = {"failover": "ok"}.get(fate, fate)
        attempts.append(
            _attempt(dice, target, len(attempts) + 1, started_at_ns, offset_ms, status, is_stream)
        )
    last = attempts[-1] if attempts else None
    status = last.status if last else "rejected"
    duration_ms = (last.started_at_ns - started_at_ns) / 1e6 + last.duration_ms + 0.3 if last else 0.4
    costs = [attempt.cost for attempt in attempts]
    return Call(
        id=new_id("req"),
        started_at_ns=started_at_ns,
        endpoint=dice.choices(("chat", "messages", "responses", "embeddings"), (60, 22, 12, 6))[0],
        is_stream=is_stream,
        key_id="admin",
        org=None,
        team=dice.choice(_TEAMS),
        project=None,
        user=None,
        tags={"feature": dice.choice(("summary", "search", "reply"))} if dice.random() < 0.3 else {},
        route=None,
        model_asked="gpt-5-typo" if status == "rejected" else target[3],
        model_served=last.model if last else None,
        provider=last.provider if last else None,
        site=last.site if last else None,
        status=status,
        http_status={"ok": 200, "partial": 200, "cancelled": 499, "rejected": 404, "error": 502}[status],
        error_code={"error": "upstream_error", "partial": "upstream_cut", "rejected": "model_not_found"}.get(
            status
        ),
        error_class={"error": "upstream", "partial": "upstream", "rejected": "client"}.get(status),
        finish_reason=last.finish_reason if last else None,
        first_token_ms=(last.started_at_ns - started_at_ns) / 1e6 + last.first_token_ms
        if last and last.first_token_ms is not None
        else None,
        duration_ms=duration_ms,
        overhead_ms=dice.uniform(0.3, 0.8),
        usage=last.usage if last else None,
        cost=_sum(costs),
        cache="miss",
        masked_count=None,
        energy_wh=None,
        energy_source=None,
        policy=None,
        attempts=tuple(attempts),
    )


def _attempt(
    dice: random.Random,
    target: tuple,
    number: int,
    started_at_ns: int,
    offset_ms: float,
    status: str,
    is_stream: bool,
) -> Attempt:
    provider, vendor, site, model, in_usd, out_usd, _ = target
    first_ms = dice.lognormvariate(6.0, 0.5)
    whole_ms = first_ms + dice.lognormvariate(7.1, 0.7)
    is_answered = status != "error"
    usage = None
    if is_answered:
        fresh = int(dice.lognormvariate(6.6, 0.9))
        usage = Usage(
            input_tokens=fresh,
            cache_read_tokens=fresh * 2 if dice.random() < 0.3 else 0,
            output_tokens=int(dice.lognormvariate(5.3, 0.8)),
            reasoning_tokens=int(dice.lognormvariate(5, 0.6)) if dice.random() < 0.2 else None,
            is_estimated=status in ("partial", "cancelled"),
        )
    return Attempt(
        id=new_id("att"),
        number=number,
        started_at_ns=started_at_ns + int(offset_ms * 1e6),
        provider=provider,
        vendor=vendor,
        site=site,
        model=model,
        status=status,
        upstream_status=200 if is_answered else dice.choice((429, 500, 503)),
        error_code=None
        if status in ("ok", "cancelled")
        else "upstream_cut"
        if is_answered
        else "upstream_error",
        finish_reason="stop" if status == "ok" else None,
        first_token_ms=first_ms if is_answered and is_stream else None,
        duration_ms=whole_ms if is_answered else dice.uniform(80, 900),
        usage=usage,
        cost=_cost(usage, vendor, model, in_usd, out_usd),
    )


def _cost(usage: Usage | None, vendor: str, model: str, in_usd: float | None, out_usd: float | None) -> Cost:
    if usage is None:
        return Cost(nano_usd=0, state="none", price_version=None)
    if in_usd is None or out_usd is None:
        return Cost(nano_usd=None, state="unpriced", price_version=None)
    nano = round(usage.total_input_tokens * in_usd * 1000 + usage.total_output_tokens * out_usd * 1000)
    state = "estimated" if usage.is_estimated else "priced"
    return Cost(nano_usd=nano, state=state, price_version=f"{vendor}/{model}@2025-09-01")


def _sum(costs: list[Cost]) -> Cost:
    if not costs:
        return Cost(nano_usd=0, state="none", price_version=None)
    return costs[-1]
