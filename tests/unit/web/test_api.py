"""The JSON API says what the ledger says: null for unknown, problems for errors, files that stream."""

from __future__ import annotations

import csv
import io
import json

import pytest
from tests.unit.web.conftest import NS, new_call

from naru.kernel.tokens import Usage
from naru.metering import Cost

T0 = 1_767_225_600 * NS  # 2026-01-01T00:00:00Z, where the frozen clock stands
UNPRICED = Cost(nano_usd=None, state="unpriced", price_version=None)


async def test_calls_are_paged_without_gaps_or_repeats(admin, write):
    """Following `next_before` to its end sees each call once, newest first."""
    await write(*(new_call(n, T0 + n * NS) for n in range(25)))
    seen, before = [], None
    while True:
        query = {"limit": 10} | ({"before": before} if before else {})
        page = admin.get("/api/calls", params=query).json()
        seen += [call["id"] for call in page["calls"]]
        before = page["next_before"]
        if before is None:
            break
    assert seen == [f"req_{n:04}" for n in reversed(range(25))]


async def test_filters_narrow(admin, write):
    """Each filter alone, and a span of time."""
    await write(
        new_call(1, T0),
        new_call(2, T0 + 10 * NS, status="error", provider="other", team="legal", endpoint="messages"),
    )

    def ids(**query):
        return [call["id"] for call in admin.get("/api/calls", params=query).json()["calls"]]

    assert ids(status="error") == ids(provider="other") == ids(team="legal") == ["req_0002"]
    assert ids(endpoint="chat") == ids(to="2026-01-01T00:00:05Z") == ["req_0001"]
    assert ids(**{"from": "2026-01-01T00:00:05"}) == ["req_0002"]
    assert ids(model="m1", status="ok") == ["req_0001"]


async def test_unknown_is_null_and_never_zero(admin, write):
    """Cost, tokens and time of a call nobody can price."""
    await write(new_call(1, T0, cost=UNPRICED, usage=None, first_token_ms=None))
    call = admin.get("/api/calls/req_0001").json()
    assert call["cost"] == {"usd": None, "nano_usd": None, "state": "unpriced", "price_version": None}
    assert call["usage"] is None
    assert call["first_token_ms"] is None
    assert call["attempts"][0]["usage"]["cache_read_tokens"] is None
    assert call["attempts"][0]["cost"]["usd"] == "0.0000015"


async def test_the_overview_adds_up(admin, write):
    """Totals, the series and the groups are of the same calls; the unpriced are counted, not summed."""
    await write(
        new_call(1, T0 + NS),
        new_call(2, T0 + 61 * NS, status="error"),
        new_call(3, T0 + 62 * NS, cost=UNPRICED, model_served="m2"),
    )
    window = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:05:00Z", "bucket": 60}
    overview = admin.get("/api/overview", params=window).json()
    assert overview["totals"]["requests"] == 3
    assert overview["totals"]["errors"] == 1
    assert overview["totals"]["cost_usd"] == "0.000003"
    assert overview["totals"]["unpriced"] == 1
    assert [step["requests"] for step in overview["series"]] == [1, 2, 0, 0, 0]
    assert overview["series"][0]["start"] == "2026-01-01T00:00:00Z"
    assert {row["value"]: row["requests"] for row in overview["by_model"]} == {"m1": 2, "m2": 1}
    assert overview["from"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/api/overview?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
        ("/api/overview?from=2020-01-01T00:00:00Z&bucket=1", "bucket"),
        ("/api/overview?from=yesterday", "from"),
        ("/api/calls?limit=0", "limit"),
        ("/api/calls?limit=501", "limit"),
        ("/api/calls?status=sad", "status"),
        ("/api/calls/export?format=xml", "format"),
    ],
)
def test_a_bad_parameter_is_named(admin, path, param):
    """As a problem with status 400 and the parameter's own name."""
    answer = admin.get(path)
    problem = answer.json()
    assert (answer.status_code, problem["param"]) == (400, param)
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "code"} <= problem.keys()


def test_what_is_not_there_is_a_problem_too(admin):
    """404 and 405, for addresses and for calls."""
    assert admin.get("/api/nothing").json()["code"] == "not_found"
    assert admin.get("/api/calls/req_none").json()["code"] == "call_not_found"
    wrong = admin.post("/api/calls", headers={"origin": "http://testserver"})
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "GET"


async def test_csv_holds_every_call_and_no_formula(admin, write):
    """A spreadsheet opens it as it is, in Korean too, and runs nothing a client wrote."""
    await write(
        new_call(1, T0, model_asked="=HYPERLINK(1)", tags={"팀": "법무"}),
        new_call(2, T0 + NS, cost=UNPRICED),
    )
    answer = admin.get("/api/calls/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="naru-calls.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == ["req_0002", "req_0001"]
    assert rows[1]["model_asked"] == "'=HYPERLINK(1)"
    assert rows[1]["tags"] == "팀=법무"
    assert (rows[0]["cost_usd"], rows[1]["cost_usd"]) == ("", "0.0000015")


async def test_json_lines_have_the_shape_of_one_call(admin, write):
    """What reads one call reads the export."""
    await write(new_call(1, T0), new_call(2, T0 + NS, usage=Usage(input_tokens=5, is_estimated=True)))
    lines = admin.get("/api/calls/export?format=jsonl").text.splitlines()
    assert [json.loads(line) for line in lines] == [
        admin.get(f"/api/calls/req_{n:04}").json() for n in (2, 1)
    ]


def test_the_process_is_described(admin):
    """Status, models and providers."""
    status = admin.get("/api/status").json()
    assert (status["version"], status["in_flight"], status["config_error"]) == ("0.0.1", 2, None)
    assert status["settings"] == {"server": {"port": 8400}}
    assert admin.get("/api/models").json()["models"][0]["targets"] == ["acme/m1"]
    assert admin.get("/api/providers").json()["providers"][0]["circuit"] == "closed"


def test_openapi_describes_every_endpoint(admin):
    """Title, a summary and a description for each operation, and none of the console's pages."""
    document = admin.get("/api/openapi.json").json()
    assert document["info"]["title"] == "Naru"
    assert all(path.startswith("/api/") for path in document["paths"])
    assert len(document["paths"]) >= 7
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert operation["description"], path
