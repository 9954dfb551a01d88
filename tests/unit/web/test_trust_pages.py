"""Policies in the console: what a form says is what holds, undone as easily, and nobody's words are shown."""

from __future__ import annotations

import html
import json
import re
from dataclasses import fields

import pytest
from starlette.testclient import TestClient
from tests.unit.web.conftest import NS, new_call

from naru.identity import PersonPrincipal
from naru.trust.entity import ENTITY_TYPES
from naru.trust.policy import ANY, Rules
from naru.web.console.requests.judged import Judged, read_judged
from naru.web.console.trust.forms import GROUPS, read_rules, read_undo, write_undo
from naru.web.control import create_control_app
from naru.web.session import COOKIE

T0 = 1_767_225_600 * NS
TEAM = "/policies/team/team_default"
POLICY = "/api/policies/team/team_default"
NAME, PHONE, RRN = "김민수", "010-2345-6789", "850101-1234567"


@pytest.fixture
def sign_in(context):
    """Browsers of people with roles: `sign_in(org_default="viewer")`."""
    opened = []

    def open_(**roles):
        held = {("*" if org == "everywhere" else org): frozenset([role]) for org, role in roles.items()}

        class Somebody(type(context)):
            def find_session(self, token):
                return PersonPrincipal(person_id="usr_x", roles=held) if token == "x" else None

        app = create_control_app(Somebody(**{f.name: getattr(context, f.name) for f in fields(context)}))
        headers = {"sec-fetch-site": "same-origin", "accept": "text/html", "accept-language": "en"}
        client = TestClient(app, headers=headers, cookies={COOKIE: "x"}, follow_redirects=False)
        opened.append(client)
        return client.__enter__()

    yield open_
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def security(sign_in):
    return sign_in(org_default="security")


def test_the_form_has_a_line_for_every_type():
    """None can be forgotten when a type is added."""
    shown = [type for types in GROUPS.values() for type in types]
    assert sorted(shown) == sorted(ENTITY_TYPES)


def test_a_policy_is_set_by_its_form_and_undone_by_a_button(security):
    """Exactly what the form says; the way back brings exactly what was before, nothing or something."""
    form = {
        "act": "set",
        "action.KR_RRN": "block",
        "action.PERSON": "",
        "guard.injection": "flag",
        "said.restore_hosts": "",
        "list.restore_hosts": "crm.example.com, *.example.org",
        "consent": "no",
    }
    page = security.post(TEAM, data=form)
    assert page.status_code == 200
    rules = security.get(POLICY).json()["rules"]
    assert rules["actions"] == {"KR_RRN": "block"}
    assert rules["guard"] == {"injection": "flag"}
    assert rules["restore_hosts"] == ["crm.example.com", "*.example.org"]
    assert rules["fakes"] is None
    assert rules["capture_consent"] is False

    page = security.post(TEAM, data={"act": "set", "action.KR_RRN": "mask", "action.CARD": "keep_inside"})
    assert security.get(POLICY).json()["rules"]["actions"] == {"KR_RRN": "mask", "CARD": "keep_inside"}
    before = html.unescape(re.search(r'name="rules" value="([^"]*)"', page.text)[1])
    assert security.post(TEAM, data={"act": "undo", "rules": before}).status_code == 200
    assert security.get(POLICY).json()["rules"] == rules

    page = security.post(TEAM, data={"act": "remove"})
    assert security.get(POLICY).status_code == 404
    before = html.unescape(re.search(r'name="rules" value="([^"]*)"', page.text)[1])
    security.post(TEAM, data={"act": "undo", "rules": before})
    assert security.get(POLICY).json()["rules"] == rules


def test_taking_back_a_first_policy_leaves_none(security):
    """Undo after the first one is removal; so is a form in which nothing is said."""
    page = security.post(TEAM, data={"act": "set", "action.*": "mask"})
    assert 'name="rules" value=""' in page.text
    security.post(TEAM, data={"act": "undo", "rules": ""})
    assert security.get(POLICY).status_code == 404
    security.post(TEAM, data={"act": "set", "action.*": "mask"})
    security.post(TEAM, data={"act": "set", "action.*": ""})
    assert security.get(POLICY).status_code == 404


def test_the_page_says_what_holds_and_who_says_so(security):
    """The organisation's line stands at the team, with its name; the team's own replaces it."""
    security.post("/policies/org/org_default", data={"act": "set", "action.KR_RRN": "block"})
    text = security.get(TEAM).text
    line = re.search(r'<code class="quiet">KR_RRN</code></div>\s*<div class="rule-now">(.*?)</div>', text)[1]
    assert "act-block" in line
    assert "Organisation default" in line
    security.post(TEAM, data={"act": "set", "action.KR_RRN": "mask"})
    text = security.get(TEAM).text
    line = re.search(r'<code class="quiet">KR_RRN</code></div>\s*<div class="rule-now">(.*?)</div>', text)[1]
    assert "act-mask" in line
    assert "Team default/default" in line


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"act": "burn"},
        {"act": "set", "action.PERSON": "eat"},
        {"act": "set", "action.NOBODY": "mask"},
        {"act": "set", "guard.nothing": "log"},
        {"act": "set", "said.restore_hosts": "1", "list.restore_hosts": "not a host"},
        {"act": "undo", "rules": "{"},
        {"act": "undo", "rules": '{"actions": {"PERSON": "eat"}}'},
        {"act": "pattern", "name": "x", "expression": "(?=a)"},
        {"act": "pattern", "name": "<script>/</script>", "expression": "a"},
        {"act": "dictionary", "name": "x", "terms": ""},
    ],
)
def test_a_form_that_is_wrong_comes_back_with_the_reason(security, form):
    """Nothing is changed, nothing of it runs."""
    page = security.post(TEAM, data=form)
    assert page.status_code == 400
    assert 'role="alert"' in page.text
    assert "<script>/" not in page.text
    assert security.get("/api/policies").json() == {"policies": []}
    assert security.get("/api/dictionaries").json() == {"dictionaries": []}


def test_what_was_chosen_stays_in_a_form_that_is_refused(security):
    """So that one wrong host does not cost the rest."""
    form = {
        "act": "set",
        "action.CARD": "block",
        "said.restore_hosts": "1",
        "list.restore_hosts": "not a host",
    }
    text = security.post(TEAM, data=form).text
    card = re.search(r'name="action.CARD".*?</select>', text, re.DOTALL)[0]
    assert 'value="block" selected' in card
    assert 'value="not a host"' in text


def test_what_a_form_does_not_show_stays():
    """A policy can name more own words than a page has lines."""
    known = Rules(actions={"CUSTOM:x": "block", "CARD": "mask"}, restore_tools=("web",), capture_consent=True)
    changed = read_rules({"action.CARD": "", f"action.{ANY}": "mask"}, known)
    assert changed == Rules(
        actions={"CUSTOM:x": "block", ANY: "mask"}, restore_tools=("web",), capture_consent=True
    )
    assert read_undo(write_undo(known)) == known
    assert read_undo(write_undo(None)) is None


def test_words_are_counted_and_never_shown(security, acts):
    """Written, counted, named as types, forgotten; not a term is on a page, and reading them is a link to an
    address that writes it down."""
    terms = "한강상사\nProject Otter\n"
    page = security.post(TEAM, data={"act": "dictionary", "name": "customers", "terms": terms})
    assert page.status_code == 200
    security.post(TEAM, data={"act": "pattern", "name": "staff", "expression": "EMP-[0-9]{6}"})
    for path in (TEAM, "/policies", "/policies/project/proj_default", "/policies/org/org_default"):
        text = security.get(path).text
        assert "한강상사" not in text
        assert "Otter" not in text
    text = security.get(TEAM).text
    assert "CUSTOM:customers" in text
    assert 'name="action.CUSTOM:staff"' in text
    assert "EMP-[0-9]{6}" in text
    link = re.search(r'href="(/api/dictionaries/[^"]*/terms)"', text)[1]
    assert "Otter" in security.get(link).text
    assert [act.action for act in acts][-1] == "dictionary.reveal"
    security.post(TEAM, data={"act": "forget", "word_kind": "dictionary", "name": "customers"})
    assert security.get("/api/dictionaries").json() == {"dictionaries": []}


@pytest.mark.parametrize("role", ["viewer", "operator", "finance"])
def test_who_may_not_change_a_policy_has_no_form_for_it(sign_in, security, role):
    """They read what holds; what they send all the same is refused."""
    security.post(TEAM, data={"act": "pattern", "name": "staff", "expression": "EMP-[0-9]{6}"})
    reader = sign_in(org_default=role)
    text = reader.get(TEAM).text
    assert "Names of people" in text
    assert '<select name="action.' not in text
    assert "EMP-[0-9]" not in text
    assert ("data-try" in text) == (role == "operator")
    assert reader.post(TEAM, data={"act": "set", "action.CARD": "allow"}).status_code == 403
    assert reader.get(POLICY).status_code == 404


def test_another_organisation_is_not_there(sign_in, admin):
    """Neither in the list nor by its address."""
    org = admin.post("/api/orgs", json={"name": "rival"}).json()["id"]
    admin.put(f"/api/policies/org/{org}", json={"actions": {"CARD": "block"}})
    reader = sign_in(org_default="security")
    assert "rival" not in reader.get("/policies").text
    assert reader.get(f"/policies/org/{org}").status_code == 404
    assert reader.post(f"/policies/org/{org}", data={"act": "remove"}).status_code == 404
    assert admin.get(f"/api/policies/org/{org}").status_code == 200


def test_a_change_from_elsewhere_is_refused(security):
    """As every form: only from a page of this console."""
    answer = security.post(
        TEAM, data={"act": "set", "action.*": "allow"}, headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403
    assert security.get(POLICY).status_code == 404


# --- the playground's panes ------------------------------------------------------------------------------


def look(browser, text, **more):
    body = {"model": "m1", "messages": [{"role": "user", "content": text}], **more}
    return browser.post(
        "/playground/seen", content=json.dumps(body), headers={"content-type": "application/json"}
    )


def text_of(pieces):
    return "".join(piece["text"] for piece in pieces)


def test_the_panes_are_what_the_road_does(browser):
    """Typed with marks, as it left with the note to the model, and an answer with and without its values."""
    typed = f"이름: {NAME}, 전화 {PHONE}. {NAME} 님께"
    seen = look(browser, typed, answer=f"{NAME} 님, {PHONE}로 보냈습니다. 홍길동").json()
    assert text_of(seen["turns"][0]) == typed
    assert {p["type"] for p in seen["turns"][0] if "type" in p} == {"PERSON", "PHONE"}
    assert [message["role"] for message in seen["left"]] == ["system", "user"]
    left = text_of(seen["left"][-1]["pieces"])
    assert left == "이름: <PERSON_1>, 전화 <PHONE_1>. <PERSON_1> 님께"
    assert text_of(seen["answer"]) == f"{NAME} 님, {PHONE}로 보냈습니다. 홍길동"
    assert text_of(seen["came"]) == "<PERSON_1> 님, <PHONE_1>로 보냈습니다. 홍길동"
    assert seen["count"] == 3


def test_the_panes_follow_the_policy_of_the_chosen_unit(browser):
    """Blocked for the team, masked for nobody's call; an inside site gets it as it is."""
    browser.put(POLICY, json={"actions": {"KR_RRN": "block", "PHONE": "keep_inside"}})
    assert look(browser, f"주민번호 {RRN}").json()["stopped"] is None
    seen = look(browser, f"주민번호 {RRN}", unit="team_default").json()
    assert (seen["stopped"], seen["left"]) == ("block", [])
    assert look(browser, f"전화 {PHONE}", unit="team_default").json()["stopped"] == "keep_inside"
    inside = look(browser, f"전화 {PHONE}", unit="team_default", site="on-prem").json()
    assert inside["is_inside"]
    assert text_of(inside["left"][-1]["pieces"]) == f"전화 {PHONE}"
    assert look(browser, "x", unit="team_nobody0").status_code == 404


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"model": 1}', '{"model": "m", "messages": [{"role": "x"}]}', "\xff"]
)
def test_what_cannot_be_read_is_refused_without_repeating_it(browser, body):
    """And is no fault of the server's."""
    answer = browser.post("/playground/seen", content=body.encode("latin-1"))
    assert answer.status_code == 400
    assert "role" not in answer.text


def test_the_panes_are_for_those_who_may_use_the_playground(sign_in, browser, admin):
    """Viewers have no playground; a program with a key has no page; nobody looks as another's team."""
    org = admin.post("/api/orgs", json={"name": "rival"}).json()["id"]
    assert look(sign_in(org_default="viewer"), "x").status_code == 403
    assert look(admin, "x").status_code == 401
    assert look(sign_in(org_default="operator"), "x", unit=org).status_code == 404
    assert look(sign_in(org_default="operator"), f"전화 {PHONE}").json()["count"] == 1


# --- a call's page ---------------------------------------------------------------------------------------


async def test_a_call_shows_what_was_found_as_counts_and_verdicts(browser, write):
    """Types, counts, scores and reasons; why it was stopped; and a row of another version breaks no page."""
    verdict = {
        "kind": "injection",
        "score": 0.93,
        "action": "review",
        "reasons": ["asks for the hidden prompt"],
    }
    judged = json.dumps({"found": {"PERSON": 2, "CUSTOM:otter": 1}, "verdicts": [verdict]})
    await write(
        new_call(1, T0, policy=judged, masked_count=3),
        new_call(2, T0, policy="{}", masked_count=0, error_code="kept_inside"),
        new_call(3, T0, policy="not json"),
    )
    english = {"accept-language": "en"}
    text = browser.get("/requests/req_0001", headers=english).text
    assert "Names of people" in text
    assert "otter" in text
    assert "0.93" in text
    assert "asks for the hidden prompt" in text
    assert "Kept inside" in browser.get("/requests/req_0002", headers=english).text
    assert "It was not looked through" in browser.get("/requests/req_0003", headers=english).text
    assert read_judged(new_call(4, T0, policy='{"found": 1}')) == Judged()


def test_with_nothing_kept_the_reviews_teach_what_they_are_for(browser):
    page = browser.get("/reviews", headers={"accept-language": "en"})
    assert page.status_code == 200
    assert "Nothing waits" in page.text
