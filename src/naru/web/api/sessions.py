"""`/api/session` and `/api/people/{id}/sessions`: who I am here, and ending sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from naru.identity import PERMISSIONS, PersonPrincipal, find_orgs
from naru.identity.people import Role
from naru.web.access import read_principal, requires
from naru.web.api.people import PersonName, read_people

router = APIRouter(prefix="/api", tags=["people"])


class SessionOut(BaseModel):
    """Who asks, and what they may do."""

    person: str | None = Field(description="Id of the person; null for the admin key.")
    roles: dict[str, list[Role]] = Field(description="By organisation; `*` holds in every one.")
    permissions: dict[str, list[str] | None] = Field(
        description="Each permission held, with the organisations it holds in; null is every one."
    )


@router.get("/session", summary="Who I am")
async def read_session(
    principal: Annotated[PersonPrincipal, requires("self")],
) -> SessionOut:
    """The person (or the key) behind this request, as the gate sees them."""
    held: dict[str, list[str] | None] = {}
    for permission in sorted(PERMISSIONS):
        orgs = find_orgs(principal, permission)
        if orgs is None or orgs:
            held[permission] = None if orgs is None else sorted(orgs)
    return SessionOut(
        person=principal.person_id,
        roles={org: sorted(roles) for org, roles in principal.roles.items()},
        permissions=held,
    )


@router.delete(
    "/people/{id}/sessions",
    summary="Sign a person out everywhere",
    status_code=204,
    dependencies=[requires("people.write")],
)
async def end_sessions(request: Request, id: PersonName) -> Response:
    """Every session of theirs ends, within two seconds in every replica."""
    people, actor = read_people(request), read_principal(request)
    person = await run_in_threadpool(people.resolve_person, id, actor)
    await run_in_threadpool(people.end_sessions, actor, person.id)
    return Response(status_code=204)
