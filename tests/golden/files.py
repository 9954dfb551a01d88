"""Where cases and expected conversions lie, and how the two are read, compared and rewritten.

cases/<language>/requests/*.json    as a client sends them
cases/<language>/replies/*.json     as an upstream answers
cases/<language>/streams/*.sse      as an upstream streams; *.json is a list of {"name", "data"} frames,
                                    for languages whose streams are binary
expected/<from>-to-<to>/...         the same names again
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from naru.wire.base import Frame
from naru.wire.sse import SseFraming

_HERE = Path(__file__).parent
CASES = _HERE / "cases"
EXPECTED = _HERE / "expected"


def find_cases(kind):
    """(language, path) of every case of a kind."""
    return sorted((path.parent.parent.name, path) for path in CASES.glob(f"*/{kind}/*"))


def read_json(path):
    return json.loads(path.read_text())


def read_frames(path):
    """The frames of a recorded stream."""
    if path.suffix == ".json":
        return [Frame(b"", item["name"], json.dumps(item["data"]).encode()) for item in read_json(path)]
    framing = SseFraming()
    frames = framing.feed(path.read_bytes())
    assert not framing.has_rest, f"{path} does not end in a blank line"
    return frames


class Golden:
    """One comparison, or one rewriting."""

    def __init__(self, *, is_updating):
        self._is_updating = is_updating

    def check_json(self, made, source, target, kind, name):
        """`made` is exactly what the expected file says."""
        self._check(
            json.dumps(made, indent=2, ensure_ascii=False) + "\n", source, target, kind, f"{name}.json"
        )

    def check_stream(self, made, source, target, name):
        """The bytes `made` are exactly what the expected file says."""
        self._check(made.decode(), source, target, "streams", f"{name}.sse")

    def _check(self, made, source, target, kind, name):
        path = EXPECTED / f"{source}-to-{target}" / kind / name
        if self._is_updating:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made)
            return
        if not path.exists():
            pytest.fail(f"{path.relative_to(_HERE)} is missing: look at it after --golden-update")
        assert made == path.read_text()
