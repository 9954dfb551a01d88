"""Order of the whole run."""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Browser tests come last: Playwright's own event loop stays in this thread once its browser is open, and
    no other loop could start beside it. (trylast: after pytest-randomly has shuffled.)"""
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))
