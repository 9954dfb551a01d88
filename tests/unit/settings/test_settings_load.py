"""naru.toml is read strictly: every fault at once, with its line, its reason and no secret."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naru.kernel.errors import ConfigError
from naru.settings import PLACES, InvalidConfig, Settings, load, parse

SECRET = "sk-very-secret-1234567890"


def read(tmp_path, text, environ=None):
    path = tmp_path / "naru.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, environ or {})


def faults(tmp_path, text, environ=None):
    """(line, reason) of each fault."""
    with pytest.raises(InvalidConfig) as caught:
        read(tmp_path, text, environ)
    return [tuple(problem) for problem in caught.value.problems]


def test_without_a_file_the_embedded_model_alone_is_served():
    """`naru up` needs no naru.toml."""
    settings = load(None, {})
    assert settings.local.is_enabled
    assert settings.providers == {}
    assert settings.models == {}


def test_an_empty_file_means_the_defaults(tmp_path):
    """Every key is optional."""
    assert read(tmp_path, "") == Settings()


def test_a_whole_file_is_read(tmp_path):
    """Numbers, lists, dates and prices arrive exactly as written."""
    settings = read(
        tmp_path,
        """
        [server]
        port = 9000
        [resilience]
        idle_timeout_s = 12.5
        [providers.acme]
        kind = "openai-compatible"
        base_url = "https://ai.acme.example/v1/"
        models = ["big", "small"]
        headers = {x-team = "blue"}
        [models.fast]
        targets = ["acme/small", "local/smollm2"]
        [[prices]]
        vendor = "acme"
        model = "small"
        valid_from = 2026-02-01
        input = 0.1
        output = 3
        long_context = [{above_tokens = 200000, input = 0.2}]
        """,
    )
    acme = settings.providers["acme"]
    assert settings.server.port == 9000
    assert settings.resilience.idle_timeout_s == 12.5
    assert acme.base_url == "https://ai.acme.example/v1"
    assert acme.models == ("big", "small")
    assert settings.prices[0].valid_from == date(2026, 2, 1)
    assert settings.prices[0].input == Decimal("0.1")
    assert settings.prices[0].long_context[0].above_tokens == 200_000


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("[server]\nport = ", 2, "not valid TOML"),
        ("[server]\nport = 1\n\nport = 2\n", 4, "server.port is set twice (first on line 2)"),
        ("[server]\n[server]\n", 2, "server is set twice (first on line 1)"),
        ('a = 1\nb = """\n\n\n', 2, "unterminated string"),
        ("[servr]\nport = 1\n", 1, "unknown key `servr`; did you mean `server`?"),
        ("[server]\n\nprot = 1\n", 3, "unknown key `prot` in server; did you mean `port`?"),
        ("[server]\nzzz = 1\n", 2, "known are host"),
        ("[local]\nis_enabled = true\n", 2, "did you mean `enabled`?"),
        ('[server]\nport = "8400"\n', 2, "server.port should be a valid integer"),
        ("[server]\nport = 70000\n", 2, "less than or equal to 65535"),
        ("[server]\nport = true\n", 2, "valid integer"),
        ("[resilience]\nidle_timeout_s = nan\n", 2, "resilience.idle_timeout_s"),
        ("[resilience]\nidle_timeout_s = inf\n", 2, "less than or equal to 86400"),
        ("server = 1\n", 1, "server"),
        ("[providers.x]\nsite = 'a'\n", 1, "providers.x lacks `kind`"),
        ("[providers.x]\nkind = 'opena'\n", 2, "'openai'"),
        ("[providers.'a b']\nkind = 'openai'\napi_key = 'k'\n", 1, "not a usable name"),
        ("[providers.x]\nkind = 'openai'\n", 1, "needs a key"),
        ("[server]\npublic_url = 'https://naru.example.com/console'\n", 2, "nothing behind it"),
        ("[server]\npublic_url = 'naru.example.com'\n", 2, "must be"),
        ("[providers.x]\nkind = 'openai-compatible'\n", 1, "needs base_url"),
        ("[providers.x]\nkind = 'bedrock'\n", 1, "needs region"),
        ("[providers.x]\nkind = 'openai'\napi_key = 'a'\napi_key_env = 'B'\n", 1, "keep one of them"),
        ("[providers.local]\nkind = 'openai'\napi_key = 'k'\n", 1, "belongs to the embedded model"),
        ("[models.m]\ntargets = []\n", 2, "models.m.targets"),
        ("[models.m]\ntargets = [\n'local/smollm2',\n'acme/x']\n", 4, "provider `acme` which does not exist"),
        ("[models.m]\ntargets = ['locl/smollm2']\n", 2, "did you mean `local`?"),
        ("[models.m]\ntargets = ['smollm2']\n", 2, "must be written `provider/model`"),
        ("[models.m]\ntargets = ['local/other']\n", 2, "the embedded model is `local/smollm2`"),
        ("[models.m]\ntargets = ['local/smollm2', 'local/smollm2']\n", 2, "twice"),
        ("[models.smollm2]\ntargets = ['local/smollm2']\n", 1, "name of the embedded model"),
        ("[local]\nenabled = false\n[models.m]\ntargets = ['local/x']\n", 4, "does not exist"),
        ("[[prices]]\nvendor='a'\nmodel='b'\nvalid_from='yesterday'\n", 4, "valid date"),
        ("[[prices]]\nvendor='a'\nmodel='b'\nvalid_from=2026-01-01\ninput=-1\n", 5, "prices[0].input"),
        ("a = " + "9" * 5000, None, "out of range"),
        ("a = " + "[" * 5000, None, "nested too deeply"),
    ],
)
def test_each_fault_is_told_with_its_line_and_reason(tmp_path, text, line, part):
    """What is wrong, where, and how to mend it."""
    found = faults(tmp_path, text)
    assert found[0][0] == line
    assert part in found[0][1], found


def test_a_second_price_row_of_the_same_day_is_refused(tmp_path):
    """Which of the two applies would be chance."""
    row = "[[prices]]\nvendor='a'\nmodel='b'\nvalid_from=2026-01-01\ninput=1\n"
    assert [line for line, _ in faults(tmp_path, row + row)] == [6]


def test_all_faults_are_told_at_once_first_line_first(tmp_path):
    """One round of mending, not five."""
    text = """[models.m]
targets = ["nobody/x"]
[server]
prot = 1
port = "x"
[providers.p]
kind = "openai"
api_key_env = "MISSING_KEY"
"""
    found = faults(tmp_path, text)
    assert [line for line, _ in found] == [2, 4, 5, 8]
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert caught.value.line == 2
    assert [line.split(": ")[0].rsplit(":", 1)[1] for line in str(caught.value).splitlines()] == [
        "2",
        "4",
        "5",
        "8",
    ]


def test_bytes_that_are_not_utf8_are_refused_with_their_line():
    """The decoder's own error has no line."""
    with pytest.raises(InvalidConfig) as caught:
        parse(b"a = 1\nb = '\xff'\n", path=_path(), environ={})
    assert caught.value.line == 2


def test_a_byte_order_mark_and_windows_line_ends_are_taken(tmp_path):
    """Editors on Windows write both."""
    settings = parse(b"\xef\xbb\xbf[server]\r\nport = 1\r\n", path=tmp_path / "naru.toml", environ={})
    assert settings.server.port == 1


def test_a_file_that_is_not_there_says_how_to_get_one(tmp_path):
    """`naru up --config typo.toml` must not silently run the defaults."""
    with pytest.raises(ConfigError, match="does not exist"):
        load(tmp_path / "none.toml", {})


def test_a_key_comes_from_the_environment(tmp_path):
    """The file names the variable and can be shared."""
    text = "[providers.p]\nkind='openai'\napi_key_env='P_KEY'\n"
    settings = read(tmp_path, text, {"P_KEY": f" {SECRET}\n"})
    assert settings.providers["p"].api_key.get_secret_value() == SECRET


@pytest.mark.parametrize("environ", [{}, {"P_KEY": ""}, {"P_KEY": "  "}])
def test_a_key_that_is_not_set_refuses_the_file(tmp_path, environ):
    """Fail closed: better now than at the first call."""
    text = "[providers.p]\nkind='openai'\napi_key_env='P_KEY'\n"
    ((line, reason),) = faults(tmp_path, text, environ)
    assert line == 3
    assert "P_KEY is not set" in reason


def test_a_key_file_stands_beside_the_config(tmp_path):
    """Wherever Naru was started from."""
    (tmp_path / "p.key").write_text(SECRET + "\n")
    settings = read(tmp_path, "[providers.p]\nkind='openai'\napi_key_file='p.key'\n")
    assert settings.providers["p"].api_key.get_secret_value() == SECRET


@pytest.mark.parametrize("content", [None, b"", b"two lines\nof text", b"\xff", "키".encode()])
def test_an_unusable_key_file_is_refused(tmp_path, content):
    """Missing, empty, several lines, or not something a header can carry."""
    if content is not None:
        (tmp_path / "p.key").write_bytes(content)
    found = faults(tmp_path, "[providers.p]\nkind='openai'\napi_key_file='p.key'\n")
    assert [line for line, _ in found] == [3]


def test_a_key_pasted_where_its_variable_belongs_is_not_repeated(tmp_path):
    """The message reaches logs and terminals."""
    found = faults(tmp_path, f"[providers.p]\nkind='openai'\napi_key_env='{SECRET}'\n")
    assert SECRET not in str(found)


def test_bedrock_takes_the_variable_aws_itself_uses(tmp_path):
    """A provider that names no key and no profile."""
    text = "[providers.b]\nkind='bedrock'\nregion='us-east-1'\n"
    settings = read(tmp_path, text, {"AWS_BEARER_TOKEN_BEDROCK": SECRET})
    assert settings.providers["b"].api_key.get_secret_value() == SECRET
    assert read(tmp_path, text).providers["b"].api_key is None


@pytest.mark.parametrize(
    "address",
    [
        "acme.example",
        "ftp://a.example",
        "https://",
        "https://u:p@a.example",
        "https://a/?k=1",
        "http://a:99999",
    ],
)
def test_an_address_that_cannot_be_called_is_refused_and_not_repeated(tmp_path, address):
    """It may hold a password."""
    found = faults(tmp_path, f"[providers.p]\nkind='openai-compatible'\nbase_url='{address}'\n")
    assert found[0][0] == 3
    assert address.removeprefix("https://") not in found[0][1] or address == "https://"


@pytest.mark.parametrize("header", ["Host = 'x'", "'a b' = 'x'", "x = 'a\\u000ab'", "Content-Length='3'"])
def test_headers_that_would_break_the_connection_are_refused(tmp_path, header):
    """Header injection by configuration is still header injection."""
    header = header.replace("'a\\u000ab'", '"a\\u000ab"')
    text = f"[providers.p]\nkind='openai'\napi_key='k'\nheaders = {{{header}}}\n"
    assert faults(tmp_path, text)[0][0] == 4


def test_no_way_to_print_settings_shows_a_key(tmp_path):
    """repr, str and JSON dumps end up in logs."""
    text = f"[providers.p]\nkind='openai'\napi_key='{SECRET}'\nheaders={{x-token='{SECRET}'}}\n"
    settings = read(tmp_path, text)
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings.providers)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_settings_or_a_config_error(content):
    """Never another exception: a reload must not kill the watcher."""
    with suppress(ConfigError):
        parse(content, path=_path(), environ={})


def _path():
    return Path("naru.toml")


POSTGRES = "postgresql://naru:very-secret@db:5432/naru?sslmode=verify-full"


@pytest.mark.parametrize("table", ["database", "redis"])
def test_an_address_comes_from_where_it_is_named(tmp_path, table):
    """Out of the environment, out of a file beside naru.toml, or as it stands; shown to nobody."""
    address = {"database": POSTGRES, "redis": "rediss://:very-secret@kv:6380/1"}[table]
    (tmp_path / "address").write_text(f"{address}\n")
    for line, environ in (
        ('url_env = "ADDRESS"', {"ADDRESS": address}),
        ('url_file = "address"', {}),
        (f'url = "{address}"', {}),
    ):
        settings = parse(f"[{table}]\n{line}\n".encode(), path=tmp_path / "naru.toml", environ=environ)
        url = getattr(settings, table).url
        assert url.get_secret_value() == address
        assert "very-secret" not in f"{settings!r}{settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("text", "environ", "said"),
    [
        ('[database]\nurl_env = "NOT_SET"', {}, "2: database.url_env: the environment variable NOT_SET"),
        ('[database]\nurl_env = "A"', {"A": "mysql://very-secret"}, "begins with postgresql://"),
        ('[database]\nurl = "sqlite:///very-secret"', {}, "without [database] it is SQLite in HOME"),
        ('[database]\nurl_file = "no"', {}, "2: database.url_file: the file does not exist"),
        ('[redis]\nurl = "http://very-secret"', {}, "must begin with redis://"),
        ('[redis]\nurl_env = "A"\nurl = "redis://very-secret"', {"A": "redis://h"}, "url_env and url; keep"),
        (f'[database]\nurl_env = "{POSTGRES}"', {}, "is it the key itself?"),
    ],
)
def test_an_address_that_is_not_there_or_is_none_refuses_the_file(tmp_path, text, environ, said):
    """With the line, and without the address, which may hold a password."""
    with pytest.raises(InvalidConfig) as caught:
        parse(text.encode(), path=tmp_path / "naru.toml", environ=environ)
    assert said in caught.value.message
    assert "very-secret" not in caught.value.message


def test_administration_needs_no_providers_key(tmp_path):
    """With `only`, what else stands in the file may be wrong: it is somebody else's."""
    text = f'[database]\nurl = "{POSTGRES}"\n[providers.p]\nkind = "openai"\napi_key_env = "NO"\n[nonsense]\n'
    path = tmp_path / "naru.toml"
    path.write_text(text)
    assert load(path, {}, only=PLACES).database.url is not None
    with pytest.raises(InvalidConfig):
        load(path, {})
    path.write_text("[database]\nurl_evn = 'A'")
    with pytest.raises(InvalidConfig, match="did you mean `url_env`"):
        load(path, {}, only=PLACES)
