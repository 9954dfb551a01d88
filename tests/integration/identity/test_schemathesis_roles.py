"""The OpenAPI document asked by people of every role: what answers is described, and the rest is refused."""

from __future__ import annotations

import pytest
import schemathesis
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.identity.test_schemathesis import check
from tests.unit.web.test_every_act import PASSWORD, PasswordHasher
from tests.unit.web.test_gate import QUESTIONS
from tests.unit.web.test_other_organisations import House

load_all_checks()
OWN = {"sec-fetch-site": "same-origin"}
WRITES = {
    "viewer": set(),
    "operator": {"teams", "projects", "keys", "limits", "calls"},
    "finance": {"budgets", "rates"},
    "security": {"keys", "policies", "dictionaries", "patterns", "vault", "calls", "feedback", "reviews"},
}
"""What each role may change (`calls`: rate them), written once more, apart from the table that decides."""
READS = {
    "viewer": {"audit", "people", "vault", "reviews"},
    "operator": {"audit", "vault", "reviews"},
    "finance": {"audit", "people", "vault", "reviews"},
    "security": set(),
}
"""What it may not even read."""
ASKING = {*QUESTIONS, "/api/policies/try"}
"""Posted, and changing nothing."""


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.setitem(PasswordHasher.__init__.__kwdefaults__, "memory_kib", 64)
    house = House(tmp_path / "home")
    yield house
    house.close()


def sign_in(house, role: str, org: str | None) -> dict[str, str]:
    grant = {"role": role} | ({"org": org} if org else {})
    email = f"{role}@example.com"
    made = house.make("/people", email=email, roles=[grant])
    browser = house.client({"origin": "http://testserver"})
    browser.post("/login", data={"email": email, "password": made["one_time_password"]})
    assert browser.post("/login/password", data={"password": PASSWORD}).headers["location"] == "/"
    return {**OWN, "cookie": f"naru_session={browser.cookies['naru_session']}"}


def list_operations(house, headers):
    document = schemathesis.openapi.from_asgi("/api/openapi.json", house.local.asgi, headers=headers)
    return [found.ok() for found in document.get_all_operations()]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("where", ["everywhere", "in_one_organisation"])
@pytest.mark.parametrize("role", sorted(WRITES))
def test_a_role_does_what_it_may_and_nothing_else(house, role, where):
    """No 5xx, no success that its role does not allow, none that the document does not describe."""
    headers = sign_in(house, role, house.ours["orgs"] if where == "in_one_organisation" else None)
    asked = succeeded = 0

    def ask(case):
        nonlocal asked, succeeded
        asked += 1
        answer = case.call(headers=headers)
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"]
            return
        succeeded += 1
        part = case.operation.path.split("/")[2]
        if case.method.upper() != "GET" and case.operation.path not in ASKING:
            assert part in WRITES[role], f"a {role} changed something under {part}"
            if part == "rates":
                assert where == "everywhere"
        assert part not in READS[role], f"a {role} read {part}"
        checks = [status_code_conformance, response_schema_conformance, content_type_conformance]
        case.validate_response(answer, checks=checks)

    for operation in list_operations(house, headers):
        check(operation, schemathesis.GenerationMode.POSITIVE, 8, ask)
    assert asked > 50
    assert succeeded > 5


def test_what_the_admin_key_is_answered_is_described(house):
    """Every success has the status, the type and the shape that the document says."""
    headers = {"authorization": f"Bearer {house.local.admin_key}"}
    succeeded = 0

    def ask(case):
        nonlocal succeeded
        answer = case.call(headers=headers)
        assert answer.status_code < 500, answer.text
        if answer.status_code < 400:
            succeeded += 1
            checks = [status_code_conformance, response_schema_conformance, content_type_conformance]
            case.validate_response(answer, checks=checks)

    for operation in list_operations(house, headers):
        check(operation, schemathesis.GenerationMode.POSITIVE, 4, ask)
    assert succeeded > 20
