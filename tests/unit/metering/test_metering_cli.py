"""`naru ledger` and `naru prices` answer from the files alone, and say how to mend what is wrong."""

from __future__ import annotations

import csv
import io
import json

import pytest
from typer.testing import CliRunner

from naru.cli.ledger import app as ledger
from naru.cli.prices import app as prices
from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.kernel.clock import FrozenClock
from naru.kernel.errors import BadRequest, ConfigError, NotFound
from naru.kernel.tokens import Usage
from naru.metering import Cost, LedgerWriter
from naru.settings.model import Ledger


def run(app, *args: str) -> str:
    result = CliRunner().invoke(app, [str(a) for a in args], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def fault(app, *args: str) -> BaseException:
    result = CliRunner().invoke(app, [str(a) for a in args])
    assert result.exception is not None
    return result.exception


@pytest.fixture
def engine(tmp_path):
    """The files of one Naru, which is what `--home` means."""
    engine = SqliteEngine(tmp_path / FILE_NAME)
    engine.migrate()
    yield engine
    engine.close()


@pytest.fixture
async def home(engine, tmp_path, make_call, make_attempt):
    writer = LedgerWriter(engine, Ledger(), FrozenClock())
    writer.start()
    unpriced = Cost(nano_usd=None, state="unpriced", price_version=None)
    estimated = Cost(nano_usd=2_000, state="estimated", price_version="v/m@2026-01-01")
    writer.record(make_call(1))
    writer.record(make_call(2, cost=unpriced, status="error", user="=HYPERLINK(1)", usage=None))
    writer.record(
        make_call(
            3,
            cost=estimated,
            model_served="evil\x1b[31m",
            usage=Usage(input_tokens=5, is_estimated=True),
            attempts=(make_attempt(1, status="error", error_code="upstream_timeout"), make_attempt(2)),
        )
    )
    assert await writer.stop() == 0
    return tmp_path


def test_list_shows_unknown_as_unknown(home):
    """Newest first; `?` for what nobody knows, `~` for an estimate, and no escape sequence of a client."""
    out = run(ledger, "list", "--home", home)
    lines = out.splitlines()
    assert [line.split()[2] for line in lines[1:]] == ["req_00000003", "req_00000002", "req_00000001"]
    assert "~0.000002" in lines[1]
    assert lines[2].split()[-4:] == ["?", "?", "?", "40"]
    assert "\x1b" not in out
    assert "req_00000002" in run(ledger, "list", "--home", home, "--status", "error")
    assert run(ledger, "list", "--home", home, "--since", "1h") == ""


def test_show_prints_every_attempt(home):
    """One call in full: tokens by bucket, cost with its price's version, both tries."""
    out = run(ledger, "show", "req_00000003", "--home", home)
    assert "attempt 1" in out
    assert "upstream_timeout" in out
    assert "attempt 2" in out
    assert "input 5 (estimated)" in out
    assert "v/m@2026-01-01" in out
    assert isinstance(fault(ledger, "show", "req_none", "--home", home), NotFound)


def test_export_is_whole_in_both_forms(home):
    """JSON lines carry attempts and nulls; CSV has a row a call and runs nothing in a spreadsheet."""
    lines = [json.loads(line) for line in run(ledger, "export", "--home", home).splitlines()]
    assert [len(line["attempts"]) for line in lines] == [2, 1, 1]
    assert lines[1]["usage"] is None
    rows = list(csv.DictReader(io.StringIO(run(ledger, "export", "--csv", "--home", home))))
    assert [row["cost_nano_usd"] for row in rows] == ["2000", "", "1500"]
    assert rows[1]["user"] == "'=HYPERLINK(1)"
    assert rows[2]["input_tokens"] == "100"


def test_a_missing_ledger_is_explained_and_not_created(tmp_path):
    """Reading where nothing is does not make a database."""
    error = fault(ledger, "list", "--home", tmp_path / "nowhere")
    assert isinstance(error, ConfigError)
    assert "naru up" in str(error)
    assert not (tmp_path / "nowhere").exists()


def test_a_bad_span_is_explained(home):
    """--since says what it takes."""
    for bad in ("yesterday", "5x", "99999999d", "2026-13-01"):
        error = fault(ledger, "list", "--home", home, "--since", bad)
        assert isinstance(error, BadRequest), bad
        assert "30m, 24h, 7d" in str(error)


def test_prices_are_listed_with_their_source(tmp_path, monkeypatch):
    """A price shows every rate, its first day and where it was read."""
    monkeypatch.chdir(tmp_path)
    out = run(prices, "show", "openai/gpt-4o-mini-2024-07-18")
    assert out.startswith("openai/gpt-4o-mini@2026-01-01")
    assert "read 2026-11-21" in out
    assert "batch" in out
    listed = [json.loads(line) for line in run(prices, "list", "--json", "--vendor", "gemini").splitlines()]
    assert {row["vendor"] for row in listed} == {"google"}
    assert isinstance(fault(prices, "show", "openai/nope"), NotFound)
    assert isinstance(fault(prices, "list", "--vendor", "nope"), NotFound)


def test_check_names_models_without_a_price(tmp_path, monkeypatch):
    """Configured models that would be unpriced are named with the rows to add; adding them mends it."""
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "naru.toml"
    text = """
[providers.up]
kind = "openai-compatible"
base_url = "https://api.example.com/v1"
vendor = "upstage"
models = ["solar-pro", "*"]
[providers.oai]
kind = "openai"
api_key = "k"
models = ["gpt-4o"]
"""
    config.write_text(text)
    result = CliRunner().invoke(prices, ["check"])
    assert result.exit_code == 1
    assert 'vendor = "upstage" model = "solar-pro"' in result.stdout
    assert "1 of 2" in result.stdout
    config.write_text(
        text + '[[prices]]\nvendor = "upstage"\nmodel = "solar-pro"\nvalid_from = 2026-01-01\ninput = 0.15\n'
    )
    assert "2 of 2" in run(prices, "check")
    shown = run(prices, "show", "upstage/solar-pro")
    assert "upstage/solar-pro@2026-01-01" in shown
    assert shown.rstrip().endswith(" 0.15")
