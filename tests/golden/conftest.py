"""`pytest tests/golden --golden-update` rewrites the expected files; read the diff before committing it."""

from __future__ import annotations

import pytest

from tests.golden.files import Golden


def pytest_addoption(parser):
    parser.addoption(
        "--golden-update", action="store_true", default=False, help="rewrite the expected conversions"
    )


@pytest.fixture
def golden(request):
    """Compares what was made with the file that says what should be made."""
    # A run over all tests collects this file too late for its option to be known.
    return Golden(is_updating=request.config.getoption("--golden-update", default=False))
