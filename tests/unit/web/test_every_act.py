"""Every route that changes something writes what it did into the audit log, and no text of anybody's."""

from __future__ import annotations

import asyncio
import re
import time

import pyotp
import pytest
from starlette.testclient import TestClient
from tests.unit.web.conftest import new_call
from tests.unit.web.test_gate import _routes

from naru.audit import ACTIONS
from naru.identity.passwords import PasswordHasher
from naru.kernel.clock import SystemClock
from naru.local import open_local
from naru.metering import LedgerWriter
from naru.settings.model import Ledger
from naru.trust.feedback import Review
from naru.trust.feedback.store import insert_review
from naru.web.session import SAFE_METHODS

CANARY = "canary"
"""In every text that is sent. Entries hold ids, so it must be in none of them."""
PASSWORD = f"{CANARY} horse battery"
OWN = {"origin": "http://testserver", "accept": "text/html", "accept-language": "en"}
SILENT = {
    ("POST", "/api/audit/checkpoint"): "a checkpoint is numbered, signed and chained: it is its own record",
    ("POST", "/api/policies/try"): "a text is looked at and forgotten; that is its promise",
    ("POST", "/playground/seen"): "what was typed is shown as it left, and forgotten",
    ("POST", "/preferences"): "language and theme, in the browser's own cookie",
}


class House:
    """A control plane with a real audit log, and who uses it."""

    def __init__(self, folder) -> None:
        self.local = open_local(folder)
        self.open = []
        key = {"authorization": f"Bearer {self.local.admin_key}"}
        self.api = self.client(key)
        self.browser = self.client(OWN)
        self.me = self.client(OWN)

    def client(self, headers) -> TestClient:
        client = TestClient(
            self.local.asgi, headers=headers, raise_server_exceptions=False, follow_redirects=False
        )
        self.open.append(client)
        return client.__enter__()

    def close(self) -> None:
        for client in self.open:
            client.__exit__(None, None, None)
        self.local.close()

    def entries(self):
        self.local.audit.flush()
        return self.local.audit.reader.list_entries(limit=500)

    def make(self, path: str, **body) -> dict:
        answer = self.api.post(f"/api{path}", json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def plant_call(self, id: str) -> None:
        """A call in the ledger that waits for a review."""

        async def write() -> None:
            writer = LedgerWriter(self.local.engine, Ledger(), SystemClock())
            writer.start()
            writer.record(new_call(1, time.time_ns(), id=id, org="org_default"))
            await writer.stop()

        asyncio.run(write())
        review = Review(
            call_id=id, org="org_default", team=None, kinds=("injection",), scores={}, created_at_ns=1
        )
        with self.local.engine.begin() as connection:
            insert_review(connection, review)

    def join(self, email: str) -> str:
        """A person who has signed in for the first time, in the browser `me`."""
        made = self.make("/people", email=email, roles=[{"role": "admin"}])
        self.me.cookies.clear()
        self.me.post("/login", data={"email": email, "password": made["one_time_password"]})
        assert self.me.post("/login/password", data={"password": PASSWORD}).headers["location"] == "/"
        return made["id"]

    def enrol(self) -> str:
        page = self.me.get("/me/totp").text
        secret = re.search(r'data-copy="([A-Z2-7 ]+)"', page)[1].replace(" ", "")
        code = pyotp.TOTP(secret).now()
        return self.me.post("/me/totp", data={"code": code, "password": PASSWORD})


@pytest.fixture
def house(tmp_path, monkeypatch):
    # The cost of a guess is not what is tested here.
    monkeypatch.setitem(PasswordHasher.__init__.__kwdefaults__, "memory_kib", 64)
    house = House(tmp_path / "home")
    assert house.browser.post("/login", data={"key": house.local.admin_key}).status_code == 303
    yield house
    house.close()


BUDGET = {"scope": "org:default", "period": "month", "amount": "5", "time_zone": "UTC"}


def script(h: House):
    """Each act once: method, route, what is done, the actions that must then stand in the log."""
    org, team = h.make("/orgs", name=f"{CANARY} org"), None
    team = h.make("/teams", name=f"{CANARY} team", org=org["id"])
    project = h.make("/projects", name=f"{CANARY} project", team=team["id"])
    for path, unit, kind, more in (
        ("orgs", org, "org", {}),
        ("teams", team, "team", {"org": org["id"]}),
        ("projects", project, "project", {"team": team["id"]}),
    ):
        body = {"name": f"{CANARY} {kind} 2"} | more
        at = f"/api/{path}/{unit['id']}"
        yield "POST", f"/api/{path}", h.api.post(f"/api/{path}", json=body), [f"{kind}.create"]
        route = f"/api/{path}/{{id}}"
        yield "PATCH", route, h.api.patch(at, json={"name": f"{CANARY} x{kind}"}), [f"{kind}.update"]
        yield "PATCH", route, h.api.patch(at, json={"disabled": True}), [f"{kind}.disable"]
        yield "PATCH", route, h.api.patch(at, json={"disabled": False}), [f"{kind}.enable"]
        spare = h.make(f"/{path}", name=f"{CANARY} spare {kind}", **more)
        yield "DELETE", route, h.api.delete(f"/api/{path}/{spare['id']}"), [f"{kind}.delete"]
    made = h.make("/keys", name=f"{CANARY} key")
    at = f"/api/keys/{made['id']}"
    yield "POST", "/api/keys", h.api.post("/api/keys", json={"name": f"{CANARY} key 2"}), ["key.create"]
    yield "PATCH", "/api/keys/{id}", h.api.patch(at, json={"models": [f"{CANARY}-*"]}), ["key.update"]
    yield "PATCH", "/api/keys/{id}", h.api.patch(at, json={"disabled": True}), ["key.disable"]
    yield "PATCH", "/api/keys/{id}", h.api.patch(at, json={"disabled": False}), ["key.enable"]
    yield "POST", "/api/keys/{id}/rotate", h.api.post(f"{at}/rotate"), ["key.rotate"]
    yield "POST", "/api/keys/{id}/revoke", h.api.post(f"{at}/revoke"), ["key.revoke"]
    h.plant_call("req_0001")
    said = {"thumb": "up", "label": CANARY}
    yield (
        "POST",
        "/api/calls/{id}/feedback",
        h.api.post("/api/calls/req_0001/feedback", json=said),
        ["feedback.add"],
    )
    said = {"decision": "harmless", "note": CANARY}
    yield (
        "POST",
        "/api/reviews/{call_id}",
        h.api.post("/api/reviews/req_0001", json=said),
        ["review.decide"],
    )
    shred = {"conversation": CANARY, "owner": "admin"}
    yield "POST", "/api/vault/shred", h.api.post("/api/vault/shred", json=shred), ["vault.shred"]
    yield "POST", "/api/vault/rotate", h.api.post("/api/vault/rotate", json={}), ["vault.rotate"]
    rate = {"usd_per_unit": "0.0007"}
    yield (
        "PUT",
        "/api/rates/{currency}/{valid_from}",
        h.api.put("/api/rates/KRW/2026-01-01", json=rate),
        ["rate.set"],
    )
    bound = {"requests_per_minute": 5}
    yield "PUT", "/api/limits/{scope:path}", h.api.put("/api/limits/org:default", json=bound), ["limit.set"]
    yield "DELETE", "/api/limits/{scope:path}", h.api.delete("/api/limits/org:default"), ["limit.delete"]
    budget = h.make("/budgets", **BUDGET, name=f"{CANARY} budget")
    at = f"/api/budgets/{budget['id']}"
    body = BUDGET | {"name": f"{CANARY} budget 2"}
    yield "POST", "/api/budgets", h.api.post("/api/budgets", json=body), ["budget.create"]
    yield "PATCH", "/api/budgets/{id}", h.api.patch(at, json={"amount": "6"}), ["budget.update"]
    yield (
        "POST",
        "/api/budgets/{id}/top-ups",
        h.api.post(f"{at}/top-ups", json={"amount": "1"}),
        ["budget.top_up"],
    )
    yield "DELETE", "/api/budgets/{id}", h.api.delete(at), ["budget.delete"]
    if ("POST", "/api/budgets/{id}/restore") in list_acting(h):
        yield "POST", "/api/budgets/{id}/restore", h.api.post(f"{at}/restore"), ["budget.restore"]
    yield from policies(h)
    yield from people(h)
    yield from console(h)
    verify = h.api.post("/api/audit/verify", json={"checkpoints": []})
    yield "POST", "/api/audit/verify", verify, ["audit.verify"]
    yield "GET", "/api/audit/verify", h.api.get("/api/audit/verify"), ["audit.verify"]
    yield "POST", "/audit/verify", h.browser.post("/audit/verify", data={"checkpoints": ""}), ["audit.verify"]
    yield "GET", "/api/audit/export", h.api.get("/api/audit/export"), ["audit.export"]
    yield "GET", "/api/calls/export", h.api.get("/api/calls/export?format=jsonl"), ["ledger.export"]
    yield "POST", "/logout", h.browser.post("/logout"), ["user.sign_out"]


def policies(h: House):
    at, route = "/api/policies/team/team_default", "/api/policies/{kind}/{id}"
    rules = {"actions": {f"CUSTOM:{CANARY}": "block"}, "restore_hosts": [f"{CANARY}.example"]}
    yield "PUT", route, h.api.put(at, json=rules), ["policy.set"]
    yield "DELETE", route, h.api.delete(at), ["policy.delete"]
    at, route = f"/api/dictionaries/org/org_default/{CANARY}", "/api/dictionaries/{kind}/{id}/{name}"
    yield "PUT", route, h.api.put(at, json={"terms": [CANARY]}), ["dictionary.set"]
    file = h.api.put(f"{at}/file", content=f"{CANARY}\n{CANARY} 2\n")
    yield "PUT", f"{route}/file", file, ["dictionary.set"]
    yield "GET", f"{route}/terms", h.api.get(f"{at}/terms"), ["dictionary.reveal"]
    yield "DELETE", route, h.api.delete(at), ["dictionary.delete"]
    at, route = f"/api/patterns/org/org_default/{CANARY}", "/api/patterns/{kind}/{id}/{name}"
    yield "PUT", route, h.api.put(at, json={"expression": f"{CANARY}[0-9]"}), ["pattern.set"]
    yield "DELETE", route, h.api.delete(at), ["pattern.delete"]


def people(h: House):
    body = {"email": f"{CANARY}1@example.com", "name": CANARY, "roles": [{"role": "viewer"}]}
    made = h.api.post("/api/people", json=body)
    yield "POST", "/api/people", made, ["user.create"]
    id = made.json()["id"]
    at = f"/api/people/{id}"
    yield "PATCH", "/api/people/{id}", h.api.patch(at, json={"name": f"{CANARY} 2"}), ["user.update"]
    yield "PATCH", "/api/people/{id}", h.api.patch(at, json={"disabled": True}), ["user.disable"]
    yield "PATCH", "/api/people/{id}", h.api.patch(at, json={"disabled": False}), ["user.enable"]
    roles = {"roles": [{"role": "finance"}]}
    yield "PUT", "/api/people/{id}/roles", h.api.put(f"{at}/roles", json=roles), ["user.role_change"]
    yield "POST", "/api/people/{id}/password", h.api.post(f"{at}/password"), ["user.password_reset"]
    yield "DELETE", "/api/people/{id}/sessions", h.api.delete(f"{at}/sessions"), ["user.sessions_end"]
    h.join(f"{CANARY}2@example.com")
    yield "POST", "/me/totp", h.enrol(), ["user.totp_enable"]
    given = {"password": PASSWORD}
    yield "POST", "/me/recovery-codes", h.me.post("/me/recovery-codes", data=given), ["user.recovery_codes"]
    yield "POST", "/me/totp/remove", h.me.post("/me/totp/remove", data=given), ["user.totp_remove"]
    mine = h.join(f"{CANARY}3@example.com")
    h.enrol()
    yield "DELETE", "/api/people/{id}/totp", h.api.delete(f"/api/people/{mine}/totp"), ["user.totp_remove"]
    mine = h.join(f"{CANARY}4@example.com")
    yield "POST", "/me/sessions/end", h.me.post("/me/sessions/end"), ["user.sessions_end"]
    changed = {"old": PASSWORD, "new": f"{PASSWORD} 2"}
    yield "POST", "/me/password", h.me.post("/me/password", data=changed), ["user.password_change"]
    yield "POST", "/people/{id}/totp/remove", _with_totp(h), ["user.totp_remove"]
    yield "DELETE", "/api/people/{id}", h.api.delete(at), ["user.delete"]
    email = f"{CANARY}6@example.com"
    made = h.make("/people", email=email, roles=[{"role": "viewer"}])
    h.me.cookies.clear()
    wrong = h.me.post("/login", data={"email": email, "password": f"{CANARY} wrong"})
    yield "POST", "/login", wrong, ["user.sign_in"]
    h.me.post("/login", data={"email": email, "password": made["one_time_password"]})
    done = h.me.post("/login/password", data={"password": PASSWORD})
    yield "POST", "/login/password", done, ["user.password_change"]
    email = f"{CANARY}7@example.com"
    h.join(email)
    page = h.me.get("/me/totp").text
    secret = re.search(r'data-copy="([A-Z2-7 ]+)"', page)[1].replace(" ", "")
    code = pyotp.TOTP(secret).now()
    h.me.post("/me/totp", data={"code": code, "password": PASSWORD})
    h.me.cookies.clear()
    assert (
        h.me.post("/login", data={"email": email, "password": PASSWORD}).headers["location"].endswith("code")
    )
    yield "POST", "/login/code", h.me.post("/login/code", data={"code": "000000"}), ["user.sign_in"]


def _with_totp(h: House):
    id = h.join(f"{CANARY}5@example.com")
    h.enrol()
    return h.browser.post(f"/people/{id}/totp/remove")


def console(h: House):
    b = h.browser
    unit = {"kind": "team", "name": f"{CANARY} console"}
    yield "POST", "/keys/units", b.post("/keys/units", data=unit), ["team.create"]
    id = h.make("/teams", name=f"{CANARY} console 2")["id"]
    route = "/keys/units/{id}/{act}"
    for act, action in (
        ("rename", "update"),
        ("disable", "disable"),
        ("enable", "enable"),
        ("delete", "delete"),
    ):
        form = {"name": f"{CANARY} console 3"}
        yield "POST", route, b.post(f"/keys/units/{id}/{act}", data=form), [f"team.{action}"]
    yield "POST", "/keys", b.post("/keys", data={"name": f"{CANARY} console"}), ["key.create"]
    id = h.make("/keys", name=f"{CANARY} console 2")["id"]
    for act, action in (
        ("change", "update"), ("rotate", "rotate"), ("disable", "disable"), ("enable", "enable"),
        ("revoke", "revoke"),
    ):  # fmt: skip
        form = {"name": f"{CANARY} console 3", "models": f"{CANARY}-*"}
        yield "POST", "/keys/{id}/{act}", b.post(f"/keys/{id}/{act}", data=form), [f"key.{action}"]
    person = {"email": f"{CANARY}8@example.com", "role": "viewer", "password": "on"}
    yield "POST", "/people", b.post("/people", data=person), ["user.create"]
    id = h.make("/people", email=f"{CANARY}9@example.com")["id"]
    for act, form, action in (
        ("name", {"name": CANARY}, "update"),
        ("roles", {"role": "viewer"}, "role_change"),
        ("disable", {}, "disable"),
        ("enable", {}, "enable"),
        ("sessions/end", {}, "sessions_end"),
        ("password", {}, "password_reset"),
        ("delete", {}, "delete"),
    ):
        yield "POST", f"/people/{{id}}/{act}", b.post(f"/people/{id}/{act}", data=form), [f"user.{action}"]
    form = BUDGET | {"name": f"{CANARY} console", "warn": "80", "stop": "100"}
    yield "POST", "/budgets", b.post("/budgets", data=form), ["budget.create"]
    limit = {"scope": "org:default", "requests": "7"}
    yield "POST", "/budgets/limits", b.post("/budgets/limits", data=limit), ["limit.set"]
    limit["act"] = "lift"
    yield "POST", "/budgets/limits", b.post("/budgets/limits", data=limit), ["limit.delete"]
    rate = {"valid_from": "2026-02-01", "usd_per_unit": "0.0008"}
    yield "POST", "/budgets/rates", b.post("/budgets/rates", data=rate), ["rate.set"]
    id = h.make("/budgets", **BUDGET, name=f"{CANARY} console 2")["id"]
    form = {"amount": "7", "warn": "80", "stop": "100", "name": f"{CANARY} console 2"}
    yield "POST", "/budgets/{id}", b.post(f"/budgets/{id}", data=form), ["budget.update"]
    yield (
        "POST",
        "/budgets/{id}/top-ups",
        b.post(f"/budgets/{id}/top-ups", data={"amount": "1"}),
        ["budget.top_up"],
    )
    yield "POST", "/budgets/{id}/end", b.post(f"/budgets/{id}/end"), ["budget.delete"]
    if ("POST", "/budgets/{id}/restore") in list_acting(h):
        yield "POST", "/budgets/{id}/restore", b.post(f"/budgets/{id}/restore"), ["budget.restore"]
    yield from trust_pages(h)


def trust_pages(h: House):
    """The console's forms of trust, as `script`."""
    b = h.browser
    org = h.make("/orgs", name=f"{CANARY} trusted")
    team = h.make("/teams", name=f"{CANARY} trusted", org=org["id"])
    rules, words = {"act": "set", "action.PERSON": "block"}, {"act": "dictionary", "name": "staff"}
    at = f"/policies/team/{team['id']}"
    yield "POST", "/policies/{kind}/{id}", b.post(at, data=rules), ["policy.set"]
    said = b.post(at, data=words | {"terms": f"{CANARY} one\n{CANARY} two"})
    yield "POST", "/policies/{kind}/{id}", said, ["dictionary.set"]
    gone = h.make("/teams", name=f"{CANARY} gone", org=org["id"])
    h.api.put(f"/api/policies/team/{gone['id']}", json={"actions": {"PERSON": "block"}}).raise_for_status()
    h.api.delete(f"/api/teams/{gone['id']}").raise_for_status()
    left = {"kind": "team", "id": gone["id"]}
    yield "POST", "/policies", b.post("/policies", data=left), ["policy.delete"]
    said = b.post("/requests/req_0001", data={"thumb": "down", "label": CANARY})
    yield "POST", "/requests/{id}", said, ["feedback.add"]
    h.plant_call("req_0002")
    decided = {"decision": "harmless", "note": CANARY}
    yield "POST", "/reviews/{call_id}", b.post("/reviews/req_0002", data=decided), ["review.decide"]


def list_acting(h: House) -> set[tuple[str, str]]:
    """Every route of the control plane that may change something."""
    return {
        (method, route.path)
        for route in _routes(h.local.asgi.routes)
        for method in getattr(route, "methods", None) or ()
        if method not in SAFE_METHODS
    }


@pytest.mark.timeout(120)
def test_every_act_is_an_entry(house):
    """Each route that changes something is asked once with something it does: a new entry of the expected
    action, with an actor, and without a word of what was typed. A route added tomorrow fails here."""
    seen = len(house.entries())
    asked = set()
    for method, route, answer, actions in script(house):
        asked.add((method, route))
        found = house.entries()
        new, seen = found[: len(found) - seen], len(found)
        assert answer.status_code < 500, (method, route, answer.text)
        assert set(actions) <= {entry.action for entry in new}, (
            method,
            route,
            answer.status_code,
            answer.text,
        )
        for entry in new:
            assert entry.action in ACTIONS
            assert entry.actor
            assert CANARY not in f"{entry.actor} {entry.target} {entry.facts}".lower(), entry
    forgotten = list_acting(house) - asked - set(SILENT)
    assert forgotten == set(), "acts that this test does not know"
    assert set(SILENT) <= list_acting(house)
    assert house.local.audit.reader.verify().is_intact


def test_what_changes_nothing_writes_nothing(house):
    """The same again is no second act; and what failed is none either."""
    key = house.make("/keys", name="k")
    house.api.patch(f"/api/keys/{key['id']}", json={"disabled": True})
    house.api.post(f"/api/keys/{key['id']}/revoke")
    house.api.put("/api/limits/org:default", json={"requests_per_minute": 5})
    before = len(house.entries())
    house.make("/keys", name="other")
    assert len(house.entries()) == before + 1
    house.make("/keys", name="other")
    house.api.post(f"/api/keys/{key['id']}/revoke")
    house.api.patch(f"/api/keys/{key['id']}", json={"disabled": True})
    house.api.delete("/api/limits/team:default")
    house.api.delete("/api/budgets/bud_nothing")
    house.api.post("/api/keys", json={"name": ""})
    assert len(house.entries()) == before + 1


def test_a_refusal_by_role_is_an_entry(house):
    """What a person's roles do not allow is told of: who, what was missing, at which address."""
    made = house.make("/people", email="v@example.com", roles=[{"role": "viewer"}])
    house.me.post("/login", data={"email": "v@example.com", "password": made["one_time_password"]})
    house.me.post("/login/password", data={"password": PASSWORD})
    before = len(house.entries())
    for method, path in (("post", "/api/keys"), ("get", "/api/audit"), ("post", "/people")):
        assert getattr(house.me, method)(path).status_code == 403
    found = house.entries()
    new = found[: len(found) - before]
    assert [entry.action for entry in new] == ["access.deny"] * 3
    assert {entry.actor for entry in new} == {f"user:{made['id']}"}
    assert {entry.read_facts()["permission"] for entry in new} == {"keys.write", "audit.read", "people.write"}
