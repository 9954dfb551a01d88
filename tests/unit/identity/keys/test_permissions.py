"""The table of roles, and the one function that decides by it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.identity.keys.conftest import person

from naru.identity import (
    ADMIN_KEY,
    PERMISSIONS,
    ROLE_PERMISSIONS,
    ROLES,
    PersonPrincipal,
    decide,
    find_orgs,
    may_somewhere,
    require,
)
from naru.kernel.errors import Forbidden

orgs = st.sampled_from(["org_aaaa", "org_bbbb", "org_cccc"])
roles = st.dictionaries(orgs | st.just("*"), st.frozensets(st.sampled_from(ROLES), min_size=1))


def test_every_role_is_in_the_table_and_every_permission_is_held():
    """No role without a row, no permission nobody could ever have, no permission that does not exist."""
    assert set(ROLE_PERMISSIONS) == set(ROLES)
    assert set().union(*ROLE_PERMISSIONS.values()) == PERMISSIONS


def test_only_an_administrator_makes_people_and_organisations():
    """What gives power to others is no other role's."""
    for permission in ("people.write", "orgs.write", "settings.write", "audit.write"):
        assert [role for role, held in ROLE_PERMISSIONS.items() if permission in held] == ["admin"]


def test_a_viewer_changes_nothing():
    """Looking is all it may."""
    held = ROLE_PERMISSIONS["viewer"] - {"self"}
    assert all(permission.endswith(".read") for permission in held)


def test_nobody_may_nothing():
    """Deny by default: neither nobody, nor somebody without a role."""
    for permission in PERMISSIONS:
        assert not decide(None, permission)
        assert not may_somewhere(None, permission)
        assert decide(person(), permission) is (permission == "self")


@given(st.sampled_from(sorted(PERMISSIONS - {"self"})), roles, orgs)
def test_a_role_counts_where_it_is_held_and_nowhere_else(permission, held, org):
    """Allowed exactly when some role held there, or everywhere, has the permission."""
    who = PersonPrincipal(person_id="usr_1", roles=held)
    own = held.get(org, frozenset()) | held.get("*", frozenset())
    assert decide(who, permission, org) is any(permission in ROLE_PERMISSIONS[role] for role in own)
    everywhere = held.get("*", frozenset())
    assert decide(who, permission) is any(permission in ROLE_PERMISSIONS[role] for role in everywhere)


@given(st.sampled_from(sorted(PERMISSIONS - {"self"})), roles)
def test_the_organisations_found_are_those_where_it_is_decided_so(permission, held):
    """A filter built from `find_orgs` shows what `decide` allows, no more and no less."""
    who = PersonPrincipal(person_id="usr_1", roles=held)
    found = find_orgs(who, permission)
    for org in ("org_aaaa", "org_bbbb", "org_cccc", "org_new"):
        assert decide(who, permission, org) is (found is None or org in found)
    assert may_somewhere(who, permission) is (found is None or bool(found))


def test_the_admin_key_may_everything_everywhere():
    """Also in organisations that are made tomorrow."""
    assert all(decide(ADMIN_KEY, permission, "org_tomorrow") for permission in PERMISSIONS)


def test_a_refusal_names_what_is_missing_and_who_has_it():
    """So that the reader knows what to ask for."""
    with pytest.raises(Forbidden, match=r"budgets\.write.*admin or finance") as refused:
        require(person(org_aaaa="viewer"), "budgets.write", "org_aaaa")
    assert refused.value.code == "permission_missing"
