"""What `/api/orgs`, `/api/teams` and `/api/projects` have in common: shapes, and the verbs behind them.

Callers see what is in organisations where they may read, and 404 for the rest, whether it exists or not.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from naru.identity import Permission, Unit, UnitKind
from naru.web.access import read_context, read_principal, requires
from naru.web.window import time_from_ns

UnitId = Annotated[str, Path(max_length=64, description="Its id.")]
Ref = Annotated[
    str | None,
    Query(
        max_length=400,
        description="Only the one with this id, path, or end of a path (404 if there is none).",
    ),
]
Limit = Annotated[int, Query(ge=1, le=500, description="How many on a page.")]
After = Annotated[str, Query(max_length=64, description="`next_after` of the page before this one.")]
Parent = Annotated[
    str | None, Field(None, max_length=400, description="Its id or path; default: the default one.")
]


class In(BaseModel):
    """A body; a field nobody knows is refused, so that a misspelt one is not taken for done."""

    model_config = ConfigDict(extra="forbid")


class NameIn(In):
    """A name to make something by."""

    name: str = Field(max_length=400, description="1 to 100 printable characters, no slash.")


class UnitPatch(In):
    """What to change; what is left out stays."""

    name: str | None = Field(None, max_length=400, description="New name.")
    disabled: bool | None = Field(
        None, description="True: no key in it opens, within two seconds and in every replica."
    )


class UnitOut(BaseModel):
    """An organisation, a team or a project."""

    id: str
    kind: Literal["org", "team", "project"]
    name: str
    path: str = Field(description="Names from the organisation down.")
    parent: str | None = Field(description="Id of what it is in; null for an organisation.")
    org: str = Field(description="Id of its organisation.")
    disabled: bool = Field(description="By itself.")
    active: bool = Field(description="Neither it nor what it is in is disabled.")
    created_at: datetime

    @classmethod
    def of(cls, unit: Unit) -> Self:
        return cls(
            id=unit.id,
            kind=unit.kind,
            name=unit.name,
            path=unit.path,
            parent=unit.parent_id,
            org=unit.org_id,
            disabled=unit.is_disabled,
            active=unit.is_active,
            created_at=time_from_ns(unit.created_at_ns),
        )


class UnitCreated(UnitOut):
    """It, as it was made or was there already."""

    created: bool = Field(description="False when one of this name was there: nothing was changed then.")


class UnitPage(BaseModel):
    """Some of them, by id."""

    items: list[UnitOut]
    next_after: str | None = Field(description="`after` of the next page; null at the end.")


async def list_page(
    request: Request, kind: UnitKind, *, parent: str | None, ref: str | None, limit: int, after: str
) -> UnitPage:
    """A page, or the one that `ref` names."""
    units, principal = read_context(request).units, read_principal(request)
    if ref is not None:
        unit = await run_in_threadpool(units.resolve, principal, kind, ref)
        return UnitPage(items=[UnitOut.of(unit)], next_after=None)
    found = await run_in_threadpool(
        lambda: units.list_units(principal, kind, parent=parent, limit=limit + 1, after=after)
    )
    next_after = found[limit - 1].id if len(found) > limit else None
    return UnitPage(items=[UnitOut.of(unit) for unit in found[:limit]], next_after=next_after)


async def create_unit(
    request: Request, response: Response, kind: UnitKind, name: str, parent: str | None = None
) -> UnitCreated:
    """201 when it was made, 200 when it was there."""
    units, principal = read_context(request).units, read_principal(request)
    unit, is_new = await run_in_threadpool(lambda: units.create(principal, kind, name, parent=parent))
    response.status_code = 201 if is_new else 200
    return UnitCreated(created=is_new, **UnitOut.of(unit).model_dump())


def add_single_routes(router: APIRouter, kind: UnitKind, noun: str, permission: Permission) -> None:
    """Reading, changing and deleting one: alike on every level.

    Args:
        noun: with its article, for summaries.
        permission: to change and delete.
    """

    @router.get(
        "/{id}",
        name=f"read_{kind}",
        summary=f"One {noun.rsplit(maxsplit=1)[-1]}",
        dependencies=[requires("orgs.read")],
    )
    async def read(request: Request, id: UnitId) -> UnitOut:
        """404 when there is none, or it is in an organisation that you may not see."""
        units = read_context(request).units
        return UnitOut.of(await run_in_threadpool(units.read, read_principal(request), kind, id))

    @router.patch(
        "/{id}",
        name=f"update_{kind}",
        summary=f"Rename, disable or enable {noun}",
        dependencies=[requires(permission)],
    )
    async def update(request: Request, id: UnitId, patch: UnitPatch) -> UnitOut:
        """Disabling closes every key inside, in every replica within two seconds; enabling reopens them."""
        units, principal = read_context(request).units, read_principal(request)
        unit = await run_in_threadpool(
            lambda: units.update(principal, kind, id, name=patch.name, is_disabled=patch.disabled)
        )
        return UnitOut.of(unit)

    @router.delete(
        "/{id}",
        name=f"delete_{kind}",
        summary=f"Delete an empty {noun.rsplit(maxsplit=1)[-1]}",
        status_code=204,
        dependencies=[requires(permission)],
    )
    async def delete(request: Request, id: UnitId) -> None:
        """409 when something is in it or it is a default one. The ledger keeps what was booked on it."""
        await run_in_threadpool(read_context(request).units.delete, read_principal(request), kind, id)
