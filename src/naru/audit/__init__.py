"""Keeps one log of every administrative act and policy decision that nobody can change unnoticed.

Promises: an entry that was taken is never dropped; entries are chained and in a signed RFC 6962 tree; a
verification names what was altered, removed, moved or cut off. It holds no content, no secret, no person's
name. It cannot keep whoever owns the database from adding entries; only copies of checkpoints kept elsewhere
show that its end was cut off.
"""

from naru.audit.actions import ACTIONS, describe
from naru.audit.entry import Entry
from naru.audit.findings import Finding, Report
from naru.audit.keyfile import KEY_FILE, read_public_keys
from naru.audit.log import AuditLog
from naru.audit.note import Checkpoint, PublicKey, read_note
from naru.audit.proof import check_proof
from naru.audit.reader import AuditReader, EntryFilter
from naru.audit.source import read_export, read_kept
from naru.audit.verify import Kept, verify
from naru.audit.witness import FILE_NAME as WITNESS_FILE

__all__ = [
    "ACTIONS",
    "KEY_FILE",
    "WITNESS_FILE",
    "AuditLog",
    "AuditReader",
    "Checkpoint",
    "Entry",
    "EntryFilter",
    "Finding",
    "Kept",
    "PublicKey",
    "Report",
    "check_proof",
    "describe",
    "read_export",
    "read_kept",
    "read_note",
    "read_public_keys",
    "verify",
]
