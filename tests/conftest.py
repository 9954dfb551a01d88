"""Order of the whole run, and the servers that tests marked `service` share."""

from pathlib import Path

import pytest

from tests.services import postgres_server, redis_server

__all__ = ["postgres_server", "redis_server"]

TESTS = Path(__file__).parent
BROWSER_TESTS = TESTS / "e2e" / "console"
SLOW = (
    "architecture/test_imports.py::test_a_start_carries_no_library",
    "architecture/test_imports.py::test_no_module_is_slow_to_import",
    "contract/engines/test_move.py",
    "docs/test_examples.py",
    "docs/test_pages.py::test_commands_exist",
    "integration/gateway/test_faults.py::test_every_form_of_retry_after",
    "integration/gateway/test_hostile_",
    "integration/identity/",
    "integration/process/",
    "integration/quota/",
    "integration/trust/",
    "unit/engines/test_postgres_wire.py",
    "unit/identity/keys/test_identity_cli.py",
    "unit/metering/test_ledger_writer.py",
    "unit/quota/test_conservation",
    "unit/test_server.py::test_garbage",
    "unit/trust/combine/test_combine_flow.py",
    "unit/trust/detect/test_scanner.py::test_memory_stays_flat",
    "unit/trust/guard/test_guard_injection.py::test_time_is_linear",
    "unit/trust/test_policy_cli.py",
    "unit/web/test_every_act.py",
    "unit/web/test_gate.py::test_a_session_opens_exactly",
    "unit/web/test_other_organisations.py",
)
"""Whole processes, databases and races: seconds each. `make test` leaves them to `make check` and CI."""


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item):
    """Mark what is slow by its place, so that the fast run stays under two minutes."""
    if item.nodeid.removeprefix("tests/").startswith(SLOW):
        item.add_marker("slow")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Browser tests come last: Playwright's own event loop stays in this thread once its browser is open, and
    no other loop could start beside it. (The shuffle of pytest-randomly comes before this.)"""
    items.sort(key=lambda item: BROWSER_TESTS in item.path.parents)
