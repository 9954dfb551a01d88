"""Single sign-on through the whole control plane with a certified provider run here."""

from __future__ import annotations

import re
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.testclient import TestClient

from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.identity import Keys, Units
from naru.identity.passwords import PasswordHasher
from naru.identity.people import ADMIN_KEY
from naru.identity.people_directory import Directory
from naru.kernel.clock import SystemClock
from naru.metering import LedgerReader
from naru.quota import BudgetBook
from naru.settings.model import Identity, Oidc, OidcRole, Trust
from naru.trust.book import PolicyBook
from naru.trust.words import WordVault
from naru.web.context import ControlContext
from naru.web.control import create_control_app
from naru.web.session import COOKIE
from tests.oidc.running import running_provider
from tests.services import free_port

pytestmark = pytest.mark.service

NARU = "http://naru.test"
CALLBACK = f"{NARU}/login/oidc/callback"
ROLES = (
    OidcRole(group="naru-admins", role="admin"),
    OidcRole(group="staff", role="viewer"),
)


class Events(list):
    record = list.append


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def issuer(port):
    with running_provider(port, redirect_uri=CALLBACK, post_logout_uri=f"{NARU}/login") as issuer:
        yield issuer


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def open_naru(tmp_path, issuer, events):
    """A control plane with single sign-on."""
    engine = SqliteEngine(tmp_path / FILE_NAME)
    engine.migrate()
    clock, clients = SystemClock(), []

    def open_(**changes):
        oidc = Oidc(
            **{
                "issuer": issuer,
                "client_id": "naru",
                "client_secret": "a secret: with signs&spaces",
                "scopes": ("openid", "email", "profile", "groups"),
                "roles": ROLES,
                "label": "Example ID",
            }
            | changes
        )
        directory = Directory(
            engine,
            clock=clock,
            audit=events,
            secret=b"k" * 32,
            rules=Identity(oidc=oidc),
            hasher=PasswordHasher(memory_kib=64),
        )
        directory.snapshot.refresh()
        units = Units(engine, clock=clock, audit=events, on_change=lambda: None)
        context = ControlContext(
            ledger=LedgerReader(engine),
            units=units,
            keys=Keys(engine, units=units, clock=clock, audit=events, on_change=lambda: None),
            budgets=BudgetBook(engine, clock, events),
            policies=PolicyBook(
                engine, clock, events, vault=WordVault(engine, b"k" * 32), read_settings=Trust
            ),
            directory=directory,
            audit=events,
            models=list,
            providers=list,
            status=lambda: None,
            settings_redacted=dict,
            verify_admin_key=lambda key: key == "the admin key",
            session_secret=b"s" * 32,
            version="0",
            clock=clock,
        )
        headers = {"accept": "text/html", "accept-language": "en", "origin": NARU}
        client = TestClient(
            create_control_app(context), base_url=NARU, headers=headers, follow_redirects=False
        )
        clients.append(client.__enter__())
        client.directory = directory
        return client

    yield open_
    for client in clients:
        client.__exit__(None, None, None)
    engine.close()


@contextmanager
def at_provider():
    """A browser at the provider: its cookies are its own."""
    with httpx2.Client(timeout=10) as client:
        yield client


def consent(url, name):
    """Sign in and agree at the provider; gives the address that leads back to Naru."""
    with at_provider() as browser:
        answer = browser.get(url)
        for _ in range(20):
            if answer.is_redirect:
                there = str(answer.next_request.url)
                if there.startswith(NARU):
                    return there
                answer = browser.get(there)
                continue
            assert answer.status_code == 200, answer.text
            action = re.search(r'action="([^"]+)"', answer.text)[1]
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)[1]
            answer = browser.post(action, data={"prompt": prompt, "login": name, "password": "x"})
    raise AssertionError("the provider never came back")


def begin(naru, next="/"):
    answer = naru.get("/login/oidc", params={"next": next})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def path_of(url):
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def test_a_group_becomes_a_role_and_a_person_is_made(open_naru, events):
    """The whole way, to the page they wanted; userinfo brings the groups."""
    naru = open_naru()
    assert "Sign in with Example ID" in naru.get("/login").text
    back = naru.get(path_of(consent(begin(naru, "/people"), "ada")))
    assert back.status_code == 200, back.text
    assert 'content="0;url=/people"' in back.text
    session = naru.get("/api/session").json()
    assert session["roles"] == {"*": ["admin", "viewer"]}
    person = naru.get("/api/people/ada@example.com", headers={"accept": "application/json"}).json()
    assert person["name"] == "Name of ada"
    assert person["has_password"] is False
    assert {role["source"] for role in person["roles"]} == {"oidc"}
    assert "user.create" in [event.action for event in events]
    assert "ada@example.com" not in repr(list(events))


def test_signing_in_again_is_the_same_person(open_naru):
    """By the provider's name for them, not by the address."""
    ids = set()
    for _ in range(2):
        naru = open_naru()
        naru.get(path_of(consent(begin(naru), "vic")))
        ids.add(naru.get("/api/session").json()["person"])
    assert len(ids) == 1


def test_who_has_no_mapped_group_stays_out(open_naru, events):
    """No default role: a clear page, an audit entry, no account."""
    naru = open_naru()
    back = naru.get(path_of(consent(begin(naru), "out")))
    assert back.status_code == 403
    assert "None of your groups has a role in Naru" in back.text
    assert COOKIE not in naru.cookies
    assert naru.directory.people.list_people(ADMIN_KEY) == []


def test_an_answer_counts_once_and_in_its_own_browser(open_naru):
    """Sent again it is refused, with the cookie put back too; in another browser from the start."""
    naru, thief = open_naru(), open_naru()
    url = begin(naru)
    flow = naru.cookies["naru_oidc"]
    back = path_of(consent(url, "ada"))
    assert "not begun in this browser" in thief.get(back).text
    assert naru.get(back).status_code == 200
    thief.cookies.set("naru_oidc", flow, path="/login/oidc")
    replayed = thief.get(back)
    assert replayed.status_code == 400
    assert COOKIE not in thief.cookies


def test_a_stolen_code_is_worth_nothing_without_its_verifier(open_naru, issuer):
    """The provider checks PKCE: another browser's flow cannot use the code."""
    naru, thief = open_naru(), open_naru()
    stolen = parse_qs(urlsplit(consent(begin(naru), "ada")).query)["code"][0]
    state = parse_qs(urlsplit(begin(thief)).query)["state"][0]
    answer = thief.get("/login/oidc/callback", params={"code": stolen, "state": state, "iss": issuer})
    assert answer.status_code == 403
    assert "did not sign you in" in answer.text
    assert COOKIE not in thief.cookies


def test_what_is_wrong_in_the_settings_is_said_without_the_secret(open_naru):
    """A wrong client secret: the provider refuses, the page says so and shows no secret."""
    naru = open_naru(client_secret="a wrong secret")
    back = naru.get(path_of(consent(begin(naru), "ada")))
    assert back.status_code == 403
    assert "oidc_refused" in back.text
    assert "wrong secret" not in back.text
    for issuer, status in (("http://127.0.0.1:1", 503), (f"http://localhost:{free_port()}", 503)):
        away = open_naru(issuer=issuer).get("/login/oidc")
        assert away.status_code == status
        assert "The identity provider does not answer" in away.text


def test_another_name_of_the_same_provider_is_another_issuer(open_naru, port):
    """`localhost` instead of 127.0.0.1: the document names another issuer than the settings."""
    answer = open_naru(issuer=f"http://localhost:{port}").get("/login/oidc")
    assert answer.status_code in (403, 503)


def test_signing_out_offers_the_providers_way_out(open_naru):
    """Out here at once; a link leads to the provider, which takes our client's word for the way back."""
    naru = open_naru()
    naru.get(path_of(consent(begin(naru), "ada")))
    assert naru.post("/logout").headers["location"] == "/login/signed-out"
    assert naru.get("/api/session", headers={"accept": "application/json"}).status_code == 401
    url = re.search(r'href="(http://127[^"]+)"', naru.get("/login/signed-out").text)[1].replace("&amp;", "&")
    assert "id_token_hint=" in url
    with at_provider() as browser:
        assert browser.get(url).status_code == 200


def test_the_way_back_never_leaves_the_console(open_naru):
    """`next` of another host is dropped before the journey begins."""
    naru = open_naru()
    back = naru.get(path_of(consent(begin(naru, "https://evil.example/"), "ada")))
    assert 'content="0;url=/"' in back.text
