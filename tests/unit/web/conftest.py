"""A control app over a real ledger in a temporary SQLite file, asked through ASGI."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.databases import place

from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.identity import Keys, Units
from naru.kernel.audit import AuditEvent
from naru.kernel.clock import FrozenClock
from naru.kernel.tokens import Usage
from naru.metering import Attempt, Call, Cost, LedgerReader, LedgerWriter
from naru.quota import BudgetBook
from naru.settings.model import Ledger, Trust
from naru.trust.book import PolicyBook
from naru.trust.words import WordVault
from naru.web.context import ControlContext, ModelInfo, ProviderInfo, StatusInfo
from naru.web.control import create_control_app

KEY = "naru-admin-key"
NS = 1_000_000_000


class ListAudit:
    """Remembers what it was told."""

    def __init__(self, events: list[AuditEvent]) -> None:
        self.events = events

    def record(self, event: AuditEvent) -> None:
        self.events.append(event)


def new_call(number: int, started_at_ns: int, **changes) -> Call:
    """An answered call; `number` orders the ids."""
    usage = Usage(input_tokens=100, output_tokens=20)
    cost = Cost(nano_usd=1_500, state="priced", price_version="acme/m1@2026-01-01")
    attempt = Attempt(
        id=f"att_{number:04}",
        number=1,
        started_at_ns=started_at_ns,
        provider="acme",
        vendor="acme",
        site="cloud",
        model="m1",
        status="ok",
        upstream_status=200,
        error_code=None,
        finish_reason="stop",
        first_token_ms=80.0,
        duration_ms=200.0,
        usage=usage,
        cost=cost,
    )
    fields = {
        "id": f"req_{number:04}",
        "started_at_ns": started_at_ns,
        "endpoint": "chat",
        "is_stream": True,
        "key_id": "admin",
        "org": None,
        "team": None,
        "project": None,
        "user": None,
        "tags": {},
        "route": None,
        "model_asked": "m1",
        "model_served": "m1",
        "provider": "acme",
        "site": "cloud",
        "status": "ok",
        "http_status": 200,
        "error_code": None,
        "error_class": None,
        "finish_reason": "stop",
        "first_token_ms": 81.0,
        "duration_ms": 201.0,
        "overhead_ms": 0.4,
        "usage": usage,
        "cost": cost,
        "cache": "miss",
        "masked_count": None,
        "energy_wh": None,
        "energy_source": None,
        "policy": None,
        "attempts": (attempt,),
    }
    return Call(**(fields | changes))


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def engine(tmp_path: Path):
    engine = SqliteEngine(place(tmp_path / FILE_NAME))
    engine.migrate()
    yield engine
    engine.close()


@pytest.fixture
async def write(engine, clock):
    """Writes calls through the real writer."""

    async def write_(*calls: Call) -> None:
        writer = LedgerWriter(engine, Ledger(), clock)
        writer.start()
        for call in calls:
            writer.record(call)
        await writer.stop()

    return write_


@pytest.fixture
def acts() -> list[AuditEvent]:
    """What the audit log was told."""
    return []


@pytest.fixture
def context(engine, clock, acts) -> ControlContext:
    audit = ListAudit(acts)
    units = Units(engine, clock=clock, audit=audit, on_change=lambda: None)
    return ControlContext(
        ledger=LedgerReader(engine),
        units=units,
        keys=Keys(engine, units=units, clock=clock, audit=audit, on_change=lambda: None),
        budgets=BudgetBook(engine, clock, audit),
        policies=PolicyBook(engine, clock, audit, vault=WordVault(engine, b"k" * 32), read_settings=Trust),
        audit=audit,
        models=lambda: [ModelInfo(id="m1", targets=("acme/m1",), provider="acme", site="cloud")],
        providers=lambda: [ProviderInfo(name="acme", kind="openai", site="cloud", circuit="closed")],
        status=lambda: StatusInfo(
            uptime_s=1.5,
            in_flight=2,
            ledger_pending=0,
            ledger_written=7,
            config_path=None,
            config_loaded_at_ns=None,
            config_error=None,
        ),
        settings_redacted=lambda: {"server": {"port": 8400}},
        verify_admin_key=lambda secret: secret == KEY,
        session_secret=b"s" * 32,
        version="0.0.1",
        clock=clock,
    )


@pytest.fixture
def app(context):
    return create_control_app(context)


@pytest.fixture
def anyone(app):
    """A client without a key or a session, who sees server errors as answers."""
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


@pytest.fixture
def admin(app):
    """A client that sends the admin key."""
    headers = {"authorization": f"Bearer {KEY}"}
    with TestClient(app, headers=headers, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


@pytest.fixture
def browser(app):
    """A client that signed in at the console, as a browser on plain http does (Origin, no Sec-Fetch-Site)."""
    headers = {"origin": "http://testserver"}
    with TestClient(app, headers=headers, raise_server_exceptions=False, follow_redirects=False) as client:
        assert client.post("/login", data={"key": KEY}).status_code == 303
        yield client
