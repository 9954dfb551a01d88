"""Order of the whole run."""

from pathlib import Path

import pytest

BROWSER_TESTS = Path(__file__).parent / "e2e" / "console"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Browser tests come last: Playwright's own event loop stays in this thread once its browser is open, and
    no other loop could start beside it. (The shuffle of pytest-randomly comes before this.)"""
    items.sort(key=lambda item: BROWSER_TESTS in item.path.parents)
