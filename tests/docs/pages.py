"""The pages under test, and what stands in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read_blocks(language):
    """Every fenced block of a language, as (page name and line, text)."""
    for page in PAGES:
        text = page.read_text("utf-8")
        for match in _FENCE.finditer(text):
            if match[1] == language:
                yield f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}", match[2]


def read_prose(page):
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text("utf-8"))


def page_id(page):
    return str(page.relative_to(ROOT))
