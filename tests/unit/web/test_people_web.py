"""People at the control plane, through ASGI: each step of a sign-in, roles at the gate, own account, API."""

from __future__ import annotations

import re
from dataclasses import replace

import pyotp
import pytest
from starlette.testclient import TestClient
from tests.unit.web.conftest import KEY

from naru.identity.passwords import PasswordHasher
from naru.identity.people_directory import Directory
from naru.settings.model import Identity
from naru.web.control import create_control_app
from naru.web.session import COOKIE, PENDING_COOKIE, PersonSessions

OWN = {"origin": "http://testserver"}
EMAIL, PASSWORD = "kim@example.com", "correct horse battery"


@pytest.fixture
def directory(engine, clock, context):
    directory = Directory(
        engine,
        clock=clock,
        audit=context.audit,
        secret=b"k" * 32,
        rules=Identity(),
        hasher=PasswordHasher(memory_kib=64),
        find_org={"org_a": "org_a"}.get,
    )
    directory.snapshot.refresh()
    return directory


@pytest.fixture
def new_browser(context, directory):
    """A browser of its own, in English."""
    app = create_control_app(replace(context, directory=directory))
    open_ = []

    def new():
        headers = {**OWN, "accept": "text/html", "accept-language": "en"}
        client = TestClient(app, headers=headers, raise_server_exceptions=False, follow_redirects=False)
        open_.append(client.__enter__())
        return client

    yield new
    for client in open_:
        client.__exit__(None, None, None)


@pytest.fixture
def api(new_browser):
    client = new_browser()
    client.headers.update({"authorization": f"Bearer {KEY}", "accept": "application/json"})
    return client


@pytest.fixture
def join(api, new_browser):
    """Makes a person over the API and signs them in for the first time."""

    def join_(email=EMAIL, *roles):
        roles = [dict(zip(("org", "role"), r.rsplit(":", 1), strict=True)) for r in roles or ("*:admin",)]
        made = api.post("/api/people", json={"email": email, "roles": roles}).json()
        browser = new_browser()
        step = browser.post("/login", data={"email": email, "password": made["one_time_password"]})
        assert step.headers["location"] == "/login/password"
        done = browser.post("/login/password", data={"password": PASSWORD})
        assert (done.status_code, done.headers["location"]) == (303, "/")
        return made["id"], browser

    return join_


def sign_in(browser, password=PASSWORD, email=EMAIL, **more):
    return browser.post("/login", data={"email": email, "password": password, **more})


def enrol(browser, clock):
    page = browser.get("/me/totp").text
    secret = re.search(r'data-copy="([A-Z2-7 ]+)"', page)[1].replace(" ", "")
    totp = pyotp.TOTP(secret)
    code = totp.at(clock.now_ns() // 10**9)
    shown = browser.post("/me/totp", data={"code": code, "password": PASSWORD})
    return totp, re.findall(r"<li><code>([0-9A-Z-]{19})</code>", shown.text), page


def test_no_session_before_the_last_step(api, new_browser):
    """With a one-time password the browser has a note of how far it came, which opens nothing."""
    made = api.post("/api/people", json={"email": EMAIL, "roles": [{"role": "admin"}]}).json()
    browser = new_browser()
    sign_in(browser, made["one_time_password"], next="/requests")
    assert COOKIE not in browser.cookies
    assert browser.get("/people").status_code == 303
    browser.cookies.set(COOKIE, browser.cookies[PENDING_COOKIE])
    assert browser.get("/people").status_code == 303, "the note is no session"
    browser.cookies.delete(COOKIE)
    assert browser.post("/login/password", data={"password": "short"}).status_code == 400
    assert browser.get("/login/code").headers["location"] == "/login", "no step can be left out or swapped"
    done = browser.post("/login/password", data={"password": PASSWORD})
    assert done.headers["location"] == "/requests"
    assert browser.get("/people").status_code == 200
    assert sign_in(new_browser(), made["one_time_password"]).status_code == 401


def test_the_note_of_a_sign_in_is_used_once(join, api, new_browser):
    """A copy of it sets no second password."""
    made = api.post("/api/people", json={"email": EMAIL, "roles": [{"role": "admin"}]}).json()
    browser, thief = new_browser(), new_browser()
    sign_in(browser, made["one_time_password"])
    thief.cookies.set(PENDING_COOKIE, browser.cookies[PENDING_COOKIE])
    assert browser.post("/login/password", data={"password": PASSWORD}).status_code == 303
    assert (
        thief.post("/login/password", data={"password": "a thief's password"}).headers["location"] == "/login"
    )
    assert COOKIE not in thief.cookies
    assert sign_in(new_browser()).status_code == 303


def test_a_code_is_asked_for_once_there_is_a_second_factor(join, new_browser, clock):
    """Password, then code; the QR code is an image without style or script; wrong codes are told."""
    _, browser = join()
    totp, codes, page = enrol(browser, clock)
    assert len(codes) == 10
    assert "<svg width=" in page
    assert "style=" not in page
    assert browser.get("/me").status_code == 200, "the one who enrolled stays signed in"
    clock.advance(60)
    other = new_browser()
    assert sign_in(other).headers["location"] == "/login/code"
    assert COOKIE not in other.cookies
    wrong = other.post("/login/code", data={"code": "000000"})
    assert (wrong.status_code, "This code is wrong" in wrong.text) == (401, True)
    done = other.post("/login/code", data={"code": totp.at(clock.now_ns() // 10**9)})
    assert done.headers["location"] == "/"
    assert other.get("/me").status_code == 200


def test_failures_lock_and_say_for_how_long(join, new_browser):
    """The same words whether the account exists or not, and Retry-After."""
    join()
    pages = []
    for email in (EMAIL, "nobody@example.com"):
        browser = new_browser()
        for _ in range(5):
            assert sign_in(browser, "wrong", email).status_code == 401
        held = sign_in(browser, "wrong", email)
        assert (held.status_code, held.headers["retry-after"]) == (429, "5")
        assert "Too many failed sign-ins. Try again in 5 s." in held.text
        pages.append(held.text.replace(email, ""))
    assert pages[0] == pages[1]


def test_the_sign_in_page_shows_the_ways_there_are(new_browser, join):
    """The admin key alone in a fresh house; then people first, and the key folded away."""
    page = new_browser().get("/login").text
    assert 'name="email"' not in page
    assert "<details" not in page
    join()
    page = new_browser().get("/login").text
    assert 'name="email"' in page
    assert "<details" in page
    assert "/login/oidc" not in page


@pytest.mark.parametrize("end", ["disable", "reset", "sessions", "delete"])
def test_an_administrator_ends_every_session(join, api, end):
    """At once here, within two seconds elsewhere."""
    person, browser = join()
    assert browser.get("/me").status_code == 200
    {
        "disable": lambda: api.patch(f"/api/people/{person}", json={"disabled": True}),
        "reset": lambda: api.post(f"/api/people/{person}/password"),
        "sessions": lambda: api.delete(f"/api/people/{person}/sessions"),
        "delete": lambda: api.delete(f"/api/people/{person}"),
    }[end]().raise_for_status()
    assert browser.get("/me").status_code == 303


def test_signing_out_ends_a_copied_cookie(join, new_browser, context, directory, clock):
    """Also in another replica, for both sorts of sessions."""
    _, browser = join()
    key_holder = new_browser()
    key_holder.post("/login", data={"key": KEY})
    for signed_in in (browser, key_holder):
        copied = signed_in.cookies[COOKIE]
        assert signed_in.post("/logout").status_code == 303
        thief = new_browser()
        thief.cookies.set(COOKIE, copied)
        assert thief.get("/me").status_code == 303
        other = replace(context, directory=directory)  # another replica: nothing of this one's memory
        assert other.find_session(copied) is None


def test_roles_decide_at_the_gate_and_change_at_once(join, api):
    """A viewer sees and does not change; taken away, nothing is left."""
    person, browser = join(EMAIL, "*:viewer")
    assert browser.get("/requests").status_code == 200
    assert browser.get("/people").status_code == 403
    assert browser.post("/people", data={"email": "x@example.com", "role": "admin"}).status_code == 403
    assert browser.get("/api/people").status_code == 403
    session = browser.get("/api/session").json()
    assert session["person"] == person
    assert session["permissions"]["ledger.read"] is None
    assert "people.write" not in session["permissions"]
    api.put(f"/api/people/{person}/roles", json={"roles": []})
    assert browser.get("/requests").status_code == 403
    assert browser.get("/me").status_code == 200


def test_the_admin_of_one_organisation_stays_in_it(join, api):
    """Pages and API give roles there alone, and show nobody else."""
    join("boss@example.com", "*:admin")
    _, browser = join("a@example.com", "org_a:admin")
    browser.headers["accept"] = "application/json"
    assert [p["email"] for p in browser.get("/api/people").json()["people"]] == ["a@example.com"]
    assert browser.get("/api/people/boss@example.com").status_code == 404
    wide = {"email": "b@example.com", "roles": [{"role": "viewer"}]}
    assert browser.post("/api/people", json=wide).status_code == 403
    inside = {"email": "b@example.com", "roles": [{"role": "viewer", "org": "org_a"}]}
    assert browser.post("/api/people", json=inside).json()["created"]


def test_changing_the_own_password_keeps_this_browser_alone(join, new_browser):
    """The others are signed out; the old password opens nothing."""
    _, browser = join()
    other = new_browser()
    sign_in(other)
    wrong = browser.post("/me/password", data={"old": "wrong", "new": "another long thought"})
    assert (wrong.status_code, "The present password is wrong." in wrong.text) == (403, True)
    done = browser.post("/me/password", data={"old": PASSWORD, "new": "another long thought"})
    assert done.headers["location"] == "/me?done=password"
    assert browser.get("/me").status_code == 200
    assert other.get("/me").status_code == 303
    assert sign_in(new_browser()).status_code == 401
    assert sign_in(new_browser(), "another long thought").status_code == 303


def test_the_admin_key_has_no_account_of_its_own(new_browser):
    """It is told so, and nothing there breaks."""
    browser = new_browser()
    browser.post("/login", data={"key": KEY})
    assert "Signed in with the admin key" in browser.get("/me").text
    for path in ("/me/password", "/me/totp", "/me/totp/remove", "/me/recovery-codes", "/me/sessions/end"):
        assert browser.post(path).status_code == 403, path


def test_the_api_is_idempotent_and_strict(api):
    """Creating twice is creating once; unknown fields, roles and organisations are refused."""
    body = {"email": EMAIL, "roles": [{"role": "finance", "org": "org_a"}]}
    first, second = (api.post("/api/people", json=body).json() for _ in range(2))
    assert (first["created"], second["created"]) == (True, False)
    assert second["one_time_password"] is None
    role = {"role": "finance", "org": "org_a", "org_name": None, "source": "local"}
    assert first["roles"] == second["roles"] == [role]
    for bad in (
        {"email": "no address"},
        {"email": EMAIL, "is_admin": True},
        {"email": EMAIL, "roles": [{"role": "root"}]},
        {"email": EMAIL, "roles": "admin"},
        {},
    ):
        assert api.post("/api/people", json=bad).status_code == 400, bad
    lost = {"email": "x@example.com", "roles": [{"role": "viewer", "org": "org_none"}]}
    assert api.post("/api/people", json=lost).status_code == 404
    assert api.get("/api/people/usr_none").json()["code"] == "person_not_found"
    path = f"/api/people/{first['id']}"
    assert api.delete(path).status_code == 204
    assert api.delete(path).status_code == 404


def test_a_page_of_people_leads_to_the_next(api):
    """By address, each once."""
    for number in range(5):
        api.post("/api/people", json={"email": f"p{number}@example.com", "password": False})
    seen, after = [], ""
    while after is not None:
        page = api.get("/api/people", params={"limit": 2, "after": after}).json()
        seen += [person["email"] for person in page["people"]]
        after = page["next_after"]
    assert seen == [f"p{number}@example.com" for number in range(5)]


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE people;--@x.y",
        "\x00@x.y",
        "<script>alert(1)</script>@x.y",
        "a" * 320,
        "é@é.é",
        "{{7*7}}@x.y",
    ],
)
def test_nothing_typed_breaks_a_page_or_runs_in_it(new_browser, text):
    """Whatever stands in the form comes back as text or is refused."""
    browser = new_browser()
    browser.post("/login", data={"key": KEY})
    answer = browser.post("/people", data={"email": text, "name": text, "role": "viewer", "org": text})
    assert answer.status_code in (303, 400, 404)
    assert "<script>alert" not in answer.text
    assert sign_in(new_browser(), text, text).status_code == 401


@pytest.mark.parametrize("token", ["", "x", "a.b", "W10.AAAA"])
def test_a_made_up_person_session_opens_nothing(directory, clock, token):
    """Nor one of another secret."""
    sessions = PersonSessions(b"s" * 32, clock, directory.snapshot)
    assert sessions.find_principal_of_session(token) is None
    assert sessions.find_pending(token) is None


def test_a_session_made_elsewhere_counts_before_its_replica_is_heard(join, directory, context, clock, engine):
    """Signed in at one replica, asked at another in the same second; and not longer than until it knows."""
    from naru.identity.people_snapshot import PeopleSnapshot

    ahead = PeopleSnapshot(engine, clock)
    ahead.refresh()
    _, browser = join()
    token = browser.cookies[COOKIE]
    late = PersonSessions(context.session_secret, clock, ahead)
    assert late.find_principal_of_session(token).roles == {"*": {"admin"}}
    clock.advance(6)
    assert late.find_principal_of_session(token) is None, "never heard of: nobody"


def test_oidc_without_settings_is_not_there(new_browser):
    """No provider, no address."""
    assert new_browser().get("/login/oidc").status_code == 404
    assert new_browser().get("/login/oidc/callback?code=x&state=y").status_code == 404


def test_changes_from_another_site_are_refused(join):
    """Signing in, too: nobody is signed in to another's account by a link."""
    _, browser = join()
    evil = {"origin": "https://evil.example", "accept": "application/json"}
    for path in ("/login", "/login/code", "/login/password", "/me/password", "/people", "/logout"):
        assert browser.post(path, data={"email": EMAIL}, headers=evil).status_code == 403, path
