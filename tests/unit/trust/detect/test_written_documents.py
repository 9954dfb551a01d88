"""Documents as people write them: what is found in them does not fall back unnoticed."""

from __future__ import annotations

import pytest
from bench.pii.score import score
from bench.pii_written import SETS, read_set

from naru.trust.detect import Scanner


@pytest.mark.parametrize(
    ("name", "least"),
    [("korean_seen", 0.95), ("korean_unseen", 0.87), ("english_seen", 0.96), ("english_unseen", 0.86)],
)
def test_what_is_found_in_documents_that_people_wrote(name, least):
    """Exact spans and types; of the unseen halves nobody looked at what was missed."""
    scanner = Scanner()
    result = score(read_set(name), lambda text: [(e.type, e.start, e.end) for e in scanner.scan(text)])
    assert result.f1() >= least


@pytest.mark.parametrize("name", SETS)
def test_the_documents_say_truly_what_is_in_them(name):
    """Every span lies in its text, none is empty, none begins or ends in a blank."""
    for document in read_set(name):
        for span in document.spans:
            value = document.text[span.start : span.end]
            assert value
            assert value == value.strip()
