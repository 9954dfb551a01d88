"""`/api/audit`: the audit log by page and by entry, with proofs, checkpoints and verification."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Body, Depends, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from naru.audit import (
    AuditLog,
    AuditReader,
    Entry,
    EntryFilter,
    Finding,
    Kept,
    PublicKey,
    Report,
    describe,
    read_note,
)
from naru.kernel.audit import AuditEvent
from naru.kernel.errors import NotFound
from naru.web.access import read_context, read_principal, requires
from naru.web.api.exported import record_export
from naru.web.window import ns_from_time, time_from_ns

router = APIRouter(prefix="/api/audit", tags=["audit"])

_LARGEST: Final = 2**63 - 1
_PLAIN: Final = r"^[ -~]*$"
_BLOCK: Final = 200
_READ: Final = requires("audit.read", everywhere=True)
Seq = Annotated[int, Path(ge=1, le=_LARGEST, description="Number of the entry, from 1.")]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class EntryOut(_Answer):
    """One entry."""

    seq: int = Field(description="Gapless from 1.")
    id: str
    at: datetime
    at_ns: int
    actor: str = Field(description="`user:usr_…`, `key:key_…`, `admin-key`, `naru` or `unknown`.")
    action: str
    meaning: str = Field(description="What the action means, in a sentence.")
    target: str
    outcome: str = Field(description="`done`, `denied` or `failed`.")
    facts: dict[str, str | int | bool | None]
    prev_hash: str
    entry_hash: str

    @classmethod
    def of(cls, entry: Entry) -> EntryOut:
        return cls(
            seq=entry.seq,
            id=entry.id,
            at=time_from_ns(entry.at_ns),
            at_ns=entry.at_ns,
            actor=entry.actor,
            action=entry.action,
            meaning=describe(entry.action),
            target=entry.target,
            outcome=entry.outcome,
            facts=entry.read_facts(),
            prev_hash=entry.prev_hash,
            entry_hash=entry.entry_hash,
        )


class EntryPage(_Answer):
    """Entries, newest first."""

    entries: list[EntryOut]
    next_before: int | None = Field(description="Pass as `before` for the next page; null at the end.")


class ProofOut(_Answer):
    """Shows that an entry is in a signed checkpoint; `naru audit check-proof` checks it."""

    entry: str = Field(description="The canonical bytes of the entry, as text.")
    seq: int
    size: int = Field(description="Entries in the checkpoint.")
    leaf_hash: str
    path: list[str] = Field(description="Hashes from the leaf to the root, hex.")
    root: str
    checkpoint: str = Field(description="The signed note.")
    public_key: str | None = Field(description="Do not trust it from here: compare it with a copy of yours.")


class ConsistencyOut(_Answer):
    """Shows that the log at an older size is the beginning of the log now (RFC 6962)."""

    from_: int = Field(serialization_alias="from")
    to: int
    path: list[str]
    checkpoint: str | None


class CheckpointOut(_Answer):
    """The newest signed checkpoint."""

    checkpoint: str | None = Field(description="The signed note; null before the first one.")
    number: int | None
    size: int | None = Field(description="Entries it covers.")
    at: datetime | None
    entries: int = Field(description="Entries in the log now.")
    public_keys: list[str] = Field(description="Every key the log was signed with, newest last.")
    witness_failures: dict[str, str] = Field(description="Copies that could not be written last time.")


class FindingOut(_Answer):
    """One thing that is not as it was written."""

    kind: str
    what: str
    seq: int | None
    to_seq: int | None
    checkpoint: int | None

    @classmethod
    def of(cls, finding: Finding) -> FindingOut:
        return cls.model_validate(finding, from_attributes=True)


class ReportOut(_Answer):
    """The outcome of a verification."""

    is_intact: bool
    origin: str
    size: int
    root: str
    checkpoints: int
    kept: int = Field(description="Checkpoints from elsewhere that the log was compared with.")
    covered: int = Field(description="Entries that a checkpoint covers.")
    keys: list[str]
    findings: list[FindingOut]
    more: int
    at: datetime
    duration_ms: float

    @classmethod
    def of(cls, report: Report) -> ReportOut:
        fields = msgspec.structs.asdict(report)
        fields["findings"] = [FindingOut.of(finding) for finding in report.findings]
        fields["at"] = time_from_ns(report.at_ns)
        return cls.model_validate(fields)


class VerifyIn(BaseModel):
    """What to compare the log with, besides itself."""

    model_config = ConfigDict(extra="forbid")

    checkpoints: list[Annotated[str, Field(max_length=4096)]] = Field(
        [], max_length=100, description="Signed notes kept elsewhere."
    )
    public_keys: list[Annotated[str, Field(max_length=1024)]] = Field(
        [], max_length=20, description="Keys to trust instead of those beside the log."
    )


def read_log(request: Request) -> AuditLog:
    """The audit log.

    Raises:
        NotFound: this Naru has none.
    """
    log = read_context(request).audit_log
    if log is None:
        raise NotFound("This Naru has no audit log.")
    return log


def _reader(request: Request) -> AuditReader:
    return read_log(request).reader


def read_filter(
    actor: Annotated[str | None, Query(max_length=200, pattern=_PLAIN, description="Who, exact.")] = None,
    action: Annotated[
        str | None,
        Query(max_length=200, pattern=_PLAIN, description="What, exact; `key.` stands for all of them."),
    ] = None,
    target: Annotated[
        str | None, Query(max_length=200, pattern=_PLAIN, description="To what, exact.")
    ] = None,
    outcome: Annotated[Literal["done", "denied", "failed"] | None, Query()] = None,
    from_: Annotated[datetime | None, Query(alias="from", description="Begin, RFC 3339.")] = None,
    to: Annotated[datetime | None, Query(description="End (excluded), RFC 3339.")] = None,
) -> EntryFilter:
    """The filter a query string asks for."""
    return EntryFilter(
        actor=actor,
        action=action,
        target=target,
        outcome=outcome,
        from_ns=_bounded(from_),
        to_ns=_bounded(to),
    )


def _bounded(time: datetime | None) -> int | None:
    return None if time is None else min(max(ns_from_time(time), 0), _LARGEST)


Filter = Annotated[EntryFilter, Depends(read_filter)]


def list_page(
    reader: AuditReader, filter_: EntryFilter, *, limit: int, before: int | None
) -> tuple[list[Entry], int | None]:
    """One page and the cursor of the next, None at the end. Blocks on the database."""
    found = reader.list_entries(filter_, limit=limit + 1, before=before)
    page = found[:limit]
    return page, page[-1].seq if len(found) > limit else None


@router.get("", summary="Entries, newest first", dependencies=[_READ])
async def list_entries(
    request: Request,
    filter_: Filter,
    limit: Annotated[int, Query(ge=1, le=500, description="Entries a page.")] = 50,
    before: Annotated[
        int | None, Query(ge=1, le=_LARGEST, description="`next_before` of the page before this one.")
    ] = None,
) -> EntryPage:
    """A page of the audit log. Follow `next_before` until it is null; new entries do not shift the pages."""
    page, cursor = await run_in_threadpool(list_page, _reader(request), filter_, limit=limit, before=before)
    return EntryPage(entries=[EntryOut.of(entry) for entry in page], next_before=cursor)


@router.get("/checkpoint", summary="The newest checkpoint, and the public keys", dependencies=[_READ])
async def read_checkpoint(request: Request) -> CheckpointOut:
    """Keep it elsewhere: only a copy shows later that the log was cut off."""
    return await run_in_threadpool(_newest, read_log(request))


@router.post(
    "/checkpoint",
    summary="Sign a checkpoint now",
    dependencies=[requires("audit.write", everywhere=True)],
)
async def create_checkpoint(request: Request) -> CheckpointOut:
    """Covers everything written so far. Without new entries the newest one is answered: ask as often as you
    like."""
    log = read_log(request)
    await run_in_threadpool(log.flush)
    await run_in_threadpool(log.checkpoint)
    return await run_in_threadpool(_newest, log)


def _newest(log: AuditLog) -> CheckpointOut:
    note = log.reader.find_checkpoint()
    said = None if note is None else read_note(note)
    return CheckpointOut(
        checkpoint=note,
        number=None if said is None else said.number,
        size=None if said is None else said.size,
        at=None if said is None else time_from_ns(said.at_ns),
        entries=log.reader.read_size(),
        public_keys=[str(key) for key in log.reader.read_public_keys()],
        witness_failures=log.witness_failures,
    )


@router.get("/consistency", summary="Proof that an older log is the beginning of this", dependencies=[_READ])
async def read_consistency(
    request: Request,
    from_: Annotated[
        int, Query(alias="from", ge=1, le=_LARGEST, description="Entries of the older checkpoint.")
    ],
) -> ConsistencyOut:
    """For those who keep checkpoints and not the log."""
    found = await run_in_threadpool(_reader(request).read_consistency, from_)
    return ConsistencyOut(from_=found.pop("from"), **found)


@router.get("/verify", summary="Verify the whole log", dependencies=[_READ])
async def read_verification(request: Request) -> ReportOut:
    """Chain, tree, checkpoints and their copies. One at a time; a hundred thousand entries take seconds."""
    return await verify(request)


@router.post("/verify", summary="Verify against checkpoints kept elsewhere", dependencies=[_READ])
async def create_verification(request: Request, given: Annotated[VerifyIn, Body()]) -> ReportOut:
    """As `GET`, and compares with what you kept. Whoever owns the server could lie here: to trust nobody,
    export the log and verify the file."""
    kept = [Kept(f"the request, number {n}", note) for n, note in enumerate(given.checkpoints, 1)]
    keys = [PublicKey.parse(key) for key in given.public_keys]
    return await verify(request, kept=kept, keys=keys)


async def verify(
    request: Request, *, kept: list[Kept] | None = None, keys: list[PublicKey] | None = None
) -> ReportOut:
    """Verify, and write into the log that this was done."""
    log = read_log(request)
    report = await run_in_threadpool(log.reader.verify, kept=kept or (), keys=keys or ())
    log.record(
        AuditEvent(
            action="audit.verify",
            actor=read_principal(request).actor,
            target="audit",
            outcome="done" if report.is_intact else "failed",
            facts={"size": report.size, "findings": len(report.findings) + report.more},
        )
    )
    return ReportOut.of(report)


@router.get(
    "/export",
    summary="The log as a file",
    dependencies=[requires("audit.export", everywhere=True)],
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {}}, "description": "One JSON object a line."}},
)
async def export_entries(request: Request, filter_: Filter) -> StreamingResponse:
    """The log, its entries and its checkpoints, streamed. Without filters, `naru audit verify FILE` checks it
    anywhere."""
    await record_export(request, "audit.export", "audit", "jsonl", msgspec.structs.asdict(filter_))
    headers = {"content-disposition": 'attachment; filename="naru-audit.jsonl"'}
    return StreamingResponse(
        _lines(_reader(request).export(filter_)), media_type="application/x-ndjson", headers=headers
    )


def _lines(found: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    while block := list(islice(found, _BLOCK)):
        yield b"".join(msgspec.json.encode(line) + b"\n" for line in block)


@router.get("/{seq}", summary="One entry", dependencies=[_READ])
async def read_entry(request: Request, seq: Seq) -> EntryOut:
    """Everything that is written of one act."""
    return EntryOut.of(await run_in_threadpool(find_entry, _reader(request), seq))


def find_entry(reader: AuditReader, seq: int) -> Entry:
    """One entry. Blocks.

    Raises:
        NotFound: there is none of this number.
    """
    entry = reader.find_entry(seq)
    if entry is None:
        raise NotFound("The audit log has no entry with this number.", code="entry_not_found")
    return entry


@router.get("/{seq}/proof", summary="Proof that an entry is in the newest checkpoint", dependencies=[_READ])
async def read_proof(request: Request, seq: Seq) -> ProofOut:
    """Whoever has the public key can check it without this server: docs/audit.md says how."""
    return ProofOut(**await run_in_threadpool(_reader(request).read_proof, seq))
