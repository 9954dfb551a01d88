"""What the pages promise without a browser: both languages, figures as they are, nothing injected."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.web.conftest import NS, new_call

from naru.audit import ACTIONS
from naru.trust.guard import canary, markup, rules, secrets, toxicity, urls
from naru.web import console
from naru.web.console.frame import local_path
from naru.web.console.language import CATALOGUES, negotiate, read_catalogue
from naru.web.console.phrases import PHRASES, REASONS, say_reason
from naru.web.console.show import Figures
from naru.web.errors import TITLES

T0 = 1_767_225_600 * NS
FOLDER = Path(console.__file__).parent
OUTSIDE = {
    "unknown",
    "There is nothing at this address.",
    "The ledger has no call with this id.",
    "The audit log has no entry with this number.",
    *(f"There is no such {what} here." for what in ("org", "team", "project", "key")),
    "A name has 1 to 100 printable characters and no slash.",
    "There is no exchange rate for KRW yet. Set one first, e.g. `naru rate set KRW 2026-01-01 0.00072`.",
    "Naru made a mistake answering this. The log of the server says what; please report it.",
}
"""Texts that pages show and that are not marked in a template."""


REFUSING = ("web/console/keys/page.py", "web/console/budgets/forms.py", "web/console/audit/page.py")
REFUSING += ("web/console/people/me.py", "web/api/people.py")
REFUSING += ("identity/units.py", "identity/keys.py", "identity/models.py", "identity/passwords.py")
REFUSING += ("identity/people.py", "identity/people_service.py", "quota/book.py", "quota/calendar.py")
REFUSING += ("web/console/trust/unit.py", "web/console/trust/forms.py", "web/console/trust/reviews.py")
REFUSING += (
    "trust/book.py",
    "trust/feedback/book.py",
    "trust/feedback/models.py",
    "trust/feedback/reviews.py",
)


def find_refusals():
    """What the books behind the console's forms say when they refuse, where it holds no name or figure."""
    for name in REFUSING:
        for node in ast.walk(ast.parse((FOLDER.parents[1] / name).read_text("utf-8"))):
            if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call) or not node.exc.args:
                continue
            maker = getattr(node.exc.func, "id", "")
            message = node.exc.args[1 if maker == "_invalid" else 0]
            if maker != "not_found" and isinstance(message, ast.Constant):
                yield message.value


def test_every_text_of_the_console_is_in_korean():
    """None is missing, fuzzy or left over, and each keeps its placeholders."""
    found = extract_from_dir(
        FOLDER,
        method_map=[("**.html", "jinja2.ext:babel_extract"), ("**.py", "python")],
        options_map={"**.html": {"trimmed": "true", "silent": "false"}},
    )
    wanted = {message for _, _, message, _, _ in found} | OUTSIDE
    wanted |= PHRASES | set(TITLES.values()) | set(ACTIONS.values()) | set(find_refusals())
    with (CATALOGUES / "ko.po").open("rb") as source:
        catalogue = read_po(source)
    known = {message.id: message for message in catalogue if message.id}
    assert wanted == known.keys()
    for message in known.values():
        assert message.string, message.id
        assert not message.fuzzy
        assert not list(message.check(catalogue))
        names = re.findall(r"%\((\w+)\)", message.id)
        message.string % dict.fromkeys(names, 1)  # as a template does: a lone % would break its page


def test_the_reasons_of_the_guard_are_said_in_korean():
    """Each that it can give, and what is put together of two; what nobody translated stays as it came."""
    given = {rule.reason for rule in rules.NEAR} | {mark[-1] for mark in (*markup._MARKS, *secrets._SHAPES)}
    given |= set(toxicity._NAMES.values()) | {value for module in (rules, urls) for value in yielded(module)}
    assert given <= set(REASONS)
    said = read_catalogue("ko").gettext
    assert say_reason("asks for a secret", said) == "비밀을 요구함"
    assert say_reason("hidden as base64: asks for a secret", said) == "base64(으)로 숨김: 비밀을 요구함"
    assert say_reason("the canary in rot13", said) == "카나리 유출(rot13)"
    assert say_reason("something new: 100 %", said) == "something new: 100 %"
    assert all(
        say_reason(f"the canary {form}", said).isascii() is False for form, _ in canary._forms("w" * 16)
    )


def yielded(module):
    """The phrases that a module gives with a score."""
    for node in ast.walk(ast.parse(Path(module.__file__).read_text("utf-8"))):
        if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
            phrase = node.value.elts[-1]
            if isinstance(phrase, ast.Constant) and isinstance(phrase.value, str):
                yield phrase.value
            elif isinstance(phrase, ast.Name) and phrase.id.startswith("_"):
                yield getattr(module, phrase.id)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "ko"),
        ("en-US,en;q=0.9", "en"),
        ("fr, ko;q=0.5, en;q=0.7", "en"),
        ("ko-KR", "ko"),
        ("fr", "ko"),
        ("en;q=x", "ko"),
        ("en;q=0", "ko"),
    ],
)
def test_the_language_follows_the_browser_and_falls_back_to_korean(header, language):
    assert negotiate(header) == language


@given(st.text(max_size=200))
def test_no_accept_language_header_breaks_a_page(header):
    assert negotiate(header) in {"ko", "en"}


@given(st.text(max_size=60))
def test_a_way_back_never_leaves_the_console(there):
    """Whatever `next` says, it stays a path of this server."""
    path = local_path(there)
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (0, "$0"),
        (1, "$0.000000001"),
        (1_234, "$0.00000123"),
        (123_456_789, "$0.123"),
        (999_999_999, "$1"),
        (1_234_567_890_000, "$1,234.57"),
    ],
)
def test_money_is_short_and_never_rounded_to_nothing(nano, text):
    """Three significant digits below a dollar, cents above; the exact sum on hover."""
    shown = Figures("en", str).usd(nano)
    assert shown == "$0" or shown.endswith(f">{text}</span>")


def test_unknown_is_a_dash_that_says_so():
    """For the eye and for a screen reader; never 0."""
    figures = Figures("ko", {"unknown": "알 수 없음"}.get)
    for show in (figures.number, figures.compact, figures.usd, figures.ms, figures.time):
        assert "알 수 없음" in show(None)


async def test_what_clients_wrote_is_shown_as_text(browser, write):
    """Model names, tags and users come from outside."""
    evil = "<script>alert(1)</script>"
    await write(new_call(1, T0, model_asked=evil, model_served=None, tags={evil: evil}, user=evil))
    for path in ("/requests", "/requests/req_0001", "/?range=1h", f"/requests?q={evil}"):
        page = browser.get(path, headers={"accept": "text/html"})
        assert page.status_code == 200
        assert evil not in page.text
    assert "&lt;script&gt;" in browser.get("/requests/req_0001").text


async def test_no_page_holds_a_script_or_a_style_of_its_own(browser, write):
    """The content security policy would stop it, so nothing may rely on it."""
    await write(new_call(1, T0))
    for path in ("/", "/requests", "/requests/req_0001", "/playground"):
        text = browser.get(path).text
        assert text.count("<script") == text.count('<script type="module" src') + text.count(
            "<script defer src"
        ) + text.count('<script type="application/json"')
        assert " style=" not in text
        assert " onclick=" not in text


def test_an_empty_ledger_teaches_the_first_call(browser):
    """With this server's own address and a model that exists."""
    page = browser.get("/", headers={"accept-language": "en"}).text
    assert "curl http://testserver/v1/chat/completions" in page
    assert "&#34;model&#34;: &#34;m1&#34;" in page or '"model": "m1"' in page


async def test_the_overview_never_shows_an_unpriced_sum_as_nothing_spent(browser, write):
    """With every call unpriced the money is unknown, not $0."""
    from naru.metering import Cost

    await write(new_call(1, T0 - NS, cost=Cost(nano_usd=None, state="unpriced", price_version=None)))
    page = browser.get("/?range=1h", headers={"accept-language": "en"}).text
    tile = page.split('data-figure="cost">')[1].split("</dd>")[0]
    assert "unknown" in tile
    assert "$0" not in tile


async def test_an_old_link_with_odd_filters_still_opens(browser, write):
    """A filter nobody knows any more is dropped."""
    await write(new_call(1, T0))
    assert browser.get("/requests?status=sad&endpoint=telex&range=1y").status_code == 200
    assert browser.get("/?range=forever").status_code == 200


async def test_the_export_link_of_the_table_follows_its_filters(browser, write):
    """The page's filters become the API's."""
    await write(new_call(1, T0))
    answer = browser.get("/requests/export?q=m1&status=ok&range=1h")
    assert answer.headers["location"] == f"/api/calls/export?status=ok&model=m1&from={T0 // NS - 3600}"
    assert browser.get(answer.headers["location"]).text.count("req_") == 1


@pytest.mark.parametrize("language", ["ko", "en"])
def test_language_and_theme_are_remembered(anyone, language):
    """Before signing in too."""
    answer = anyone.post(
        "/preferences",
        data={"language": language, "theme": "dark", "next": "/login"},
        headers={"origin": "http://testserver"},
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    page = anyone.get("/login").text
    assert f'<html lang="{language}" data-theme="dark">' in page
