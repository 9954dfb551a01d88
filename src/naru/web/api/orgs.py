"""`/api/orgs`: organisations, each a house of its own."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from naru.web.access import requires
from naru.web.api.units import (
    After,
    Limit,
    NameIn,
    Ref,
    UnitCreated,
    UnitPage,
    add_single_routes,
    create_unit,
    list_page,
)

router = APIRouter(prefix="/api/orgs", tags=["identity"])


@router.get("", summary="Organisations you may see", dependencies=[requires("orgs.read")])
async def list_orgs(request: Request, ref: Ref = None, limit: Limit = 200, after: After = "") -> UnitPage:
    """By id. Follow `next_after` until it is null."""
    return await list_page(request, "org", parent=None, ref=ref, limit=limit, after=after)


@router.post(
    "",
    summary="Make an organisation",
    status_code=201,
    responses={200: {"model": UnitCreated, "description": "It was there already; nothing was changed."}},
    dependencies=[requires("orgs.write", everywhere=True)],
)
async def create_org(request: Request, response: Response, body: NameIn) -> UnitCreated:
    """Making one whose name is there already changes nothing and gives it back."""
    return await create_unit(request, response, "org", body.name)


add_single_routes(router, "org", "an organisation", "orgs.write")
