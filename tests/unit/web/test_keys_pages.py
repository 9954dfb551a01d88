"""The pages of keys: a secret is shown once, and what may not be done has no button."""

from __future__ import annotations

import re

import pytest
from tests.unit.web.conftest import KEY


def secret_in(text):
    found = re.findall(r"naru_[0-9a-z]{8}_[0-9a-z]{52}", text)
    return found[0] if found else None


@pytest.fixture
def key(browser):
    """A key that was made by the form, as the API tells of it."""
    page = browser.post("/keys", data={"name": "ci", "project": "proj_default", "models": "gpt-*, claude-*"})
    assert page.status_code == 200
    return browser.get("/api/keys?ref=ci").json()["items"][0] | {"secret": secret_in(page.text)}


def test_a_new_key_is_on_one_page_once(browser, key):
    """In the answer to the form, with a button to copy it; on no page that can be opened again."""
    assert key["secret"].startswith(key["prefix"])
    assert key["models"] == ["gpt-*", "claude-*"]
    for path in ("/keys", f"/keys/{key['id']}"):
        page = browser.get(path)
        assert page.status_code == 200
        assert key["prefix"] in page.text
        assert secret_in(page.text) is None
    assert 'data-copy="naru_' in browser.post(f"/keys/{key['id']}/rotate", data={"overlap_s": "0"}).text


def test_a_name_twice_leads_to_the_first(browser, key):
    """And says so."""
    answer = browser.post("/keys", data={"name": "ci", "project": "proj_default"})
    assert answer.headers["location"] == f"/keys/{key['id']}?done=known"


def test_a_key_is_changed_by_its_form(browser, key):
    """Every field of its scope; what was not touched stays."""
    form = {
        "name": "ci2", "models": "a b", "sites": "seoul", "tags": "env=prod, who=me",
        "expires_on": "2030-01-31", "expires_before": "", "endpoint": ["chat", "embeddings"],
    }  # fmt: skip
    assert browser.post(f"/keys/{key['id']}/change", data=form).status_code == 303
    changed = browser.get(f"/api/keys/{key['id']}").json()
    assert (changed["name"], changed["models"], changed["sites"]) == ("ci2", ["a", "b"], ["seoul"])
    assert changed["tags"] == {"env": "prod", "who": "me"}
    assert changed["endpoints"] == ["chat", "embeddings"]
    assert changed["expires_at"] == "2030-01-31T00:00:00Z"
    again = form | {"expires_before": "2030-01-31"}
    assert browser.post(f"/keys/{key['id']}/change", data=again).status_code == 303
    assert browser.get(f"/api/keys/{key['id']}").json() == changed


@pytest.mark.parametrize(
    "form",
    [
        {"name": "", "project": "proj_default"},
        {"name": "x", "project": "proj_nobody0"},
        {"name": "x", "models": "a[b]"},
        {"name": "x", "tags": "novalue"},
        {"name": "x", "expires_on": "soon"},
        {"name": "x", "expires_on": "2020-01-01"},
        {"name": "<script>/</script>"},
    ],
)
def test_a_form_that_is_wrong_comes_back_with_the_reason(browser, form):
    """On the page it was sent from; nothing is made, nothing of it runs."""
    page = browser.post("/keys", data=form)
    assert page.status_code in (400, 404)
    assert 'role="alert"' in page.text
    assert "<script>/" not in page.text
    assert browser.get("/api/keys").json()["items"] == []


def test_switching_and_revoking(browser, key):
    """A revoked key has no more buttons."""
    assert browser.post(f"/keys/{key['id']}/disable").status_code == 303
    assert browser.get(f"/api/keys/{key['id']}").json()["disabled"] is True
    assert browser.post(f"/keys/{key['id']}/enable").status_code == 303
    assert browser.post(f"/keys/{key['id']}/revoke").status_code == 303
    page = browser.get(f"/keys/{key['id']}")
    assert f'action="/keys/{key["id"]}' not in page.text
    assert browser.post(f"/keys/{key['id']}/rotate").status_code == 409
    assert browser.post(f"/keys/{key['id']}/explode").status_code == 404
    assert browser.post("/keys/key_nobody0/revoke").status_code == 404


def test_the_tree_grows_by_its_forms(browser):
    """Organisation, team, project; each with a page of its own."""
    for kind, name, parent in (("org", "acme", ""), ("team", "t", "acme"), ("project", "p", "acme/t")):
        answer = browser.post("/keys/units", data={"kind": kind, "name": name, "parent": parent})
        assert answer.headers["location"] == "/keys?done=created"
    assert browser.post("/keys/units", data={"kind": "house", "name": "x"}).status_code == 400
    project = browser.get("/api/projects?ref=acme/t/p").json()["items"][0]
    page = browser.get("/keys")
    assert all(f">{name}</a>" in page.text for name in ("acme", "t", "p"))
    address = f"/keys/units/{project['id']}"
    assert "acme/t/p" in browser.get(address).text
    assert browser.post(f"{address}/rename", data={"name": "p2"}).status_code == 303
    assert browser.post(f"{address}/disable").status_code == 303
    assert browser.get(f"/api/projects/{project['id']}").json()["disabled"] is True
    assert browser.post(f"{address}/enable").status_code == 303
    assert browser.post(f"{address}/delete").headers["location"] == "/keys?done=deleted"
    assert browser.get(address).status_code == 404
    assert browser.post("/keys/units/org_default/delete").status_code == 409


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_pages_are_written_in_both_languages(browser, key, language):
    """Every page, in whichever the reader chose."""
    browser.cookies.set("naru_language", language)
    word = {"ko": "폐기", "en": "Revoke"}[language]
    assert word in browser.get(f"/keys/{key['id']}").text
    for path in ("/keys?revoked=1", "/keys/units/org_default", "/keys/units/proj_default?done=changed"):
        assert browser.get(path).status_code == 200


def test_the_admin_key_is_not_a_key_of_the_list(browser):
    """It lies in a file; the pages show none of it."""
    assert KEY not in browser.get("/keys").text
