"""An administrator of one organisation and the ids of another one's things: as if they were not there."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient
from tests.unit.web.test_every_act import PASSWORD, PasswordHasher, list_acting
from tests.unit.web.test_every_act import House as _House
from tests.unit.web.test_gate import _routes

from naru.web.access import PUBLIC_ROUTES, find_rule

SQL = (
    "x'; DROP TABLE keys; --",
    '" OR ""="',
    "%' UNION SELECT secret FROM keys --",
    "\\'; --",
    "1; SELECT 1",
)
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"


class House(_House):
    """Two organisations with the same things in both, and somebody who administers the first."""

    def __init__(self, folder) -> None:
        super().__init__(folder)
        self.ours, self.theirs = (self._plant(name) for name in ("ours", "theirs"))
        roles = [{"role": "admin", "org": self.ours["orgs"]}]
        made = self.make("/people", email="boss@example.com", roles=roles)
        self.me.post("/login", data={"email": "boss@example.com", "password": made["one_time_password"]})
        assert self.me.post("/login/password", data={"password": PASSWORD}).headers["location"] == "/"
        self.me.headers["accept"] = "application/json"

    def _plant(self, name: str) -> dict[str, str]:
        org = self.make("/orgs", name=name)["id"]
        team = self.make("/teams", name="t", org=org)["id"]
        project = self.make("/projects", name="p", team=team)["id"]
        key = self.make("/keys", name="k", project=project)["id"]
        person = self.make("/people", email=f"{name}@example.com", roles=[{"role": "viewer", "org": org}])
        budget = self.make("/budgets", scope=f"team:{team}", period="day", amount="5", time_zone="UTC")
        self.api.put(f"/api/limits/project:{project}", json={"requests_per_minute": 3})
        return {
            "orgs": org,
            "teams": team,
            "projects": project,
            "keys": key,
            "people": person["id"],
            "budgets": budget["id"],
            "units": project,
        }

    def dump(self) -> dict[str, list[tuple]]:
        """Everything in the database but the audit log, which tells of refusals."""
        with self.local.engine.connect() as connection:
            names = [row[0] for row in connection.exec_driver_sql(TABLES)]
            return {
                name: sorted(map(repr, connection.exec_driver_sql(f"SELECT * FROM {name}").all()))
                for name in names
                if not name.startswith("audit_")
            }


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.setitem(PasswordHasher.__init__.__kwdefaults__, "memory_kib", 64)
    house = House(tmp_path / "home")
    yield house
    house.close()


def list_addressed(house):
    """Every route that names a thing of an organisation by its id, and which kind."""
    for route in _routes(house.local.asgi.routes):
        path = getattr(route, "path", "")
        found = re.match(r"(?:/api)?/(orgs|teams|projects|keys/units|keys|people|budgets)/\{id\}", path)
        if found:
            kind = found[1].rpartition("/")[2]
            for method in route.methods:
                yield method, path, kind


FIELDS = frozenset(re.findall(r"\w+", """
    name email key password code kind parent project models sites tags expires_on overlap_s role org scope
    period time_zone amount currency warn stop unpriced until valid_from usd_per_unit requests tokens
    concurrent old new next theme locale checkpoints public_keys
"""))  # fmt: skip
"""Of all forms of the console."""
BODIES = {"PATCH": {"name": "stolen"}, "PUT": {"roles": [{"role": "admin"}]}}
FORMS = {
    "name": "stolen",
    "amount": "999",
    "warn": "80",
    "stop": "100",
    "grant": "*:admin",
    "password": "x" * 12,
}


def test_anothers_ids_are_404_on_every_route(house):
    """Read, changed or ended by id, over API and console: not there; and not a row has changed."""
    before = house.dump()
    asked = 0
    for method, path, kind in list_addressed(house):
        acts = ("rename", "change", "rotate", "revoke", "disable", "delete") if "{act}" in path else ("",)
        for act in acts:
            there = path.replace("{id}", house.theirs[kind]).replace("{act}", act)
            if path.startswith("/api"):
                body = {"amount": "7"} if path.endswith("top-ups") else BODIES.get(method, {})
                answer = house.me.request(method, there, json=body)
                gone = (404,)
                if method == "DELETE" and kind == "budgets":
                    gone = (204,)  # ending what is not there changes nothing, whoever asks
            else:
                answer = house.me.request(method, there, data=FORMS)
                gone = (404,)
            assert answer.status_code in gone, (method, there, answer.status_code, answer.text[:300])
            for id in house.theirs.values():
                assert id not in answer.text, (method, there)
            made_up = there.replace(house.theirs[kind], house.theirs[kind][:-6] + "000000")
            if path.startswith("/api"):
                other = house.me.request(method, made_up, json=body)
                told = [re.sub(r"[a-z]+_[0-9a-z]{26}", "ID", a.text) for a in (answer, other)]
                assert (other.status_code, told[0]) == (answer.status_code, told[1]), (method, made_up)
            asked += 1
    assert asked >= 40
    assert house.dump() == before


def test_ones_own_ids_are_there(house):
    """The same reads answer for one's own organisation, so the 404s above are no accident."""
    for method, path, kind in list_addressed(house):
        if method == "GET":
            answer = house.me.get(path.replace("{id}", house.ours[kind]))
            assert answer.status_code == 200, path


def test_anothers_things_are_in_no_list(house):
    """Lists, searches, filters and pages show one's own alone, also when the other's are named outright."""
    for path in ("orgs", "teams", "projects", "keys", "people", "budgets", "limits"):
        own = house.me.get(f"/api/{path}")
        assert own.status_code == 200
        assert not [id for id in house.theirs.values() if id in own.text], path
        whole = house.api.get(f"/api/{path}").text
        assert [id for id in house.theirs.values() if id in whole], path
    for path in ("/keys", "/people", "/budgets", "/requests", "/"):
        page = house.me.get(path, headers={"accept": "text/html"})
        assert page.status_code == 200
        assert not [id for id in house.theirs.values() if id in page.text], path
        assert "theirs@example.com" not in page.text
    theirs = house.theirs
    for query in (
        f"/api/keys?project={theirs['projects']}",
        f"/api/keys?org={theirs['orgs']}",
        "/api/keys?ref=theirs/t/p/k",
        f"/api/teams?org={theirs['orgs']}",
        "/api/projects?ref=theirs/t/p",
        f"/api/budgets?scope=team:{theirs['teams']}",
        "/api/budgets?scope=team:theirs/t",
    ):
        assert house.me.get(query).status_code == 404, query


def test_nothing_can_be_put_into_anothers_organisation(house):
    """Keys, teams, projects, budgets, limits and roles: refused, by id and by path."""
    before = house.dump()
    theirs = house.theirs
    for path, body, expected in (
        ("/teams", {"name": "x", "org": theirs["orgs"]}, 404),
        ("/teams", {"name": "x", "org": "theirs"}, 404),
        ("/projects", {"name": "x", "team": theirs["teams"]}, 404),
        ("/keys", {"name": "x", "project": theirs["projects"]}, 404),
        ("/keys", {"name": "x", "project": "theirs/t/p"}, 404),
        ("/keys", {"name": "x"}, 404),
        ("/orgs", {"name": "x"}, 403),
        ("/budgets", {"scope": f"org:{theirs['orgs']}", "period": "day", "amount": "1"}, 404),
        ("/budgets", {"scope": f"key:{theirs['keys']}", "period": "day", "amount": "1"}, 404),
        ("/budgets", {"scope": "tag:env=prod", "period": "day", "amount": "1"}, 403),
        ("/budgets", {"scope": "key:admin", "period": "day", "amount": "1"}, 403),
        ("/people", {"email": "n@example.com", "roles": [{"role": "viewer", "org": theirs["orgs"]}]}, 403),
        ("/people", {"email": "n@example.com", "roles": [{"role": "admin"}]}, 403),
    ):
        answer = house.me.post(f"/api{path}", json=body)
        assert answer.status_code in {expected, 404 if path == "/people" else expected}, (
            path,
            body,
            answer.text,
        )
    for scope in (f"org:{theirs['orgs']}", f"key:{theirs['keys']}", "team:theirs/t"):
        bound = {"requests_per_minute": 1}
        assert house.me.put(f"/api/limits/{scope}", json=bound).status_code == 404
        assert house.me.delete(f"/api/limits/{scope}").status_code == 404
    assert house.me.put("/api/limits/tag:env=prod", json={"requests_per_minute": 1}).status_code == 403
    for grant in ({"role": "admin"}, {"role": "viewer", "org": theirs["orgs"]}):
        own = f"/api/people/{house.ours['people']}/roles"
        assert house.me.put(own, json={"roles": [grant]}).status_code in (403, 404)
    assert house.dump() == before


def test_sql_in_every_field_is_text(house):
    """Every field of every operation of the API, one at a time: never a fault, and the tables stand."""
    document = house.api.get("/api/openapi.json").json()
    tables = set(house.dump())
    asked = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parameters = operation.get("parameters", [])
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            fields = _fields(document, schema.get("schema", {}))
            spots = [(p["in"], p["name"]) for p in parameters] + [("body", name) for name in fields]
            for where, name in spots:
                for text in SQL[:: 2 if method == "get" else 1]:
                    there = path
                    for p in parameters:
                        if p["in"] == "path":
                            own = text if (where, name) == ("path", p["name"]) else "org_default"
                            there = there.replace(f"{{{p['name']}}}", quote(own, safe=""))
                    query = {name: text} if where == "query" else {}
                    body = {name: text} if where == "body" else ({} if schema else None)
                    answer = house.api.request(method.upper(), there, params=query, json=body)
                    assert answer.status_code < 500, (method, path, name, text, answer.text)
                    asked += 1
    assert asked > 300
    assert set(house.dump()) == tables
    for own in (house.ours, house.theirs):
        assert house.api.get(f"/api/keys/{own['keys']}").json()["active"] is True


def _fields(document, schema) -> list[str]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return list(schema.get("properties", {}))


def test_sql_in_every_form_of_the_console_is_text(house):
    """The same at every form, the sign-in among them."""
    tables = set(house.dump())
    house.browser.post("/login", data={"key": house.local.admin_key})
    for method, path in sorted(list_acting(house)):
        if path.startswith("/api") or path == "/logout":
            continue
        for text in SQL:
            there = re.sub(r"\{id\}", quote(text, safe=""), path).replace("{act}", "change")
            for at in {there, path.replace("{id}", house.ours["keys"]).replace("{act}", "change")}:
                answer = house.browser.request(method, at, data=dict.fromkeys(FIELDS, text))
                assert answer.status_code < 500, (at, answer.text[:300])
    assert set(house.dump()) == tables


def test_every_form_is_refused_from_another_site(house):
    """Each route that changes something, with a good session and every sign of another site: 403, and not a
    row has changed; the public ones too, for a sign-in made elsewhere is one into the attacker's account."""
    before = house.dump()
    tried = 0
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {},
    ):
        with TestClient(house.local.asgi, headers=headers, follow_redirects=False) as client:
            client.cookies.update(house.browser.cookies or {})
            client.cookies.update(house.me.cookies)
            for method, path in sorted(list_acting(house)):
                there = path.replace("{act}", "disable").replace("{scope:path}", "org:default")
                for kind in ("orgs", "teams", "projects", "keys", "people", "budgets"):
                    if there.removeprefix("/api").startswith(f"/{kind}/"):
                        there = there.replace("{id}", house.ours[kind])
                answer = client.request(method, re.sub(r"\{[^}]+\}", "x", there), data={"name": "stolen"})
                assert answer.status_code == 403, (method, there, headers, answer.status_code)
                assert answer.json()["code"] == "cross_site_request"
                tried += 1
    assert tried >= 300
    assert house.dump() == before


def read_session(client) -> set[str]:
    return {cookie.value for cookie in client.cookies.jar if cookie.name == "naru_session"}


def test_a_session_from_before_the_sign_in_is_not_taken_on(house):
    """Session fixation: whatever cookie a browser brings to the sign-in, it leaves with another; the one it
    brought opens nothing, and a second sign-in is a second session."""
    planted = house.me.cookies["naru_session"]
    victim = house.client({"origin": "http://testserver"})
    victim.cookies.set("naru_session", "planted.by.somebody", domain="testserver.local", path="/")
    assert victim.post("/login", data={"key": house.local.admin_key}).status_code == 303
    mine = read_session(victim)
    assert "planted.by.somebody" not in mine
    victim.cookies.clear()
    victim.cookies.set("naru_session", planted, domain="testserver.local", path="/")
    victim.post("/login", data={"key": house.local.admin_key})
    assert read_session(victim).isdisjoint({planted, *mine}), "each sign-in is a session of its own"
    thief = house.client({"origin": "http://testserver"})
    thief.cookies.set("naru_session", planted)
    assert thief.get("/api/session").json().get("id") != "admin-key"
    assert thief.get("/api/audit").status_code == 403, "the planted session gained nothing"


def test_a_signed_out_session_is_dead_on_every_route(house):
    """Not only at the page that ended it."""
    copied = house.client({"sec-fetch-site": "same-origin"})
    copied.cookies.set("naru_session", house.me.cookies["naru_session"])
    assert copied.get("/api/session").status_code == 200
    assert house.me.post("/logout").status_code == 303
    for route in _routes(house.local.asgi.routes):
        if find_rule(route) is None or route.name in PUBLIC_ROUTES:
            continue
        for method in route.methods:
            path = re.sub(r"\{[^}]+\}", "x", route.path)
            assert copied.request(method, path).status_code == 401, (method, path)
