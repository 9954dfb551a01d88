"""Policies and custom words by API: only for those who may, without a word of anybody's in log or answer."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from naru.identity import PersonPrincipal
from naru.kernel.errors import Unavailable
from naru.settings.model import Trust
from naru.trust.book import PolicyBook
from naru.trust.entity import ENTITY_TYPES
from naru.trust.words import WordVault
from naru.web.control import create_control_app
from naru.web.session import COOKIE

TEAM = "/api/policies/team/team_default"
TEXT = "김민수 님 주민번호는 850101-1234567, 번호는 010-2345-6789입니다. 나루상사에 EMP-123456."
RULES = {"actions": {"KR_RRN": "block", "PERSON": "allow"}, "guard": {"injection": "flag"}}


@pytest.fixture
def sign_in(context):
    """Clients of people with roles: `sign_in(org_default="viewer")`."""
    opened = []

    def open_(**roles):
        class Somebody(type(context)):
            def find_session(self, token):
                held = {("*" if o == "everywhere" else o): frozenset([r]) for o, r in roles.items()}
                return PersonPrincipal(person_id="usr_x", roles=held) if token == "x" else None

        app = create_control_app(Somebody(**{f.name: getattr(context, f.name) for f in fields(context)}))
        client = TestClient(app, headers={"sec-fetch-site": "same-origin"}, cookies={COOKIE: "x"})
        opened.append(client)
        return client.__enter__()

    yield open_
    for client in opened:
        client.__exit__(None, None, None)


def test_a_policy_from_setting_to_removing(admin, acts):
    """Set, set again, read, listed, removed twice: two entries in the log, and no name in them."""
    assert admin.get(TEAM).json()["code"] == "policy_not_found"
    body = RULES | {
        "restore_hosts": ["crm.secret.example"],
        "actions": RULES["actions"] | {"CUSTOM:otter": "mask"},
    }
    made = admin.put(TEAM, json=body)
    assert made.status_code == 200, made.text
    assert made.json() == admin.put(TEAM, json=body).json() == admin.get(TEAM).json()
    assert made.json()["path"] == "default/default"
    assert made.json()["rules"]["capture_consent"] is None
    assert admin.get("/api/policies").json()["policies"] == [made.json()]
    for _ in range(2):
        assert admin.delete(TEAM).status_code == 204
    assert admin.get("/api/policies").json() == {"policies": []}
    assert [a.action for a in acts] == ["policy.set", "policy.delete"]
    assert acts[0].facts["actions"] == "KR_RRN=block,PERSON=allow"
    assert not {"otter", "secret"} & set(
        json.dumps([dict(a.facts) for a in acts]).replace(".", '"').split('"')
    )


def test_the_log_says_whether_consent_was_given_or_withdrawn(admin, acts):
    """Both change the same field; who reads the log must know which it was."""
    for consent in (True, False, None):
        admin.put(TEAM, json={"capture_consent": consent, "actions": {"IP": "mask"}})
    assert [act.facts.get("consent") for act in acts] == ["given", "withdrawn", None]


def test_what_holds_names_its_source(admin):
    """Each line says who said it; of a route or site the stricter wins."""
    admin.put("/api/policies/org/org_default", json={"actions": {"*": "keep_inside", "IP": "allow"}})
    admin.put(TEAM, json=RULES)
    found = admin.get("/api/policies/project/proj_default/effective").json()
    lines = {line["type"]: (line["action"], line["source"], line["source_name"]) for line in found["actions"]}
    assert set(lines) == {*ENTITY_TYPES, "*"}
    assert lines["KR_RRN"] == ("block", "team:team_default", "team:default/default")
    assert lines["PHONE"] == lines["*"] == ("keep_inside", "org:org_default", "org:default")
    assert lines["IP"][0] == "allow"
    assert found["guard"][0] == {
        "kind": "injection",
        "action": "flag",
        "source": "team:team_default",
        "source_name": "team:default/default",
    }
    inside = admin.get("/api/policies/team/team_default/effective", params={"site": "on-prem"}).json()
    lines = {line["type"]: (line["action"], line["source"]) for line in inside["actions"]}
    assert inside["inside"] is True
    assert lines["PHONE"] == ("allow", "inside")
    assert lines["KR_RRN"] == ("block", "team:team_default")


WRONG = [
    {},
    {"actions": {}},
    {"actions": {"NAME": "mask"}},
    {"actions": {"PERSON": "hide"}},
    {"actions": {"CUSTOM:": "mask"}},
    {"actions": {"CUSTOM:a b": "mask"}},
    {"guard": {"rudeness": "block"}},
    {"fakes": ["CUSTOM:x"]},
    {"restore_hosts": ["https://x.example/"]},
    {"restore_tools": ["\u0000"]},
    {"surprise": 1},
    {"actions": {f"CUSTOM:n{i}": "mask" for i in range(501)}},
]


def test_what_is_wrong_is_refused_in_words(admin, acts):
    """400 with a problem, and nothing is set."""
    for body in WRONG:
        answer = admin.put(TEAM, json=body)
        assert answer.status_code == 400, (body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert admin.get(TEAM).status_code == 404
    assert not acts


def test_a_dictionary_from_writing_to_forgetting(admin, acts):
    """By JSON and by file; answers hold its name and count; that its terms were read is an entry."""
    at = "/api/dictionaries/team/team_default/customers"
    made = admin.put(at, json={"terms": ["나루상사", " 한강상사 ", "나루상사"]})
    assert made.status_code == 200, made.text
    words = made.json()
    assert (words["terms"], words["type"], words["scope_path"]) == (2, "CUSTOM:customers", "default/default")
    file = "\ufeff나루상사\r\n\r\n  한강상사  \n".encode()
    assert admin.put(f"{at}/file", content=file).json() == words, "the same again"
    assert admin.get("/api/dictionaries").json() == {"dictionaries": [words]}
    assert admin.get(at).json() == words
    assert admin.get(f"{at}/terms").text == "나루상사\n한강상사\n"
    for _ in range(2):
        assert admin.delete(at).status_code == 204
    assert admin.get(at).json()["code"] == "dictionary_not_found"
    assert [a.action for a in acts] == ["dictionary.set", "dictionary.reveal", "dictionary.delete"]
    assert "상사" not in str(acts)
    assert acts[0].target == f"dictionary:{words['id']}"


BAD_FILES = {
    "empty": (b"", "terms"),
    "blank": (b"\n \n", "terms"),
    "not UTF-8": (b"ok\n\xff\xfe\n", "line 2"),
    "long": ("ok\n\n" + "x" * 201, "line 3"),
    "NUL": (b"ok\nno\x00\n", "line 2"),
    "many": ("\n".join(map(str, range(100_001))), "terms"),
}


def test_a_file_that_cannot_be_taken_is_told_by_line(admin):
    """The line is named, never what stands in it."""
    for content, param in BAD_FILES.values():
        answer = admin.put("/api/dictionaries/org/org_default/x/file", content=content)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_terms")
        assert answer.json()["param"] == param
        assert "xxx" not in answer.text
    assert admin.get("/api/dictionaries").json() == {"dictionaries": []}


def test_a_term_is_kept_in_its_plain_form(admin):
    """Wide signs and hard blanks become plain ones; what cannot be a term is told by its place."""
    at = "/api/dictionaries/team/team_default/x"
    made = admin.put(at, json={"terms": ["Project\u00a0Otter", "Ｐｒｏｊｅｃｔ Otter", "\u3000나루\u3000"]})
    assert made.json()["terms"] == 2
    assert admin.get(f"{at}/terms").text == "Project Otter\n나루\n"
    for wrong in ("", "a\tb", "a\u200bb", "x" * 201, "ﷺ\ud800"):
        body = json.dumps({"terms": ["ok", wrong]})
        refused = admin.put(at, content=body, headers={"content-type": "application/json"})
        assert refused.status_code == 400, wrong
    assert admin.put(at, json={"terms": ["ok", "a\tb"]}).json()["param"] == "terms.1"


def test_all_dictionaries_of_one_scope_together_are_bounded(admin):
    """A hundred thousand terms, however they are divided."""
    many = [f"w{n}" for n in range(60_000)]
    at = "/api/dictionaries/org/org_default"
    assert admin.put(f"{at}/a", json={"terms": many}).status_code == 200
    assert admin.put(f"{at}/b", json={"terms": many}).json()["code"] == "invalid_terms"
    assert admin.put(f"{at}/a", json={"terms": many[:-1]}).status_code == 200, (
        "its own terms are not in its way"
    )
    assert admin.put("/api/dictionaries/team/team_default/b", json={"terms": many}).status_code == 200


def test_a_pattern_from_writing_to_forgetting(admin, sign_in, acts):
    """What has no linear time is refused; those who may not change it do not see the expression."""
    at = "/api/patterns/team/team_default/staff"
    made = admin.put(at, json={"expression": "EMP-[0-9]{6}"}).json()
    assert (made["type"], made["expression"]) == ("CUSTOM:staff", "EMP-[0-9]{6}")
    assert admin.put(at, json={"expression": "EMP-[0-9]{6}"}).json() == made
    assert admin.get(at).json() == made
    seen = sign_in(org_default="viewer").get("/api/patterns").json()["patterns"][0]
    assert seen == made | {"expression": None}
    taken = admin.put("/api/dictionaries/team/team_default/staff", json={"terms": ["x"]})
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    for wrong in ("(", "(?=x)y", r"(a)\1", "", "x" * 1001):
        refused = admin.put("/api/patterns/team/team_default/y", json={"expression": wrong})
        assert refused.status_code == 400, wrong
    for name in ("-x", "a b", "x" * 65):
        assert (
            admin.put(f"/api/patterns/team/team_default/{name}", json={"expression": "x"}).status_code == 400
        )
    for _ in range(2):
        assert admin.delete(at).status_code == 204
    assert admin.get(at).json()["code"] == "pattern_not_found"
    assert [a.action for a in acts] == ["pattern.set", "pattern.delete"]
    assert "EMP" not in str(acts)


def test_trying_shows_what_would_leave(admin, acts):
    """By the policy and words that hold, and by a draft; nothing of it is kept or told."""
    admin.put("/api/dictionaries/org/org_default/customers", json={"terms": ["나루상사"]})
    admin.put("/api/patterns/team/team_default/staff", json={"expression": "EMP-[0-9]{6}"})
    before = list(acts)
    asked = {"text": TEXT, "kind": "project", "id": "proj_default"}
    found = admin.post("/api/policies/try", json=asked).json()
    assert found["action"] == "mask"
    assert {e["type"]: TEXT[e["start"] : e["end"]] for e in found["entities"]} == {
        "PERSON": "김민수",
        "KR_RRN": "850101-1234567",
        "PHONE": "010-2345-6789",
        "CUSTOM:customers": "나루상사",
        "CUSTOM:staff": "EMP-123456",
    }
    assert found["masked"].startswith("<PERSON_1> 님 주민번호는 <KR_RRN_1>, 번호는 <PHONE_1>입니다.")
    assert all(e["reason"] and 0 < e["score"] <= 1 for e in found["entities"])
    draft = admin.post(
        "/api/policies/try", json=asked | {"kind": "team", "id": "team_default", "rules": RULES}
    )
    assert draft.json()["action"] == "block"
    assert draft.json()["masked"].startswith("김민수 님")
    inside = admin.post("/api/policies/try", json=asked | {"site": "on-prem"}).json()
    assert (inside["action"], inside["masked"]) == ("allow", TEXT)
    bare = admin.post("/api/policies/try", json={"text": "나루상사"}).json()
    assert bare["entities"] == [], "the words of no organisation"
    assert admin.post("/api/policies/try", json={"text": ""}).json()["masked"] == ""
    assert admin.post("/api/policies/try", json={"text": "x", "kind": "team"}).status_code == 400
    assert acts == before


def test_the_types_can_be_asked_for(admin):
    """Every type has a line about it."""
    types = admin.get("/api/trust/types").json()
    assert [t["type"] for t in types["types"]] == list(ENTITY_TYPES)
    assert types["actions"] == ["allow", "mask", "keep_inside", "block"]


@pytest.mark.parametrize(
    ("role", "read", "attempt", "write", "reveal"),
    [
        ("viewer", 200, 403, 403, 403),
        ("operator", 200, 200, 403, 403),
        ("finance", 200, 403, 403, 403),
        ("security", 200, 200, 200, 200),
        ("admin", 200, 200, 200, 200),
    ],
)
def test_each_role_may_what_its_row_says(admin, sign_in, acts, role, read, attempt, write, reveal):
    """In its own organisation; another's is not there."""
    theirs = admin.post("/api/orgs", json={"name": "theirs"}).json()["id"]
    for org in ("org_default", theirs):
        admin.put(f"/api/dictionaries/org/{org}/d", json={"terms": ["나루상사"]})
        admin.put(f"/api/policies/org/{org}", json=RULES)
    me = sign_in(org_default=role)
    own = "org/org_default"
    assert [p["id"] for p in me.get("/api/policies").json()["policies"]] == ["org_default"]
    assert len(me.get("/api/dictionaries").json()["dictionaries"]) == 1
    for path in (f"policies/{own}", f"policies/{own}/effective", f"dictionaries/{own}/d", "trust/types"):
        assert me.get(f"/api/{path}").status_code == read
    tried = {"text": "x", "kind": "org", "id": "org_default"}
    assert me.post("/api/policies/try", json=tried).status_code == attempt
    assert me.put(f"/api/policies/{own}", json=RULES).status_code == write
    assert me.put(f"/api/dictionaries/{own}/d", json={"terms": ["a"]}).status_code == write
    assert me.put(f"/api/dictionaries/{own}/d/file", content="a").status_code == write
    assert me.put(f"/api/patterns/{own}/p", json={"expression": "a"}).status_code == write
    assert me.get(f"/api/dictionaries/{own}/d/terms").status_code == reveal
    for path in ("policies", "dictionaries", "patterns"):
        name = "" if path == "policies" else "/d"
        assert me.delete(f"/api/{path}/{own}{name}").status_code == (204 if write == 200 else 403)
    before = len(acts)
    allowed = {"get": read, "put": write, "delete": write}
    for method, path, body in (
        ("get", f"policies/org/{theirs}", None),
        ("get", f"policies/org/{theirs}/effective", None),
        ("put", f"policies/org/{theirs}", RULES),
        ("delete", f"policies/org/{theirs}", None),
        ("get", f"dictionaries/org/{theirs}/d", None),
        ("put", f"dictionaries/org/{theirs}/d", {"terms": ["a"]}),
        ("delete", f"dictionaries/org/{theirs}/d", None),
    ):
        answer = me.request(method.upper(), f"/api/{path}", json=body)
        assert answer.status_code == (404 if allowed[method] in (200, 204) else 403), (method, path)
    if attempt == 200:
        other = {"text": "x", "kind": "org", "id": theirs}
        assert me.post("/api/policies/try", json=other).status_code == 404
    assert all(act.action == "access.deny" for act in acts[before:])


def test_what_is_left_of_a_deleted_team_can_be_taken_away(admin):
    """Its policy and words are still listed, and can be removed."""
    team = admin.post("/api/teams", json={"name": "gone"}).json()["id"]
    admin.put(f"/api/policies/team/{team}", json=RULES)
    admin.put(f"/api/dictionaries/team/{team}/d", json={"terms": ["a"]})
    assert admin.delete(f"/api/teams/{team}").status_code == 204
    assert admin.get("/api/policies").json()["policies"][0]["id"] == team
    assert admin.get(f"/api/policies/team/{team}").status_code == 404
    assert admin.delete(f"/api/policies/team/{team}").status_code == 204
    assert admin.delete(f"/api/dictionaries/team/{team}/d").status_code == 204
    assert admin.get("/api/policies").json()["policies"] == []
    assert admin.get("/api/dictionaries").json()["dictionaries"] == []


def test_words_sealed_with_another_key_stop_their_calls(admin, context, engine, clock):
    """Never found as if there were none; and writing them anew mends it."""
    at = "/api/dictionaries/team/team_default/customers"
    admin.put(at, json={"terms": ["나루상사"]})
    vault = WordVault(engine, b"another key".ljust(32))
    book = PolicyBook(engine, clock, context.audit, vault=vault, read_settings=Trust)
    with pytest.raises(Unavailable, match=r"trust\.key"):
        book.find_scanner("org_default", "team_default").scan("hello")
    assert book.find_scanner("org_default", "team_other").scan("hello") == []
    book.set_dictionary("team", "team_default", "customers", ["나루상사"], org_id="org_default", actor="t")
    assert len(book.find_scanner("org_default", "team_default").scan("나루상사")) == 1


def test_the_database_holds_no_term_in_clear(admin, engine):
    """Neither terms nor expressions, in no table and not in the file."""
    admin.put("/api/dictionaries/team/team_default/d", json={"terms": ["Zanzibar Holdings"]})
    admin.put("/api/patterns/team/team_default/p", json={"expression": "Quokka[0-9]"})
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    for path in Path(engine.place).parent.iterdir():
        data = path.read_bytes()
        assert b"Zanzibar" not in data
        assert b"Quokka" not in data
