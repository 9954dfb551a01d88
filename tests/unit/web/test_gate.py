"""The gate: nothing answers without a key or a session but what is named as public."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount
from starlette.testclient import TestClient
from tests.unit.web.conftest import KEY, NS, new_call

from naru.identity import PERMISSIONS, ROLE_PERMISSIONS, ROLES, PersonPrincipal
from naru.web.access import PUBLIC_ROUTES, find_rule, requires
from naru.web.control import create_control_app
from naru.web.session import COOKIE, LIFETIME_S

QUESTIONS = {"/api/audit/verify", "/audit/verify"}
"""Posted to because the question is long; it changes nothing."""
T0 = 1_767_225_600 * NS
OWN = {"origin": "http://testserver"}


def _routes(routes):
    """Every route, also those inside included routers."""
    for route in routes:
        inner = getattr(getattr(route, "original_router", None), "routes", None)
        if inner is not None:
            yield from _routes(inner)
        else:
            yield route


def test_every_route_refuses_who_shows_nothing(app, anyone):
    """A route added tomorrow is behind the gate unless its name is in PUBLIC_ROUTES."""
    refused = 0
    for route in _routes(app.routes):
        if isinstance(route, Mount):
            assert route.path == "/static", "only static files may be mounted: a mount has no gate"
            continue
        assert isinstance(route, APIRoute), f"{route} would not pass the gate"
        if route.name in PUBLIC_ROUTES:
            continue
        for method in route.methods:
            response = anyone.request(method, route.path.replace("{id}", "req_1"), headers=OWN)
            assert response.status_code == 401, (method, route.path)
            refused += 1
    assert refused >= 12


def test_every_route_declares_its_permission(app):
    """A route without a rule, or with two, answers nobody; so none may be without."""
    ruled = 0
    for route in _routes(app.routes):
        if isinstance(route, Mount) or route.name in PUBLIC_ROUTES:
            continue
        rule = find_rule(route)
        assert rule is not None, f"{route.path} declares no permission (or several)"
        assert rule.permission in PERMISSIONS, route.path
        assert (
            route.methods <= {"GET", "HEAD"}
            or route.path in QUESTIONS
            or not rule.permission.endswith(".read")
        ), f"{route.path} changes something by a permission to read"
        ruled += 1
    assert ruled >= 30


def test_a_route_without_a_rule_answers_nobody(context):
    """Deny by default: not even the admin key opens what nobody thought about."""
    app = create_control_app(context)

    @app.get("/api/forgotten")
    async def read_forgotten() -> str:
        return "secret"

    @app.get("/api/twice", dependencies=[requires("self"), requires("keys.read")])
    async def read_twice() -> str:
        return "secret"

    headers = {"authorization": f"Bearer {KEY}"}
    with TestClient(app, headers=headers) as client:
        for path in ("/api/forgotten", "/api/twice"):
            answer = client.get(path)
            assert answer.status_code == 403, path
            assert answer.json()["code"] == "route_without_rule"


def _someone(context, **roles):
    """The context as it is for somebody with these roles, who is signed in by the cookie `someone`."""

    class Somebody(type(context)):
        def find_session(self, token):
            held = {("*" if org == "everywhere" else org): frozenset([role]) for org, role in roles.items()}
            return PersonPrincipal(person_id="usr_someone", roles=held) if token == "someone" else None

    return Somebody(**{field.name: getattr(context, field.name) for field in fields(context)})


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("where", ["everywhere", "org_default"])
def test_a_session_opens_exactly_what_its_roles_allow(context, acts, role, where):
    """Every route that answers without being refused is one whose permission the role has there."""
    app = create_control_app(_someone(context, **{where: role}))
    headers = {"sec-fetch-site": "same-origin"}
    with TestClient(
        app, headers=headers, cookies={COOKIE: "someone"}, raise_server_exceptions=False
    ) as client:
        for route in _routes(app.routes):
            if isinstance(route, Mount) or route.name in PUBLIC_ROUTES or "stream" in route.path:
                continue
            rule = find_rule(route)
            permission = rule.permission
            is_allowed = permission == "self" or permission in ROLE_PERMISSIONS[role]
            if rule.everywhere:
                is_allowed = is_allowed and where == "everywhere"
            if is_allowed or "/logout" in route.path:
                continue
            for method in route.methods:
                path = re.sub(r"\{[^}]+\}", "req_1", route.path)
                answer = client.request(method, path)
                assert answer.status_code == 403, (method, route.path, answer.status_code)
    assert all(act.action == "access.deny" and act.outcome == "denied" for act in acts)
    assert role == "admin" or acts, "what is refused is told to the audit log"


async def test_figures_are_of_ones_own_organisations(context, write):
    """Calls of others are in no list, no sum and no export, and their ids are 404."""
    await write(new_call(1, T0, org="org_ours"), new_call(2, T0, org="org_theirs"), new_call(3, T0, org=None))
    window = {"from": "2025-12-31T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
    for roles, seen in (
        ({"org_ours": "finance"}, {"req_0001"}),
        ({"org_none": "finance"}, set()),
        ({"everywhere": "finance"}, {"req_0001", "req_0002", "req_0003"}),
    ):
        app = create_control_app(_someone(context, **roles))
        with TestClient(app, cookies={COOKIE: "someone"}) as client:
            assert {call["id"] for call in client.get("/api/calls").json()["calls"]} == seen
            for id in ("req_0001", "req_0002", "req_0003"):
                assert client.get(f"/api/calls/{id}").status_code == (200 if id in seen else 404)
                assert client.get(f"/requests/{id}").status_code == (200 if id in seen else 404)
            overview = client.get("/api/overview", params=window).json()
            assert overview["totals"]["requests"] == len(seen)
            assert sum(step["requests"] for step in overview["series"]) == len(seen)
            assert sum(group["requests"] for group in overview["by_model"]) == len(seen)
            exported = client.get("/api/calls/export", params={"format": "jsonl"}).text
            assert exported.count("\n") == len(seen)
            assert ("req_0002" in client.get("/requests").text) is ("req_0002" in seen)


def test_the_public_routes_exist(app):
    """The list of exceptions holds no leftovers."""
    assert {route.name for route in _routes(app.routes)} >= PUBLIC_ROUTES


def test_the_admin_key_opens_the_api(anyone):
    """As a bearer token, and only as one."""
    assert anyone.get("/api/status", headers={"authorization": f"Bearer {KEY}"}).status_code == 200
    assert anyone.get("/api/status", headers={"authorization": f"Basic {KEY}"}).status_code == 401
    assert anyone.get("/api/status", headers={"authorization": "Bearer wrong"}).status_code == 401


def test_a_wrong_bearer_key_is_not_saved_by_a_session(browser):
    """Who sends a key means that key."""
    assert browser.get("/api/status", headers={"authorization": "Bearer wrong"}).status_code == 401


def test_a_page_without_a_session_leads_to_the_sign_in_and_back(anyone):
    """Browsers are sent to sign in; programs get a problem."""
    page = anyone.get("/requests?status=error", headers={"accept": "text/html"})
    assert page.status_code == 303
    assert page.headers["location"] == "/login?next=%2Frequests%3Fstatus%3Derror"
    for path in ("/api/status", "/api/nothing", "/.well-known/x"):
        answer = anyone.get(path, headers={"accept": "text/html"})
        assert answer.headers["content-type"] == "application/problem+json", path


def test_signing_in_gives_a_cookie_scripts_cannot_read(anyone):
    """HttpOnly and SameSite=Strict, Secure where the address is https, for twelve hours."""
    plain = anyone.post("/login", data={"key": KEY, "next": "/requests"}, headers=OWN)
    assert plain.headers["location"] == "/requests"
    cookie = plain.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert f"max-age={LIFETIME_S}" in cookie
    assert "secure" not in cookie
    tls = anyone.post("https://testserver/login", data={"key": KEY}, headers={"origin": "https://testserver"})
    assert "secure" in tls.headers["set-cookie"].lower()


def test_behind_a_proxy_that_ends_tls_cookies_are_secure(context):
    """The request says http then: the browser's own Origin tells, or `[server] public_url`; what any client
    could send as a forwarded header does not."""

    def is_secure(there, form, **headers):
        with TestClient(create_control_app(there), follow_redirects=False) as client:
            cookie = client.post("/login" if "key" in form else "/preferences", data=form, headers=headers)
        return "secure" in cookie.headers["set-cookie"].lower()

    assert is_secure(context, {"key": KEY}, origin="https://testserver")
    assert not is_secure(context, {"key": KEY}, **OWN)
    assert not is_secure(context, {"key": KEY}, **OWN, **{"x-forwarded-proto": "https"})
    named = replace(context, public_url=lambda: "https://naru.example.com")
    assert is_secure(named, {"key": KEY}, **OWN)
    assert is_secure(named, {"theme": "dark"}, **OWN)


def test_a_session_ends_after_twelve_hours(browser, clock):
    """However busy it was."""
    clock.advance(LIFETIME_S - 1)
    assert browser.get("/api/status").status_code == 200
    clock.advance(1)
    assert browser.get("/api/status").status_code == 401


def test_a_copied_cookie_dies_with_the_sign_out(browser, anyone):
    """Signing out is more than forgetting the cookie."""
    copied = {COOKIE: browser.cookies[COOKIE]}
    assert browser.post("/logout").status_code == 303
    anyone.cookies.update(copied)
    assert anyone.get("/api/status").status_code == 401


@pytest.mark.parametrize("token", ["", "x", "a.b", "WyJ4IiwxXQ.AAAA", '["x",99999999999]', "é"])
def test_a_made_up_session_opens_nothing(context, token):
    """Only what was signed here counts."""
    assert not context.sessions.is_valid(token)


def test_sessions_of_another_secret_open_nothing(context):
    """A new secret signs everybody out."""
    from naru.web.session import Sessions

    foreign = Sessions(b"o" * 32, context.clock).create()
    assert not context.sessions.is_valid(foreign)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "origin": "http://testserver"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://testserver.evil.example"},
        {},
    ],
)
def test_a_change_from_another_site_is_refused(app, context, headers):
    """Even with the session's cookie: another page may send it, but cannot say that it is ours."""
    with TestClient(app, cookies={COOKIE: context.sessions.create()}, follow_redirects=False) as client:
        refused = client.post("/logout", headers=headers)
        assert refused.status_code == 403
        assert refused.json()["code"] == "cross_site_request"
        assert client.get("/api/status").status_code == 200, "the session must still stand"


def test_wrong_keys_slow_down_and_sessions_stay(anyone, browser, clock):
    """After a few wrong keys even the right one must wait; who is signed in notices nothing."""
    for _ in range(5):
        assert anyone.post("/login", data={"key": "guess"}, headers=OWN).status_code == 401
    held = anyone.post("/login", data={"key": KEY}, headers=OWN)
    assert held.status_code == 429
    assert int(held.headers["retry-after"]) >= 1
    assert browser.get("/api/status").status_code == 200
    assert anyone.get("/api/status", headers={"authorization": f"Bearer {KEY}"}).status_code == 200
    clock.advance(61)
    assert anyone.post("/login", data={"key": KEY}, headers=OWN).status_code == 303


def test_guessing_through_the_api_slows_down_too(anyone):
    """The bearer key has its own count."""
    for _ in range(5):
        anyone.get("/api/status", headers={"authorization": "Bearer guess"})
    held = anyone.get("/api/status", headers={"authorization": f"Bearer {KEY}"})
    assert held.status_code == 429
    assert held.json()["code"] == "too_many_wrong_keys"


def test_the_count_of_guessers_is_bounded(clock):
    """Ten thousand addresses must not fill the memory."""
    from naru.web.session import GuessLimiter

    limiter = GuessLimiter(clock)
    for number in range(10_000):
        limiter.record_failure(f"10.0.{number // 256}.{number % 256}")
    assert len(limiter._sources) <= 1024


@pytest.mark.parametrize(
    "there",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\t//evil.example", "/a\nb", "evil"],
)
def test_signing_in_never_leads_elsewhere(anyone, there):
    """`next` is followed only inside this console."""
    answer = anyone.post("/login", data={"key": KEY, "next": there}, headers=OWN)
    assert answer.headers["location"] == "/"


def test_an_oversize_form_is_refused(anyone):
    """The sign-in form reads a few kilobytes, whatever is sent."""
    assert anyone.post("/login", data={"key": "x" * 100_000}, headers=OWN).status_code == 413


@pytest.mark.parametrize("path", ["/login", "/api/status", "/nothing", "/static/css/console.css"])
def test_every_answer_carries_the_security_headers(anyone, path):
    """Errors and files too, and scripts never inline."""
    headers = anyone.get(path, headers={"accept": "text/html"}).headers
    assert "script-src 'self';" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_only_files_may_be_kept_by_a_cache(admin):
    """A page or an answer never; a file for ever when its address names its version."""
    assert admin.get("/api/status").headers["cache-control"] == "no-store"
    assert admin.get("/login").headers["cache-control"] == "no-store"
    assert "immutable" in admin.get("/static/css/console.css?v=1").headers["cache-control"]
    assert admin.get("/static/css/console.css").headers["cache-control"] == "no-cache"
    assert admin.get("/static/none.css?v=1").headers["cache-control"] == "no-store"


def test_an_unforeseen_error_tells_nothing(context):
    """No trace, no message of the exception, and still the headers."""
    from dataclasses import replace

    def fail():
        raise RuntimeError("SELECT secret FROM https://upstream")

    app = create_control_app(replace(context, status=fail))
    headers = {"authorization": f"Bearer {KEY}"}
    with TestClient(app, headers=headers, raise_server_exceptions=False) as client:
        answer = client.get("/api/status")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert "SELECT" not in answer.text
    assert "nosniff" in answer.headers["x-content-type-options"]
