"""What is written about the settings is what the settings are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from typer.testing import CliRunner

from naru.cli.config import app
from naru.settings import Settings, load
from naru.settings.reference import render_reference
from naru.settings.toml import REDACTED, render_redacted

ROOT = Path(__file__).parents[3]
SECRET = "sk-very-secret-1234567890"


def test_the_reference_page_is_up_to_date():
    """Mend with: naru config docs -o docs/settings.md"""
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == render_reference()


def test_every_field_is_described():
    """A key without a word on it cannot be used."""

    def fields(model):
        for name, field in model.model_fields.items():
            inner = re.findall(r"naru\.settings\.\w+\.(\w+)", str(field.annotation))
            if not inner:
                yield f"{model.__name__}.{name}", field
            import naru.settings.model as module

            for child in inner:
                if isinstance(getattr(module, child, None), type) and child != model.__name__:
                    yield from fields(getattr(module, child))

    found = list(fields(Settings))
    assert len(found) > 50
    assert [name for name, field in found if not field.description] == []


def test_the_example_in_the_repository_is_the_one_init_writes(tmp_path):
    """`naru config init` and naru.example.toml are one text, and it is valid."""
    target = tmp_path / "naru.toml"
    result = CliRunner().invoke(app, ["init", str(target)])
    assert result.exit_code == 0, result.output
    assert target.read_text(encoding="utf-8") == (ROOT / "naru.example.toml").read_text(encoding="utf-8")
    assert load(target, {}) == Settings()


def test_the_example_is_valid_with_every_line_switched_on(tmp_path):
    """A comment that would not load if its # were removed teaches a mistake."""
    text = (ROOT / "naru.example.toml").read_text(encoding="utf-8")
    lines = [re.sub(r"^# (?=\[|[a-z_0-9]+ = )", "", line) for line in text.splitlines()]
    path = tmp_path / "naru.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    variables = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "NARU_OIDC_SECRET": "k"}
    places = {"NARU_DATABASE_URL": "postgresql://x/naru", "NARU_REDIS_URL": "redis://x"}
    settings = load(path, variables | places)
    assert len(settings.providers) == 3
    assert len(settings.prices) == 1
    assert settings.identity.oidc is not None
    assert settings.database.url is not None


def test_init_never_overwrites(tmp_path):
    """The file may be somebody's work."""
    target = tmp_path / "naru.toml"
    target.write_text("mine")
    result = CliRunner().invoke(app, ["init", str(target)])
    assert result.exit_code == 1
    assert target.read_text() == "mine"


def test_check_lists_every_fault_and_fails(tmp_path):
    """One line each, as file:line: reason."""
    path = tmp_path / "naru.toml"
    path.write_text("[server]\nprot = 1\n[models.m]\ntargets = ['x/y']\n")
    result = CliRunner().invoke(app, ["check", "--config", str(path)])
    assert result.exit_code == 1
    assert f"{path}:2: unknown key `prot`" in result.output
    assert f"{path}:4: models.m.targets names provider `x`" in result.output
    path.write_text("[server]\nport = 1\n")
    assert CliRunner().invoke(app, ["check", "--config", str(path)]).exit_code == 0


def test_show_prints_what_runs_without_secrets(tmp_path):
    """Defaults included, and valid TOML again."""
    path = tmp_path / "naru.toml"
    path.write_text(
        f"[providers.p]\nkind='openai'\napi_key='{SECRET}'\nheaders={{x-token='{SECRET}'}}\n"
        "[models.'m 1']\ntargets=['p/a']\ndescription='한국어 \"q\"'\n"
        "[[prices]]\nvendor='a'\nmodel='b'\nvalid_from=2026-01-01\ninput=0.1\n"
    )
    result = CliRunner().invoke(app, ["show", "--config", str(path)])
    assert result.exit_code == 0, result.output
    assert SECRET not in result.output
    tree = tomllib.loads(result.output)
    assert tree["server"]["port"] == 8400
    assert tree["providers"]["p"]["api_key"] == REDACTED
    assert tree["models"]["m 1"]["description"] == '한국어 "q"'


def test_defaults_survive_being_shown(tmp_path):
    """What `show` prints can be read again."""
    path = tmp_path / "naru.toml"
    path.write_text(render_redacted(Settings()), encoding="utf-8")
    assert load(path, {}) == Settings()
