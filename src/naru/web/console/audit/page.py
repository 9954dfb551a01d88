"""The audit log in the console: the list with its state, one entry with its proof, and verification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from naru.audit import ACTIONS, AuditLog, Entry, EntryFilter, describe, read_note
from naru.kernel.errors import Conflict, NotFound, Unavailable
from naru.web.access import may, read_context, requires
from naru.web.api.audit import find_entry, list_page, read_log, verify
from naru.web.console.frame import render
from naru.web.window import NS, RANGES

router = APIRouter(prefix="/audit")

_PAGE: Final = 50
_LARGEST: Final = 2**63 - 1
_READ: Final = requires("audit.read", everywhere=True)
_OUTCOMES: Final = ("done", "denied", "failed")
_AREAS: Final = tuple(sorted({f"{action.partition('.')[0]}." for action in ACTIONS}))


@router.get("", name="audit_page", dependencies=[_READ])
async def show_entries(
    request: Request,
    q: Annotated[str, Query(max_length=200)] = "",
    action: Annotated[str, Query(max_length=200)] = "",
    outcome: str = "",
    range: str = "",
    before: Annotated[int | None, Query(ge=1, le=_LARGEST)] = None,
) -> Response:
    """The list. `q` is the number of an entry, which opens it, or who acted, or to what."""
    q = q.strip()
    if q.isdecimal() and q.isascii() and 0 < int(q) <= _LARGEST:
        return RedirectResponse(f"/audit/{int(q)}", 303)
    log = read_log(request)
    is_actor = q.startswith(("user:", "admin-key", "unknown")) or q == "naru"
    chosen = {
        "q": q,
        "action": action if action in ACTIONS or action in _AREAS else "",
        "outcome": outcome if outcome in _OUTCOMES else "",
        "range": range if range in RANGES else "",
    }
    now_ns = read_context(request).clock.now_ns()
    plain = q.replace("\x00", "")
    filter_ = EntryFilter(
        actor=plain if q and is_actor else None,
        target=plain if q and not is_actor else None,
        action=chosen["action"] or None,
        outcome=chosen["outcome"] or None,
        from_ns=now_ns - RANGES[chosen["range"]] * NS if chosen["range"] else None,
    )
    entries, cursor = await run_in_threadpool(list_page, log.reader, filter_, limit=_PAGE, before=before)
    return render(
        request,
        "audit/list.html",
        area="audit",
        values={
            "entries": [_shown(entry) for entry in entries],
            "chosen": chosen,
            "is_filtered": any(chosen.values()),
            "areas": _AREAS,
            "outcomes": _OUTCOMES,
            "ranges": tuple(RANGES),
            "older": _link(chosen | {"before": str(cursor)}) if cursor is not None else None,
            "newest": _link(chosen) if before is not None else None,
            "state": await run_in_threadpool(_read_state, log),
            "may_export": may(request, "audit.export", "*"),
        },
    )


@router.get("/verify", name="audit_verify_page", dependencies=[_READ])
async def show_verification(request: Request) -> Response:
    """What the last verification of this process found."""
    log = read_log(request)
    return _report(request, log.reader.last_report, await run_in_threadpool(_read_state, log))


@router.post("/verify", name="audit_verify", dependencies=[_READ])
async def run_verification(request: Request) -> Response:
    """Verify now, and show what was found."""
    log, is_busy = read_log(request), False
    try:
        await verify(request)
    except Unavailable:
        is_busy = True
    return _report(request, log.reader.last_report, await run_in_threadpool(_read_state, log), is_busy)


def _report(request: Request, report: Any, state: Mapping[str, Any], is_busy: bool = False) -> Response:
    values = {"report": report, "state": state, "is_busy": is_busy}
    return render(request, "audit/verify.html", area="audit", values=values)


@router.get("/checkpoint", name="audit_checkpoint", dependencies=[_READ])
async def download_checkpoint(request: Request) -> Response:
    """The newest checkpoint as a file, to be kept elsewhere."""
    note = await run_in_threadpool(read_log(request).reader.find_checkpoint)
    if note is None:
        raise NotFound("There is no checkpoint yet.")
    headers = {"content-disposition": 'attachment; filename="naru-checkpoint.txt"'}
    return PlainTextResponse(note, headers=headers)


@router.get("/{seq}", name="audit_entry_page", dependencies=[_READ])
async def show_entry(request: Request, seq: Annotated[int, Path(ge=1, le=_LARGEST)]) -> Response:
    """One entry, its hashes, and the proof that it is in the newest checkpoint."""
    log = read_log(request)
    entry = await run_in_threadpool(find_entry, log.reader, seq)
    try:
        proof: dict[str, Any] | None = await run_in_threadpool(log.reader.read_proof, seq)
        reason = ""
    except Conflict as error:
        proof, reason = None, error.code
    values = {
        "entry": _shown(entry),
        "proof": proof,
        "reason": reason,
        "checkpoint": None if proof is None else read_note(proof["checkpoint"]),
        "state": await run_in_threadpool(_read_state, log),
    }
    return render(request, "audit/entry.html", area="audit", values=values)


def _shown(entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "id": entry.id,
        "at_ns": entry.at_ns,
        "actor": entry.actor,
        "action": entry.action,
        "meaning": describe(entry.action),
        "target": entry.target,
        "outcome": entry.outcome,
        "facts": entry.read_facts(),
        "prev_hash": entry.prev_hash,
        "entry_hash": entry.entry_hash,
    }


def _read_state(log: AuditLog) -> dict[str, Any]:
    note = log.reader.find_checkpoint()
    return {
        "size": log.reader.read_size(),
        "note": note,
        "checkpoint": None if note is None else read_note(note),
        "report": log.reader.last_report,
        "keys": [str(key) for key in log.reader.read_public_keys()],
        "failures": log.witness_failures,
    }


def _link(query: Mapping[str, str]) -> str:
    text = urlencode({name: value for name, value in query.items() if value})
    return f"/audit?{text}" if text else "/audit"
