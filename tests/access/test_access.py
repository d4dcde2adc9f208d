from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlmodel import Session

from omnisync import access
from omnisync.access import Access, Role
from omnisync.access.tables import AccessKey, User
from omnisync.clock import StoppedClock
from omnisync.errors import Conflict, InvalidRequest, NotFound

PASSWORD = "correct horse battery"


@pytest.fixture
def chance() -> random.Random:
    return random.Random(7)


def test_a_key_is_found_by_its_text(session: Session, chance: random.Random, clock: StoppedClock) -> None:
    key = access.create_key(session, Role.STAFF, "Tablet", location="linden", chance=chance, now=clock.now())

    found = access.find_key(session, key.text)

    assert found == Access(f"key:{key.prefix}", "Tablet", Role.STAFF, "linden")


def test_the_secret_of_a_key_is_not_kept(session: Session, chance: random.Random, clock: StoppedClock) -> None:
    key = access.create_key(session, Role.SHOP, "Shop", chance=chance, now=clock.now())

    [kept] = access.list_keys(session)

    secret = key.text.removeprefix(f"omni_{key.prefix}_")
    assert len(secret) == 43
    assert secret not in str(kept.model_dump())
    assert secret not in repr(key)


def test_a_key_with_another_secret_opens_nothing(session: Session, chance: random.Random, clock: StoppedClock) -> None:
    key = access.create_key(session, Role.OPS, "Ops", chance=chance, now=clock.now())
    last = "A" if key.text[-1] != "A" else "B"

    assert access.find_key(session, key.text[:-1] + last) is None


@pytest.mark.parametrize(
    "text", ["", "omni_", "omni_0123456789_short", "Bearer x", "omni_0123456789_" + "A" * 43, "\udcff", "ä" * 10_000]
)
def test_what_is_no_key_opens_nothing(session: Session, text: str) -> None:
    assert access.find_key(session, text) is None


def test_a_revoked_key_opens_nothing_any_more(session: Session, chance: random.Random, clock: StoppedClock) -> None:
    key = access.create_key(session, Role.ADMIN, "Old", chance=chance, now=clock.now())
    revoked_at = clock.advance(hours=1)

    access.revoke_key(session, key.prefix, now=revoked_at)
    access.revoke_key(session, key.prefix, now=revoked_at + timedelta(hours=1))

    assert access.find_key(session, key.text) is None
    assert session.get_one(AccessKey, key.prefix).revoked_at == revoked_at


def test_revoking_a_key_that_is_not_there_is_refused(session: Session, clock: StoppedClock) -> None:
    with pytest.raises(NotFound):
        access.revoke_key(session, "0123456789", now=clock.now())


@pytest.mark.parametrize(
    ("role", "location", "field"),
    [(Role.STAFF, None, "location"), (Role.SHOP, "linden", "location"), (Role.VIEWER, None, "role")],
)
def test_role_and_location_must_fit(
    session: Session, chance: random.Random, clock: StoppedClock, role: Role, location: str | None, field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        access.create_key(session, role, "x", location=location, chance=chance, now=clock.now())

    assert caught.value.details["errors"][0]["field"] == field


MAY = [
    (Role.SHOP, {Role.SHOP}),
    (Role.STAFF, {Role.STAFF}),
    (Role.VIEWER, {Role.VIEWER}),
    (Role.OPS, {Role.SHOP, Role.STAFF, Role.VIEWER, Role.OPS}),
    (Role.ADMIN, set(Role)),
]


@pytest.mark.parametrize(("role", "roles"), MAY)
def test_a_role_may_what_it_contains(role: Role, roles: set[Role]) -> None:
    somebody = Access("key:x", "x", role)

    assert {asked for asked in Role if somebody.may(asked)} == roles
    assert not somebody.may()


def test_staff_work_at_their_own_location_only() -> None:
    staff = Access("user:a", "a", Role.STAFF, "linden")

    assert (staff.may_at("linden"), staff.may_at("markt")) == (True, False)
    assert Access("user:b", "b", Role.OPS).may_at("markt")


def test_a_user_logs_in_with_the_password(session: Session, clock: StoppedClock) -> None:
    access.create_user(session, "anna", PASSWORD, Role.STAFF, location="linden", now=clock.now())

    assert access.check_login(session, "anna", PASSWORD) == Access("user:anna", "anna", Role.STAFF, "linden")
    assert access.check_login(session, "anna", PASSWORD + "!") is None
    assert access.check_login(session, "otto", PASSWORD) is None


def test_the_password_is_kept_as_argon2(session: Session, clock: StoppedClock) -> None:
    user = access.create_user(session, "anna", PASSWORD, Role.OPS, now=clock.now())

    assert user.password_hash.startswith("$argon2id$")
    assert PASSWORD not in user.password_hash


def test_a_disabled_user_stays_out(session: Session, clock: StoppedClock) -> None:
    access.create_user(session, "anna", PASSWORD, Role.OPS, now=clock.now())

    access.disable_user(session, "anna", now=clock.now())

    assert access.check_login(session, "anna", PASSWORD) is None
    assert access.find_user(session, "anna") is None
    assert session.get_one(User, "anna").disabled_at == clock.now()


def test_a_new_password_replaces_the_old_one(session: Session, clock: StoppedClock) -> None:
    access.create_user(session, "anna", PASSWORD, Role.OPS, now=clock.now())

    access.set_password(session, "anna", "another long password", now=clock.now())

    assert access.check_login(session, "anna", PASSWORD) is None
    assert access.check_login(session, "anna", "another long password") is not None


def test_a_second_user_of_the_same_name_is_refused(session: Session, clock: StoppedClock) -> None:
    access.create_user(session, "anna", PASSWORD, Role.OPS, now=clock.now())

    with pytest.raises(Conflict, match="anna"):
        access.create_user(session, "anna", PASSWORD, Role.ADMIN, now=clock.now())


@pytest.mark.parametrize(
    ("name", "password", "role", "field"),
    [
        ("anna", "short", Role.OPS, "password"),
        (" anna", PASSWORD, Role.OPS, "name"),
        ("", PASSWORD, Role.OPS, "name"),
        ("anna", PASSWORD, Role.SHOP, "role"),
    ],
)
def test_a_user_that_will_not_do_is_refused_with_the_field(
    session: Session, clock: StoppedClock, name: str, password: str, role: Role, field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        access.create_user(session, name, password, role, now=clock.now())

    assert [error["field"] for error in caught.value.details["errors"]] == [field]
