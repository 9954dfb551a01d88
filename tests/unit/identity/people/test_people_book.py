"""Who may do what to whom, and how fast the others learn of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.identity.people.conftest import PASSWORD, SOURCE

from naru.identity.people import ADMIN_KEY, Grant, PersonPrincipal, normalize_email
from naru.identity.people_snapshot import STALE_S
from naru.kernel.errors import BadRequest, Forbidden, NotFound

A_ADMIN = PersonPrincipal(person_id="usr_a", roles={"org_a": frozenset({"admin"})})
A_VIEWER = PersonPrincipal(person_id="usr_v", roles={"org_a": frozenset({"viewer"})})


def test_creating_twice_is_creating_once(house):
    """The second time nothing changes and no password is shown."""
    first = house.people.create_person(ADMIN_KEY, email="Kim@example.com", name="Kim")
    second = house.people.create_person(ADMIN_KEY, email="kim@EXAMPLE.com", name="Other")
    assert first.is_new
    assert first.one_time_password
    assert (second.is_new, second.one_time_password) == (False, None)
    assert second.person == first.person
    assert house.events.actions().count("user.create") == 1


def test_an_organisations_admin_gives_roles_there_alone(house):
    """Not in all, not in another's, and another's organisation is as unknown as one that is not."""
    made = house.people.create_person(
        A_ADMIN, email="a@example.com", grants=[Grant(org="org_a", role="finance")]
    )
    assert made.person.grants == (Grant(org="org_a", role="finance"),)
    with pytest.raises(Forbidden):
        house.people.replace_roles(A_ADMIN, made.person.id, [Grant(org="*", role="viewer")])
    messages = set()
    for org in ("org_b", "org_nowhere"):
        with pytest.raises(NotFound) as refused:
            house.people.replace_roles(A_ADMIN, made.person.id, [Grant(org=org, role="viewer")])
        messages.add(refused.value.message)
    assert len(messages) == 1
    with pytest.raises(BadRequest):
        house.people.create_person(A_ADMIN, email="b@example.com")


def test_who_is_no_admin_gives_nothing(house, join):
    """A viewer sees nobody and makes nobody."""
    person = join("a@example.com", Grant(org="org_a", role="viewer"))
    assert house.people.list_people(A_VIEWER) == []
    with pytest.raises(NotFound):
        house.people.read_person(person.id, A_VIEWER)
    with pytest.raises(NotFound):
        house.people.create_person(
            A_VIEWER, email="b@example.com", grants=[Grant(org="org_a", role="viewer")]
        )


def test_an_account_cannot_be_taken_over_through_another_organisation(house, join):
    """The admin of one organisation cannot reset the password of who is admin of all, or of another."""
    for elsewhere in ("*", "org_b"):
        person = join(
            f"x{elsewhere}@example.com", Grant(org="org_a", role="viewer"), Grant(org=elsewhere, role="admin")
        )
        for act in (
            lambda person_id: house.people.reset_password(A_ADMIN, person_id),
            lambda person_id: house.people.remove_totp(A_ADMIN, person_id),
            lambda person_id: house.people.end_sessions(A_ADMIN, person_id),
            lambda person_id: house.people.delete_person(A_ADMIN, person_id),
            lambda person_id: house.people.update_person(A_ADMIN, person_id, is_disabled=True),
        ):
            with pytest.raises(Forbidden) as refused:
                act(person.id)
            assert refused.value.code == "person_elsewhere"
        after = house.people.replace_roles(A_ADMIN, person.id, [])
        assert after.grants == (Grant(org=elsewhere, role="admin"),), "only their own role was taken"


def test_nobody_locks_themselves_out(house, join):
    """An administrator cannot disable or delete themselves by a slip."""
    person = join("a@example.com", Grant(org="*", role="admin"))
    me = PersonPrincipal(person_id=person.id, roles=person.roles)
    with pytest.raises(BadRequest):
        house.people.update_person(me, person.id, is_disabled=True)
    with pytest.raises(BadRequest):
        house.people.delete_person(me, person.id)


def test_what_one_replica_changes_another_learns_by_asking_one_number(open_house, join, house):
    """Roles, disabling and ended sessions; nothing is read while nothing changed."""
    other = open_house()
    person = join("a@example.com", Grant(org="*", role="admin"))
    assert other.snapshot.find(person.id) is None
    other.snapshot.refresh()
    before = other.snapshot.find(person.id)
    assert before.principal.roles == {"*": {"admin"}}
    other.snapshot.refresh()
    assert other.snapshot.find(person.id) is before
    house.people.end_sessions(ADMIN_KEY, person.id)
    house.people.update_person(ADMIN_KEY, person.id, is_disabled=True)
    house.people.replace_roles(ADMIN_KEY, person.id, [])
    other.snapshot.refresh()
    after = other.snapshot.find(person.id)
    assert after.is_disabled
    assert after.epoch > before.epoch
    assert after.principal.roles == {}


def test_a_replica_that_cannot_ask_believes_nothing(house, join, clock):
    """Half a minute without the database and its sessions end, rather than outlive a revocation."""
    person = join("a@example.com", Grant(org="*", role="admin"))
    clock.advance(STALE_S + 1)
    assert house.snapshot.find(person.id) is None
    house.snapshot.refresh()
    assert house.snapshot.find(person.id) is not None


def test_the_thread_keeps_the_snapshot_fresh(open_house, join, house):
    """Without being asked, within two seconds."""
    import time

    other = open_house()
    other.snapshot.start()
    try:
        person = join("a@example.com", Grant(org="*", role="admin"))
        deadline = time.monotonic() + 2
        while other.snapshot.find(person.id) is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert other.snapshot.find(person.id) is not None
    finally:
        other.snapshot.stop()


def test_changing_the_password_needs_the_old_one_and_ends_sessions(house, join):
    """A borrowed session changes nothing."""
    person = join()
    with pytest.raises(Forbidden) as refused:
        house.people.change_password(person.id, old="wrong", new="another long thought", source=SOURCE)
    assert refused.value.code == "wrong_password"
    with pytest.raises(BadRequest):
        house.people.change_password(person.id, old=PASSWORD, new=PASSWORD, source=SOURCE)
    changed = house.people.change_password(person.id, old=PASSWORD, new="another long thought", source=SOURCE)
    assert changed.session_epoch > person.session_epoch


def test_a_second_factor_needs_the_password(house, join, clock):
    """Neither set up nor taken off by a borrowed session; the QR code stays the same until confirmed."""
    import pyotp

    person = join()
    secret = house.people.begin_totp(person.id).secret
    assert house.people.begin_totp(person.id).secret == secret
    code = pyotp.TOTP(secret).at(clock.now_ns() // 10**9)
    with pytest.raises(Forbidden):
        house.people.confirm_totp(person.id, code, password="wrong", source=SOURCE)
    with pytest.raises(BadRequest) as refused:
        house.people.confirm_totp(person.id, "000000", password=PASSWORD, source=SOURCE)
    assert refused.value.code == "wrong_code"
    enrolled, codes = house.people.confirm_totp(person.id, code, password=PASSWORD, source=SOURCE)
    assert enrolled.has_totp
    assert enrolled.recovery_codes_left == len(codes) == 10
    with pytest.raises(BadRequest):
        house.people.begin_totp(person.id)
    with pytest.raises(Forbidden):
        house.people.remove_own_totp(person.id, password="wrong", source=SOURCE)
    renewed = house.people.renew_recovery_codes(person.id, password=PASSWORD, source=SOURCE)
    assert not set(renewed) & set(codes)
    assert not house.people.remove_own_totp(person.id, password=PASSWORD, source=SOURCE).has_totp


def test_nothing_secret_rests_in_the_database(house, join, clock, engine):
    """Neither passwords, nor the secret of the codes, nor recovery codes."""
    import sqlalchemy as sa

    from naru.identity.people_tables import people, recovery_codes

    person = join()
    secret = house.people.begin_totp(person.id).secret
    import pyotp

    code = pyotp.TOTP(secret).at(clock.now_ns() // 10**9)
    _, codes = house.people.confirm_totp(person.id, code, password=PASSWORD, source=SOURCE)
    with engine.connect() as connection:
        text = repr(connection.execute(sa.select(people)).all())
        text += repr(connection.execute(sa.select(recovery_codes)).all())
    for hidden in (secret, PASSWORD, *codes, *(c.replace("-", "") for c in codes)):
        assert hidden not in text


@pytest.mark.parametrize(
    "email",
    ["", "kim", "@example.com", "kim@", "a b@example.com", "a@b@c", "a\n@b", "<a@b>", "x" * 300 + "@b"],
)
def test_what_is_no_address_is_refused(house, email):
    with pytest.raises(BadRequest):
        house.people.create_person(ADMIN_KEY, email=email)


@given(st.emails())
def test_addresses_are_one_spelling(email):
    """Normalising twice is normalising once, and case does not make two people."""
    try:
        plain = normalize_email(email)
    except BadRequest:
        return
    assert normalize_email(plain) == plain
    assert normalize_email(email.upper()) == normalize_email(email.upper().lower())
