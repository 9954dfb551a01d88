"""The pack that leaves (반출): data, report and hashes in one signed zip. What may not leave is refused here.

A pack is only made of a treated table whose measurement is of this very table under the plan's present
bounds. Its data may be opened in a spreadsheet: no cell of it runs there as a formula.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from naru.kernel.cells import quote_formula
from naru.kernel.errors import BadRequest, Conflict, NotFound
from naru.trust.combine.check import settings_of
from naru.trust.combine.clock import require_open, stamp
from naru.trust.combine.files import hash_file
from naru.trust.combine.join import read_joined, read_rates
from naru.trust.combine.report import write_report
from naru.trust.combine.signing import ensure_signer, is_signed
from naru.trust.combine.table import Table
from naru.trust.combine.workspace import Workspace

MANIFEST: Final = "MANIFEST.json"
SIGNATURE: Final = "MANIFEST.sig"
_SECRET_SHAPE: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}|naru-combine-key.*")
_MAX_SMALL_BYTES: Final = 16 << 20
_PART_CHARS: Final = 1 << 16


def export(work: Workspace) -> dict[str, Any]:
    """Write the pack.

    Raises:
        Conflict: the bounds do not hold, or were not measured on this table.
    """
    require_open(work.plan, work.clock)
    steps = work.read_state()["steps"]
    path = work.table("treated")
    if not path.is_file() or "treat" not in steps:
        raise NotFound("there is no treated table; `naru combine treat` makes one")
    for name in ("check:joined", "check:treated"):
        if name not in steps:
            raise Conflict(f"not measured yet: `naru combine check --table {name.partition(':')[2]}` first")
    checked = work.is_done("check:treated", {"table": path}, settings_of(work.plan))
    if checked is None:
        raise Conflict(
            "the treated table or the bounds changed since they were measured; run `naru combine check "
            "--table treated` again"
        )
    if not checked["holds"]:
        raise Conflict("the bounds do not hold for the treated table; nothing is exported")
    table = read_joined(work, "treated")
    _refuse_keys(work, table)
    inputs = {"treated": path, "check": work.report("treated"), "joined": work.report("joined")}
    done = work.is_done("export", inputs)
    if done is not None:
        return {**done, "unchanged": True}
    signer = ensure_signer(work.signing_key)
    made_at = stamp(work.clock)
    joined, treated = (json.loads(work.report(name).read_text("utf-8")) for name in ("joined", "treated"))
    report = write_report(work.plan, read_rates(work), joined, treated, steps["treat"]["facts"], made_at)
    texts = {
        "report.md": report,
        "checks.json": json.dumps({"joined": joined, "treated": treated}, ensure_ascii=False, indent=1),
        "treatment.json": json.dumps(steps["treat"]["facts"], ensure_ascii=False, indent=1),
        "plan.toml": work.plan_path.read_text("utf-8-sig"),
    }
    manifest = {
        "format": "naru-combine-pack-v1",
        "project": work.plan.project.name,
        "purpose": work.plan.project.purpose,
        "made_at": made_at,
        "destroy_on": str(work.plan.project.destroy_on),
        "rows": checked["rows"],
        "public_key": signer.public,
    }
    work.pack.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = work.pack.with_name(f".{work.pack.name}.part")
    try:
        with (
            os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as pack,
        ):
            with pack.open("data.csv", "w", force_zip64=True) as data:
                files = {"data.csv": _write_data(table, data)}
            manifest["files"] = files | {
                name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()
            }
            signed = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
            pack.writestr(MANIFEST, signed)
            texts[SIGNATURE] = signer.sign(signed) + "\n"
            for name, text in texts.items():
                pack.writestr(name, text)
        facts = {"rows": checked["rows"], "sha256": hash_file(beside), "public_key": signer.public}
        work.tell("combine.export", f"combine:{work.plan.project.name}", facts)
        beside.replace(work.pack)
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()
    work.finish("export", inputs, [work.pack], facts)
    return facts


def verify(path: Path, public_key: str | None = None) -> dict[str, Any]:
    """Check every hash of a pack and its signature.

    Args:
        public_key: as `export` printed it; without it only the pack's own word is checked.

    Returns:
        `holds`, `faults`, `project`, `made_at`, `destroy_on`, `is_key_given`.

    Raises:
        BadRequest: it is no pack.
    """
    try:
        with zipfile.ZipFile(path) as pack:
            signed = _read_small(pack, MANIFEST)
            signature = _read_small(pack, SIGNATURE).decode("ascii").strip()
            manifest = json.loads(signed)
            listed = dict(manifest["files"])
            faults = [f"{name}: is not here" for name in listed if name not in pack.namelist()]
            faults += [
                f"{name}: is not in the manifest"
                for name in pack.namelist()
                if name not in listed and name not in (MANIFEST, SIGNATURE)
            ]
            for name in set(listed) & set(pack.namelist()):
                with pack.open(name) as file:
                    if hashlib.file_digest(file, "sha256").hexdigest() != listed[name]:  # type: ignore[arg-type]
                        faults.append(f"{name}: was changed")
    except FileNotFoundError:
        raise NotFound(f"{path} is not here") from None
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError):
        raise BadRequest(f"{path} is no pack of `naru combine export`, or it is damaged") from None
    if not is_signed(signed, signature, public_key or str(manifest.get("public_key"))):
        faults.append(f"{MANIFEST}: the signature is not of this key")
    return {
        "holds": not faults,
        "faults": faults,
        "project": manifest.get("project"),
        "made_at": manifest.get("made_at"),
        "destroy_on": manifest.get("destroy_on"),
        "is_key_given": public_key is not None,
    }


def _write_data(table: Table, file: IO[bytes]) -> str:
    """The table as a CSV; returns its SHA-256 in hex."""
    hashed = hashlib.sha256()
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")

    def flush() -> None:
        part = buffer.getvalue().encode()
        hashed.update(part)
        file.write(part)
        buffer.seek(0)
        buffer.truncate()

    columns = {
        quote_formula(name): column.map([quote_formula(value) for value in column.values])
        for name, column in table.columns.items()
    }
    writer.writerow(columns)
    for row in Table(columns, table.rows).iterate():
        writer.writerow(row)
        if buffer.tell() > _PART_CHARS:
            flush()
    flush()
    return hashed.hexdigest()


def _read_small(pack: zipfile.ZipFile, name: str) -> bytes:
    if pack.getinfo(name).file_size > _MAX_SMALL_BYTES:
        raise ValueError(name)
    return pack.read(name)


def _refuse_keys(work: Workspace, table: Table) -> None:
    """No combination key, serial or secret leaves, whatever a table was made to hold by hand."""
    if list(table.columns) != work.plan.joined_columns:
        raise Conflict("the treated table has other columns than the plan; run `naru combine treat` again")
    for name, column in table.columns.items():
        if any(_SECRET_SHAPE.fullmatch(value) for value in column.values):
            raise Conflict(
                f"the column {name} holds what looks like combination keys or serials; they never leave"
            )
