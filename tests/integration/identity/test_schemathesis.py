"""Every operation of the OpenAPI document, asked with what it describes and with what it does not: whatever
is sent, the answer is one of its own and never a fault of ours."""

from __future__ import annotations

import contextlib

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from naru.local import open_local

MODES = [
    pytest.param(schemathesis.GenerationMode.POSITIVE, 5, id="as_described"),
    pytest.param(schemathesis.GenerationMode.NEGATIVE, 20, id="otherwise", marks=pytest.mark.slow),
]


@pytest.fixture
def naru(tmp_path):
    local = open_local(tmp_path)
    yield local
    local.close()


@pytest.fixture
def operations(naru):
    document = schemathesis.openapi.from_asgi(
        "/api/openapi.json", naru.asgi, headers={"authorization": f"Bearer {naru.admin_key}"}
    )
    return [found.ok() for found in document.get_all_operations()]


def check(operation, mode, examples, test):
    """Runs `test` with cases of one operation; a failure names it."""
    quiet = settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    try:
        with contextlib.suppress(Unsatisfiable):  # nothing to send that could be wrong
            quiet(given(case=operation.as_strategy(generation_mode=mode))(test))()
    except Exception as error:
        error.add_note(f"{operation.method.upper()} {operation.path}")
        raise


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("mode", "examples"), MODES)
def test_nothing_that_is_sent_makes_a_fault(naru, operations, mode, examples):
    """With the admin key: no 5xx, and a problem object for every refusal."""
    asked = 0

    def ask(case):
        nonlocal asked
        asked += 1
        answer = case.call(headers={"authorization": f"Bearer {naru.admin_key}"})
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"]

    for operation in operations:
        check(operation, mode, examples, ask)
    assert asked > len(operations)


def test_nothing_that_is_sent_without_a_key_gets_in(operations):
    """401 before anything of the request is looked at."""

    def ask(case):
        assert case.call().status_code == 401

    for operation in operations:
        check(operation, schemathesis.GenerationMode.POSITIVE, 2, ask)
