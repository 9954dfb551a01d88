"""Organisations, teams and projects."""

from __future__ import annotations

import pytest
from tests.unit.identity.keys.conftest import person

from naru.identity import ADMIN_KEY, DEFAULT_ORG, DEFAULT_PROJECT
from naru.kernel.errors import BadRequest, Conflict, Forbidden, NotFound


@pytest.fixture
def acme(house):
    """An organisation with a team and a project."""
    org = house.units.create(ADMIN_KEY, "org", "acme").unit
    team = house.units.create(ADMIN_KEY, "team", "search", parent=org.id).unit
    project = house.units.create(ADMIN_KEY, "project", "bot", parent=team.id).unit
    house.events.clear()
    return org, team, project


def test_a_fresh_house_has_one_of_each(house):
    """So that a key can be made at once."""
    for kind in ("org", "team", "project"):
        (unit,) = house.units.list_units(ADMIN_KEY, kind)
        assert unit.name == "default"
        assert unit.is_active
    assert house.units.read(ADMIN_KEY, "project", DEFAULT_PROJECT).path == "default/default/default"


def test_making_one_twice_changes_nothing(house):
    """The second time gives back the first, and tells the audit log nothing."""
    first = house.units.create(ADMIN_KEY, "team", "검색")
    again = house.units.create(ADMIN_KEY, "team", "  검색 ")
    assert first.is_new
    assert not again.is_new
    assert first.unit == again.unit
    assert house.events.actions() == ["team.create"]


def test_each_act_is_told_once_with_ids_alone(house, acme):
    """And doing what was done already is no act."""
    org, _, project = acme
    for _ in range(2):
        house.units.update(ADMIN_KEY, "project", project.id, name="bot2", is_disabled=True)
    house.units.update(ADMIN_KEY, "project", project.id, is_disabled=False)
    house.units.delete(ADMIN_KEY, "project", project.id)
    expected = ["project.update", "project.disable", "project.enable", "project.delete"]
    assert house.events.actions() == expected
    assert {(e.target, e.actor, e.facts["org"]) for e in house.events} == {
        (f"project:{project.id}", "admin-key", org.id)
    }
    assert "bot" not in str(house.events[0].facts)


def test_names_are_found_by_any_end_of_a_path(house, acme):
    """As far as that is enough; two of one name need more of their paths."""
    _, team, project = acme
    for name in ("bot", "search/bot", "acme/search/bot", project.id):
        assert house.units.resolve(ADMIN_KEY, "project", name) == project
    other = house.units.create(ADMIN_KEY, "team", "search").unit
    assert other.org_id == DEFAULT_ORG
    with pytest.raises(BadRequest) as refused:
        house.units.resolve(ADMIN_KEY, "team", "search")
    assert refused.value.code == "ambiguous_name"
    assert house.units.resolve(ADMIN_KEY, "team", "acme/search") == team
    for name in ("", "/", "acme/", "a/b/c/d", "nobody", "x\x00", team.id, "proj_0000000000"):
        with pytest.raises(NotFound):
            house.units.resolve(ADMIN_KEY, "project", name)


@pytest.mark.parametrize("name", ["", "  ", "a/b", "x" * 101, "a\nb", "a\x00b", "*", "\ud800", "\u202e"])
def test_a_name_that_would_confuse_is_refused(house, name):
    """Nothing that is not printed, and no slash."""
    with pytest.raises(BadRequest):
        house.units.create(ADMIN_KEY, "org", name)


def test_a_name_is_taken_once_among_the_living(house, acme):
    """Renaming onto a neighbour is refused; a deleted one frees its name."""
    _, team, project = acme
    other = house.units.create(ADMIN_KEY, "project", "other", parent=team.id).unit
    with pytest.raises(Conflict) as refused:
        house.units.update(ADMIN_KEY, "project", other.id, name="bot")
    assert refused.value.code == "name_taken"
    house.units.delete(ADMIN_KEY, "project", project.id)
    assert house.units.update(ADMIN_KEY, "project", other.id, name="bot").path == "acme/search/bot"
    with pytest.raises(NotFound):
        house.units.read(ADMIN_KEY, "project", project.id)
    assert house.units.read_paths()[project.id] == "acme/search/bot", "the ledger still names it"


def test_what_is_not_empty_is_not_deleted(house, acme):
    """Nor is a default one; a key that was revoked is nobody any more."""
    org, team, project = acme
    key = house.keys.create(ADMIN_KEY, "ci", project=project.id).key
    for kind, unit in (("org", org), ("team", team), ("project", project)):
        with pytest.raises(Conflict) as refused:
            house.units.delete(ADMIN_KEY, kind, unit.id)
        assert refused.value.code == "not_empty"
    with pytest.raises(Conflict) as refused:
        house.units.delete(ADMIN_KEY, "project", DEFAULT_PROJECT)
    assert refused.value.code == "default_stays"
    house.keys.revoke(ADMIN_KEY, key.id)
    for kind, unit in (("project", project), ("team", team), ("org", org)):
        house.units.delete(ADMIN_KEY, kind, unit.id)
    assert [unit.id for unit in house.units.list_units(ADMIN_KEY, "org")] == [DEFAULT_ORG]
    with pytest.raises(NotFound):
        house.keys.create(ADMIN_KEY, "late", project=project.id)


def test_another_organisation_does_not_exist(house, acme):
    """By id, by name and in lists, to read and to change: 404, as for one that never was."""
    org, team, project = acme
    stranger = person(org_default="admin")
    for act in (
        lambda: house.units.read(stranger, "team", team.id),
        lambda: house.units.resolve(stranger, "team", "acme/search"),
        lambda: house.units.resolve(stranger, "team", team.id),
        lambda: house.units.update(stranger, "org", org.id, name="mine"),
        lambda: house.units.delete(stranger, "project", project.id),
        lambda: house.units.create(stranger, "team", "x", parent=org.id),
        lambda: house.units.list_units(stranger, "team", parent=org.id),
        lambda: house.keys.create(stranger, "x", project=project.id),
        lambda: house.keys.list_keys(stranger, unit=("org", org.id)),
    ):
        with pytest.raises(NotFound):
            act()
    assert [unit.org_id for unit in house.units.list_units(stranger, "team")] == [DEFAULT_ORG]
    assert house.events == []


def test_who_may_look_may_not_change(house, acme):
    """What is seen and not one's own to change is refused openly."""
    org, team, project = acme
    viewer = person(**{org.id: "viewer"})
    assert house.units.read(viewer, "project", project.id) == project
    for act in (
        lambda: house.units.update(viewer, "project", project.id, is_disabled=True),
        lambda: house.units.delete(viewer, "project", project.id),
        lambda: house.units.create(viewer, "project", "x", parent=team.id),
        lambda: house.keys.create(viewer, "x", project=project.id),
    ):
        with pytest.raises(Forbidden):
            act()


def test_an_operator_shapes_projects_and_no_organisation(house, acme):
    """And even an administrator of one organisation makes no other."""
    org, team, _ = acme
    operator = person(**{org.id: "operator"})
    assert house.units.create(operator, "project", "new", parent=team.id).is_new
    with pytest.raises(Forbidden):
        house.units.update(operator, "org", org.id, name="ours")
    with pytest.raises(Forbidden):
        house.units.create(person(**{org.id: "admin"}), "org", "second")
    assert house.units.update(person(**{org.id: "admin"}), "org", org.id, name="ours").name == "ours"


def test_pages_go_through_all(house):
    """Each once, however small the page."""
    made = {house.units.create(ADMIN_KEY, "org", f"org {number}").unit.id for number in range(7)}
    seen, after = [], ""
    while page := house.units.list_units(ADMIN_KEY, "org", limit=3, after=after):
        seen += [unit.id for unit in page]
        after = page[-1].id
    assert len(seen) == len(set(seen)) == 8
    assert made < set(seen)


def test_an_organisation_is_found_for_roles_by_id_or_name(house, acme):
    """As whoever gives roles writes it."""
    org, team, _ = acme
    assert house.units.find_org("acme") == house.units.find_org(org.id) == org.id
    assert house.units.find_org("nobody") is None
    assert house.units.find_org("x\x00") is None
    assert house.units.find_org(team.id) is None
