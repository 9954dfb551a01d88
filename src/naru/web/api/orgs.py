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


@router.get("/{id}", summary="One organisation", dependencies=[requires("orgs.read")])
async def read_org(request: Request, id: UnitId) -> UnitOut:
    """404 when there is none, or it is in an organisation that you may not see."""
    return await read_unit(request, "org", id)


@router.patch(
    "/{id}", summary="Rename, disable or enable an organisation", dependencies=[requires("orgs.write")]
)
async def update_org(request: Request, id: UnitId, patch: UnitPatch) -> UnitOut:
    """Disabling closes every key inside, in every replica within two seconds; enabling opens them again."""
    return await update_unit(request, "org", id, patch)


@router.delete(
    "/{id}", summary="Delete an empty organisation", status_code=204, dependencies=[requires("orgs.write")]
)
async def delete_org(request: Request, id: UnitId) -> None:
    """409 when something is in it or it is a default one. The ledger keeps what was booked on it."""
    await delete_unit(request, "org", id)
