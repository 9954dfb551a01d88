"""`/api/teams`: teams of an organisation."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from naru.web.access import requires
from naru.web.api.units import (
    After,
    Limit,
    NameIn,
    Parent,
    Ref,
    UnitCreated,
    UnitId,
    UnitOut,
    UnitPage,
    UnitPatch,
    create_unit,
    delete_unit,
    list_page,
    read_unit,
    update_unit,
)

router = APIRouter(prefix="/api/teams", tags=["identity"])


class TeamIn(NameIn):
    """A team to make."""

    org: Parent = None


ParentQuery = Annotated[
    str | None,
    Query(alias="org", max_length=400, description="Only those of this organisation (id or path)."),
]


@router.get("", summary="Teams you may see", dependencies=[requires("orgs.read")])
async def list_teams(
    request: Request, parent: ParentQuery = None, ref: Ref = None, limit: Limit = 200, after: After = ""
) -> UnitPage:
    """By id. Follow `next_after` until it is null."""
    return await list_page(request, "team", parent=parent, ref=ref, limit=limit, after=after)


@router.post(
    "",
    summary="Make a team",
    status_code=201,
    responses={200: {"model": UnitCreated, "description": "It was there already; nothing was changed."}},
    dependencies=[requires("projects.write")],
)
async def create_team(request: Request, response: Response, body: TeamIn) -> UnitCreated:
    """Making one whose name is there already changes nothing and gives it back."""
    return await create_unit(request, response, "team", body.name, body.org)


@router.get("/{id}", summary="One team", dependencies=[requires("orgs.read")])
async def read_team(request: Request, id: UnitId) -> UnitOut:
    """404 when there is none, or it is in an organisation that you may not see."""
    return await read_unit(request, "team", id)


@router.patch("/{id}", summary="Rename, disable or enable a team", dependencies=[requires("projects.write")])
async def update_team(request: Request, id: UnitId, patch: UnitPatch) -> UnitOut:
    """Disabling closes every key inside, in every replica within two seconds; enabling opens them again."""
    return await update_unit(request, "team", id, patch)


@router.delete(
    "/{id}", summary="Delete an empty team", status_code=204, dependencies=[requires("projects.write")]
)
async def delete_team(request: Request, id: UnitId) -> None:
    """409 when something is in it or it is a default one. The ledger keeps what was booked on it."""
    await delete_unit(request, "team", id)
