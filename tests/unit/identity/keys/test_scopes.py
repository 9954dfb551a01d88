"""What a key may call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.gateway.endpoints import ENDPOINTS as DATA_PLANE
from naru.identity import ENDPOINTS, Principal, may_use_model, require_endpoint, require_model
from naru.kernel.errors import Forbidden


def principal(**scope):
    return Principal(key_id="key_1", **scope)


def test_every_endpoint_of_the_data_plane_has_a_rule():
    """A new path under /v1 is refused until somebody writes down who may use it."""
    assert {endpoint.name for endpoint in DATA_PLANE.values()} == ENDPOINTS


@given(st.text())
def test_an_endpoint_without_a_rule_is_refused_even_to_the_admin_key(name):
    """Deny by default on the data plane, too."""
    if name in ENDPOINTS:
        return
    with pytest.raises(Forbidden) as refused:
        require_endpoint(principal(is_admin=True), name)
    assert refused.value.code == "route_without_rule"


def test_a_key_without_a_scope_may_use_everything():
    """Empty means no restriction."""
    for name in ENDPOINTS:
        require_endpoint(principal(), name)
    require_model(principal(), "any/model:at-all")
    assert may_use_model(principal(), "x", ["cloud"])


def test_endpoints_are_restricted_by_name():
    """One that is not named is refused."""
    own = principal(endpoints=frozenset({"embeddings"}))
    require_endpoint(own, "embeddings")
    with pytest.raises(Forbidden) as refused:
        require_endpoint(own, "chat")
    assert refused.value.code == "endpoint_not_allowed"


@pytest.mark.parametrize(
    ("patterns", "model", "is_allowed"),
    [
        (("gpt-*",), "gpt-4o", True),
        (("gpt-*",), "GPT-4o", False),
        (("gpt-*",), " gpt-4o", False),
        (("gpt-*",), "openai/gpt-4o", False),
        (("openai/*",), "openai/gpt-4o", True),
        (("gpt-4o",), "gpt-4o-mini", False),
        (("gpt-4?",), "gpt-4o", True),
        (("gpt.4o",), "gpt-4o", False),
        (("a", "b"), "b", True),
        (("*",), "line\nbreak", True),
        (("gpt-4o",), "gpt-4o\n", False),
    ],
)
def test_models_are_restricted_by_patterns(patterns, model, is_allowed):
    """The whole name, as it was written; no trick of case, blanks or prefixes gets around a pattern."""
    own = principal(models=patterns)
    assert may_use_model(own, model, ["cloud"]) is is_allowed
    if is_allowed:
        require_model(own, model)
    else:
        with pytest.raises(Forbidden) as refused:
            require_model(own, model)
        assert refused.value.code == "model_not_allowed"


def test_sites_hide_models_that_run_elsewhere():
    """A model is seen when one of its targets is at a site of the key's."""
    own = principal(sites=frozenset({"seoul"}))
    assert may_use_model(own, "m", ["cloud", "seoul"])
    assert not may_use_model(own, "m", ["cloud"])
    assert not may_use_model(own, "m", [])
