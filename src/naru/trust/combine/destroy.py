"""Destruction (파기) with evidence: what was deleted, when, why, under which hash; signed, and itself kept.

A file is overwritten once and unlinked. Copies elsewhere, backups and the spare blocks of flash storage are
beyond its reach: what makes old keys worthless is that the project's secret is gone.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any, Final

from naru.kernel.errors import BadRequest, NotFound
from naru.trust.combine.clock import What, require_destroyable, stamp
from naru.trust.combine.export import verify
from naru.trust.combine.files import hash_file, replacing
from naru.trust.combine.signing import ensure_signer, is_signed
from naru.trust.combine.workspace import Workspace

_CHUNK: Final = 1 << 20


def destroy(work: Workspace, what: What, *, pack: Path | None = None, reason: str = "") -> dict[str, Any]:
    """Delete keys, links and serials, or everything.

    Args:
        pack: shows to a folder other than the body's that the export happened.
        reason: for doing it before its time; stands in the evidence.

    Raises:
        Conflict: it is too early, and no reason is given.
        NotFound: there is nothing left of it.
    """
    steps = work.read_state()["steps"]
    is_exported = "export" in steps or (pack is not None and _is_ours(work, pack))
    require_destroyable(work.plan, work.clock, what, is_exported=is_exported, reason=reason)
    paths = [path for path in _doomed(work, what) if path.is_file()]
    if not paths:
        raise NotFound("nothing is left to destroy here")
    signer = ensure_signer(work.signing_key)
    at = stamp(work.clock)
    record: dict[str, Any] = {
        "format": "naru-combine-destruction-v1",
        "project": work.plan.project.name,
        "what": what,
        "at": at,
        "by": work.actor,
        "reason": reason or ("destruction date" if what == "all" else "exported"),
        "files": [
            {
                "path": str(path.relative_to(work.folder)),
                "bytes": path.stat().st_size,
                "sha256": hash_file(path),
            }
            for path in paths
        ],
        "public_key": signer.public,
    }
    record["signature"] = signer.sign(_signed_bytes(record))
    work.tell(
        "combine.destroy",
        f"combine:{work.plan.project.name}",
        {"what": what, "files": len(paths), "is_early": bool(reason)},
    )
    for path in paths:
        _erase(path)
    evidence = work.evidence / f"destroyed-{what}-{at.replace(':', '')}.json"
    with replacing(evidence) as file:
        json.dump(record, file, ensure_ascii=False, indent=1)
    if what == "all":
        _erase(work.signing_key)
    return {"files": len(paths), "evidence": str(evidence), "at": at}


def verify_evidence(path: Path) -> bool:
    """Whether a record of destruction is as it was signed, by the key that it names itself.

    Raises:
        BadRequest: it is no such record.
    """
    try:
        record = json.loads(path.read_text("utf-8"))
        signature = str(record.pop("signature"))
        public = str(record["public_key"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise BadRequest(f"{path} is no record of `naru combine destroy`") from None
    return is_signed(_signed_bytes(record), signature, public)


def _signed_bytes(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, sort_keys=True).encode()


def _is_ours(work: Workspace, pack: Path) -> bool:
    found = verify(pack)
    return bool(found["holds"] and found["project"] == work.plan.project.name)


def _doomed(work: Workspace, what: What) -> list[Path]:
    parties = list(work.plan.parties)
    found = [work.secret, work.links]
    found += [
        path for party in parties for path in (work.keys(party), work.attributes(party), work.extract(party))
    ]
    found.append(work.table("mock"))
    if what == "all":
        found += [work.table("joined"), work.table("treated"), work.pack, work.link_counts]
        found += [work.counts(party) for party in parties]
        found += [work.report(name) for name in ("mock", "joined", "treated")]
    # Half-written files of runs that were killed hold the same.
    return found + [path.with_name(f".{path.name}.part") for path in found]


def _erase(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        left = size
        while left > 0:
            file.write(secrets.token_bytes(min(left, _CHUNK)))
            left -= _CHUNK
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
