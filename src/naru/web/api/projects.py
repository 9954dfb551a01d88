"""`/api/projects`: projects of a team; keys belong to them."""

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

router = APIRouter(prefix="/api/projects", tags=["identity"])


class ProjectIn(NameIn):
    """A project to make."""

    team: Parent = None


ParentQuery = Annotated[
    str | None, Query(alias="team", max_length=400, description="Only those of this team (id or path).")
]


@router.get("", summary="Projects you may see", dependencies=[requires("orgs.read")])
async def list_projects(
    request: Request, parent: ParentQuery = None, ref: Ref = None, limit: Limit = 200, after: After = ""
) -> UnitPage:
    """By id. Follow `next_after` until it is null."""
    return await list_page(request, "project", parent=parent, ref=ref, limit=limit, after=after)


@router.post(
    "",
    summary="Make a project",
    status_code=201,
    responses={200: {"model": UnitCreated, "description": "It was there already; nothing was changed."}},
    dependencies=[requires("projects.write")],
)
async def create_project(request: Request, response: Response, body: ProjectIn) -> UnitCreated:
    """Making one whose name is there already changes nothing and gives it back."""
    return await create_unit(request, response, "project", body.name, body.team)


add_single_routes(router, "project", "a project", "projects.write")
