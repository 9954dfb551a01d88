"""`/api/vault`: what is sealed, rotation of the operator's key, and shredding."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from naru.kernel.errors import NotFound
from naru.trust.records import Records
from naru.trust.vault import Holding, Rotation
from naru.web.access import read_context, read_principal, requires
from naru.web.window import ns_from_time, time_from_ns

router = APIRouter(prefix="/api/vault", tags=["vault"])


class HoldingOut(BaseModel):
    """One kind of sealed record."""

    name: str = Field(description="`conversations`, `captures` or `feedback`.")
    records: int
    bytes: int
    oldest_at: datetime | None
    by_key: dict[str, int] = Field(description="Records by the name of the operator's key that wraps them.")

    @classmethod
    def of(cls, holding: Holding) -> Self:
        oldest = holding.oldest_at_ns
        return cls(
            name=holding.name,
            records=holding.records,
            bytes=holding.bytes,
            oldest_at=None if oldest is None else time_from_ns(oldest),
            by_key=holding.by_key,
        )


class VaultOut(BaseModel):
    """What is kept beyond a call."""

    mode: str = Field(description="Where named conversations are kept: `memory` or `sealed`.")
    holdings: list[HoldingOut]
    dropped: int = Field(description="Records this process had no place for, since its start.")
    failures: int = Field(description="Conversations it could not read or write, since its start.")


class RotateIn(BaseModel):
    """How to rotate."""

    model_config = ConfigDict(extra="forbid")

    keep_key: bool = Field(
        False, description="Make no new key: the newest in the file is the one to wrap with."
    )


class RotationOut(BaseModel):
    """What a rotation did."""

    vault_key: str = Field(description="Name of the key that wraps everything now.")
    rewrapped: int
    broken: int = Field(description="Records that no key of the file opened, before either.")
    dropped_keys: int

    @classmethod
    def of(cls, rotation: Rotation) -> Self:
        return cls.model_validate(rotation, from_attributes=True)


class ShredIn(BaseModel):
    """What to shred; conditions hold together."""

    model_config = ConfigDict(extra="forbid")

    conversation: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="Its name, as sent in x-naru-conversation. Needs `owner`."
    )
    owner: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        None, description="Id of the key that the conversation is called with."
    )
    org: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        None, description="Id of an organisation: everything of it."
    )
    before: datetime | None = Field(None, description="Everything made before, RFC 3339.")


class ShredOut(BaseModel):
    """What was shredded."""

    shredded: dict[str, int] = Field(description="Records by table.")


def read_records(request: Request) -> Records:
    """What trust keeps.

    Raises:
        NotFound: this Naru keeps nothing.
    """
    records = read_context(request).records
    if records is None:
        raise NotFound("This Naru keeps no such records.")
    return records


@router.get("", summary="What is sealed", dependencies=[requires("vault.read", everywhere=True)])
async def read_vault(request: Request) -> VaultOut:
    """Counts and sizes by table and by wrapping key; nothing of what is in them."""
    records = read_records(request)
    holdings = await run_in_threadpool(records.keeper.read_holdings)
    sealed = records.conversations
    return VaultOut(
        mode=records.keeper.mode,
        holdings=[HoldingOut.of(holding) for holding in holdings],
        dropped=records.writer.dropped,
        failures=0 if sealed is None else sealed.failures,
    )


@router.post(
    "/rotate", summary="Rotate the operator's key", dependencies=[requires("vault.write", everywhere=True)]
)
async def rotate(request: Request, body: RotateIn) -> RotationOut:
    """A new key wraps every data key, and the older ones are forgotten. Calls go on meanwhile."""
    records, actor = read_records(request), read_principal(request).actor
    return RotationOut.of(
        await run_in_threadpool(records.keeper.rotate, actor=actor, makes_key=not body.keep_key)
    )


@router.post("/shred", summary="Shred records", dependencies=[requires("vault.write", everywhere=True)])
async def shred(request: Request, body: ShredIn) -> ShredOut:
    """Overwrites and deletes the wrapped keys, so that what they sealed cannot be read again. What replicas
    hold in memory ends with the next call of the conversation."""
    records, actor = read_records(request), read_principal(request).actor
    before_ns = None if body.before is None else ns_from_time(body.before)
    done = await run_in_threadpool(
        lambda: records.keeper.shred(
            actor=actor,
            conversation=body.conversation,
            owner=body.owner,
            org=body.org,
            before_ns=before_ns,
        )
    )
    return ShredOut(shredded=done)
