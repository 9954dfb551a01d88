"""`/api/keys`: keys of projects. A secret is in the answer that made it, and nowhere else, ever."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime, Field
from pydantic import BaseModel as Out
from starlette.concurrency import run_in_threadpool

from naru.identity import DEFAULT_OVERLAP_S, MAX_OVERLAP_S, Key, KeyScope, UnitKind
from naru.kernel.errors import BadRequest
from naru.web.access import read_context, read_principal, requires
from naru.web.api.units import In, Limit
from naru.web.window import ns_from_time, time_from_ns

router = APIRouter(prefix="/api/keys", tags=["identity"])

KeyId = Annotated[str, Path(max_length=64, description="Its id, `key_…`.")]
_Unit = Query(max_length=400, description="Only those of this one (id or path); one of the three at most.")
_Names = Annotated[list[Annotated[str, Field(max_length=256)]], Field(max_length=200)]
_Tags = Annotated[dict[str, str], Field(max_length=20)]


class KeyIn(In):
    """A key to make. An empty list means no restriction."""

    name: str = Field(max_length=400, description="1 to 100 printable characters, no slash.")
    project: str | None = Field(None, max_length=400, description="Id or path; default: the default project.")
    models: _Names = Field([], description="Patterns of model names as clients write them; `*`, `?`.")
    endpoints: _Names = Field([], description="chat, completions, responses, messages, embeddings.")
    sites: _Names = Field([], description="Sites of providers at which its calls may be answered.")
    tags: _Tags = Field({}, description="On every call of the key; the client cannot change them.")
    expires_at: AwareDatetime | None = Field(None, description="RFC 3339; null: never.")


class KeyPatch(In):
    """What to change; what is left out stays."""

    name: str | None = Field(None, max_length=400)
    disabled: bool | None = None
    models: _Names | None = None
    endpoints: _Names | None = None
    sites: _Names | None = None
    tags: _Tags | None = None
    expires_at: AwareDatetime | None = Field(None, description="null, when it is there: never.")


class RotateIn(In):
    """How to rotate."""

    overlap_s: int = Field(
        DEFAULT_OVERLAP_S,
        ge=0,
        le=MAX_OVERLAP_S,
        description="Seconds for which secrets from before still open; 0 ends them at once.",
    )


class KeyOut(Out):
    """A key, without its secret."""

    id: str
    name: str
    path: str = Field(description="Organisation, team, project and its name.")
    prefix: str = Field(description="Visible beginning of the newest secret.")
    org: str
    team: str
    project: str
    models: list[str]
    endpoints: list[str]
    sites: list[str]
    tags: dict[str, str]
    disabled: bool = Field(description="By itself.")
    active: bool = Field(description="It opens now: not disabled, revoked or expired, nor is what it is in.")
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To about five minutes.")
    overlap_until: datetime | None = Field(description="Until when a secret from before a rotation opens.")

    @classmethod
    def of(cls, key: Key) -> Self:
        return cls(**_fields(key))


class KeyCreated(KeyOut):
    """The key as it was made or was there already."""

    created: bool = Field(description="False when the project had a key of this name: nothing was changed.")
    secret: str | None = Field(description="The key itself, shown this once; null when it was not made now.")


class KeyRotated(KeyOut):
    """The key with its new secret."""

    secret: str = Field(description="The new key, shown this once.")


class KeyPage(Out):
    """Keys, newest first."""

    items: list[KeyOut]
    next_before: str | None = Field(description="`before` of the next page; null at the end.")


@router.get("", summary="Keys you may see", dependencies=[requires("keys.read")])
async def list_keys(
    request: Request,
    org: Annotated[str | None, _Unit] = None,
    team: Annotated[str | None, _Unit] = None,
    project: Annotated[str | None, _Unit] = None,
    ref: Annotated[
        str | None,
        Query(
            max_length=400, description="Only the one with this id, visible prefix, path or end of a path."
        ),
    ] = None,
    revoked: Annotated[bool, Query(description="Revoked ones too.")] = False,
    limit: Limit = 200,
    before: Annotated[
        str | None, Query(max_length=64, description="`next_before` of the page before this one.")
    ] = None,
) -> KeyPage:
    """Newest first. Follow `next_before` until it is null."""
    keys, principal = read_context(request).keys, read_principal(request)
    if ref is not None:
        key = await run_in_threadpool(keys.resolve, principal, ref)
        return KeyPage(items=[KeyOut.of(key)], next_before=None)
    given: list[tuple[UnitKind, str]] = []
    if org is not None:
        given.append(("org", org))
    if team is not None:
        given.append(("team", team))
    if project is not None:
        given.append(("project", project))
    if len(given) > 1:
        raise BadRequest("Name one of org, team and project, not several.", param=given[1][0])
    unit = given[0] if given else None
    found = await run_in_threadpool(
        lambda: keys.list_keys(principal, unit=unit, with_revoked=revoked, limit=limit + 1, before=before)
    )
    next_before = found[limit - 1].id if len(found) > limit else None
    return KeyPage(items=[KeyOut.of(key) for key in found[:limit]], next_before=next_before)


@router.post(
    "",
    summary="Make a key",
    status_code=201,
    responses={200: {"model": KeyCreated, "description": "It was there already; nothing was changed."}},
    dependencies=[requires("keys.write")],
)
async def create_key(request: Request, response: Response, body: KeyIn) -> KeyCreated:
    """The answer holds the secret, this once. Where the project has a key of this name that was not revoked,
    it is given back as it is, without a secret."""
    keys, principal = read_context(request).keys, read_principal(request)
    scope = KeyScope(
        models=tuple(body.models),
        endpoints=tuple(body.endpoints),
        sites=tuple(body.sites),
        tags=body.tags,
        expires_at_ns=_expiry_ns(body.expires_at),
    )
    issued = await run_in_threadpool(
        lambda: keys.create(principal, body.name, project=body.project, scope=scope)
    )
    response.status_code = 201 if issued.is_new else 200
    return KeyCreated(created=issued.is_new, secret=issued.secret, **_fields(issued.key))


@router.get("/{id}", summary="One key", dependencies=[requires("keys.read")])
async def read_key(request: Request, id: KeyId) -> KeyOut:
    """404 when there is none, or it is in an organisation that you may not see."""
    return KeyOut.of(await run_in_threadpool(read_context(request).keys.read, read_principal(request), id))


@router.patch("/{id}", summary="Change a key", dependencies=[requires("keys.write")])
async def update_key(request: Request, id: KeyId, patch: KeyPatch) -> KeyOut:
    """Its name, whether it opens, and what it may reach; in force everywhere within two seconds."""
    keys, principal = read_context(request).keys, read_principal(request)
    scope: dict[str, Any] = {
        name: tuple(value)
        for name in ("models", "endpoints", "sites")
        if (value := getattr(patch, name)) is not None
    }
    if patch.tags is not None:
        scope["tags"] = patch.tags
    if "expires_at" in patch.model_fields_set:
        scope["expires_at_ns"] = _expiry_ns(patch.expires_at)
    key = await run_in_threadpool(
        lambda: keys.update(principal, id, name=patch.name, is_disabled=patch.disabled, scope=scope)
    )
    return KeyOut.of(key)


@router.post("/{id}/rotate", summary="Give a key a new secret", dependencies=[requires("keys.write")])
async def rotate_key(request: Request, id: KeyId, body: RotateIn | None = None) -> KeyRotated:
    """The new secret opens at once, those from before for `overlap_s` more seconds (a day when not said)."""
    keys, principal = read_context(request).keys, read_principal(request)
    overlap_s = (body or RotateIn()).overlap_s
    issued = await run_in_threadpool(lambda: keys.rotate(principal, id, overlap_s=overlap_s))
    return KeyRotated(secret=issued.secret or "", **_fields(issued.key))


@router.post("/{id}/revoke", summary="Revoke a key for good", dependencies=[requires("keys.write")])
async def revoke_key(request: Request, id: KeyId) -> KeyOut:
    """It opens nothing more, here at once and in every replica within two seconds. Again changes nothing."""
    return KeyOut.of(await run_in_threadpool(read_context(request).keys.revoke, read_principal(request), id))


def _expiry_ns(moment: datetime | None) -> int | None:
    return None if moment is None else ns_from_time(moment)


def _fields(key: Key) -> dict[str, Any]:
    def moment(ns: int | None) -> datetime | None:
        return None if ns is None else time_from_ns(ns)

    return {
        "id": key.id,
        "name": key.name,
        "path": key.path,
        "prefix": key.prefix,
        "org": key.org_id,
        "team": key.team_id,
        "project": key.project_id,
        "models": list(key.models),
        "endpoints": list(key.endpoints),
        "sites": list(key.sites),
        "tags": dict(key.tags),
        "disabled": key.is_disabled,
        "active": key.is_active,
        "created_by": key.created_by,
        "created_at": moment(key.created_at_ns),
        "expires_at": moment(key.expires_at_ns),
        "revoked_at": moment(key.revoked_at_ns),
        "last_used_at": moment(key.last_used_at_ns),
        "overlap_until": moment(key.overlap_until_ns),
    }
