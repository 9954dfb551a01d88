"""`/api/orgs`, `/api/teams`, `/api/projects`, `/api/keys`: what scripts are told."""

from __future__ import annotations

import pytest
from tests.unit.web.conftest import KEY

SQL = "x'; DROP TABLE keys; --"


def test_a_key_is_shown_once(admin):
    """In the answer that made it; afterwards its prefix alone."""
    made = admin.post("/api/keys", json={"name": "ci", "models": ["gpt-*"], "tags": {"env": "ci"}})
    assert made.status_code == 201
    key = made.json()
    assert key["created"] is True
    assert key["secret"].startswith(key["prefix"] + "_")
    assert key["path"] == "default/default/default/ci"
    assert key["active"] is True
    assert key["expires_at"] is None
    again = admin.post("/api/keys", json={"name": "ci"})
    assert again.status_code == 200
    assert again.json()["created"] is False
    assert again.json()["secret"] is None
    for path in (f"/api/keys/{key['id']}", "/api/keys", f"/api/keys?ref={key['prefix']}"):
        answer = admin.get(path)
        assert answer.status_code == 200
        assert key["secret"] not in answer.text
        assert key["prefix"] in answer.text


def test_the_tree_by_its_verbs(admin):
    """Make, list, rename, disable, delete, on every level."""
    org = admin.post("/api/orgs", json={"name": "acme"}).json()
    team = admin.post("/api/teams", json={"name": "t", "org": "acme"}).json()
    project = admin.post("/api/projects", json={"name": "p", "team": team["id"]}).json()
    assert project["path"] == "acme/t/p"
    assert [u["id"] for u in admin.get("/api/projects", params={"team": "acme/t"}).json()["items"]] == [
        project["id"]
    ]
    patched = admin.patch(f"/api/orgs/{org['id']}", json={"name": "acme2", "disabled": True}).json()
    assert (patched["name"], patched["disabled"]) == ("acme2", True)
    shown = admin.get(f"/api/projects/{project['id']}").json()
    assert (shown["path"], shown["disabled"], shown["active"]) == ("acme2/t/p", False, False)
    full = admin.delete(f"/api/orgs/{org['id']}")
    assert (full.status_code, full.json()["code"]) == (409, "not_empty")
    for kind, unit in (("projects", project), ("teams", team), ("orgs", org)):
        assert admin.delete(f"/api/{kind}/{unit['id']}").status_code == 204
        assert admin.get(f"/api/{kind}/{unit['id']}").status_code == 404


def test_a_patch_changes_what_it_names_and_nothing_else(admin):
    """An expiry is taken off with null, and stays when it is not mentioned."""
    made = {"name": "ci", "models": ["a"], "expires_at": "2030-01-01T00:00:00Z"}
    id = admin.post("/api/keys", json=made).json()["id"]
    key = admin.patch(f"/api/keys/{id}", json={"sites": ["seoul"]}).json()
    assert (key["models"], key["sites"], key["expires_at"]) == (["a"], ["seoul"], "2030-01-01T00:00:00Z")
    key = admin.patch(f"/api/keys/{id}", json={"expires_at": None, "models": []}).json()
    assert (key["models"], key["sites"], key["expires_at"]) == ([], ["seoul"], None)


def test_rotating_and_revoking(admin):
    """A day of overlap when nothing is said."""
    made = admin.post("/api/keys", json={"name": "ci"}).json()
    rotated = admin.post(f"/api/keys/{made['id']}/rotate").json()
    assert rotated["secret"] != made["secret"]
    assert rotated["overlap_until"] == "2026-01-02T00:00:00Z"
    assert admin.post(f"/api/keys/{made['id']}/rotate", json={"overlap_s": 0}).status_code == 200
    revoked = admin.post(f"/api/keys/{made['id']}/revoke").json()
    assert revoked["active"] is False
    assert admin.post(f"/api/keys/{made['id']}/revoke").json() == revoked
    late = admin.post(f"/api/keys/{made['id']}/rotate")
    assert (late.status_code, late.json()["code"]) == (409, "key_revoked")
    assert admin.get("/api/keys").json()["items"] == []
    assert len(admin.get("/api/keys", params={"revoked": "true"}).json()["items"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x", "secret": "mine"},
        {"name": "x", "models": "gpt"},
        {"name": "x", "models": [SQL]},
        {"name": "x", "endpoints": ["everything"]},
        {"name": "x", "tags": {"a": 1}},
        {"name": "x", "expires_at": "tomorrow"},
        {"name": "x", "expires_at": "2020-01-01T00:00:00Z"},
        {"name": "x", "expires_at": "0001-01-01T00:00:00+14:00"},
        {"name": "x", "expires_at": "9999-12-31T23:59:59-14:00"},
        {"name": "x", "expires_at": "2030-01-01T00:00:00"},
        [],
        "x",
        None,
    ],
)
def test_a_body_that_is_not_meant_so_is_refused_in_words(admin, body):
    """400 with a problem, and nothing is made."""
    answer = admin.post("/api/keys", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert admin.get("/api/keys").json()["items"] == []


@pytest.mark.parametrize(
    "text", [SQL, "' OR '1'='1", "%", "\x00", "../..", "한글", "key_\x00", "😀" * 20, "$(id)"]
)
def test_any_text_in_any_place_is_found_or_not(admin, text):
    """As a name it is a name, as an id or a reference it is 404: never a fault, never a statement."""
    from urllib.parse import quote

    for path in ("orgs", "teams", "projects", "keys"):
        assert admin.get(f"/api/{path}/{quote(text, safe='')}").status_code in (404, 400)
        assert admin.get(f"/api/{path}", params={"ref": text}).status_code == 404
        made = admin.post(f"/api/{path}", json={"name": text})
        assert made.status_code in (201, 400), made.text
        if made.status_code == 201:
            assert admin.get(f"/api/{path}/{made.json()['id']}").json()["name"] == made.json()["name"]
    for query in ({"org": text}, {"team": text}, {"project": text}):
        assert admin.get("/api/keys", params=query).status_code in (200, 404)
    for query in ({"before": text}, {"after": text}):
        assert admin.get("/api/keys", params=query).status_code in (200, 404)
    assert admin.post("/api/teams", json={"name": "t", "org": text}).status_code in (201, 404)
    assert admin.post("/api/keys", json={"name": "k", "project": text}).status_code in (201, 404)


@pytest.mark.parametrize("path", ["orgs", "teams", "projects", "keys"])
def test_a_guessed_id_is_404_whatever_it_looks_like(admin, path):
    """Well-formed or not, of the right kind or another's."""
    for id in ("org_default", "team_default", "proj_default", "key_0000000000", "x", "_", "org_" + "0" * 26):
        if id.startswith({"orgs": "org_d", "teams": "team", "projects": "proj", "keys": "none"}[path]):
            continue
        assert admin.get(f"/api/{path}/{id}").status_code == 404, id
        assert admin.patch(f"/api/{path}/{id}", json={"name": "x"}).status_code == 404, id


def test_the_secret_is_not_kept_by_caches_or_browsers(admin):
    """It is said once, to one."""
    assert admin.post("/api/keys", json={"name": "ci"}).headers["cache-control"] == "no-store"


def test_a_data_plane_key_opens_nothing_here(admin, anyone):
    """The control plane is for people and the admin key."""
    secret = admin.post("/api/keys", json={"name": "ci"}).json()["secret"]
    answer = anyone.get("/api/keys", headers={"authorization": f"Bearer {secret}"})
    assert answer.status_code == 401
    assert anyone.get("/api/keys", headers={"authorization": f"Bearer {KEY}"}).status_code == 200
