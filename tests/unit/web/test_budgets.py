"""Budgets, limits and rates by API and page: only for those who may, and nothing that breaks a form."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient
from tests.unit.web.conftest import KEY

from naru.web.control import create_control_app

ADMIN = {"authorization": f"Bearer {KEY}"}
NEW = {"scope": "key:admin", "amount": "12.5", "period": "day", "time_zone": "Asia/Seoul"}


@pytest.fixture
def api(context):
    with TestClient(create_control_app(context), headers=ADMIN) as client:
        yield client


def make(api, **changes):
    return api.post("/api/budgets", json={**NEW, **changes})


def test_a_budget_from_making_to_ending(api, acts):
    """Made once, found again, changed, topped up, ended; each an entry in the audit log."""
    made = make(api)
    assert made.status_code == 201
    budget = made.json()
    assert (budget["limit_usd"], budget["left_usd"], budget["window"]["spent_usd"]) == ("12.5", "12.5", "0")
    again = make(api)
    assert (again.status_code, again.json()["id"]) == (200, budget["id"])
    other = make(api, amount="13")
    assert (other.status_code, other.json()["code"]) == (409, "budget_exists")
    path = f"/api/budgets/{budget['id']}"
    assert api.patch(path, json={"amount": "20"}).json()["left_usd"] == "20"
    added = api.post(f"{path}/top-ups", json={"amount": "5", "id": "top_up_2026"})
    assert added.json() == api.post(f"{path}/top-ups", json={"amount": "5", "id": "top_up_2026"}).json()
    assert api.get(path).json()["limit_usd"] == "25"
    history = api.get(f"{path}/history").json()
    assert [t["id"] for t in history["top_ups"]] == ["top_up_2026"]
    for _ in range(2):
        assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    assert [a.action for a in acts if a.action.startswith("budget.")] == [
        "budget.create",
        "budget.update",
        "budget.top_up",
        "budget.delete",
    ]


def test_won_need_a_rate(api):
    """And are converted at it."""
    refused = make(api, currency="KRW", amount="10000")
    assert (refused.status_code, refused.json()["code"]) == (400, "exchange_rate_missing")
    assert api.put("/api/rates/KRW/2026-01-01", json={"usd_per_unit": "0.0007"}).status_code == 200
    assert make(api, currency="KRW", amount="10000").json()["limit_usd"] == "7"
    assert api.get("/api/rates").json()["rates"][0]["usd_per_unit"] == "0.0007"


def test_a_scope_may_be_a_path_with_blanks_and_korean(api):
    """What people call their teams is how they name them; what is kept is the id."""
    org = api.post("/api/orgs", json={"name": "나루 은행"}).json()
    made = api.post("/api/budgets", json={"scope": "org:나루 은행", "amount": "5", "period": "month"}).json()
    assert (made["scope"], made["scope_path"]) == (f"org:{org['id']}", "org:나루 은행")
    missing = api.post("/api/budgets", json={"scope": "org:없는 은행", "amount": "5", "period": "month"})
    assert missing.status_code == 404


def test_an_ended_budget_can_be_restored_until_another_takes_its_place(api):
    """It comes back with its id, as often as it is asked for, and never beside one of its name."""
    body = {"scope": "key:admin", "amount": "5", "period": "month"}
    id = api.post("/api/budgets", json=body).json()["id"]
    assert api.delete(f"/api/budgets/{id}").status_code == 204
    assert [ended["id"] for ended in api.get("/api/budgets/ended").json()["budgets"]] == [id]
    for _ in range(2):
        assert api.post(f"/api/budgets/{id}/restore").json()["id"] == id
    assert api.get("/api/budgets/ended").json()["budgets"] == []
    api.delete(f"/api/budgets/{id}")
    assert api.post("/api/budgets", json=body).json()["id"] != id
    refused = api.post(f"/api/budgets/{id}/restore")
    assert (refused.status_code, refused.json()["code"]) == (409, "budget_exists")
    assert api.post("/api/budgets/bud_none/restore").status_code == 404


def test_limits_are_set_and_lifted(api):
    bounds = {"requests_per_minute": 60, "tokens_per_minute": None, "concurrent_calls": 5}
    limit = {"scope": "key:admin", "scope_path": "key:admin", **bounds}
    assert api.put("/api/limits/key:admin", json=bounds).json() == limit
    assert api.get("/api/limits").json()["limits"] == [limit]
    for _ in range(2):
        assert api.delete("/api/limits/key:admin").status_code == 204
    assert api.get("/api/limits").json()["limits"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"scope": "planet:x"},
        {"scope": "tag:env"},
        {"scope": "team:'; DROP TABLE budgets; --"},
        {"amount": "0"},
        {"amount": "-1"},
        {"amount": "NaN"},
        {"amount": "1e400"},
        {"amount": "0.0000000001"},
        {"time_zone": "../../etc/passwd"},
        {"period": "year"},
        {"period": "fixed"},
        {"period": "fixed", "starts_at": "2026-02-01T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"},
        {"starts_at": "2026-02-01T00:00:00Z"},
        {"warn_percents": [0]},
        {"stop_percent": 0},
        {"name": "x\u0000y"},
        {"surprise": 1},
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_and_named(api, changes):
    """Never a 500, and nothing is made."""
    answer = make(api, **changes)
    assert answer.status_code in (400, 404), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert api.get("/api/budgets").json() == {"budgets": []}


def test_a_tag_may_hold_any_text(api):
    """Quotes and Korean in a tag's value are data."""
    scope = "tag:team=검색 '팀'; --"
    assert make(api, scope=scope).json()["scope"] == scope
    assert api.get("/api/budgets", params={"scope": scope}).json()["budgets"][0]["scope"] == scope


def test_pages_show_bars_and_take_forms(api):
    """The list, one budget, a top-up, a limit and a rate; an error stays on its form with what was typed."""
    headers = {"accept": "text/html", "origin": "http://testserver", "accept-language": "en"}

    def post(path, **form):
        return api.post(path, data=form, headers=headers, follow_redirects=False)

    empty = api.get("/budgets", headers=headers)
    assert "No budget yet" in empty.text
    wrong = post("/budgets", scope="key:admin", amount="much", period="day", time_zone="UTC")
    assert wrong.status_code == 400
    assert 'value="much"' in wrong.text
    made = post(
        "/budgets", scope="key:admin", amount="10", period="day", time_zone="UTC", stop="100", warn="50, 80"
    )
    assert made.status_code == 303
    page = made.headers["location"].partition("?")[0]
    assert post(f"{page}/top-ups", amount="2").headers["location"] == f"{page}?done=topped"
    assert post(page, amount="30", warn="", stop="").headers["location"] == f"{page}?done=changed"
    assert "no stop" in api.get(page, headers=headers).text
    assert post("/budgets/limits", scope="key:admin", requests="7").status_code == 303
    assert post("/budgets/rates", valid_from="2026-01-01", usd_per_unit="0.00072").status_code == 303
    listed = api.get("/budgets", headers=headers)
    assert 'class="budget-bar"' in listed.text
    assert "0.00072" in listed.text
    assert post(f"{page}/end").status_code == 303
    assert api.get(page, headers=headers).status_code == 404
