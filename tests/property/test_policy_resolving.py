"""What is explained is what is resolved, and what is nearest or stricter wins, for all policies."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from naru.trust.explain import explain
from naru.trust.policy import ACTIONS, ANY, GUARD_ACTIONS, GUARD_KINDS, PolicyTable, Rules, Scoped

TYPES = ("PERSON", "KR_RRN", "PHONE", "CUSTOM:x")
UNIT = {"org": "o", "team": "t", "project": "p"}
names = st.none() | st.lists(st.sampled_from(["a", "b", "c"]), max_size=2).map(tuple)
rules = st.builds(
    Rules,
    actions=st.dictionaries(st.sampled_from([*TYPES, ANY]), st.sampled_from(ACTIONS), max_size=4),
    guard=st.dictionaries(st.sampled_from(GUARD_KINDS), st.sampled_from(GUARD_ACTIONS), max_size=3),
    fakes=names,
    restore_hosts=names,
    restore_tools=names,
    capture_consent=st.none() | st.booleans(),
)
scopes = st.sampled_from([*UNIT.items(), ("route", "r"), ("site", "s"), ("team", "other"), ("site", "other")])
tables = st.builds(
    lambda base, scoped: (base, [Scoped(*scope, said) for scope, said in scoped]),
    rules,
    st.lists(st.tuples(scopes, rules), max_size=8),
)
calls = st.tuples(st.sampled_from(["r", None]), st.sampled_from(["s", "other", ""]), st.booleans())


@settings(max_examples=60)
@given(tables, calls)
def test_what_is_explained_is_what_is_resolved(given_table, call):
    """Every line, in every kind of call; and the source that is named did say so."""
    base, scoped = given_table
    route, site, is_inside = call
    table = PolicyTable(base, scoped)
    policy = table.resolve("o", "t", "p", route, site, is_inside=is_inside)
    told = explain(table, "o", "t", "p", route, site, is_inside=is_inside)
    for type in (*TYPES, "EMAIL", ANY):
        assert told.action_of(type).value == policy.action_of(type)
    assert {kind: line.value for kind, line in told.guard.items()} == policy.guard
    for name in ("fakes", "restore_hosts", "restore_tools", "capture_consent"):
        assert getattr(told, name).value == getattr(policy, name), name
    said = {"naru.toml": base} | {f"{one.kind}:{one.value}": one.rules for one in scoped}
    for type, line in told.actions.items():
        if line.source not in ("default", "inside"):
            assert line.value in (said[line.source].actions.get(type), said[line.source].actions.get(ANY))


@settings(max_examples=60)
@given(tables, calls)
def test_a_route_or_site_only_ever_tightens(given_table, call):
    """No policy on a route or site lets anything through that the chain does not."""
    base, scoped = given_table
    route, site, is_inside = call
    floors = [one for one in scoped if one.kind in ("route", "site")]
    chain = [one for one in scoped if one not in floors]
    bare = PolicyTable(base, chain).resolve("o", "t", "p", route, site, is_inside=is_inside)
    full = PolicyTable(base, [*chain, *floors]).resolve("o", "t", "p", route, site, is_inside=is_inside)
    for type in (*TYPES, "EMAIL"):
        assert ACTIONS.index(full.action_of(type)) >= ACTIONS.index(bare.action_of(type))


@settings(max_examples=40)
@given(tables, st.sampled_from(TYPES), st.sampled_from(ACTIONS))
def test_the_nearest_wins(given_table, type, action):
    """What the project says of a type holds, whatever is said further away."""
    base, scoped = given_table
    chain = [one for one in scoped if one.kind in ("org", "team")]
    mine = Scoped("project", "p", Rules(actions={type: action}))
    policy = PolicyTable(base, [*chain, mine]).resolve("o", "t", "p", None, "")
    assert policy.action_of(type) == action
