"""docs/providers.md can be copied from: every block loads and every provider in it can be built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from naru.kernel.errors import UpstreamError
from naru.providers.faults import to_error
from naru.providers.redact import Redactor
from naru.providers.registry import build_provider
from naru.settings import parse
from naru.wire.model import UpstreamFault

PAGE = (Path(__file__).parents[3] / "docs/providers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0].strip("[]"))
def test_every_block_is_a_configuration_that_runs(block, tmp_path, monkeypatch):
    """With the variables it names set."""
    (tmp_path / "config").write_text(
        "[profile ai-gateway]\naws_access_key_id=AKID\naws_secret_access_key=s\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    environ = dict.fromkeys(re.findall(r'api_key_env = "(\w+)"', block), "a-key")
    settings = parse(block.encode(), path=tmp_path / "naru.toml", environ=environ)
    assert settings.providers
    for name, table in settings.providers.items():
        assert build_provider(name, table).name == name


def test_every_kind_has_a_block():
    """A kind nobody can find out how to use is not there."""
    from typing import get_args

    from naru.settings.model import ProviderKind

    used = set(re.findall(r'^kind = "([\w-]+)"', PAGE, re.MULTILINE))
    assert used == set(get_args(ProviderKind))


def test_the_table_of_errors_is_what_happens():
    """Status, code, retry and fail-over of each row that names statuses."""
    rows = re.findall(r"^\| (\d{3}[^|]*) \| ([^|]*) \| (yes|no) \| (yes|no) \|$", PAGE, re.MULTILINE)
    assert len(rows) >= 10
    for said, got, again, following in rows:
        for status in map(int, re.findall(r"\d{3}", said)):
            error: UpstreamError = to_error(UpstreamFault(message="x", status=status), {}, Redactor(()))
            assert str(error.status) in got
            if code := re.search(r"`(\w+)`", got):
                assert error.code == code[1]
            assert (error.is_retryable, error.may_fail_over) == (again == "yes", following == "yes")
