"""Signing in: what opens, what counts as a failure, and what an attacker learns (nothing)."""

from __future__ import annotations

import threading

import pyotp
import pytest
from tests.unit.identity.people.conftest import PASSWORD, SOURCE

from naru.identity.passwords import PasswordHasher
from naru.identity.people import ADMIN_KEY, Grant
from naru.identity.people_lockout import source_subject
from naru.identity.people_sign_in import External
from naru.kernel.errors import BadRequest, Forbidden, RateLimited, Unauthenticated

EMAIL = "kim@example.com"
HOUR = 3600


def enrol(house, person):
    """Switches a second factor on; gives its generator and the recovery codes."""
    secret = house.people.begin_totp(person.id).secret
    totp = pyotp.TOTP(secret)
    now_s = house.people._clock.now_ns() // 10**9
    _, codes = house.people.confirm_totp(person.id, totp.at(now_s), password=PASSWORD, source=SOURCE)
    return totp, codes


def test_a_one_time_password_opens_until_it_is_changed(house):
    """The first sign-in asks for a new password and gives no session before."""
    created = house.people.create_person(ADMIN_KEY, email=EMAIL, grants=[Grant(org="*", role="admin")])
    step = house.sign_in.check_password("Kim@Example.com ", created.one_time_password, source=SOURCE)
    assert step.need == "new_password"
    house.people.write_password(step.person_id, PASSWORD, reason="first")
    assert house.sign_in.finish(step.person_id, method="password").need == "nothing"
    assert house.sign_in.check_password(EMAIL, PASSWORD, source=SOURCE).need == "nothing"
    with pytest.raises(Unauthenticated):
        house.sign_in.check_password(EMAIL, created.one_time_password, source=SOURCE)


def test_a_one_time_password_runs_out(house, clock):
    """After three days it is a piece of paper."""
    created = house.people.create_person(ADMIN_KEY, email=EMAIL)
    clock.advance(72 * HOUR)
    with pytest.raises(Forbidden) as refused:
        house.sign_in.check_password(EMAIL, created.one_time_password, source=SOURCE)
    assert refused.value.code == "one_time_password_expired"


def test_a_name_that_exists_is_told_from_one_that_does_not_by_nothing(house, join, monkeypatch):
    """Same error, same lock-out, and as many hashes of the same cost."""
    join()
    hashed = []

    class Counting(PasswordHasher):
        def verify(self, stored, password):
            hashed.append(stored is None)
            return super().verify(stored, password)

    house.sign_in._hasher = Counting(memory_kib=64)
    answers = []
    for email in (EMAIL, "nobody@example.com", "no address at all"):
        seen = []
        for _ in range(7):
            with pytest.raises((Unauthenticated, RateLimited)) as error:
                house.sign_in.check_password(email, "wrong", source=email)
            seen.append((error.value.code, error.value.message))
        answers.append(seen)
    assert answers[0] == answers[1] == answers[2]
    assert hashed == [False] * 5 + [True] * 5 + [True] * 5


def test_waits_grow_with_each_failure_and_hold_over_a_restart(open_house, join, clock):
    """Five are free; then 5 s, 10 s, 20 s… up to the bound, in every replica, even for the right password."""
    join()
    waits = []
    for number in range(5 + 12):
        house = open_house()  # as after a restart, or another replica
        with pytest.raises(Unauthenticated):
            house.sign_in.check_password(EMAIL, "wrong", source=f"10.0.0.{number}")
        if number >= 4:
            with pytest.raises(RateLimited) as locked:
                open_house().sign_in.check_password(EMAIL, PASSWORD, source="10.9.9.9")
            assert locked.value.code == "sign_in_locked"
            waits.append(locked.value.retry_after_s)
            clock.advance(locked.value.retry_after_s)
    assert waits[:4] == [5, 10, 20, 40]
    assert waits[-1] == 900
    assert open_house().sign_in.check_password(EMAIL, PASSWORD, source=SOURCE).need == "nothing"
    with pytest.raises(Unauthenticated):
        open_house().sign_in.check_password(EMAIL, "wrong", source=SOURCE)  # the count began anew


def test_guesses_sent_at_once_are_counted_at_once(open_house, join):
    """Forty threads with wrong passwords: five are checked, the rest told to wait."""
    join()
    house, outcomes = open_house(), []
    house.sign_in._hasher = PasswordHasher(memory_kib=64, queue=100)

    def guess(number):
        try:
            house.sign_in.check_password(EMAIL, "wrong", source=f"10.0.0.{number}")
        except (Unauthenticated, RateLimited) as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["sign_in_locked"] * 35 + ["wrong_sign_in"] * 5


def test_one_source_guessing_at_many_accounts_is_slowed_down(house, join):
    """And signing in to an account of its own in between does not clear its count."""
    join("mallory@example.com")
    for number in range(29):
        with pytest.raises(Unauthenticated):
            house.sign_in.check_password(f"victim{number}@example.com", "wrong", source=SOURCE)
        if number % 5 == 0:
            house.sign_in.check_password("mallory@example.com", PASSWORD, source=SOURCE)
    with pytest.raises(Unauthenticated):
        house.sign_in.check_password("victim@example.com", "wrong", source=SOURCE)
    with pytest.raises(RateLimited):
        house.sign_in.check_password("mallory@example.com", PASSWORD, source=SOURCE)
    assert house.sign_in.check_password("mallory@example.com", PASSWORD, source="198.51.100.1")


def test_sources_are_networks_where_one_host_has_a_whole_one():
    """IPv6 counts by /64; an IPv4 address written as IPv6 is the same."""
    assert source_subject("2001:db8::1") == source_subject("2001:db8::ffff:2")
    assert source_subject("2001:db8::1") != source_subject("2001:db8:0:1::1")
    assert source_subject("::ffff:192.0.2.1") == source_subject("192.0.2.1")
    assert "192.0.2.1" not in source_subject("192.0.2.1")


def test_a_code_is_asked_for_and_counts_once(house, join, clock):
    """The same six digits open one session, however fast they are sent again."""
    totp, _ = enrol(house, join())
    clock.advance(60)
    step = house.sign_in.check_password(EMAIL, PASSWORD, source=SOURCE)
    assert step.need == "code"
    code = totp.at(clock.now_ns() // 10**9)
    assert house.sign_in.check_code(step.person_id, step.epoch, code, source=SOURCE).need == "nothing"
    again = house.sign_in.check_password(EMAIL, PASSWORD, source=SOURCE)
    with pytest.raises(Unauthenticated) as refused:
        house.sign_in.check_code(again.person_id, again.epoch, code, source=SOURCE)
    assert refused.value.code == "wrong_code"
    assert house.events[-1].facts["reason"] == "code_replayed"


def test_the_code_that_switched_it_on_does_not_sign_in(house, join, clock):
    """Enrolling uses it up."""
    totp, _ = enrol(house, join())
    step = house.sign_in.check_password(EMAIL, PASSWORD, source=SOURCE)
    code = totp.at(clock.now_ns() // 10**9)
    with pytest.raises(Unauthenticated):
        house.sign_in.check_code(step.person_id, step.epoch, code, source=SOURCE)


def test_codes_cannot_be_guessed_by_giving_the_password_again(house, join, clock):
    """Who knows the password still has five codes, however often the password is sent in between."""
    enrol(house, join())
    for _ in range(5):
        step = house.sign_in.check_password(EMAIL, PASSWORD, source=SOURCE)
        with pytest.raises(Unauthenticated):
            house.sign_in.check_code(step.person_id, step.epoch, "000000", source=SOURCE)
    with pytest.raises(RateLimited):
        house.sign_in.check_password(EMAIL, PASSWORD, source=SOURCE)
    assert "user.lock_out" in house.events.actions()


def test_a_recovery_code_opens_once(house, join):
    """Each of the ten, and then never again."""
    _, codes = enrol(house, join())
    for _ in range(2):
        step = house.sign_in.check_password(EMAIL, PASSWORD, source=SOURCE)
        if _ == 0:
            done = house.sign_in.check_code(step.person_id, step.epoch, codes[3].lower(), source=SOURCE)
            assert done.need == "nothing"
        else:
            with pytest.raises(Unauthenticated):
                house.sign_in.check_code(step.person_id, step.epoch, codes[3], source=SOURCE)
    person = house.people.read_person(step.person_id, ADMIN_KEY)
    assert person.recovery_codes_left == 9


def test_a_step_of_before_a_reset_leads_nowhere(house, join):
    """Whoever got past the password is stopped at the code once the password was reset."""
    totp, _ = enrol(house, join())
    step = house.sign_in.check_password(EMAIL, PASSWORD, source=SOURCE)
    house.people.reset_password(ADMIN_KEY, step.person_id)
    with pytest.raises(Unauthenticated) as refused:
        house.sign_in.check_code(step.person_id, step.epoch, totp.now(), source=SOURCE)
    assert refused.value.code == "sign_in_expired"


def test_a_disabled_person_stays_out(house, join):
    """Told so only after the right password."""
    person = join()
    house.people.update_person(ADMIN_KEY, person.id, is_disabled=True)
    with pytest.raises(Unauthenticated):
        house.sign_in.check_password(EMAIL, "wrong", source=SOURCE)
    with pytest.raises(Forbidden) as refused:
        house.sign_in.check_password(EMAIL, PASSWORD, source=SOURCE)
    assert refused.value.code == "account_disabled"


def test_secrets_of_another_session_key_say_so(open_house, house, join):
    """A lost session.key is told in words, and a recovery code still opens."""
    _, codes = enrol(house, join())
    other = open_house(b"other" * 8)
    step = other.sign_in.check_password(EMAIL, PASSWORD, source=SOURCE)
    from naru.kernel.errors import Unavailable

    with pytest.raises(Unavailable) as refused:
        other.sign_in.check_code(step.person_id, step.epoch, "123456", source=SOURCE)
    assert refused.value.code == "totp_unreadable"
    assert other.sign_in.check_code(step.person_id, step.epoch, codes[0], source=SOURCE).need == "nothing"


def test_audit_entries_name_nobody(house, join):
    """Ids and reasons only: no address, no password, no code."""
    join(EMAIL, Grant(org="*", role="viewer"))
    house.sign_in.check_password(EMAIL, PASSWORD, source=SOURCE)
    for email in (EMAIL, "nobody@example.com"):
        with pytest.raises(Unauthenticated):
            house.sign_in.check_password(email, "a wrong password", source=SOURCE)
    text = repr(list(house.events))
    assert {"user.create", "user.password_change", "user.sign_in"} <= set(house.events.actions())
    for secret in (EMAIL, "nobody@example.com", PASSWORD, "a wrong password", SOURCE):
        assert secret not in text


def who(*grants, subject="s1", email=EMAIL, verified=True):
    return External(
        issuer="https://id.example",
        subject=subject,
        email=email,
        is_email_verified=verified,
        name="Kim",
        grants=grants,
    )


def test_a_provider_lets_in_only_who_has_a_role(house):
    """No group with a role, no account."""
    with pytest.raises(Forbidden) as refused:
        house.sign_in.sign_in_external(who(), may_link_email=False)
    assert refused.value.code == "no_role"
    assert house.people.list_people(ADMIN_KEY) == []


def test_roles_of_a_provider_follow_its_groups(house):
    """The first sign-in makes the account; later ones have the roles of then, and none without a group."""
    admin, viewer = Grant(org="*", role="admin"), Grant(org="org_a", role="viewer")
    step = house.sign_in.sign_in_external(who(admin, viewer), may_link_email=False)
    assert house.snapshot.find(step.person_id).principal.roles_in("org_a") == {"admin", "viewer"}
    house.sign_in.sign_in_external(who(viewer), may_link_email=False)
    assert house.snapshot.find(step.person_id).principal.roles == {"org_a": {"viewer"}}
    with pytest.raises(Forbidden):
        house.sign_in.sign_in_external(who(), may_link_email=False)
    assert house.snapshot.find(step.person_id).principal.roles == {}
    assert [p.id for p in house.people.list_people(ADMIN_KEY)] == [step.person_id]


def test_local_roles_survive_the_providers(house):
    """What an administrator gave by hand is not the provider's to take."""
    step = house.sign_in.sign_in_external(who(Grant(org="*", role="viewer")), may_link_email=False)
    house.people.replace_roles(ADMIN_KEY, step.person_id, [Grant(org="org_a", role="finance")])
    house.sign_in.sign_in_external(who(), may_link_email=False)
    assert house.snapshot.find(step.person_id).principal.roles == {"org_a": {"finance"}}


def test_a_provider_does_not_take_over_a_local_account(house, join):
    """The same address is not the same person, unless the operator says that verified ones are."""
    person = join(EMAIL, Grant(org="*", role="admin"))
    viewer = Grant(org="*", role="viewer")
    for may_link, verified in ((False, True), (True, False)):
        with pytest.raises(Forbidden) as refused:
            house.sign_in.sign_in_external(who(viewer, verified=verified), may_link_email=may_link)
        assert refused.value.code == "email_taken"
    linked = house.sign_in.sign_in_external(who(viewer), may_link_email=True)
    assert linked.person_id == person.id
    with pytest.raises(Forbidden):
        house.sign_in.sign_in_external(who(viewer, subject="s2"), may_link_email=True)


def test_a_flow_counts_once(house, clock):
    """An identity provider's answer sent again is refused, in every replica."""
    until_ns = clock.now_ns() + 600 * 10**9
    house.sign_in.spend_flow("state-1", until_ns)
    with pytest.raises(BadRequest) as refused:
        house.sign_in.spend_flow("state-1", until_ns)
    assert refused.value.code == "oidc_replayed"
