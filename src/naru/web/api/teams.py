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
    UnitPage,
    add_single_routes,
    create_unit,
    list_page,
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


add_single_routes(router, "team", "a team", "projects.write")
