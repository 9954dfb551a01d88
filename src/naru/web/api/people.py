"""`/api/people`: who may sign in, and with which roles. The directory decides who may do what to whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal, Self

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from naru.identity.people import EVERY_ORG, Grant, Person, Role
from naru.identity.people_service import People
from naru.kernel.errors import NotFound
from naru.web.access import read_context, read_principal, requires
from naru.web.window import time_from_ns

router = APIRouter(prefix="/api/people", tags=["people"])

_ORGS: Final = 500

PersonName = Annotated[str, Path(max_length=254, description="Id (`usr_…`) or e-mail address.")]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RoleIn(_In):
    """One role in one organisation."""

    role: Role = Field(description="What they may do there.")
    org: str = Field(EVERY_ORG, min_length=1, max_length=64, description="Organisation; `*` is every one.")


class PersonIn(_In):
    """A person to make."""

    email: str = Field(max_length=320, description="Address; also the name at the sign-in.")
    name: str = Field("", max_length=200, description="As pages show them.")
    roles: list[RoleIn] = Field([], max_length=100, description="Nobody has a role by default.")
    password: bool = Field(
        True, description="Whether to make a one-time password; false for who comes by single sign-on alone."
    )


class PersonPatch(_In):
    """What to change; what is left out stays."""

    name: str | None = Field(None, max_length=200, description="As pages show them.")
    disabled: bool | None = Field(None, description="True ends every session within two seconds.")


class RolesIn(_In):
    """All roles that were given by hand; those of the identity provider stay its own."""

    roles: list[RoleIn] = Field(max_length=100)


class RoleOut(BaseModel):
    """A role that is held."""

    role: Role
    org: str
    org_name: str | None = Field(description="Name of the organisation; null for all of them.")
    source: Literal["local", "oidc"] = Field(description="`oidc`: written by each single sign-on.")


class PersonOut(BaseModel):
    """A person, without anything secret."""

    id: str
    email: str
    name: str
    disabled: bool
    roles: list[RoleOut]
    has_password: bool
    must_change_password: bool
    has_totp: bool
    recovery_codes_left: int
    oidc_issuer: str | None
    created_at: datetime
    last_sign_in_at: datetime | None

    @classmethod
    def of(cls, person: Person, org_names: Mapping[str, str]) -> Self:
        last_ns = person.last_sign_in_at_ns
        return cls(
            id=person.id,
            email=person.email,
            name=person.name,
            disabled=person.is_disabled,
            roles=[
                RoleOut(role=g.role, org=g.org, org_name=org_names.get(g.org), source=g.source)
                for g in person.grants
            ],
            has_password=person.has_password,
            must_change_password=person.must_change_password,
            has_totp=person.has_totp,
            recovery_codes_left=person.recovery_codes_left,
            oidc_issuer=person.oidc_issuer,
            created_at=time_from_ns(person.created_at_ns),
            last_sign_in_at=None if last_ns is None else time_from_ns(last_ns),
        )


class PersonCreated(PersonOut):
    """A person as they were made, or were there already."""

    created: bool = Field(description="False when the address had an account: nothing was changed then.")
    one_time_password: str | None = Field(
        description="Shown this once, good for three days and for one sign-in, which asks for another."
    )


class PersonList(BaseModel):
    """People by address."""

    people: list[PersonOut]
    next_after: str | None = Field(description="`after` of the next page; null at the end.")


class OneTimePassword(BaseModel):
    """Shown this once."""

    one_time_password: str


def grants_of(roles: list[RoleIn]) -> list[Grant]:
    """As the directory takes them."""
    return [Grant(org=entry.org, role=entry.role) for entry in roles]


def read_people(request: Request) -> People:
    """The book of people.

    Raises:
        NotFound: this Naru has none.
    """
    directory = read_context(request).directory
    if directory is None:
        raise NotFound("This Naru has no accounts of people.")
    return directory.people


async def _resolve(request: Request, id: str) -> Person:
    people = read_people(request)
    return await run_in_threadpool(people.resolve_person, id, read_principal(request))


async def _describe(request: Request, people: Sequence[Person]) -> list[PersonOut]:
    """With the names of those organisations that the reader may see."""
    units, principal = read_context(request).units, read_principal(request)
    orgs = await run_in_threadpool(lambda: units.list_units(principal, "org", limit=_ORGS))
    names = {org.id: org.name for org in orgs}
    return [PersonOut.of(person, names) for person in people]


@router.get("", summary="People, by address", dependencies=[requires("people.read")])
async def list_people(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=500, description="People a page.")] = 100,
    after: Annotated[str, Query(max_length=254, description="`next_after` of the page before.")] = "",
) -> PersonList:
    """Those who hold a role in an organisation whose people you may see."""
    found = await run_in_threadpool(
        read_people(request).list_people, read_principal(request), limit=limit, after=after
    )
    next_after = found[-1].email if len(found) == limit else None
    return PersonList(people=await _describe(request, found), next_after=next_after)


@router.post("", summary="Make a person", dependencies=[requires("people.write")])
async def create_person(request: Request, body: PersonIn) -> PersonCreated:
    """Make an account. Asking again for the same address changes nothing and shows no password."""
    people, actor = read_people(request), read_principal(request)

    made = await run_in_threadpool(
        people.create_person,
        actor,
        email=body.email,
        name=body.name,
        grants=grants_of(body.roles),
        with_password=body.password,
    )
    return PersonCreated(
        **(await _describe(request, [made.person]))[0].model_dump(),
        created=made.is_new,
        one_time_password=made.one_time_password,
    )


@router.get("/{id}", summary="One person", dependencies=[requires("people.read")])
async def read_person(request: Request, id: PersonName) -> PersonOut:
    """By id or address."""
    return (await _describe(request, [await _resolve(request, id)]))[0]


@router.patch("/{id}", summary="Rename, disable or enable", dependencies=[requires("people.write")])
async def update_person(request: Request, id: PersonName, body: PersonPatch) -> PersonOut:
    """Change what is given."""
    person = await _resolve(request, id)
    actor = read_principal(request)
    changed = await run_in_threadpool(
        read_people(request).update_person, actor, person.id, name=body.name, is_disabled=body.disabled
    )
    return (await _describe(request, [changed]))[0]


@router.put("/{id}/roles", summary="Write the roles", dependencies=[requires("people.write")])
async def replace_roles(request: Request, id: PersonName, body: RolesIn) -> PersonOut:
    """Write the roles that were given by hand anew: those in organisations that you administer."""
    person = await _resolve(request, id)
    grants, actor = grants_of(body.roles), read_principal(request)
    changed = await run_in_threadpool(read_people(request).replace_roles, actor, person.id, grants)
    return (await _describe(request, [changed]))[0]


@router.post("/{id}/password", summary="Give a one-time password", dependencies=[requires("people.write")])
async def reset_password(request: Request, id: PersonName) -> OneTimePassword:
    """Instead of the password they had; every session ends, and a lock-out is lifted."""
    person = await _resolve(request, id)
    password = await run_in_threadpool(
        read_people(request).reset_password, read_principal(request), person.id
    )
    return OneTimePassword(one_time_password=password)


@router.delete("/{id}/totp", summary="Take the second factor off", dependencies=[requires("people.write")])
async def remove_totp(request: Request, id: PersonName) -> PersonOut:
    """For who lost the phone and the recovery codes; every session ends."""
    person = await _resolve(request, id)
    changed = await run_in_threadpool(read_people(request).remove_totp, read_principal(request), person.id)
    return (await _describe(request, [changed]))[0]


@router.delete("/{id}", summary="Delete a person", status_code=204, dependencies=[requires("people.write")])
async def delete_person(request: Request, id: PersonName) -> Response:
    """The account goes; what it did stays in the audit log under its id."""
    person = await _resolve(request, id)
    await run_in_threadpool(read_people(request).delete_person, read_principal(request), person.id)
    return Response(status_code=204)
